"""What energy of a minute is worth to a prosumer, and what it wants of it, by the numbers of the scenario."""

from __future__ import annotations

import numpy as np

from gridarium.environment.arrays import Array
from gridarium.experiments.parts.prosumers import Utility


def worth_money(utility: Utility, p_mwh: Array, market_per_mwh: float | None) -> Array:
    """V(p) = k ln(1 + p/p0) or a p - s p^2 / 2 (E9); the market's price up to what that would serve."""
    if utility.kind == "log":
        scale = utility.energy_weight * utility.scale_money / utility.payment_weight
        unit, first = utility.unit_mwh, scale / utility.unit_mwh
        value = scale * np.log1p(p_mwh / unit)
        served = 0.0 if market_per_mwh is None else max(scale / market_per_mwh - unit, 0.0)
        of_served = scale * np.log1p(served / unit)
    else:
        weight = utility.energy_weight / utility.payment_weight
        first, slope = weight * utility.intercept_per_mwh, weight * utility.slope_per_mwh2
        value = first * p_mwh - 0.5 * slope * p_mwh**2
        served = 0.0 if market_per_mwh is None else max((first - market_per_mwh) / slope, 0.0)
        of_served = first * served - 0.5 * slope * served**2
    if market_per_mwh is None or first <= market_per_mwh:
        return np.asarray(value)
    return np.where(p_mwh <= served, market_per_mwh * p_mwh, market_per_mwh * served + value - of_served)


def wanted_mwh(utility: Utility, market_per_mwh: float | None, price: float) -> float:
    """Volume of a minute at which a MWh is worth a price (E9); nothing above what the system asks for it."""
    weight = utility.energy_weight / utility.payment_weight
    if utility.kind == "log":
        first = weight * utility.scale_money / utility.unit_mwh
        wanted = weight * utility.scale_money / price - utility.unit_mwh if price > 0.0 else np.inf
    else:
        first = weight * utility.intercept_per_mwh
        wanted = (first - price) / (weight * utility.slope_per_mwh2)
    if market_per_mwh is not None and first > market_per_mwh and price > market_per_mwh:
        return 0.0
    return max(0.0, float(wanted))
