"""HL7 v2 in its ER7 encoding. Read `er7.py` first."""
