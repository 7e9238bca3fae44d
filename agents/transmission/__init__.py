"""The upper level of regional systems: a TIES that commits, dispatches, prices carbon, and leads."""
