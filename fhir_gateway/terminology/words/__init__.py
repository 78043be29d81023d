"""Concepts found by words as they are typed: folded, stemmed, from a word's beginning, one wrong letter forgiven.

Read `search.py` first."""
