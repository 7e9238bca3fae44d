"""Studies of many runs: designs, workers, statistics, and what they leave."""
