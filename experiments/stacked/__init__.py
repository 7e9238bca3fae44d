"""Scenarios of several grids in one world: what they may say, how they are built, what is read off them."""
