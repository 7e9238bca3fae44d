"""Storage owners: carry energy, the physical carbon in it, and the virtual carbon pool."""

from __future__ import annotations

import numpy as np

from gridarium.agents.base import GridAgent, on
from gridarium.environment.grids import Site
from gridarium.environment.storage import AttributeTank, StorageFlow, StorageRatings, StorageUnit
from gridarium.market.records import (
    ForecastRequest,
    Receipt,
    StorageOffer,
    StorageSchedule,
    StorageState,
)


class StorageOwner(GridAgent):
    """A storage under the DSO's schedule; idle until it has one.

    It keeps two accounts of carbon. The tank is physical: what was charged carries the nodal
    intensity of its hour, what is discharged the mean of the content. The pool is virtual: the
    liability that the tariff moves in time.

    Parameters
    ----------
    site : Site
    name : str
    ratings : StorageRatings
    leader : str
        Whose schedule it follows.
    """

    def __init__(self, site: Site, name: str, ratings: StorageRatings, leader: str) -> None:
        super().__init__(site, name)
        self.site, self.leader, self.ratings = site, leader, ratings
        self._unit = StorageUnit(ratings)
        self._tank = AttributeTank(f"{name} carbon", self._unit.e_mwh, 0.0, "proportional")
        self._pool: AttributeTank | None = None
        self._schedule: StorageSchedule | None = None
        self._charged_mw = 0.0
        self._flow = StorageFlow(0.0, 0.0)
        self.energy_mwh = np.full(self.world.n_period, self._unit.e_mwh)
        self.pool_tco2 = np.zeros(self.world.n_period)
        self.carbon_tco2 = np.zeros(self.world.n_period)

    @on(ForecastRequest)
    def tell_ratings(self, request: ForecastRequest, sender: str) -> StorageOffer:
        """Tell ratings and content."""
        return StorageOffer(self.ratings, self._unit.e_mwh)

    @on(StorageSchedule)
    def take_schedule(self, schedule: StorageSchedule, sender: str) -> Receipt:
        """Keep the schedule of the day."""
        self._schedule = schedule
        self._pool = AttributeTank(f"{self.name} pool", self._unit.e_mwh, schedule.pool_first_tco2, "managed")
        return Receipt()

    def operate(self, period: int) -> None:
        """Charge or discharge as scheduled; discharged energy carries the tank's carbon."""
        charge = discharge = q_mvar = 0.0
        if self._schedule is not None:
            charge = float(self._schedule.charge_mw[period])
            discharge = float(self._schedule.discharge_mw[period])
            q_mvar = float(self._schedule.q_mvar[period])
        intensity = self._tank.intensity if self._tank.energy_mwh > 0 else 0.0
        self._flow = self._unit.step(charge, discharge, self.world.period_h, period)
        self._charged_mw = charge
        released = intensity * self._flow.e_out_mwh / self.world.period_h
        factor = released / discharge if discharge > 0.0 else 0.0
        self.site.supply(discharge, q_mvar, factor)
        self.site.draw(self.name, charge)

    def settle(self, period: int) -> None:
        """Book the carbon of the period and report the state."""
        taken = 0.0
        if self._charged_mw > 0.0:
            taken = self.site.intensity_tco2_per_mwh(period) * self._charged_mw * self.world.period_h
        self._tank.step(self._flow.e_in_mwh, self._flow.e_out_mwh, taken, period=period)
        if self._schedule is not None and self._pool is not None:
            self._pool.step(
                self._flow.e_in_mwh,
                self._flow.e_out_mwh,
                float(self._schedule.pool_in_t_per_h[period]) * self.world.period_h,
                float(self._schedule.pool_out_t_per_h[period]) * self.world.period_h,
                period=period,
            )
            self.pool_tco2[period] = self._pool.attribute
        self.energy_mwh[period] = self._unit.e_mwh
        self.carbon_tco2[period] = self._tank.attribute
        self.send(self.leader, StorageState(period, self._unit.e_mwh, float(self.pool_tco2[period])))
