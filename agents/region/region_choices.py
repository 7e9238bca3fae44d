"""The loads that a regional system could keep to, whether or not they are its best."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gridarium.agents.region.region_day import RegionDay, RegionPlan
from gridarium.environment.arrays import Array, series
from gridarium.market.messages.tariffs import Pull, TariffSignal

_PULL_PER_MW2H = 1e5
"""Cost of a distance from a load that is to be kept: beside it no response is dear."""


class RegionChoices:
    """Feasible loads of one regional system on one day, MW, shape (n_step,): the material of bounded choices.

    - `base_mw`: nothing is asked of anybody
    - `cheapest`: the load with the lowest bill under a price, carbon and users aside; always a vertex
    - `nearest`, `between`: the feasible load nearest to any load, and a mixture of two
    - `completed`: what is asked of users for a load, at the least cost to them

    Parameters
    ----------
    day : RegionDay
    signal : TariffSignal
        Heard last; of a renewed one, what is over stays as it was.
    """

    def __init__(self, day: RegionDay, signal: TariffSignal) -> None:
        self._day, self._signal = day, signal

    @property
    def base_mw(self) -> Array:
        """The load that nobody touches."""
        return self._day.demand.base_mw

    def cheapest(self, price_per_mwh: Array) -> Array:
        """The load with the lowest bill under positive prices, whatever that asks of users."""
        return self._day.lowest_bill(self._plain(price_per_mwh)).net_mw

    def nearest(self, load_mw: Array) -> Array:
        """The feasible load nearest to any load."""
        return self.completed(load_mw).net_mw

    def between(self, first_mw: Array, second_mw: Array, weight: float) -> Array:
        """The mixture with a weight in [0, 1] on the second; what is feasible is convex."""
        return np.asarray((1.0 - weight) * first_mw + weight * second_mw)

    def completed(self, load_mw: Array) -> RegionPlan:
        """The plan with a load, or the one nearest to it, that costs users the least."""
        nothing = np.zeros_like(load_mw)
        pulled = replace(self._plain(nothing), pull=Pull(series(load_mw), _PULL_PER_MW2H))
        return self._day.best(pulled)

    def _plain(self, price_per_mwh: Array) -> TariffSignal:
        """The signal with a price alone."""
        return replace(self._signal, price_per_mwh=series(price_per_mwh), ladder=None, pull=None)
