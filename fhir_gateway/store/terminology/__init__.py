"""Code systems that are loaded by command, in tables. Read `systems.py` and `loading.py`."""
