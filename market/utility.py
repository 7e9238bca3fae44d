"""What energy is worth to an importer: the logarithmic utility of the paper and a quadratic one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol


class Utility(Protocol):
    """Concave value of energy received in one slot, USD, with V(0) = 0; plain floats in and out."""

    def value(self, p_mwh: float) -> float:
        """V(p), USD."""

    def marginal(self, p_mwh: float) -> float:
        """V'(p), USD/MWh."""

    def average(self, p_mwh: float) -> float:
        """V(p) / p, USD/MWh: the highest price at which a lot of p is no loss; V'(0) at p = 0."""

    def demand(self, price_usd_per_mwh: float) -> float:
        """The p >= 0 with V'(p) = price, MWh; 0 above the choke price, inf where no price limits it."""

    def monopoly_price(self, cost_usd_per_mwh: float) -> float:
        """The price that maximises (price - cost) demand(price), USD/MWh."""


@dataclass(frozen=True, slots=True)
class LogUtility:
    """The paper's utility, V(p) = K ln(1 + p / p0).

    Parameters
    ----------
    scale_usd : float
        K, USD, above 0.
    unit_mwh : float
        p0, the unit in which the logarithm counts energy, MWh, above 0.

    Notes
    -----
    E9 weighs payment by q1 and utility by q3; in money of the importer K = q3 k / q1 (`of_weights`).

    Examples
    --------
    >>> utility = LogUtility(scale_usd=4.0)
    >>> utility.demand(1000.0)
    0.003
    >>> utility.marginal(0.003)
    1000.0
    """

    scale_usd: float
    unit_mwh: float = 0.001

    @classmethod
    def of_weights(cls, payment: float, energy: float, k_usd: float, unit_mwh: float = 0.001) -> LogUtility:
        """Utility of the weights q1 (payment, above 0) and q3 (energy) and the coefficient k of E9."""
        return cls(energy * k_usd / payment, unit_mwh)

    def value(self, p_mwh: float) -> float:
        """V(p), USD."""
        return self.scale_usd * math.log1p(p_mwh / self.unit_mwh)

    def marginal(self, p_mwh: float) -> float:
        """V'(p) = K / (p0 + p), USD/MWh."""
        return self.scale_usd / (self.unit_mwh + p_mwh)

    def average(self, p_mwh: float) -> float:
        """V(p) / p, USD/MWh."""
        return self.value(p_mwh) / p_mwh if p_mwh > 0.0 else self.marginal(0.0)

    def demand(self, price_usd_per_mwh: float) -> float:
        """E11, p = K / price - p0, MWh; inf at a price of 0 or below."""
        if price_usd_per_mwh <= 0.0:
            return math.inf
        return max(0.0, self.scale_usd / price_usd_per_mwh - self.unit_mwh)

    def monopoly_price(self, cost_usd_per_mwh: float) -> float:
        """E11, sqrt(cost K / p0), USD/MWh, at which p = sqrt(K p0 / cost) - p0; cost at least 0."""
        return math.sqrt(cost_usd_per_mwh * self.scale_usd / self.unit_mwh)


@dataclass(frozen=True, slots=True)
class QuadraticUtility:
    """Utility with a straight demand line, V(p) = a p - s p^2 / 2.

    Parameters
    ----------
    intercept_usd_per_mwh : float
        a, the price at which demand ends, USD/MWh.
    slope_usd_per_mwh2 : float
        s, fall of the price for each MWh in the slot, USD/MWh^2, above 0.

    Notes
    -----
    The default is the line through the 15 minutes of the paper's price example for a buyer who takes the
    price as given, 0.2837 USD/kWh - 0.0029 USD/kWh per kWh. Beyond a / s more energy is a burden.

    Examples
    --------
    >>> utility = QuadraticUtility()
    >>> round(utility.marginal(0.060), 4), round(utility.demand(109.7), 6)
    (109.7, 0.06)
    """

    intercept_usd_per_mwh: float = 283.7
    slope_usd_per_mwh2: float = 2900.0

    @classmethod
    def behind_bargains(
        cls, intercept_usd_per_mwh: float, slope_usd_per_mwh2: float, cost_usd_per_mwh: float
    ) -> QuadraticUtility:
        """Utility whose Nash prices at given volumes lie on a line, for a seller of this cost.

        Notes
        -----
        From E11 with V / p = a - s p / 2: the line has intercept (cost + a) / 2 and slope s / 4.
        """
        return cls(2 * intercept_usd_per_mwh - cost_usd_per_mwh, 4 * slope_usd_per_mwh2)

    def value(self, p_mwh: float) -> float:
        """V(p), USD."""
        return p_mwh * (self.intercept_usd_per_mwh - 0.5 * self.slope_usd_per_mwh2 * p_mwh)

    def marginal(self, p_mwh: float) -> float:
        """V'(p) = a - s p, USD/MWh."""
        return self.intercept_usd_per_mwh - self.slope_usd_per_mwh2 * p_mwh

    def average(self, p_mwh: float) -> float:
        """V(p) / p, USD/MWh."""
        return self.intercept_usd_per_mwh - 0.5 * self.slope_usd_per_mwh2 * p_mwh

    def demand(self, price_usd_per_mwh: float) -> float:
        """p = (a - price) / s, MWh, at least 0."""
        return max(0.0, (self.intercept_usd_per_mwh - price_usd_per_mwh) / self.slope_usd_per_mwh2)

    def monopoly_price(self, cost_usd_per_mwh: float) -> float:
        """(a + cost) / 2, USD/MWh."""
        return 0.5 * (self.intercept_usd_per_mwh + cost_usd_per_mwh)
