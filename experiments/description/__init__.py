"""What a scenario is, in the order of the ODD protocol, read off its file, its world and docstrings."""
