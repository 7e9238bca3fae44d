"""Numbers that the paper of model E prints: its example of 15 minutes of trade, and hours of its storage."""

from __future__ import annotations

import numpy as np

from gridarium.environment.arrays import Array, series

VOLUME_KWH: Array = series([60, 67, 9, 68, 47, 7, 21, 41, 71, 72, 12, 72, 71, 36, 60])
"""Energy of each minute of the example, kWh (Table III); sums to 714, the paper's text says 716."""

PRICE_PER_KWH: Array = series(
    [0.11, 0.09, 0.26, 0.09, 0.16, 0.28, 0.21, 0.15, 0.08, 0.08, 0.25, 0.08, 0.08, 0.17, 0.11]
)
"""Price of each minute, USD/kWh."""

CURRENCY = "USD"
"""Currency of its prices."""

SELLER, BUYER = "prosumer_1", "prosumer_3"

CHARGES_H, DISCHARGES_H = ((1.0, 4.0),), ((10.0, 12.0), (18.0, 19.0))
"""Hours in which its storage charges and discharges (quarters 4-16; 40-48 and 72-76)."""


def line_through(volume_kwh: Array, price_per_kwh: Array) -> tuple[float, float, float]:
    """Slope, intercept and R2 of the straight line through prices over volumes.

    Examples
    --------
    >>> slope, intercept, r2 = line_through(VOLUME_KWH, PRICE_PER_KWH)
    >>> round(slope, 4), round(intercept, 4), round(r2, 3)
    (-0.0029, 0.2837, 0.987)
    """
    slope, intercept = np.polyfit(volume_kwh, price_per_kwh, 1)
    left = price_per_kwh - (slope * volume_kwh + intercept)
    r2 = 1.0 - float(np.sum(left**2) / np.sum((price_per_kwh - price_per_kwh.mean()) ** 2))
    return float(slope), float(intercept), r2
