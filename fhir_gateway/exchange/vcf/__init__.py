"""Variant Call Format: read into variants of one named sample, made into Observations, and written back."""
