"""Of all grids together: balances, seams, carbon counted once, the least that one plan would cost."""
