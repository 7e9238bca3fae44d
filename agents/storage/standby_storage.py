"""Storages that stand by for others: idle and ready until an edge controller lets them take over (N+1)."""

from __future__ import annotations

from gridarium.agents.devices.edge_link import EdgeLink, EdgeLinkTerms
from gridarium.agents.storage.storage_agent import StorageAgent
from gridarium.environment.grids import Site
from gridarium.environment.horizon import Horizon
from gridarium.environment.storage import StorageRatings


class StandbyStorage(StorageAgent):
    """Belongs to the operator of a feeder, who does not dispatch it; does what a unit that is out was told.

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
        super().__init__(site, name, ratings, horizon)
        self._edge = EdgeLink(self, self.storage, terms)
        self.mount(self._edge)

    def process(self) -> None:
        """Enrol with the edge controller and report to it."""
        self._edge.begin()
