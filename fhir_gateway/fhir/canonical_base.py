"""The base of every canonical url that this project defines itself, in one place.

Source: FHIR R4, References, "Canonical URLs".
"""

from __future__ import annotations

# The national authority gives the real one; whoever builds the gateway for it changes this line, and this line only.
CANONICAL_BASE = "https://pfmg.example.org/fhir"

# What stands for it in the data files of `terminology/`, whose loader puts the base in its place.
PLACEHOLDER = "{pfmg}"
