"""Storage owners: carry energy, the physical carbon in it, and the virtual carbon pool."""

from __future__ import annotations

import numpy as np

from gridarium.agents.base import GridAgent, on
from gridarium.environment.storage import AttributeTank, StorageFlow, StorageRatings, StorageUnit
from gridarium.environment.world import World
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
    world : World
    name : str
    bus : int
        Bus index.
    ratings : StorageRatings
    leader : str
        Whose schedule it follows.
    """

    def __init__(self, world: World, name: str, bus: int, ratings: StorageRatings, leader: str) -> None:
        super().__init__(world, name)
        self.bus, self.leader, self.ratings = bus, leader, ratings
        self._unit = StorageUnit(ratings)
        self._tank = AttributeTank(f"{name} carbon", self._unit.e_mwh, 0.0, "proportional")
        self._pool: AttributeTank | None = None
        self._schedule: StorageCommand | None = None
        self._charged_mw = self._discharged_mw = 0.0
        self._flow = StorageFlow(0.0, 0.0)
        self.energy_mwh = np.full(world.n_period, self._unit.e_mwh)
        self.pool_tco2 = np.zeros(world.n_period)
        self.carbon_tco2 = np.zeros(world.n_period)

    @on(ForecastRequest)
    def tell_ratings(self, request: ForecastRequest, sender: str) -> StorageOffer:
        """Tell ratings and content."""
        return StorageOffer(request.day, self.ratings, self._unit.e_mwh)

    @on(StorageCommand)
    def take_schedule(self, schedule: StorageCommand, sender: str) -> Receipt:
        """Keep the newest schedule of the day."""
        if self._schedule is None or schedule.issue > self._schedule.issue:
            self._schedule = schedule
            if schedule.pool is not None:
                first_tco2 = schedule.pool.first_tco2
                self._pool = AttributeTank(f"{self.name} pool", self._unit.e_mwh, first_tco2, "managed")
        return Receipt()

    def operate(self, period: int) -> None:
        """Charge or discharge as scheduled; discharged energy carries the tank's carbon."""
        charge = discharge = q_mvar = 0.0
        if self._schedule is not None and period >= self._schedule.period:
            place = period - self._schedule.period
            charge = float(self._schedule.charge_mw[place])
            discharge = float(self._schedule.discharge_mw[place])
            q_mvar = 0.0 if self._schedule.q_mvar is None else float(self._schedule.q_mvar[place])
        intensity = self._tank.intensity if self._tank.energy_mwh > 0 else 0.0
        self._flow = self._unit.step(charge, discharge, self.world.period_h, period)
        self._charged_mw, self._discharged_mw = charge, discharge
        released = intensity * self._flow.e_out_mwh / self.world.period_h
        factor = released / discharge if discharge > 0.0 else 0.0
        self.world.injections.supply(self.bus, discharge, q_mvar, factor)
        drawn = np.zeros(self.world.feeder.n_bus)
        drawn[self.bus] = charge
        self.world.injections.draw(self.name, drawn, np.zeros_like(drawn))

    def settle(self, period: int) -> None:
        """Book the carbon of the period and report the state."""
        taken = 0.0
        if self._charged_mw > 0.0:
            intensity = self.world.states[period].intensity_tco2_per_mwh[self.bus]
            taken = float(intensity) * self._charged_mw * self.world.period_h
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

    def _pool_flow_tco2(self, period: int) -> tuple[float, float]:
        """What enters and leaves the pool in a period as scheduled, tCO2."""
        schedule = self._schedule
        if schedule is None or schedule.pool is None or period < schedule.period:
            return 0.0, 0.0
        place, hours = period - schedule.period, self.world.period_h
        return float(schedule.pool.in_t_per_h[place]) * hours, float(schedule.pool.out_t_per_h[place]) * hours
