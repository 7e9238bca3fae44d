"""Of regional systems: what they drew, paid and asked of their users, and how well they chose."""
