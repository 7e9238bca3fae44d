"""The rest of an operator's day as a linear programme of its own, by tangents at its plan (E19 to E30).

Ratings, prices and limits are those of the scenario; the state before it is what tables tell; only what was
expected of load, wind and pool is the operator's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gridarium.environment.arrays import Array, Flags, Index
from gridarium.experiments.evidence.plans.plan_program import PlanProgram
from gridarium.experiments.evidence.plans.planned_day import Ramps, UnitNumbers
from gridarium.experiments.evidence.programs.move_program import Term
from gridarium.experiments.parts.loads import FlexibleLoad
from gridarium.experiments.parts.storage_section import Storage
from gridarium.experiments.parts.thermal_units import Capture, ThermalUnit

_SHORTAGE_PER_MWH, _MISSED = 1000.0, 3000.0
"""Price of reserve that is missing, and of what storage, tanks and flexible loads miss at the day's end."""


@dataclass(frozen=True)
class RestUnit:
    """A unit from a period on; arrays of shape (n_period,).

    Parameters
    ----------
    section : ThermalUnit
    was_on : bool
    before_mw, tank_tco2 : float
        Gross power in the period before, and what its tank holds then.
    on : ndarray of bool
    gross_mw, absorbed_tco2_per_h, regenerated_tco2_per_h : ndarray
    """

    section: ThermalUnit
    was_on: bool
    before_mw: float
    tank_tco2: float
    on: Flags
    gross_mw: Array
    absorbed_tco2_per_h: Array
    regenerated_tco2_per_h: Array


@dataclass(frozen=True)
class RestLoad:
    """A flexible load: its plan for itself, what it may draw, what it shall; and what it still has to get."""

    section: FlexibleLoad
    base_mw: Array
    drawn_mw: Array
    owed_mwh: float


@dataclass(frozen=True)
class RestCase:
    """A plan for the rest of a day, to be judged; arrays of shape (n_period,).

    Parameters
    ----------
    hours : float
        Length of a period.
    units : sequence of RestUnit
    loads : sequence of RestLoad
    storage : Storage, optional
    wear_per_mwh, e_mwh : float
        Of the storage: what each MWh inside that enters or leaves costs, and what is inside before.
    charge_mw, discharge_mw : ndarray
    load_mw, wind_available_mw, pool_most_mw : ndarray
        As expected; load without the flexible ones.
    wind_mw, pool_mw, market_mw, spill_mw : ndarray
    market_price_per_mwh, pool_fee_per_mwh, import_limit_mw : float
    carbon_price_per_tco2, allowance_tco2_per_mwh : float
    reserve_load_share, reserve_fixed_mw : float
    told_cost_money : float
    """

    hours: float
    units: Sequence[RestUnit]
    loads: Sequence[RestLoad]
    storage: Storage | None
    wear_per_mwh: float
    e_mwh: float
    charge_mw: Array
    discharge_mw: Array
    load_mw: Array
    wind_available_mw: Array
    pool_most_mw: Array
    wind_mw: Array
    pool_mw: Array
    market_mw: Array
    spill_mw: Array
    market_price_per_mwh: float
    pool_fee_per_mwh: float
    import_limit_mw: float
    carbon_price_per_tco2: float
    allowance_tco2_per_mwh: float
    reserve_load_share: float
    reserve_fixed_mw: float
    told_cost_money: float

    @property
    def worth_money(self) -> float:
        """What all load would cost if it were imported: the size that costs are compared with."""
        drawn = self.load_mw + sum((one.base_mw for one in self.loads), np.zeros_like(self.load_mw))
        return self.hours * self.market_price_per_mwh * float(np.abs(drawn).sum())


