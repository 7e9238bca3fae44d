"""The operator of a feeder in regions, who publishes prices of green energy and pays for it."""
