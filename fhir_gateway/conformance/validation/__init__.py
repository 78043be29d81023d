"""Validation of resources against profiles."""
