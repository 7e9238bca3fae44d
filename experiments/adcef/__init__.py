"""Model C: a price and carbon signal that a feeder's operator and its consumers negotiate."""
