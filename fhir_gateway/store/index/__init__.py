"""Index rows of a resource, and what a value of a search parameter asks of them. Read `indexer.py` first."""
