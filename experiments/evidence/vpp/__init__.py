"""Of virtual power plants: meters, fleets, green labels, and how well they chose."""
