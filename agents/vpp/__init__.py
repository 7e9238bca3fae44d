"""Virtual power plants: an aggregator, its fleets, and the dispatch of storages with a green label."""
