"""The edge of a feeder: an edge controller with its queue, its heartbeats, and corrections of voltage."""
