"""Deposits with the national collector of genomic data (CAD): message, folder, acknowledgement."""
