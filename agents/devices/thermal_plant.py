"""Thermal plants, gas turbines among them: run a unit and its solvent tank as told, as far as they can."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from gridarium.agents.base import on
from gridarium.agents.devices.commanded import CommandedAgent
from gridarium.agents.rows import Rows
from gridarium.environment.arrays import Array, series
from gridarium.environment.grids import Site
from gridarium.environment.thermal_unit import SolventTank, ThermalUnit
from gridarium.market.carbon_trading import carbon_trading_money
from gridarium.market.messages.commands import Receipt, UnitSchedule, UnitSetpoint
from gridarium.market.messages.forecasts import ForecastRequest, UnitAvailability
from gridarium.market.messages.status import StatusRequest, UnitStatus
from gridarium.market.settlement import UnitAccount, settle_unit


class UnitPoint(NamedTuple):
    """What a unit and its capture plant do in one period; MW and tCO2/h."""

    on: bool
    gross_mw: float
    net_mw: float
    absorbed_tco2_per_h: float
    regenerated_tco2_per_h: float


_SETPOINTS = ("net_mw", "absorbed_tco2_per_h", "regenerated_tco2_per_h")
IDLE = UnitPoint(False, 0.0, 0.0, 0.0, 0.0)


class ThermalPlant(CommandedAgent):
    """A unit that does what comes nearest to its set-point, and reports what that was.

    Parameters
    ----------
    site : Site
    name : str
    unit : ThermalUnit
    leader : str
        Whose schedule it follows.
    carbon_price_per_tco2, allowance_tco2_per_mwh : float
        Of the carbon market; no price where its operator answers for its carbon.
    available : ndarray, shape (n_hour,), optional
        1 in each hour in which it can run, otherwise 0.
    kind : str
        What it is called in tables.
    reimbursed : bool
        Whether its leader pays its costs; where it sells its energy on a market, it bears them itself.

    Notes
    -----
    E1-E4, ramps E28. Without a schedule it goes on as it stands before the first period.
    """

    def __init__(
        self,
        site: Site,
        name: str,
        unit: ThermalUnit,
        leader: str,
        carbon_price_per_tco2: float | None = 12.0,
        allowance_tco2_per_mwh: float = 0.7,
        available: Array | None = None,
        kind: str = "thermal",
        reimbursed: bool = True,
    ) -> None:
        super().__init__(site, name)
        world = self.world
        self.leader, self.unit, self.kind = leader, unit, kind
        self._payer = leader if reimbursed else None
        self._tank = SolventTank(name, unit.capture) if unit.capture else None
        self._carbon_market = (
            None if carbon_price_per_tco2 is None else (carbon_price_per_tco2, allowance_tco2_per_mwh)
        )
        n_period = world.n_period
        self._available = np.ones(round(n_period * world.period_h)) if available is None else available
        fixed_mw = unit.capture.fixed_mw if unit.capture else 0.0
        net_mw = max(0.0, unit.p_initial_mw - fixed_mw) if unit.on_initially else 0.0
        self._plan = {
            "on": np.full(n_period, float(unit.on_initially)),
            **{name: np.zeros(n_period) for name in _SETPOINTS},
        }
        self._plan["net_mw"][:] = net_mw
        self._told_mvar, self._q_mvar = np.zeros((2, n_period))
        self._now = UnitPoint(unit.on_initially, unit.p_initial_mw, net_mw, 0.0, 0.0)
        self._hours_in_state = float(max(unit.min_up_h, unit.min_down_h))
        self.done = {name: np.zeros(n_period) for name in UnitPoint._fields}
        self.tank_tco2 = np.zeros(n_period)

    # What it hears.

    @on(ForecastRequest)
    def tell_availability(self, request: ForecastRequest, sender: str) -> UnitAvailability:
        """Tell how the unit stands, and in which hours of the day it could run."""
        n_hour = round(self.horizon.day_length * self.world.period_h)
        available = self._available[request.day * n_hour : (request.day + 1) * n_hour]
        now = self._now
        return UnitAvailability(
            request.day, now.on, self._hours_in_state, now.gross_mw, self._content(), series(available)
        )

    @on(UnitSchedule)
    def take_schedule(self, schedule: UnitSchedule, sender: str) -> Receipt:
        """Keep the schedule of a day."""
        if (ahead := self.commands.take(schedule)) is not None:
            self._keep(schedule, ("on", *_SETPOINTS), ahead)
            self._told_mvar[ahead] = 0.0 if schedule.q_mvar is None else schedule.q_mvar
        return Receipt()

    @on(UnitSetpoint)
    def take_setpoint(self, setpoint: UnitSetpoint, sender: str) -> Receipt:
        """Keep the set-points of the rest of the day; whether it runs is not theirs to change."""
        if (ahead := self.commands.take(setpoint)) is not None:
            self._keep(setpoint, _SETPOINTS, ahead)
        return Receipt()

    def _keep(self, setpoint: UnitSetpoint, names: Sequence[str], ahead: slice) -> None:
        for name in names:
            self._plan[name][ahead] = getattr(setpoint, name)

    @on(StatusRequest)
    def tell_status(self, request: StatusRequest, sender: str) -> UnitStatus:
        """Tell what the unit does now."""
        now = self._now
        return UnitStatus(
            request.period,
            now.on,
            now.net_mw,
            now.gross_mw,
            now.absorbed_tco2_per_h,
            now.regenerated_tco2_per_h,
            self._content(),
        )

    # What it does.

    def operate(self, period: int) -> None:
        """Run as planned as far as limits, ramps and tank allow; its carbon goes with the energy."""
        hours, before = self.world.period_h, self._now
        now = self._now = self._nearest(period)
        if self._tank is not None:
            emitted = self.unit.emission_tco2_per_mwh * now.gross_mw
            self._tank.step(now.absorbed_tco2_per_h, now.regenerated_tco2_per_h, emitted, hours, period)
        self._hours_in_state = hours + (self._hours_in_state if now.on == before.on else 0.0)
        for name, value in now._asdict().items():
            self.done[name][period] = value
        self.tank_tco2[period] = self._content()
        emission, feeds_in = self._emission_t_per_h(now), now.net_mw > 0.0
        factor = emission / now.net_mw if feeds_in else 0.0
        self._q_mvar[period] = self._told_mvar[period] * now.on
        self.site.supply(self.name, now.net_mw, float(self._q_mvar[period]), factor)
        if not feeds_in:
            # All that it makes goes into regeneration; its carbon is there all the same.
            self.site.emit(self.name, emission)

    def settle(self, period: int) -> None:
        """Pay for fuel, carbon, starts and stops, and bill who pays its costs for them (E20, E21)."""
        world, unit, now = self.world, self.unit, self._now
        was_on = bool(self.done["on"][period - 1]) if period else unit.on_initially
        account = UnitAccount(
            time_s=world.clock.now_s,
            period=period,
            unit=self.name,
            operator=self._payer,
            fuel_money=unit.fuel_cost_per_h(now.gross_mw) * now.on * world.period_h,
            start_stop_money=unit.start_stop_money * (now.on != was_on),
            carbon_money=self._carbon_money(now),
        )
        settle_unit(world.ledger, account)

    # What it tells of itself.

    def rows(self) -> Iterator[Rows]:
        """What it supplied, how unit and tank stood, and the carbon of it."""
        done, hours = self.done, self.world.period_h
        power: dict[str, ArrayLike] = {"p_supply_mw": done["net_mw"], "q_mvar": self._q_mvar}
        yield Rows("dispatch", {"bus": self.site.label, "p_demand_mw": 0.0, **power})
        gross_t_per_h = self.unit.emission_tco2_per_mwh * done["gross_mw"]
        yield Rows("units", {**done, "tank_tco2": self.tank_tco2, "emission_gross_tco2_per_h": gross_t_per_h})
        if self._carbon_market is None:
            return
        net = (gross_t_per_h - done["absorbed_tco2_per_h"]) * hours
        gross_mwh, (price, allowance) = done["gross_mw"] * hours, self._carbon_market
        yield Rows(
            "carbon",
            {
                "emission_gross_tco2": gross_t_per_h * hours,
                "absorbed_tco2": done["absorbed_tco2_per_h"] * hours,
                "regenerated_tco2": done["regenerated_tco2_per_h"] * hours,
                "tank_tco2": self.tank_tco2,
                "emission_net_tco2": net,
                "allowance_tco2": allowance * gross_mwh,
                "trading_money": carbon_trading_money(net, gross_mwh, price, allowance),
            },
        )

    def _content(self) -> float:
        return self._tank.tco2 if self._tank is not None else 0.0

    def _emission_t_per_h(self, point: UnitPoint) -> float:
        """What leaves the stack, tCO2/h (E3, E4)."""
        return self.unit.emission_tco2_per_mwh * point.gross_mw - point.absorbed_tco2_per_h

    def _carbon_money(self, point: UnitPoint) -> float:
        if self._carbon_market is None:
            return 0.0
        hours = self.world.period_h
        emission = self._emission_t_per_h(point) * hours
        return carbon_trading_money(emission, point.gross_mw * hours, *self._carbon_market)

    def _nearest(self, period: int) -> UnitPoint:
        """The possible point nearest to the plan: gross power first, then capture; net power follows."""
        runs, low, high = self._gross_band_mw(period)
        if not runs:
            return IDLE
        net = float(self._plan["net_mw"][period])
        if self._tank is None:
            gross = min(max(net, low), high)
            return UnitPoint(True, gross, gross, 0.0, 0.0)
        plant, hours, level = self._tank.plant, self.world.period_h, self._tank.tco2
        sigma, fixed = plant.energy_mwh_per_tco2, plant.fixed_mw
        wanted = max(0.0, float(self._plan["regenerated_tco2_per_h"][period]))
        gross = min(max(net + sigma * wanted + fixed, low), high)
        most = plant.efficiency * self.unit.emission_tco2_per_mwh * gross
        absorbed = min(max(0.0, float(self._plan["absorbed_tco2_per_h"][period])), most)
        # What regeneration may spend: what the tank holds, and what the unit can spare.
        spare = (gross - fixed) / sigma if sigma > 0.0 else np.inf
        regenerated = min(wanted, absorbed + level / hours, spare)
        absorbed = min(absorbed, regenerated + (plant.tank_tco2 - level) / hours)
        # Rounding may leave less than nothing.
        return UnitPoint(True, gross, max(0.0, gross - sigma * regenerated - fixed), absorbed, regenerated)

    def _gross_band_mw(self, period: int) -> tuple[bool, float, float]:
        """Whether it runs, and least and most gross power (E16, E28), MW."""
        unit, before, hours = self.unit, self._now, self.world.period_h
        wants_on = bool(self._plan["on"][period])
        if not before.on:
            return wants_on, unit.p_min_mw, unit.start_limit_mw(hours)
        if not wants_on and before.gross_mw <= unit.stop_limit_mw(hours) + 1e-6:
            return False, 0.0, 0.0
        low = max(unit.p_min_mw, before.gross_mw - unit.ramp_down_mw_per_h * hours)
        high = min(unit.p_max_mw, before.gross_mw + unit.ramp_mw_per_h * hours)
        if not wants_on:
            # Too fast to stop at once: down as far as the ramp allows.
            return True, low, low
        return True, low, high
