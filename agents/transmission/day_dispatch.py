"""How a TIES dispatches a day for loads that it has heard: over its network, or on a copper plate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from gridarium.agents.transmission.bulk_system import BulkForecast, BulkPlan, BulkSystem
from gridarium.agents.transmission.merit_order import MeritOrder
from gridarium.agents.transmission.network_dispatch import NetworkDay, NetworkDispatch
from gridarium.agents.transmission.ties_day import TiesDay
from gridarium.environment.grids import Place


@dataclass(frozen=True)
class CopperPlate:
    """A grid of one bus: nothing is lost on it, and its voltage is that of its head.

    Parameters
    ----------
    system : BulkSystem
    """

    system: BulkSystem


class DayDispatch(Protocol):
    """Dispatches a day; `first_losses` is what is lost of the load, a share, before any dispatch has told."""

    first_losses: float

    def solve(self, owner: str, today: TiesDay, forecast: BulkForecast) -> BulkPlan:
        """Dispatch a day for the loads last heard.

        Raises
        ------
        InfeasibleError
            If nothing within all limits supplies them with the units that run.
        """

    def attempt(self, owner: str, today: TiesDay, forecast: BulkForecast) -> BulkPlan | None:
        """The same, or None where nothing within all limits is found."""


class OverNetwork:
    """The dispatch over a network, with its branch flows and losses.

    Parameters
    ----------
    network : NetworkDispatch
    places : mapping of str to Place
        Where each follower meets the grid.
    """

    first_losses = 0.04

    def __init__(self, network: NetworkDispatch, places: Mapping[str, Place]) -> None:
        self.network, self._places = network, places

    def solve(self, owner: str, today: TiesDay, forecast: BulkForecast) -> BulkPlan:
        """Dispatch a day; see `DayDispatch`."""
        return self.network.solve(owner, self.day(today, forecast))

    def attempt(self, owner: str, today: TiesDay, forecast: BulkForecast) -> BulkPlan | None:
        """Dispatch a day, or None where no power flow is found that supplies its loads within all limits."""
        return self.network.attempt(owner, self.day(today, forecast))

    def day(self, today: TiesDay, forecast: BulkForecast) -> NetworkDay:
        """What the network's dispatch starts from: each follower's load at its buses."""
        p_mw = np.zeros((self.network.shape.grid.feeder.n_bus, len(forecast.load_mw)))
        q_mvar = np.zeros_like(p_mw)
        for name, load in today.loads_mw.items():
            place = self._places[name]
            p_mw += np.outer(place.p_share, load)
            if name in today.loads_mvar:
                q_mvar += np.outer(place.p_share, today.loads_mvar[name])
            else:
                q_mvar += np.outer(place.q_share, load)
        price, factor = forecast.import_price_per_mwh, forecast.import_factor_tco2_per_mwh
        return NetworkDay(p_mw, q_mvar, forecast.available_mw, price, factor, today.on, today.state)


class OnCopperPlate:
    """The dispatch of one bus: the merit order is all there is to it.

    Parameters
    ----------
    merit_order : MeritOrder
        In steps of the day.
    """

    first_losses = 0.0

    def __init__(self, merit_order: MeritOrder) -> None:
        self._merit_order = merit_order

    def solve(self, owner: str, today: TiesDay, forecast: BulkForecast) -> BulkPlan:
        """Dispatch a day; see `DayDispatch`."""
        return self._merit_order.solve(owner, forecast, today.on, today.state)

    def attempt(self, owner: str, today: TiesDay, forecast: BulkForecast) -> BulkPlan | None:
        """Dispatch a day, or None where units that run make too much, or imports do not reach."""
        return self._merit_order.attempt(owner, forecast, today.on, today.state)
