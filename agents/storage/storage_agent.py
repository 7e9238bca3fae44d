"""Agents that stand for a storage: what it does in a period, the carbon in it, and what it leaves."""

from __future__ import annotations

from collections.abc import Iterator

from gridarium.agents.base import GridAgent
from gridarium.agents.devices.storage import StorageDevice
from gridarium.agents.devices.storage_carbon import StorageCarbon
from gridarium.agents.rows import Rows
from gridarium.environment.grids import Site
from gridarium.environment.horizon import Horizon
from gridarium.environment.storage import StorageRatings


class StorageAgent(GridAgent):
    """Has a storage that does as it is scheduled, whoever schedules it.

    - `storage`, `carbon`: what it did, and the carbon in it

    Parameters
    ----------
    site : Site
    name : str
    ratings : StorageRatings
    horizon : Horizon, optional
        Its days and steps; settlement periods by default.
    """

    def __init__(
        self, site: Site, name: str, ratings: StorageRatings, horizon: Horizon | None = None
    ) -> None:
        super().__init__(site, name)
        self._days = horizon or Horizon.of(self.world)
        self.carbon = StorageCarbon(name, ratings.soc_initial * ratings.e_max_mwh, self._days)
        self.storage = StorageDevice(site, self.name, ratings, self._days, self.carbon)

    def operate(self, period: int) -> None:
        """Charge or discharge as scheduled; nothing without a schedule."""
        self.storage.operate(period)

    def settle(self, period: int) -> None:
        """Book the carbon of the period."""
        self.storage.settle(period)

    def rows(self) -> Iterator[Rows]:
        """What the storage did and held."""
        yield from self.storage.rows()
