"""What papers state, and how a run judges it."""
