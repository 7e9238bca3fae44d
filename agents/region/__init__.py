"""Regional systems: followers of a bulk system that cut, shift and pre-cool load for their users."""
