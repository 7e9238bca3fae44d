"""A storage at its site: what is in it, what it was told to do, and what it did; a part of its owner."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike

from gridarium.agents.base import Listener, on
from gridarium.agents.devices.breaker import Breaker
from gridarium.agents.devices.commanded import Commands
from gridarium.agents.devices.storage_carbon import StorageCarbon
from gridarium.agents.devices.storage_feed import Fed, StorageFeed
from gridarium.agents.devices.storage_label import StorageLabel
from gridarium.agents.devices.storage_run import StorageRun, Wanted, corrected_by
from gridarium.agents.devices.thermal_protection import ThermalProtection
from gridarium.agents.rows import Rows
from gridarium.environment.arrays import Array
from gridarium.environment.errors import StorageError
from gridarium.environment.grids import Site
from gridarium.environment.horizon import Horizon
from gridarium.environment.storage import StorageFlow, StorageRatings
from gridarium.environment.thermal_mass import ThermalRatings
from gridarium.market.messages.commands import Receipt, StorageCommand
from gridarium.market.messages.edge import Correction
from gridarium.market.messages.forecasts import ForecastRequest, StorageOffer
from gridarium.market.messages.status import StatusRequest, StorageStatus


class StorageDevice(Listener):
    """A storage that follows commands as far as its energy and power allow; idle until it has one.

    - `operate`, `settle`: what it does in each settlement period
    - `update`, `correct`, `follow`, `rest`: what it does otherwise from the middle of a period on
    - `breaker`, `thermal`: opens at once, whoever commands; what it does so for, if it was fitted
    - `label`: how green what is in it is; None where nobody keeps count
    - `power`, `corrected`, `content_mwh`, `status`, `rows`: what it tells
    - `charge_mw`, `discharge_mw`, `e_mwh`: what it did in each period, and its content at the end of it
    - `flow`: energies that entered and left it in the period that runs
    - `price_per_mwh`: at which it was told to trade in each period
    - `q_mvar`, `commands`: reactive power that it gave in each period, and all that it was told
    - `interventions`: corrections and takeovers so far

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
        self.commands: list[StorageCommand] = []
        self._run = StorageRun(ratings, site.grid.world.clock.period_s, horizon.period_h)
        self._begun_s, self._operated = 0.0, 0
        self._feed, self._before_mwh = StorageFeed(site, owner), self._run.unit.e_mwh
        self._correction: Correction | None = None
        self.thermal: ThermalProtection | None = None
        self.label: StorageLabel | None = None
        self.breaker = Breaker()
        self.breaker.watch(self.update)
        n_period = horizon.n_period
        self._told_charge_mw, self._told_discharge_mw = np.zeros(n_period), np.zeros(n_period)
        self.price_per_mwh, self._told_mvar, self.q_mvar = np.zeros((3, n_period))
        self.interventions = 0
        self.flow = StorageFlow(0.0, 0.0)
        self.charge_mw, self.discharge_mw = np.zeros(n_period), np.zeros(n_period)
        self.e_mwh = np.full(n_period, self._run.unit.e_mwh)

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
        return self._run.unit.e_mwh + float(into - out) * self._horizon.period_h

    @on(StatusRequest)
    def tell_status(self, request: StatusRequest, sender: str) -> StorageStatus:
        """Tell what it does now and what will be inside as the period begins."""
        return self.status(request.period)

    @on(StorageCommand)
    def take_command(self, command: StorageCommand, sender: str) -> Receipt:
        """Keep what it shall do for the rest of the day."""
        if (ahead := self._commands.take(command)) is not None:
            self.commands.append(command)
            self._keep(command, ahead)
            if self._carbon is not None:
                self._carbon.take(command.pool, ahead, self._run.unit.e_mwh)
        return Receipt()

    def _keep(self, command: StorageCommand, ahead: slice) -> None:
        self._told_charge_mw[ahead], self._told_discharge_mw[ahead] = command.charge_mw, command.discharge_mw
        self._told_mvar[ahead] = 0.0 if command.q_mvar is None else command.q_mvar
        self.price_per_mwh[ahead] = 0.0 if command.price_per_mwh is None else command.price_per_mwh

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
        self._begun_s, self._operated = self._now_s, period + 1
        self._run.begin()
        self._feed.begin()
        self._before_mwh = self._run.unit.e_mwh
        self.update()

    def correct(self, correction: Correction) -> None:
        """Change the power by so much beyond what is told, from this instant on."""
        self._correction, self.interventions = correction, self.interventions + 1
        self.update()

    def follow(self, command: StorageCommand) -> None:
        """Do from this instant on what another unit was told, up to the end of the day."""
        self._keep(command, self._horizon.rest_of_day(command.period))
        self.interventions += 1
        self.update()

    def rest(self) -> None:
        """Do nothing from this instant on, up to the end of the day."""
        if self._operated:
            ahead = self._horizon.rest_of_day(self._operated - 1)
            self._told_charge_mw[ahead] = self._told_discharge_mw[ahead] = self._told_mvar[ahead] = 0.0
            self.update()

    def update(self) -> None:
        """Do from this instant on what is to be done by now; nothing happens where no period runs.

        Content, power, carbon and meters of the period follow exactly: each piece of it counts for its time.

        Raises
        ------
        StorageError
            If the meters of the period have been read.
        """
        period, since_s = self._operated - 1, self._now_s - self._begun_s
        if period < 0 or since_s >= self._run.period_s:
            return
        if self.site.grid.world.periods_done > period:
            place = f"storage {self._owner}, period {period}"
            raise StorageError(f"{place}: its power must not change once its meters have been read")
        self._run.rewrite(since_s, self._wanted(period, since_s), period)
        self.flow, self.e_mwh[period] = self._run.flow, self._run.unit.e_mwh
        self._put(period, since_s)
        if self.thermal is not None:
            self.thermal.heat(self._run.loss_mw(since_s))

    def _wanted(self, period: int, since_s: float) -> list[Wanted]:
        """What it is to do in the rest of a period."""
        ends_s = self._run.period_s
        if not self.breaker.is_closed:
            return [Wanted(ends_s, 0.0, 0.0)]
        told = self._told(period)
        if self._correction is None or self._correction.until_s <= self._now_s:
            return [told]
        until_s = min(ends_s, self._correction.until_s - self._begun_s)
        corrected = corrected_by(self._correction, told, until_s, self.ratings)
        if until_s == ends_s:
            return [corrected]
        self.site.grid.world.clock.timeout(until_s - since_s).callbacks.append(lambda event: self.update())
        return [corrected, told]

    def _told(self, period: int) -> Wanted:
        """What it is told for the rest of a period."""
        net = float(self._told_charge_mw[period] - self._told_discharge_mw[period])
        return Wanted(self._run.period_s, net, float(self._told_mvar[period]))

    def _put(self, period: int, since_s: float) -> None:
        """Put on the grid what has changed."""
        means = Fed(*self._run.means)
        released = self._carbon.released_tco2(period, self.flow, self._before_mwh) if self._carbon else 0.0
        self.charge_mw[period], self.discharge_mw[period], self.q_mvar[period] = means
        self._feed.put(means, Fed(*self._run.at(since_s)), released / self._horizon.period_h)

    def settle(self, period: int) -> None:
        """Account for the carbon of the energy that was moved in a period."""
        if self.thermal is not None:
            self.thermal.end_period(period)
        if self.label is not None:
            self.label.settle(period, self.flow)
        if self._carbon is None:
            return
        intensity = self.site.intensity_tco2_per_mwh(period)
        # A bus has no intensity where less than a millionth of the supply arrives: that carries no carbon.
        taken_t_per_h = 0.0 if math.isnan(intensity) else intensity * float(self.charge_mw[period])
        self._carbon.settle(period, self.flow, taken_t_per_h * self._horizon.period_h)

    def fit(self, ratings: ThermalRatings) -> None:
        """Fit a thermometer, which opens the breaker while the storage is too hot."""
        world = self.site.grid.world
        self.thermal = ThermalProtection(world.clock, self.breaker, ratings, world.n_period)

    @property
    def _now_s(self) -> float:
        return self.site.grid.world.clock.now_s

    @property
    def _since_s(self) -> float:
        """Time since the period began that has begun last, s; its whole length once that is over."""
        return min(self._now_s - self._begun_s, self._run.period_s)

    # What it tells.

    @property
    def power(self) -> tuple[float, float]:
        """What it feeds in at this instant, MW and Mvar; nothing before its first period."""
        since_s = self._since_s
        if self._operated == 0 or since_s >= self._run.period_s:
            return 0.0, 0.0
        charge, discharge, q_mvar = self._run.at(since_s)
        return discharge - charge, q_mvar

    @property
    def corrected(self) -> tuple[float, float]:
        """What it feeds in at this instant because of a correction, MW and Mvar."""
        since_s, correction = self._since_s, self._correction
        is_over = correction is None or correction.until_s <= self._now_s
        if is_over or not self.breaker.is_closed or self._operated == 0 or since_s >= self._run.period_s:
            return 0.0, 0.0
        told, hours = self._told(self._operated - 1), self._horizon.period_h
        left_h = (1.0 - since_s / self._run.period_s) * hours
        charge, discharge = self._run.possible_mw(told.net_mw, self.content_mwh, left_h)
        p_mw, q_mvar = self.power
        return p_mw - (discharge - charge), q_mvar - told.q_mvar

    @property
    def content_mwh(self) -> float:
        """Energy inside at this instant, MWh."""
        return self._run.content_mwh(self._since_s) if self._operated else self._run.unit.e_mwh

    def status(self, period: int) -> StorageStatus:
        """What it did right before a period, and what is inside as the period begins."""
        charge, discharge = (
            (float(done[period - 1]) if period else 0.0) for done in (self.charge_mw, self.discharge_mw)
        )
        pool_tco2 = None if self._carbon is None else self._carbon.in_pool_tco2
        status = StorageStatus(period, charge, discharge, self._run.unit.e_mwh, pool_tco2)
        return status if self.label is None else self.label.told(status)

    def rows(self) -> Iterator[Rows]:
        """What it did, and held at the end of each period."""
        power: dict[str, ArrayLike] = {
            "p_supply_mw": self.discharge_mw,
            "p_demand_mw": self.charge_mw,
            "q_mvar": self.q_mvar,
        }
        yield Rows("dispatch", {"bus": self.site.label, **power, "e_mwh": self.e_mwh})
        held: dict[str, ArrayLike] = {"e_mwh": self.e_mwh}
        for part in (self._carbon, self.label, self.thermal):
            held |= {} if part is None else part.columns
        yield Rows("storages", {"p_charge_mw": self.charge_mw, "p_discharge_mw": self.discharge_mw, **held})
