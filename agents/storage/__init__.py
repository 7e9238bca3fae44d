"""Those who own storages: each lets somebody command one, and some lease lines beside it."""
