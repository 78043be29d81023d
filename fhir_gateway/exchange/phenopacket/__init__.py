"""GA4GH Phenopackets v2: Phenopacket and Family as JSON, to resources and back."""
