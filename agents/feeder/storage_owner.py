"""Storage owners: carry energy, the physical carbon in it, and the virtual carbon pool."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gridarium.agents.base import GridAgent, on
from gridarium.agents.rows import Rows
from gridarium.environment.grids import Site
from gridarium.environment.horizon import Horizon
from gridarium.environment.storage import AttributeTank, StorageFlow, StorageRatings, StorageUnit
from gridarium.market.messages.commands import Receipt, StorageCommand
from gridarium.market.messages.forecasts import ForecastRequest, StorageOffer
from gridarium.market.messages.status import StorageStatus


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

    kind = "storage"

    def __init__(
        self, site: Site, name: str, ratings: StorageRatings, leader: str, horizon: Horizon | None = None
    ) -> None:
        super().__init__(site, name)
        self.site, self.leader, self.ratings = site, leader, ratings
        self._unit = StorageUnit(ratings)
        self._tank = AttributeTank(f"{name} carbon", self._unit.e_mwh, 0.0, "proportional")
        self.horizon = horizon or Horizon.of(self.world)
        self._pool: AttributeTank | None = None
        self._schedules: dict[int, StorageCommand] = {}
        self._operated = 0
        self._charged_mw = self._discharged_mw = 0.0
        self._done = {name: np.zeros(self.world.n_period) for name in ("charge_mw", "discharge_mw", "q_mvar")}
        self._flow = StorageFlow(0.0, 0.0)
        self.energy_mwh = np.full(self.world.n_period, self._unit.e_mwh)
        self.pool_tco2 = np.zeros(self.world.n_period)
        self.carbon_tco2 = np.zeros(self.world.n_period)

    @on(ForecastRequest)
    def tell_content(self, request: ForecastRequest, sender: str) -> StorageOffer:
        """Tell what it will hold when a day begins."""
        return StorageOffer(request.day, self._content_before(request.day))

    @on(StorageCommand)
    def take_schedule(self, schedule: StorageCommand, sender: str) -> Receipt:
        """Keep the newest schedule of its day."""
        day, _ = self.horizon.place(schedule.period)
        known = self._schedules.get(day)
        if known is None or schedule.issue > known.issue:
            self._schedules[day] = schedule
            if self._pool is None:
                self._open_pool(schedule)
        return Receipt()

    def operate(self, period: int) -> None:
        """Charge or discharge as scheduled; discharged energy carries the tank's carbon."""
        charge = discharge = q_mvar = 0.0
        self._operated = period + 1
        schedule = self._schedules.get(self.horizon.place(period)[0])
        if schedule is not None and period >= schedule.period:
            place = period - schedule.period
            charge, discharge = float(schedule.charge_mw[place]), float(schedule.discharge_mw[place])
            q_mvar = 0.0 if schedule.q_mvar is None else float(schedule.q_mvar[place])
            if place == 0:
                self._open_pool(schedule)
        intensity = self._tank.intensity if self._tank.energy_mwh > 0 else 0.0
        self._flow = self._unit.step(charge, discharge, self.world.period_h, period)
        self._charged_mw, self._discharged_mw = charge, discharge
        for name, value in (("charge_mw", charge), ("discharge_mw", discharge), ("q_mvar", q_mvar)):
            self._done[name][period] = value
        released = intensity * self._flow.e_out_mwh / self.world.period_h
        factor = released / discharge if discharge > 0.0 else 0.0
        self.site.supply(discharge, q_mvar, factor)
        self.site.charge(self.name, charge)

    def settle(self, period: int) -> None:
        """Book the carbon of the period and report the state."""
        taken = 0.0
        if self._charged_mw > 0.0:
            taken = self.site.intensity_tco2_per_mwh(period) * self._charged_mw * self.world.period_h
        self._tank.step(self._flow.e_in_mwh, self._flow.e_out_mwh, taken, period=period)
        if self._pool is not None:
            self._pool.step(
                self._flow.e_in_mwh,
                self._flow.e_out_mwh,
                *self._pool_flow_tco2(period),
                period=period,
            )
            self.pool_tco2[period] = self._pool.attribute
        self.energy_mwh[period] = self._unit.e_mwh
        self.carbon_tco2[period] = self._tank.attribute
        pool_tco2 = None if self._pool is None else self._pool.attribute
        status = StorageStatus(period + 1, self._charged_mw, self._discharged_mw, self._unit.e_mwh, pool_tco2)
        self.send(self.leader, status)

    def rows(self) -> Iterator[Rows]:
        """What it did and held at the end of each period."""
        done, energy = self._done, self.energy_mwh
        power = {"p_supply_mw": done["discharge_mw"], "p_demand_mw": done["charge_mw"]}
        yield Rows("dispatch", {"bus": self.site.label, **power, "q_mvar": done["q_mvar"], "e_mwh": energy})
        yield Rows(
            "storages",
            {
                "p_charge_mw": done["charge_mw"],
                "p_discharge_mw": done["discharge_mw"],
                "e_mwh": energy,
                "pool_tco2": self.pool_tco2,
                "carbon_tco2": self.carbon_tco2,
            },
        )

    def _open_pool(self, schedule: StorageCommand) -> None:
        """Fill the virtual pool with what a schedule begins with, where it has one."""
        if schedule.pool is not None:
            first_tco2, name = schedule.pool.first_tco2, f"{self.name} pool"
            self._pool = AttributeTank(name, self._unit.e_mwh, first_tco2, "managed")

    def _pool_flow_tco2(self, period: int) -> tuple[float, float]:
        """What enters and leaves the pool in a period as scheduled, tCO2."""
        schedule = self._schedules.get(self.horizon.place(period)[0])
        if schedule is None or schedule.pool is None or period < schedule.period:
            return 0.0, 0.0
        place, hours = period - schedule.period, self.world.period_h
        return float(schedule.pool.in_t_per_h[place]) * hours, float(schedule.pool.out_t_per_h[place]) * hours

    def _content_before(self, day: int) -> float:
        """Energy in it when a day begins, if it keeps to the schedule of the day that runs, MWh."""
        content, ratings = self._unit.e_mwh, self.ratings
        schedule = self._schedules.get(day - 1)
        if schedule is None:
            return content
        done = max(0, self._operated - schedule.period)
        into = schedule.charge_mw[done:].sum() * ratings.efficiency_charge
        out = schedule.discharge_mw[done:].sum() / ratings.efficiency_discharge
        return content + float(into - out) * self.world.period_h
