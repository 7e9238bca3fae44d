"""Of a feeder: its network, its consumers and what its operator told, called and booked."""
