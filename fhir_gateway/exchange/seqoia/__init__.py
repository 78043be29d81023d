"""SeqOIA's prescription file (SPICE), both ways."""
