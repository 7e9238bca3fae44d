"""The operator of a bulk system, and how it plans, looks, commands and settles."""
