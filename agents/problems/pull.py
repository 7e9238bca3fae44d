"""The pull of exchange rounds in a linear problem: the square of a distance, from below."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyomo.environ as pyo

PULL_SIGNALS = ("target_mw", "pull_per_mw2h")
"""Names of the signals that `pull_tangents` declares."""
_TOUCHED = tuple(0.004 * 1.7**number for number in range(12))
"""Where tangents touch the square, on both sides of the target, in shares of full power."""


def pull_tangents(m: Any, drawn: Callable[[int], Any], p_max_mw: float) -> Any:
    """Declare a pull over ``m.period``, and return what it counts in all, money/h.

    rho / 2 sum_t pulled_t with pulled_t >= 2 x_k (l_t - z_t) - x_k^2 for points x_k, dense near 0.

    Parameters
    ----------
    m : ConcreteModel
    drawn : callable
        l_t: what is drawn in a period.
    p_max_mw : float
        Power in shares of which the points lie.
    """
    points = [0.0, *(sign * share * p_max_mw for share in _TOUCHED for sign in (1, -1))]
    m.target_mw, m.pull_per_mw2h = pyo.Var(m.period), pyo.Var()
    m.pulled_mw2 = pyo.Var(m.period, bounds=(0, None))
    m.touch = pyo.RangeSet(0, len(points) - 1)

    def tangent(m: Any, t: int, k: int) -> Any:
        return m.pulled_mw2[t] >= 2.0 * points[k] * (drawn(t) - m.target_mw[t]) - points[k] ** 2

    m.pull_tangent = pyo.Constraint(m.period, m.touch, rule=tangent, doc="distance from a target (MW2)")
    return 0.5 * m.pull_per_mw2h * sum(m.pulled_mw2[t] for t in m.period)
