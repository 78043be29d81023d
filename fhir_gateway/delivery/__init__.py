"""delivery: what this gateway asks of other servers. See the README."""
