"""What energy is worth to an importer: the logarithmic utility of the paper and a quadratic one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol


class Utility(Protocol):
    """Concave value of energy received in one slot, money, with V(0) = 0; plain floats in and out."""

    def value(self, p_mwh: float) -> float:
        """V(p), money."""

    def marginal(self, p_mwh: float) -> float:
        """V'(p), money/MWh."""

    def average(self, p_mwh: float) -> float:
        """V(p) / p, money/MWh: the highest price at which a lot of p is no loss; V'(0) at p = 0."""

    def demand(self, price_per_mwh: float) -> float:
        """The p >= 0 with V'(p) = price, MWh; 0 above the choke price, inf where no price limits it."""

    def monopoly_price(self, cost_per_mwh: float) -> float:
        """The price that maximises (price - cost) demand(price), money/MWh."""


@dataclass(frozen=True, slots=True)
class LogUtility:
    """The paper's utility, V(p) = K ln(1 + p / p0).

    Parameters
    ----------
    scale_money : float
        K, money, above 0.
    unit_mwh : float
        p0, the unit in which the logarithm counts energy, MWh, above 0.

    Notes
    -----
    E9 weighs payment by q1 and utility by q3; in money of the importer K = q3 k / q1 (`of_weights`).

    Examples
    --------
    >>> utility = LogUtility(scale_money=4.0)
    >>> utility.demand(1000.0)
    0.003
    >>> utility.marginal(0.003)
    1000.0
    """

    scale_money: float
    unit_mwh: float = 0.001

    @classmethod
    def of_weights(cls, payment: float, energy: float, k_money: float, unit_mwh: float = 0.001) -> LogUtility:
        """Utility of the weights q1 (payment, above 0) and q3 (energy) and the coefficient k of E9."""
        return cls(energy * k_money / payment, unit_mwh)

    def value(self, p_mwh: float) -> float:
        """V(p), money."""
        return self.scale_money * math.log1p(p_mwh / self.unit_mwh)

    def marginal(self, p_mwh: float) -> float:
        """V'(p) = K / (p0 + p), money/MWh."""
        return self.scale_money / (self.unit_mwh + p_mwh)

    def average(self, p_mwh: float) -> float:
        """V(p) / p, money/MWh."""
        return self.value(p_mwh) / p_mwh if p_mwh > 0.0 else self.marginal(0.0)

    def demand(self, price_per_mwh: float) -> float:
        """E11, p = K / price - p0, MWh; inf at a price of 0 or below."""
        if price_per_mwh <= 0.0:
            return math.inf
        return max(0.0, self.scale_money / price_per_mwh - self.unit_mwh)

    def monopoly_price(self, cost_per_mwh: float) -> float:
        """E11, sqrt(cost K / p0), money/MWh, at which p = sqrt(K p0 / cost) - p0; cost at least 0."""
        return math.sqrt(cost_per_mwh * self.scale_money / self.unit_mwh)


@dataclass(frozen=True, slots=True)
class QuadraticUtility:
    """Utility with a straight demand line, V(p) = a p - s p^2 / 2.

    Parameters
    ----------
    intercept_per_mwh : float
        a, the price at which demand ends, money/MWh.
    slope_per_mwh2 : float
        s, fall of the price for each MWh in the slot, money/MWh^2, above 0.

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

    intercept_per_mwh: float = 283.7
    slope_per_mwh2: float = 2900.0

    @classmethod
    def behind_bargains(
        cls, intercept_per_mwh: float, slope_per_mwh2: float, cost_per_mwh: float
    ) -> QuadraticUtility:
        """Utility whose Nash prices at given volumes lie on a line, for a seller of this cost.

        Notes
        -----
        From E11 with V / p = a - s p / 2: the line has intercept (cost + a) / 2 and slope s / 4.
        """
        return cls(2 * intercept_per_mwh - cost_per_mwh, 4 * slope_per_mwh2)

    def value(self, p_mwh: float) -> float:
        """V(p), money."""
        return p_mwh * (self.intercept_per_mwh - 0.5 * self.slope_per_mwh2 * p_mwh)

    def marginal(self, p_mwh: float) -> float:
        """V'(p) = a - s p, money/MWh."""
        return self.intercept_per_mwh - self.slope_per_mwh2 * p_mwh

    def average(self, p_mwh: float) -> float:
        """V(p) / p, money/MWh."""
        return self.intercept_per_mwh - 0.5 * self.slope_per_mwh2 * p_mwh

    def demand(self, price_per_mwh: float) -> float:
        """p = (a - price) / s, MWh, at least 0."""
        return max(0.0, (self.intercept_per_mwh - price_per_mwh) / self.slope_per_mwh2)

    def monopoly_price(self, cost_per_mwh: float) -> float:
        """(a + cost) / 2, money/MWh."""
        return 0.5 * (self.intercept_per_mwh + cost_per_mwh)
