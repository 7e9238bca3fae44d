"""Of storages, their owners and their pools: schedules, coalitions, shares, membership."""
