"""What anybody can check of a finished run from its folder alone; no agent is imported for it."""
