"""Storage owners: carry energy, the physical carbon in it, and the virtual carbon pool."""

from __future__ import annotations

import numpy as np

from gridarium.agents.base import GridAgent, on
from gridarium.environment.grids import Site
from gridarium.environment.horizon import Horizon
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
    horizon : Horizon, optional
        Its days and steps; settlement periods by default.
    """

    def __init__(
        self, site: Site, name: str, ratings: StorageRatings, leader: str, horizon: Horizon | None = None
    ) -> None:
        super().__init__(site, name)
        self.site, self.leader, self.ratings = site, leader, ratings
        self._unit = StorageUnit(ratings)
        self._tank = AttributeTank(f"{name} carbon", self._unit.e_mwh, 0.0, "proportional")
        self.horizon = horizon or Horizon.of(self.world)
        self._pool: AttributeTank | None = None
        self._schedules: dict[int, StorageSchedule] = {}
        self._operated = 0
        self._charged_mw = 0.0
        self._flow = StorageFlow(0.0, 0.0)
        self.energy_mwh = np.full(self.world.n_period, self._unit.e_mwh)
        self.pool_tco2 = np.zeros(self.world.n_period)
        self.carbon_tco2 = np.zeros(self.world.n_period)

    @on(ForecastRequest)
    def tell_ratings(self, request: ForecastRequest, sender: str) -> StorageOffer:
        """Tell ratings and content."""
        return StorageOffer(self.ratings, self._content_before(request.day))

    @on(StorageSchedule)
    def take_schedule(self, schedule: StorageSchedule, sender: str) -> Receipt:
        """Keep the schedule of the day."""
        self._schedules[schedule.day] = schedule
        return Receipt()

    def operate(self, period: int) -> None:
        """Charge or discharge as scheduled; discharged energy carries the tank's carbon."""
        charge = discharge = q_mvar = 0.0
        self._operated = period + 1
        day, step = self.horizon.place(period)
        schedule = self._schedules.get(day)
        if schedule is not None:
            charge, discharge = float(schedule.charge_mw[step]), float(schedule.discharge_mw[step])
            q_mvar = float(schedule.q_mvar[step])
            if period == self.horizon.periods(day).start:
                name = f"{self.name} pool"
                self._pool = AttributeTank(name, self._unit.e_mwh, schedule.pool_first_tco2, "managed")
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
        day, step = self.horizon.place(period)
        schedule = self._schedules.get(day)
        if schedule is not None and self._pool is not None:
            self._pool.step(
                self._flow.e_in_mwh,
                self._flow.e_out_mwh,
                float(schedule.pool_in_t_per_h[step]) * self.world.period_h,
                float(schedule.pool_out_t_per_h[step]) * self.world.period_h,
                period=period,
            )
            self.pool_tco2[period] = self._pool.attribute
        self.energy_mwh[period] = self._unit.e_mwh
        self.carbon_tco2[period] = self._tank.attribute
        self.send(self.leader, StorageState(period, self._unit.e_mwh, float(self.pool_tco2[period])))

    def _content_before(self, day: int) -> float:
        """Energy in it when a day begins, if it keeps to the schedule of the day that runs, MWh."""
        content, ratings = self._unit.e_mwh, self.ratings
        schedule = self._schedules.get(day - 1)
        if schedule is None:
            return content
        left = slice(self._operated, self.horizon.periods(day - 1).stop)
        steps = [self.horizon.place(period)[1] for period in range(left.start, left.stop)]
        into = schedule.charge_mw[steps].sum() * ratings.efficiency_charge
        out = schedule.discharge_mw[steps].sum() / ratings.efficiency_discharge
        return content + float(into - out) * self.world.period_h
