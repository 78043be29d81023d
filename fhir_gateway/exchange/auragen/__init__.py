"""AURAGEN: clinical cases, libraries and software as the platform tells them in JSON."""
