"""Verdicts about files: many judged at once, and told in the forms that people and machines read."""
