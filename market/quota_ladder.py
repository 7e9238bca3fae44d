"""What a generating company pays for the carbon of a day: steps that rise above a quota, rewards below it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from gridarium.environment.errors import Fault, InputError

_INFINITE = float("inf")


class Segment(NamedTuple):
    """A stretch of emission with one price: its length, tCO2, and the price of each tonne on it."""

    length_tco2: float
    price_per_tco2: float


@dataclass(frozen=True, slots=True)
class QuotaLadder:
    """A stepped carbon cost on a day's emission beyond a quota.

    Above the quota allowances are bought, each further interval at a higher price; below it what is left
    over is rewarded, the first interval best.

    Parameters
    ----------
    quota_tco2 : float
        Free emission of a day, at least 0.
    base_price_per_tco2 : float
        Of the first step on either side of the quota, at least 0.
    interval_tco2 : float
        Length of a step, above 0.
    growth : float
        Change of the price from step to step as a share of the first, at least 0.
    steps : int
        Prices above the quota, at least 1; the last step goes on to the purchase limit.
    reward_steps : int
        Intervals below the quota that are rewarded.
    purchase_limit_tco2 : float
        Most that can be bought for a day, at least 0.

    Raises
    ------
    InputError
        If a number is out of its range: with it the cost would not be convex.

    Notes
    -----
    D4, ``C = sum_k lam_k X_k`` with ``X_k = clip(E - q - (k - 1) d, 0, d)`` and
    ``lam_k = lam_0 (1 + (k - 1) a)``. It is the price of what D10, ``E <= q + purchased``, asks to be bought.
    The rewards are assumed: the paper names them without a formula.

    Examples
    --------
    >>> ladder = QuotaLadder(100.0, 20.0, interval_tco2=50.0, growth=0.5, steps=2, reward_steps=1)
    >>> [ladder.cost_money(tonnes) for tonnes in (0.0, 50.0, 100.0, 150.0, 200.0)]
    [-1000.0, -1000.0, 0.0, 1000.0, 2500.0]
    """

    quota_tco2: float
    base_price_per_tco2: float
    interval_tco2: float
    growth: float
    steps: int = 5
    reward_steps: int = 2
    purchase_limit_tco2: float = _INFINITE

    def __post_init__(self) -> None:
        found: tuple[tuple[str, float, bool, str], ...] = (
            ("quota_tco2", self.quota_tco2, 0.0 <= self.quota_tco2 < _INFINITE, "tCO2, at least 0"),
            (
                "base_price_per_tco2",
                self.base_price_per_tco2,
                0.0 <= self.base_price_per_tco2 < _INFINITE,
                "money/tCO2, at least 0",
            ),
            ("interval_tco2", self.interval_tco2, 0.0 < self.interval_tco2 < _INFINITE, "tCO2, above 0"),
            ("growth", self.growth, 0.0 <= self.growth < _INFINITE, "share of the first price, at least 0"),
            ("steps", self.steps, self.steps >= 1, "a number of steps, 1 or more"),
            ("reward_steps", self.reward_steps, self.reward_steps >= 0, "a number of steps, 0 or more"),
            ("purchase_limit_tco2", self.purchase_limit_tco2, self.purchase_limit_tco2 >= 0.0, "at least 0"),
        )
        faults = [
            Fault(name, value, f"must be {allowed}") for name, value, good, allowed in found if not good
        ]
        if faults:
            raise InputError("quota ladder", faults)

    @property
    def limit_tco2(self) -> float:
        """Most that may be emitted: quota and all that can be bought (D10)."""
        return self.quota_tco2 + self.purchase_limit_tco2

    def segments(self) -> tuple[Segment, ...]:
        """Stretches of emission from 0 on, with prices that rise; the last one has no end."""
        quota, interval, base = self.quota_tco2, self.interval_tco2, self.base_price_per_tco2
        rewarded = min(quota, self.reward_steps * interval)
        below = [
            Segment(min(interval, rewarded - number * interval), base * max(0.0, 1.0 - self.growth * number))
            for number in range(self.reward_steps)
            if rewarded > number * interval
        ]
        above = [Segment(interval, base * (1.0 + self.growth * number)) for number in range(self.steps - 1)]
        last = Segment(_INFINITE, base * (1.0 + self.growth * (self.steps - 1)))
        unrewarded = [Segment(quota - rewarded, 0.0)] if quota > rewarded else []
        return (*unrewarded, *reversed(below), *above, last)

    @property
    def at_zero_money(self) -> float:
        """What a day without emission costs: the whole reward, negative."""
        rewarded = min(self.quota_tco2, self.reward_steps * self.interval_tco2)
        return -self._integral(self.quota_tco2) if rewarded > 0.0 else 0.0

    def cost_money(self, emission_tco2: float) -> float:
        """What a day's emission costs; negative below the quota."""
        return self._integral(emission_tco2) + self.at_zero_money

    def marginal_per_tco2(self, emission_tco2: float) -> float:
        """Price of the next tonne; where a step ends, that of the next step."""
        ends = np.cumsum([segment.length_tco2 for segment in self.segments()])
        return self.segments()[int(np.searchsorted(ends, emission_tco2, side="right"))].price_per_tco2

    def bought_tco2(self, emission_tco2: float) -> float:
        """Allowances that an emission needs beyond the quota; negative where some are left."""
        return emission_tco2 - self.quota_tco2

    def _integral(self, emission_tco2: float) -> float:
        left, cost = emission_tco2, 0.0
        for segment in self.segments():
            taken = min(left, segment.length_tco2)
            cost += taken * segment.price_per_tco2
            left -= taken
        return cost
