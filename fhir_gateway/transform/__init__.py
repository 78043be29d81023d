"""Turning one tree into another by rules that are data. Read `rules.py` first."""
