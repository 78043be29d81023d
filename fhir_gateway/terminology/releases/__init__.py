"""Official release files of code systems, read as streams of concepts: one module for each. Read `release.py` first."""
