"""From files and options to a tree, before anything in it is checked: YAML, profiles, paths, overrides."""
