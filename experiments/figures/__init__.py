"""Figures of a run by component: each is drawn from tables of one grid, and only where these exist."""
