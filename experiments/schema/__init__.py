"""What fields and sections of a scenario are made of, whatever its parts: types, checks, faults in words."""
