"""Pedigrees: PED files, and who is whose parent in resources."""
