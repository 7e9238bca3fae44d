"""Of a bulk system under a TIES: units, carbon prices, exchange rounds, gaps of its games."""
