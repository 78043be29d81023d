"""Questions to the store: what a search asks, and which resources answer it. Read `query.py` first."""
