"""Full text: the words of resources, found by `_text` and `_content`. Read `index.py` first."""
