"""What things are called.

The registry of what scenarios can name and where it leads, types of messages, names of earlier versions, and
names and numbers with their units as a reader sees them.
"""
