"""A body's rules: ceilings for direct contracts with validity, defaulting to the decree."""
