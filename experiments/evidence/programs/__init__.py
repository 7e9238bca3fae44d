"""Linear programmes, alone and of a feeder's day, that references are made of."""
