"""Storage owners: let the operator of a feeder schedule their storage, and report what is in it."""

from __future__ import annotations

from collections.abc import Iterator

from gridarium.agents.base import GridAgent
from gridarium.agents.devices.storage import StorageDevice
from gridarium.agents.devices.storage_carbon import StorageCarbon
from gridarium.agents.rows import Rows
from gridarium.environment.grids import Site
from gridarium.environment.horizon import Horizon
from gridarium.environment.storage import StorageRatings


class StorageOwner(GridAgent):
    """Owns a storage that stands under an operator's schedule, and accounts for the carbon in it.

    - `storage`, `carbon`: what it did, and the carbon in it

    Parameters
    ----------
    site : Site
    name : str
    ratings : StorageRatings
    leader : str
        Who hears of each period what was done and is left.
    horizon : Horizon, optional
        Its days; settlement periods by default.
    """

    kind = "storage"

    def __init__(
        self, site: Site, name: str, ratings: StorageRatings, leader: str, horizon: Horizon | None = None
    ) -> None:
        super().__init__(site, name)
        self.leader, days = leader, horizon or Horizon.of(self.world)
        self.carbon = StorageCarbon(name, ratings.soc_initial * ratings.e_max_mwh, days)
        self.storage = StorageDevice(site, self.name, ratings, days, self.carbon)
        self.mount(self.storage)

    def operate(self, period: int) -> None:
        """Charge or discharge as scheduled."""
        self.storage.operate(period)

    def settle(self, period: int) -> None:
        """Book the carbon of the period and report the state."""
        self.storage.settle(period)
        self.send(self.leader, self.storage.status(period + 1))

    def rows(self) -> Iterator[Rows]:
        """What the storage did and held."""
        yield from self.storage.rows()
