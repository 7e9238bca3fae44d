"""A storage at its site: what is in it, what it was told to do, and what it did; a part of its owner."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike

from gridarium.agents.base import Listener, on
from gridarium.agents.devices.commanded import Commands
from gridarium.agents.devices.storage_carbon import StorageCarbon
from gridarium.agents.rows import Rows
from gridarium.environment.arrays import Array
from gridarium.environment.grids import Site
from gridarium.environment.horizon import Horizon
from gridarium.environment.storage import StorageFlow, StorageRatings, StorageUnit
from gridarium.market.messages.commands import Receipt, StorageCommand
from gridarium.market.messages.forecasts import ForecastRequest, StorageOffer
from gridarium.market.messages.status import StatusRequest, StorageStatus


class StorageDevice(Listener):
    """A storage that follows commands as far as its energy and power allow; idle until it has one.

    - `operate`, `settle`: what it does in each settlement period
    - `status`, `rows`: what it tells
    - `charge_mw`, `discharge_mw`, `e_mwh`: what it did in each period, and its content at the end of it
    - `flow`: energies that entered and left it in the period that runs
    - `price_per_mwh`: at which it was told to trade in each period

    Parameters
    ----------
    site : Site
    owner : str
        Its meter's name.
    ratings : StorageRatings
    horizon : Horizon
    carbon : StorageCarbon, optional
        Accounts of the carbon in it; without them what it gives is free of carbon.
    """

    def __init__(
        self,
        site: Site,
        owner: str,
        ratings: StorageRatings,
        horizon: Horizon,
        carbon: StorageCarbon | None = None,
    ) -> None:
        self.site, self.ratings = site, ratings
        self._owner, self._horizon, self._carbon = owner, horizon, carbon
        self._commands = Commands(horizon)
        self._unit = StorageUnit(ratings)
        self._operated = 0
        n_period = horizon.n_period
        self._told_charge_mw, self._told_discharge_mw = np.zeros(n_period), np.zeros(n_period)
        self.price_per_mwh, self._q_mvar = np.zeros(n_period), np.zeros(n_period)
        self.flow = StorageFlow(0.0, 0.0)
        self.charge_mw, self.discharge_mw = np.zeros(n_period), np.zeros(n_period)
        self.e_mwh = np.full(n_period, self._unit.e_mwh)

    # What it hears.

    @on(ForecastRequest)
    def tell_content(self, request: ForecastRequest, sender: str) -> StorageOffer:
        """Tell what will be inside when a day begins."""
        return StorageOffer(request.day, self.arriving_mwh(request.day))

    def arriving_mwh(self, day: int) -> float:
        """What will be inside when a day begins, if all goes as told until then, MWh."""
        ahead, ratings = slice(self._operated, self._horizon.periods(day).start), self.ratings
        into = self._told_charge_mw[ahead].sum() * ratings.efficiency_charge
        out = self._told_discharge_mw[ahead].sum() / ratings.efficiency_discharge
        return self._unit.e_mwh + float(into - out) * self._horizon.period_h

    @on(StatusRequest)
    def tell_status(self, request: StatusRequest, sender: str) -> StorageStatus:
        """Tell what it does now and what will be inside as the period begins."""
        return self.status(request.period)

    @on(StorageCommand)
    def take_command(self, command: StorageCommand, sender: str) -> Receipt:
        """Keep what it shall do for the rest of the day."""
        if (ahead := self._commands.take(command)) is not None:
            self._told_charge_mw[ahead], self._told_discharge_mw[ahead] = (
                command.charge_mw,
                command.discharge_mw,
            )
            self._q_mvar[ahead] = 0.0 if command.q_mvar is None else command.q_mvar
            self.price_per_mwh[ahead] = 0.0 if command.price_per_mwh is None else command.price_per_mwh
            if self._carbon is not None:
                self._carbon.take(command.pool, ahead, self._unit.e_mwh)
        return Receipt()

    def plan(self, day: int, charge_mw: Array, discharge_mw: Array) -> None:
        """Keep what its owner has decided for a day, in steps, MW; a command for that day goes before."""
        if not self._commands.has(day):
            periods, hold = self._horizon.periods(day), self._horizon.by_period
            self._told_charge_mw[periods], self._told_discharge_mw[periods] = (
                hold(charge_mw),
                hold(discharge_mw),
            )

    # What it does.

    def operate(self, period: int) -> None:
        """Charge or discharge as commanded, as far as energy and power allow."""
        before_mwh, hours = self._unit.e_mwh, self._horizon.period_h
        charge, discharge = self._possible_mw(period)
        self.flow = self._unit.step(charge, discharge, hours, period)
        self._operated = period + 1
        self.charge_mw[period], self.discharge_mw[period] = charge, discharge
        self.e_mwh[period] = self._unit.e_mwh
        released_tco2 = self._carbon.released_tco2(period, self.flow, before_mwh) if self._carbon else 0.0
        factor = released_tco2 / hours / discharge if discharge > 0.0 else 0.0
        self.site.supply(self._owner, discharge, float(self._q_mvar[period]), factor)
        self.site.charge(self._owner, charge)

    def settle(self, period: int) -> None:
        """Account for the carbon of the energy that was moved in a period."""
        if self._carbon is None:
            return
        charge, taken_tco2 = float(self.charge_mw[period]), 0.0
        if charge > 0.0:
            taken_tco2 = self.site.intensity_tco2_per_mwh(period) * charge * self._horizon.period_h
        self._carbon.settle(period, self.flow, taken_tco2)

    def _possible_mw(self, period: int) -> tuple[float, float]:
        """The commanded power, cut off where the storage is full or empty; one direction at a time, MW."""
        ratings, hours = self.ratings, self._horizon.period_h
        least, most = ratings.band_mwh
        net = float(self._told_charge_mw[period] - self._told_discharge_mw[period])
        room = max(0.0, most - self._unit.e_mwh) / (ratings.efficiency_charge * hours)
        stock = max(0.0, self._unit.e_mwh - least) * ratings.efficiency_discharge / hours
        charge = min(max(0.0, net), ratings.p_max_mw, room)
        return charge, min(max(0.0, -net), ratings.p_max_mw, stock)

    # What it tells.

    def status(self, period: int) -> StorageStatus:
        """What it did right before a period, and what is inside as the period begins."""
        charge, discharge = (
            (float(done[period - 1]) if period else 0.0) for done in (self.charge_mw, self.discharge_mw)
        )
        pool_tco2 = None if self._carbon is None else self._carbon.in_pool_tco2
        return StorageStatus(period, charge, discharge, self._unit.e_mwh, pool_tco2)

    def rows(self) -> Iterator[Rows]:
        """What it did, and held at the end of each period."""
        power: dict[str, ArrayLike] = {
            "p_supply_mw": self.discharge_mw,
            "p_demand_mw": self.charge_mw,
            "q_mvar": self._q_mvar,
        }
        yield Rows("dispatch", {"bus": self.site.label, **power, "e_mwh": self.e_mwh})
        held: dict[str, ArrayLike] = {"e_mwh": self.e_mwh}
        if self._carbon is not None:
            held |= {"pool_tco2": self._carbon.pool_tco2, "carbon_tco2": self._carbon.stored_tco2}
        yield Rows("storages", {"p_charge_mw": self.charge_mw, "p_discharge_mw": self.discharge_mw, **held})
