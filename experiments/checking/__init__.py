"""A scenario as a whole: its grids in a tree, what sections say together, and the code that they name."""
