"""Storages that stand by for others: idle and ready until an edge controller lets them take over (N+1)."""

from __future__ import annotations

from collections.abc import Iterator

from gridarium.agents.base import GridAgent
from gridarium.agents.devices.edge_link import EdgeLink, EdgeLinkTerms
from gridarium.agents.devices.storage import StorageDevice
from gridarium.agents.devices.storage_carbon import StorageCarbon
from gridarium.agents.rows import Rows
from gridarium.environment.grids import Site
from gridarium.environment.horizon import Horizon
from gridarium.environment.storage import StorageRatings


class StandbyStorage(GridAgent):
    """Belongs to the operator of a feeder, who does not dispatch it; does what a unit that is out was told.

    - `storage`, `carbon`: what it did, and the carbon in it

    Parameters
    ----------
    site : Site
    name : str
    ratings : StorageRatings
    terms : EdgeLinkTerms
        Which units it covers, and who tells it to.
    horizon : Horizon, optional
        Its days; those of settlement periods by default.
    """

    kind = "standby_storage"

    def __init__(
        self,
        site: Site,
        name: str,
        ratings: StorageRatings,
        terms: EdgeLinkTerms,
        horizon: Horizon | None = None,
    ) -> None:
        super().__init__(site, name)
        days = horizon or Horizon.of(self.world)
        self.carbon = StorageCarbon(name, ratings.soc_initial * ratings.e_max_mwh, days)
        self.storage = StorageDevice(site, self.name, ratings, days, self.carbon)
        self._edge = EdgeLink(self, self.storage, terms)
        self.mount(self._edge)

    def process(self) -> None:
        """Enrol with the edge controller and report to it."""
        self._edge.begin()

    def operate(self, period: int) -> None:
        """Do what the unit was told that it stands in for; nothing otherwise."""
        self.storage.operate(period)

    def settle(self, period: int) -> None:
        """Book the carbon of the period."""
        self.storage.settle(period)

    def rows(self) -> Iterator[Rows]:
        """What the storage did and held."""
        yield from self.storage.rows()
