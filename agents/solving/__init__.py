"""Solvers behind the local problems: the standard form, cones, QP, LP and MILP, explained conflicts."""
