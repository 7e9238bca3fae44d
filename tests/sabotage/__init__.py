"""A harness that breaks one expression of the code at a time, and looks which certificate falls."""
