"""Amounts as shares of a whole that may be nothing: prices, loads and emission of a day may all be 0."""

from __future__ import annotations

LEAST_MONEY, LEAST_TCO2, LEAST_MW = 1.0, 1e-3, 1e-3
"""Wholes of less count as this: one of the currency, a kilogramme, a kilowatt."""


def share_of(amount: float, whole: float, least: float) -> float:
    """An amount relative to the size of a whole, which counts as `least` where it is smaller."""
    return float(amount) / max(abs(float(whole)), least)


def ratio(amount: float, whole: float) -> float:
    """An amount over a whole; nan where that is 0, and nothing can be said."""
    return float(amount) / float(whole) if whole else float("nan")
