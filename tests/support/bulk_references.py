"""Bulk systems of random numbers, and their dispatch written down from the equations, without our models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from named_columns import Columns, Term

from gridarium.agents.transmission.bulk_system import BulkForecast, BulkState, BulkSystem
from gridarium.environment.arrays import Array, Flags
from gridarium.environment.storage import StorageRatings
from gridarium.environment.thermal_unit import CapturePlant, ThermalUnit
from gridarium.market.quota_ladder import QuotaLadder


@dataclass(frozen=True)
class BulkCase:
    """A system, a day for it, a commitment, and the state before the day."""

    system: BulkSystem
    forecast: BulkForecast
    on: Flags
    state: BulkState
    period_h: float

    @property
    def n_period(self) -> int:
        """Periods of the day."""
        return len(self.forecast.load_mw)


def random_unit(random: np.random.Generator, number: int, period_h: float) -> tuple[ThermalUnit, bool, float]:
    """A unit, whether it ran before the day, and at what power: one that it can stop from."""
    most = random.uniform(60.0, 150.0)
    least = most * random.uniform(0.1, 0.4)
    up, down = most * random.uniform(0.2, 1.5, 2)
    ran = bool(random.random() < 0.7)
    highest = min(most, max(least, down * period_h))
    before = float(random.uniform(least, highest)) if ran else 0.0
    unit = ThermalUnit(
        name=f"g{number}",
        p_min_mw=least,
        p_max_mw=most,
        cost_quadratic_per_mw2h=float(random.choice([0.0, random.uniform(0.01, 0.1)])),
        cost_linear_per_mwh=random.uniform(15.0, 45.0),
        cost_fixed_per_h=random.uniform(0.0, 300.0),
        start_stop_money=random.uniform(0.0, 800.0),
        ramp_mw_per_h=up,
        ramp_down_mw_per_h=down,
        min_up_h=int(random.integers(1, 4)),
        min_down_h=int(random.integers(1, 4)),
        emission_tco2_per_mwh=random.uniform(0.2, 1.0),
        on_initially=ran,
        p_initial_mw=before,
    )
    return unit, ran, before


def random_case(seed: int) -> BulkCase:
    """A system of 1 to 4 units, up to 2 storages and 2 plants, over 4 to 12 periods."""
    random = np.random.default_rng(seed)
    n, period_h = int(random.integers(4, 13)), float(random.choice([0.25, 0.5, 1.0]))
    units, ran, before = zip(
        *(random_unit(random, i, period_h) for i in range(random.integers(1, 5))), strict=True
    )
    storages = tuple(
        StorageRatings(
            f"s{i}", *random.uniform([20, 40], [60, 120]), 0.1, 0.9, 0.5, *random.uniform(0.8, 1.0, 2), 80
        )
        for i in range(random.integers(0, 3))
    )
    renewables = tuple(f"w{i}" for i in range(random.integers(0, 3)))
    capacity = sum(unit.p_max_mw for unit in units)
    tonnes = 0.6 * capacity * n * period_h
    carbon = QuotaLadder(
        quota_tco2=tonnes * random.uniform(0.1, 0.6),
        base_price_per_tco2=random.uniform(0.0, 60.0),
        interval_tco2=tonnes * random.uniform(0.02, 0.2),
        growth=random.uniform(0.0, 0.8),
        steps=int(random.integers(1, 5)),
        reward_steps=int(random.integers(0, 3)),
        purchase_limit_tco2=float(random.choice([np.inf, 0.03 * tonnes])),
    )
    wear = tuple(random.uniform(0.5, 6.0, len(storages)).tolist())
    system = BulkSystem(units, storages, wear, renewables, carbon, import_limit_mw=1e3)
    forecast = BulkForecast(
        load_mw=capacity * random.uniform(0.3, 0.9, n),
        available_mw=random.uniform(0.0, 0.4 * capacity, (len(renewables), n)),
        import_price_per_mwh=random.uniform(80.0, 300.0, n),
        import_factor_tco2_per_mwh=np.full(n, 0.7),
        loss_mw=0.03 * capacity * random.random(n),
    )
    # Runs of several periods, as a commitment has them.
    on = np.repeat(random.random((len(units), n)) < 0.75, 3, axis=1)[:, :n]
    inside = np.array([random.uniform(*one.band_mwh) for one in storages])
    emitted = float(random.choice([0.0, 0.5])) * carbon.quota_tco2
    tanks = np.zeros(len(units))
    state = BulkState(np.array(ran), np.array(before), np.full(len(units), 9.0), inside, tanks, emitted)
    return BulkCase(system, forecast, on, state, period_h)


def with_capture(case: BulkCase, seed: int) -> BulkCase:
    """The same with capture plants of random numbers: behind the first unit and half of the others."""
    random = np.random.default_rng(seed)
    units, tanks = [], []
    for i, unit in enumerate(case.system.units):
        size = float(random.choice([0.0, random.uniform(0.2, 2.0) * unit.p_max_mw]))
        fixed = random.uniform(0.0, 0.5) * unit.p_min_mw
        plant = CapturePlant(random.uniform(0.5, 0.9), random.uniform(0.1, 0.4), fixed, size, 0.4 * size)
        takes = i == 0 or bool(random.random() < 0.5)
        units.append(replace(unit, capture=plant) if takes else unit)
        tanks.append(random.uniform(0.0, size) if takes else 0.0)
    system = replace(case.system, units=tuple(units))
    return replace(case, system=system, state=replace(case.state, tank_tco2=np.array(tanks)))


class Users(Protocol):
    """Whoever can draw more or less than the load of a case, at a cost of their own."""

    def declare(self, columns: Columns) -> None:
        """Their columns, with what they bear as cost."""

    def draws(self, t: int) -> list[Term]:
        """What they draw in a period beyond the load of the case."""


class ReferenceDispatch:
    """The convex dispatch of a case from a period on, row by row with named columns.

    It differs from the model on purpose: time starts at `first`, energies are absolute, ramps are those of
    units that run on, start or stop, and carbon costs the highest of its affine pieces.
    """

    def __init__(
        self, case: BulkCase, on: Flags, state: BulkState, first: int = 0, users: Sequence[Users] = ()
    ) -> None:
        self.case, self.on, self.state, self.users = case, on, state, users
        self.periods = range(first, case.n_period)
        self.first, self.columns = first, Columns()
        for each in users:
            each.declare(self.columns)
        self._add_units()
        self._add_capture()
        self._add_storages()
        self._add_carbon()
        self._add_balances()

    def least_cost(self) -> float | None:
        """Of the periods from `first` on, with the fixed cost of what runs."""
        found = self.columns.solve_convex()
        fixed = np.array([unit.cost_fixed_per_h for unit in self.case.system.units])
        return (
            None
            if found is None
            else found + self.case.period_h * float((fixed @ self.on)[self.first :].sum())
        )

    def was(self, unit: int, period: int) -> bool:
        """Whether a unit ran in the period before."""
        return bool(self.on[unit, period - 1] if period > self.first else self.state.on[unit])

    def _add_units(self) -> None:
        columns, hours = self.columns, self.case.period_h
        for i, unit in enumerate(self.case.system.units):
            for t in self.periods:
                u = float(self.on[i, t])
                columns.add(
                    "p", i, t,
                    cost=hours * unit.cost_linear_per_mwh, square=hours * unit.cost_quadratic_per_mw2h,
                )  # fmt: skip
                columns.add("up", i, t, high=unit.ramp_mw_per_h * hours * u)
                columns.add("down", i, t, high=unit.ramp_down_mw_per_h * hours * u)
                columns.row([(1, ("p", i, t)), (1, ("up", i, t))], unit.p_max_mw * u)
                columns.row([(-1, ("p", i, t)), (1, ("down", i, t))], -unit.p_min_mw * u)
                known = float(self.state.power_mw[i]) if t == self.first else 0.0
                step: list[Term] = [(1.0, ("p", i, t))]
                step += [(-1.0, ("p", i, t - 1))] if t > self.first else []
                start = max(unit.p_min_mw, unit.ramp_mw_per_h * hours)
                stop = max(unit.p_min_mw, unit.ramp_down_mw_per_h * hours)
                columns.row(step, known + (unit.ramp_mw_per_h * hours if self.was(i, t) else start * u))
                fall = unit.ramp_down_mw_per_h * hours if u else stop
                columns.row([(-factor, name) for factor, name in step], fall - known)

    @property
    def _plants(self) -> list[tuple[int, ThermalUnit, CapturePlant]]:
        units = self.case.system.units
        return [(i, unit, unit.capture) for i, unit in enumerate(units) if unit.capture is not None]

    def _add_capture(self) -> None:
        """What is taken in, what is given off, and what the tank holds, by hand."""
        columns, hours = self.columns, self.case.period_h
        uneven = 0.5 * hours * self.case.system.uneven_capture_per_t2
        for i, unit, plant in self._plants:
            for t in self.periods:
                columns.add("taken in", i, t, square=uneven)
                columns.add("given off", i, t, square=uneven)
                columns.add("tank", i, t, high=plant.tank_tco2)
                share = plant.efficiency * unit.emission_tco2_per_mwh
                columns.row([(1.0, ("taken in", i, t)), (-share, ("p", i, t))], 0.0)
                level: list[Term] = [(1.0, ("tank", i, t))]
                level += [(-hours, ("taken in", i, t)), (hours, ("given off", i, t))]
                level += [(-1.0, ("tank", i, t - 1))] if t > self.first else []
                columns.row(level, float(self.state.tank_tco2[i]) if t == self.first else 0.0, equal=True)
                left = [(-factor, name) for factor, name in self._net(i, t)]
                columns.row(left, -plant.fixed_mw * float(self.on[i, t]))
            last = ("tank", i, self.case.n_period - 1)
            columns.add("tank missed", i, cost=self.case.system.missed_cost_per_tco2)
            columns.row([(1, last), (-1, ("tank missed", i))], plant.tank_initial_tco2)
            columns.row([(-1, last), (-1, ("tank missed", i))], -plant.tank_initial_tco2)

    def _net(self, unit: int, t: int) -> list[Term]:
        """Power of a unit less regeneration; what its plant takes whenever it runs is a number."""
        plant = self.case.system.units[unit].capture
        terms: list[Term] = [(1.0, ("p", unit, t))]
        return terms if plant is None else [*terms, (-plant.energy_mwh_per_tco2, ("given off", unit, t))]

    def _add_storages(self) -> None:
        columns, system, hours = self.columns, self.case.system, self.case.period_h
        for s, (one, wear) in enumerate(zip(system.storages, system.wear_cost_per_mwh, strict=True)):
            low, high = one.band_mwh
            for t in self.periods:
                columns.add("in", s, t, high=one.p_max_mw)
                columns.add("out", s, t, cost=hours * wear, high=one.p_max_mw)
                columns.add("E", s, t, low=low, high=high)
                balance: list[Term] = [(1.0, ("E", s, t)), (-hours * one.efficiency_charge, ("in", s, t))]
                balance.append((hours / one.efficiency_discharge, ("out", s, t)))
                balance += [(-1.0, ("E", s, t - 1))] if t > self.first else []
                columns.row(balance, float(self.state.e_mwh[s]) if t == self.first else 0.0, equal=True)
            last, target = ("E", s, self.case.n_period - 1), one.soc_initial * one.e_max_mwh
            columns.add("missed", s, cost=system.missed_cost_per_mwh)
            columns.row([(1, last), (-1, ("missed", s))], target)
            columns.row([(-1, last), (-1, ("missed", s))], -target)

    def _add_carbon(self) -> None:
        """Money is at least each affine piece of the convex cost, found from its values alone."""
        columns, system, hours = self.columns, self.case.system, self.case.period_h
        carbon = system.carbon
        columns.add("carbon", cost=1.0, low=None)
        columns.add("beyond", cost=system.beyond_cost_per_tco2)
        emission: list[Term] = [
            (hours * unit.emission_tco2_per_mwh, ("p", i, t))
            for i, unit in enumerate(system.units)
            for t in self.periods
        ]
        emission += [(-hours, ("taken in", i, t)) for i, _, _ in self._plants for t in self.periods]
        width = carbon.interval_tco2
        kinks = [0.0, *(carbon.quota_tco2 + width * np.arange(-carbon.reward_steps, carbon.steps + 1))]
        for start in kinks:
            if start < 0.0:
                continue
            slope = (carbon.cost_money(start + 1e-3) - carbon.cost_money(start)) / 1e-3
            offset = carbon.cost_money(start) + slope * (self.state.emitted_tco2 - start)
            terms: list[Term] = [(slope * factor, name) for factor, name in emission]
            columns.row([*terms, (-1.0, ("carbon",))], -offset)
        if np.isfinite(carbon.limit_tco2):
            columns.row([*emission, (-1.0, ("beyond",))], carbon.limit_tco2 - self.state.emitted_tco2)

    def _add_balances(self) -> None:
        columns, system, hours = self.columns, self.case.system, self.case.period_h
        day = self.case.forecast
        for t in self.periods:
            supply: list[Term] = [term for i in range(len(system.units)) for term in self._net(i, t)]
            taken = sum(plant.fixed_mw * float(self.on[i, t]) for i, _, plant in self._plants)
            for r in range(len(system.renewables)):
                columns.add("w", r, t, high=float(day.available_mw[r, t]))
                supply.append((1.0, ("w", r, t)))
            for s in range(len(system.storages)):
                supply += [(1.0, ("out", s, t)), (-1.0, ("in", s, t))]
            columns.add(
                "import", t, cost=hours * float(day.import_price_per_mwh[t]), high=system.import_limit_mw
            )
            columns.add("spill", t, cost=hours * system.spill_cost_per_mwh)
            supply += [(1.0, ("import", t)), (-1.0, ("spill", t))]
            drawn = [term for each in self.users for term in each.draws(t)]
            supply += [(-factor, name) for factor, name in drawn]
            columns.row(supply, float(day.load_mw[t] + day.loss_mw[t]) + taken, equal=True)
            needed = system.reserve_load_share * float(day.load_mw[t])
            needed += system.reserve_renewable_share * float(day.available_mw[:, t].sum())
            for side in ("up", "down"):
                columns.add("short", side, t, cost=hours * system.shortage_cost_per_mwh)
                held: list[Term] = [(-1.0, (side, i, t)) for i in range(len(system.units))]
                held += [(system.reserve_load_share * factor, name) for factor, name in drawn]
                columns.row([*held, (-1.0, ("short", side, t))], -needed)


def reference_cost(
    case: BulkCase, on: Flags, state: BulkState, load_mw: Array, first: int = 0
) -> float | None:
    """Least cost of a case with another load, from a period on."""
    other = BulkCase(case.system, case.forecast.with_load(load_mw), case.on, case.state, case.period_h)
    return ReferenceDispatch(other, on, state, first).least_cost()
