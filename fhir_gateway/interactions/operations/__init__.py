"""operations: what is asked with a $name; a table of them, and a module for each."""
