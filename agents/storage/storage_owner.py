"""Storage owners: let the operator of a feeder schedule their storage, and report what is in it."""

from __future__ import annotations

from collections.abc import Iterator

from gridarium.agents.base import GridAgent, on
from gridarium.agents.devices.storage import StorageDevice
from gridarium.agents.devices.storage_carbon import StorageCarbon
from gridarium.agents.rows import Rows
from gridarium.agents.storage.arbitrage import Arbitrage, Ties
from gridarium.environment.arrays import series
from gridarium.environment.grids import Site
from gridarium.environment.horizon import Horizon
from gridarium.environment.storage import StorageRatings
from gridarium.market.messages.forecasts import OwnSchedule, ScheduleRequest


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
        Its days and steps; settlement periods by default.
    wear_cost_per_mwh : float
        Cost of each MWh that is discharged.
    ties : {"spread", "earliest", "latest"}
        Which of several schedules of equal worth it would take.
    """

    kind = "storage"

    def __init__(
        self,
        site: Site,
        name: str,
        ratings: StorageRatings,
        leader: str,
        horizon: Horizon | None = None,
        wear_cost_per_mwh: float = 0.0,
        ties: Ties = "spread",
    ) -> None:
        super().__init__(site, name)
        self.leader, days = leader, horizon or Horizon.of(self.world)
        self.carbon = StorageCarbon(name, ratings.soc_initial * ratings.e_max_mwh, days)
        self.storage = StorageDevice(site, self.name, ratings, days, self.carbon)
        self.mount(self.storage)
        self._arbitrage = Arbitrage(
            self.world, self.name, ratings, wear_cost_per_mwh, days.n_step, days.step_h, ties
        )

    @on(ScheduleRequest)
    def tell_own_schedule(self, request: ScheduleRequest, sender: str) -> OwnSchedule:
        """Tell what it would do by itself on a day at a tariff, and what that would earn."""
        e_mwh = self.storage.arriving_mwh(request.day)
        own = self._arbitrage.plan(request.price_per_mwh, e_mwh)
        return OwnSchedule(
            request.day, e_mwh, series(own.charge_mw), series(own.discharge_mw), own.earnings_money
        )

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