class RestOfDay(PlanProgram):
    """The programme of a case; powers in MW, levels in MWh or tCO2."""

    def __init__(self, case: RestCase) -> None:
        super().__init__("the rest of an operator's day again")
        self._case, n = case, len(case.load_mw)
        self._none, self._open = np.zeros(n), np.full(n, np.inf)
        self._given: list[Term] = []
        self._held: dict[float, list[tuple[Index, Array]]] = {1.0: [], -1.0: []}
        for unit in case.units:
            self._add_unit(unit)
        for load in case.loads:
            self._add_load(load)
        if case.storage is not None:
            self._add_storage(case.storage)
        self._add_trade()
        self._add_reserve()
        drawn = case.load_mw + sum((one.base_mw for one in case.loads), self._none)
        self.limit(drawn, drawn, *self._given)

    def _add_unit(self, one: RestUnit) -> None:
        """Band, ramps, fuel by tangents, carbon beyond the allowance, reserve within band and ramp."""
        case, own, runs = self._case, one.section, one.on.astype(float)
        a, hours = own.cost_quadratic_per_mw2h, case.hours
        carbon = case.carbon_price_per_tco2 * (own.emission_tco2_per_mwh - case.allowance_tco2_per_mwh)
        gross = self.decide(
            runs * own.p_min_mw, runs * own.p_max_mw, one.gross_mw, hours * (own.cost_linear_per_mwh + carbon)
        )
        self.decide(runs, runs, runs, hours * own.cost_fixed_per_h)
        self._square(gross, hours * a)
        numbers = UnitNumbers(
            own.p_min_mw, own.p_max_mw, np.inf, (0.0, 0.0, 0.0), own.emission_tco2_per_mwh, own.ramp_mw_per_h
        )
        ramps = Ramps.of(numbers, one.on, one.was_on, one.before_mw, hours)
        self.limit(ramps.first_mw - ramps.fall_mw[:1], ramps.first_mw + ramps.rise_mw[:1], (gross[:1], 1.0))
        self.limit(-ramps.fall_mw[1:], ramps.rise_mw[1:], (gross[1:], 1.0), (gross[:-1], -1.0))
        for way, edge in ((1.0, own.p_max_mw), (-1.0, own.p_min_mw)):
            most = runs * own.ramp_mw_per_h * hours
            given = np.minimum(np.maximum(runs * way * (edge - one.gross_mw), 0.0), most)
            reserve = self.decide(self._none, most, given)
            self.limit(-self._open, runs * way * edge, (reserve, 1.0), (gross, runs * way))
            self._held[way].append((reserve, given))
        self._given.append((gross, 1.0))
        if own.capture is not None:
            self._add_capture(one, own.capture, gross, runs)

    def _square(self, flow: Index, weight: float) -> None:
        """A cost of the square of something."""
        if not weight:
            return
        cost = self.decide(self._none, self._open, self.planned[flow] ** 2, weight)

        def touch(x: Array) -> None:
            at = x[flow]
            self.tangent(-(at**2), self._open, (cost, 1.0), (flow, -2.0 * at))

        self.curved(touch)

    def _add_capture(self, one: RestUnit, plant: Capture, gross: Index, runs: Array) -> None:
        """E1 to E4: no more than the absorber can, energy for what is driven out, the tank between them."""
        case = self._case
        earned = -case.hours * case.carbon_price_per_tco2
        taken = self.decide(self._none, self._open, one.absorbed_tco2_per_h, earned)
        driven = self.decide(self._none, self._open, one.regenerated_tco2_per_h)
        share = plant.efficiency * one.section.emission_tco2_per_mwh
        self.limit(-self._open, self._none, (taken, 1.0), (gross, -share))
        sigma, fixed = plant.energy_mwh_per_tco2, plant.fixed_mw * runs
        self.limit(fixed, self._open, (gross, 1.0), (driven, -sigma))
        moved = one.absorbed_tco2_per_h - one.regenerated_tco2_per_h
        level = one.tank_tco2 + case.hours * np.cumsum(moved)
        self._level(
            (0.0, plant.tank_tco2), one.tank_tco2, plant.tank_initial_share * plant.tank_tco2, level,
            ((taken, 1.0), (driven, -1.0)),
        )  # fmt: skip
        self._given += [(driven, -sigma), (self.decide(fixed, fixed, fixed), -1.0)]

    def _level(
        self, band: tuple[float, float], first: float, end: float, planned: Array, flows: tuple[Term, ...]
    ) -> None:
        """What is inside after each period, within its band, and at the end what it shall, at a price."""
        hours, (low, high) = self._case.hours, band
        level = self.decide(self._none + low, self._none + high, planned)
        into = [(places, -hours * np.asarray(factor)) for places, factor in flows]
        begin = np.array([first])
        self.limit(begin, begin, (level[:1], 1.0), *((places[:1], factor) for places, factor in into))
        rest = [(places[1:], factor) for places, factor in into]
        self.limit(self._none[1:], self._none[1:], (level[1:], 1.0), (level[:-1], -1.0), *rest)
        self._end((level[-1:], 1.0), end, float(planned[-1]))

    def _end(self, last: Term, end: float, planned: float) -> None:
        """A sum that shall be something, but for what is missing or too much."""
        one = np.ones(1)
        below, above = (
            self.decide(0.0 * one, np.inf * one, max(0.0, way * (planned - end)) * one, _MISSED)
            for way in (-1.0, 1.0)
        )
        self.limit(end * one, end * one, last, (below, 1.0), (above, -1.0))

    def _add_load(self, one: RestLoad) -> None:
        """E5, E25: moved within its band against compensation, its energy kept."""
        own, hours, moved = one.section, self._case.hours, one.drawn_mw - one.base_mw
        price = hours * own.compensation_per_mwh
        most_up = np.maximum((own.highest_share - 1.0) * one.base_mw, 0.0)
        most_down = np.maximum((1.0 - own.lowest_share) * one.base_mw, 0.0)
        up = self.decide(self._none, most_up, np.maximum(moved, 0.0), price)
        down = self.decide(self._none, most_down, np.maximum(-moved, 0.0), price)
        total = self.decide(np.full(1, -np.inf), np.full(1, np.inf), np.full(1, hours * moved.sum()))
        each = np.full((1, len(moved)), hours)
        self.limit(np.zeros(1), np.zeros(1), (up[None, :], each), (down[None, :], -each), (total, -1.0))
        self._end((total, 1.0), one.owed_mwh, float(hours * moved.sum()))
        self._given += [(up, -1.0), (down, 1.0)]

    def _add_storage(self, own: Storage) -> None:
        """E6, E24: wear of what enters and leaves, inside."""
        case, most = self._case, self._none + own.p_max_mw
        into, out = own.efficiency_charge, own.efficiency_discharge
        wear = case.hours * case.wear_per_mwh
        charge = self.decide(self._none, most, case.charge_mw, wear * into)
        discharge = self.decide(self._none, most, case.discharge_mw, wear / out)
        level = case.e_mwh + case.hours * np.cumsum(into * case.charge_mw - case.discharge_mw / out)
        self._level(
            (own.soc_min * own.e_max_mwh, own.soc_max * own.e_max_mwh), case.e_mwh,
            own.soc_initial * own.e_max_mwh, level, ((charge, into), (discharge, -1.0 / out)),
        )  # fmt: skip
        self._given += [(discharge, 1.0), (charge, -1.0)]

    def _add_trade(self) -> None:
        """E26, E27, E30: wind and pool up to what is expected, imports up to their limit, spill."""
        case, none = self._case, self._none
        for sign, most, planned, price in (
            (1.0, np.maximum(case.wind_available_mw, 0.0), case.wind_mw, 0.0),
            (1.0, case.pool_most_mw, case.pool_mw, case.pool_fee_per_mwh),
            (1.0, none + case.import_limit_mw, case.market_mw, case.market_price_per_mwh),
            (-1.0, self._open, case.spill_mw, 0.0),
        ):
            self._given.append((self.decide(none, most, planned, case.hours * price), sign))

    def _add_reserve(self) -> None:
        """E29: what units can still give and take back, and what is missing of what shall be held."""
        case = self._case
        load = case.load_mw + sum((one.base_mw for one in case.loads), self._none)
        asked = case.reserve_load_share * load + case.reserve_fixed_mw
        for held in self._held.values():
            found = sum((given for _, given in held), self._none)
            missing = self.decide(
                self._none, self._open, np.maximum(asked - found, 0.0), case.hours * _SHORTAGE_PER_MWH
            )
            self.limit(asked, self._open, (missing, 1.0), *((places, 1.0) for places, _ in held))
