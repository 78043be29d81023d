"""The formats of this field, a module each: parse, write, check."""
