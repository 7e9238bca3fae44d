"""What a distribution operator has agreed with virtual power plants before any day: its contract."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from gridarium.agents.distribution.price_region import PriceRegion
from gridarium.environment.arrays import Array
from gridarium.environment.horizon import Horizon
from gridarium.market.cleanness import COAL_TCO2_PER_MWH, Pricing


@dataclass(frozen=True, slots=True)
class ConnectedStorage:
    """A storage as it was registered when it was connected.

    Parameters
    ----------
    region : str
    bus : int
    e_max_mwh : float
    """

    region: str
    bus: int
    e_max_mwh: float


@dataclass(frozen=True, slots=True)
class PlantTerms:
    """A virtual power plant as the operator knows it.

    Parameters
    ----------
    load_share : float
        Part of the load of each region that it buys for.
    storages : mapping of str to ConnectedStorage
        By name in the world: a certificate counts only if what it is about has left one of these.
    look_ahead_days : int
        Days that it plans at once.
    takes_prices : bool
        Whether it plans as if its own green discharge did not lower the nodal price.
    """

    load_share: float
    storages: Mapping[str, ConnectedStorage]
    look_ahead_days: int = 1
    takes_prices: bool = False

    def spread(self, region: str, n_bus: int) -> Array:
        """How what its storages do together in a region spreads over the buses, by capacity, shape (n_bus,).

        Nothing stands anywhere where it has none there.
        """
        there = [unit for unit in self.storages.values() if unit.region == region]
        e_max, whole = np.zeros(n_bus), sum(unit.e_max_mwh for unit in there)
        for unit in there:
            e_max[unit.bus] += unit.e_max_mwh
        return e_max / whole if whole else e_max


@dataclass(frozen=True)
class OperatorContract:
    """What a distribution operator has agreed with others, or knows of them, before any day.

    Parameters
    ----------
    supplier : str
        Who supplies the head of its grid.
    carbon_market : str or None
        Who tells the price of carbon; None where it is that of the supplier's ladder.
    regions : tuple of PriceRegion
        They part the feeder.
    plants : mapping of str to PlantTerms
        By name in the world, in the order in which they are asked.
    pricing : {"none", "uniform", "nodal"}
        How green discharge is paid.
    avoided_tco2_per_mwh : float
        What a MWh of it is taken to avoid (kappa).
    follows_supply : bool
        Whether nodal prices move with what the supplier asks.
    """

    supplier: str
    carbon_market: str | None
    regions: tuple[PriceRegion, ...]
    plants: Mapping[str, PlantTerms]
    pricing: Pricing
    avoided_tco2_per_mwh: float = COAL_TCO2_PER_MWH
    follows_supply: bool = False

    def ahead(self, plant: str, day: int, horizon: Horizon) -> int:
        """Days from one on that a plant is told of, and plans."""
        return min(self.plants[plant].look_ahead_days, horizon.n_day - day)

    def outlook_days(self, day: int, horizon: Horizon) -> range:
        """Days from one on that anybody is told of."""
        ahead = [self.ahead(plant, day, horizon) for plant in self.plants]
        return range(day, day + max([1, *ahead]))

    def prices(self, days: range, horizon: Horizon) -> tuple[Array, Array]:
        """Nodal prices of what is drawn and fed back on some days, shape (n_region, n_step) each."""
        steps = slice(days.start * horizon.n_step, days.stop * horizon.n_step)
        return (
            np.array([region.buy_price_per_mwh[steps] for region in self.regions]),
            np.array([region.sell_price_per_mwh[steps] for region in self.regions]),
        )
