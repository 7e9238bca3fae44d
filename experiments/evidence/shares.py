"""Amounts as shares of a whole that may be nothing: prices, loads and emission of a day may all be 0."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

LEAST_MONEY, LEAST_TCO2, LEAST_MW = 1.0, 1e-3, 1e-3
"""Wholes of less count as this: one of the currency, a kilogramme, a kilowatt."""


def share_of(amount: float, whole: float, least: float) -> float:
    """An amount relative to the size of a whole, which counts as `least` where it is smaller."""
    return float(amount) / max(abs(float(whole)), least)


def ratio(amount: float, whole: float) -> float:
    """An amount over a whole; nan where that is 0, and nothing can be said."""
    return float(amount) / float(whole) if whole else float("nan")


def apart(told: ArrayLike, due: ArrayLike, least: float = 1.0) -> float:
    """Largest difference of numbers from what they should be, relative to the largest of these.

    Parameters
    ----------
    told, due : array_like
        Of what is due, nan stands where nothing need be told; what lacks where something is due, or has
        another shape, is apart without end.
    least : float
        What the largest one counts as where it is smaller.
    """
    one, other = np.asarray(told, dtype=float), np.asarray(due, dtype=float)
    if one.shape != other.shape or np.isnan(one[~np.isnan(other)]).any():
        return float("inf")
    size = max(float(np.nanmax(np.abs(other), initial=0.0)), least)
    return float(np.nanmax(np.abs(one - other), initial=0.0)) / size
