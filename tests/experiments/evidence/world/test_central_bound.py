"""The yardstick of a world: a bound that no plan undercuts, checked by another solver."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from named_columns import Columns, Term

from gridarium.agents.feeder.consumer_problem import LoadUtility
from gridarium.environment.arrays import Array
from gridarium.environment.errors import SolveError
from gridarium.environment.thermal_unit import CapturePlant, ThermalUnit, gas_turbine
from gridarium.experiments.evidence.world.central_day import (
    CentralDay,
    FlexibleLoad,
    Plant,
    Played,
    Store,
    borne_money,
    cost_money,
    with_loads_held,
)
from gridarium.experiments.evidence.world.central_programme import least_cost_money
from gridarium.experiments.results.result import Result
from gridarium.experiments.running.runner import run
from gridarium.experiments.scenario import load_scenario
from gridarium.experiments.telling.narrative import narrative
from gridarium.market import accounts

HOURS, N = 0.5, 8


def unit(capture: CapturePlant | None = None, name: str = "coal") -> ThermalUnit:
    """A unit that starts off."""
    return ThermalUnit(name, 20.0, 60.0, 0.05, 20.0, 100.0, 500.0, 40.0, 40.0, 1, 1, 0.8, False, 0.0, capture)


def day_of(seed: int) -> CentralDay:
    """A day with a unit with capture, one without, a turbine, a storage and a flexible load."""
    random = np.random.default_rng(seed)
    on = np.ones(N, dtype=bool)
    late = np.arange(N) >= random.integers(1, 4)
    turbine = gas_turbine("gas", 0.2, 1.0, 10.0, 40.0, 5.0, 1.2, 0.4)
    plants = (
        Plant(unit(CapturePlant(0.8, 0.25, 2.0, 15.0, 6.0)), 1, on, tank_tco2=6.0),
        Plant(unit(name="old"), 1, late),
        Plant(turbine, 5, on, is_free=True),
    )
    base = random.uniform(0.5, 1.5, N)
    load = FlexibleLoad(
        10, LoadUtility(base, random.uniform(20.0, 90.0, N), 60.0), 0.2, base.reshape(2, -1).sum(axis=1)
    )
    return CentralDay(
        HOURS,
        random.uniform(40.0, 90.0, N),
        random.uniform(0.0, 20.0, N),
        np.full(N, 200.0),
        np.full(N, 0.9),
        np.full(N, 50.0),
        12.0,
        plants,
        (Store(2, 5.0, (1.0, 9.0), 5.0, 4.0, (0.9, 0.95), (0.5, 1.0)),),
        (load,),
    )


class Reference:
    """The best plan of a day as a quadratic programme written by hand."""

    def __init__(self, day: CentralDay) -> None:
        pytest.importorskip("clarabel")
        self.day, self.columns, self.constant = day, Columns(), 0.0
        self.supply = [list[Term]() for _ in range(N)]
        self.needed = day.held_mw - day.available_mw
        for i, plant in enumerate(day.plants):
            self._add_plant(i, plant)
            if plant.unit.capture is not None:
                self._add_capture(i, plant, plant.unit.capture)
        for s, store in enumerate(day.stores):
            self._add_store(s, store)
        for k, load in enumerate(day.loads):
            self._add_load(k, load)
        for t in range(N):
            cost = HOURS * float(day.import_cost_per_mwh[t])
            self.columns.add("import", 0, t, cost=cost, high=float(day.import_limit_mw[t]))
            terms = [*self.supply[t], (1.0, ("import", 0, t))]
            self.columns.row([(-factor, name) for factor, name in terms], -float(self.needed[t]))

    def _add_plant(self, i: int, plant: Plant) -> None:
        one, c, columns = plant.unit, plant.copies, self.columns
        for t in range(N):
            on = bool(plant.on[t])
            low, high = (0.0 if plant.is_free else one.p_min_mw * on), one.p_max_mw * on
            linear = one.cost_linear_per_mwh + self.day.carbon_price_per_tco2 * one.emission_tco2_per_mwh
            square = c * HOURS * one.cost_quadratic_per_mw2h
            columns.add("p", i, t, cost=c * HOURS * linear, square=square, low=low, high=high)
            self.supply[t].append((c, ("p", i, t)))
            if plant.is_free:
                continue
            was = one.on_initially if t == 0 else bool(plant.on[t - 1])
            self.constant += c * (HOURS * one.cost_fixed_per_h * on + one.start_stop_money * (was != on))
            rise = one.ramp_mw_per_h * HOURS if was else max(one.p_min_mw, one.ramp_mw_per_h * HOURS)
            step: list[Term] = [(1.0, ("p", i, t))]
            step += [(-1.0, ("p", i, t - 1))] if t else []
            columns.row(step, rise)
            columns.row([(-factor, name) for factor, name in step], one.ramp_down_mw_per_h * HOURS)

    def _add_capture(self, i: int, plant: Plant, capture: CapturePlant) -> None:
        c, columns, sigma = plant.copies, self.columns, capture.energy_mwh_per_tco2
        for t in range(N):
            columns.add("in", i, t, cost=-c * HOURS * self.day.carbon_price_per_tco2)
            columns.add("out", i, t)
            columns.add("tank", i, t, high=plant.tank_tco2 if t == N - 1 else capture.tank_tco2)
            share = capture.efficiency * plant.unit.emission_tco2_per_mwh
            columns.row([(1.0, ("in", i, t)), (-share, ("p", i, t))], 0.0)
            fixed = capture.fixed_mw * plant.on[t]
            columns.row([(sigma, ("out", i, t)), (-1.0, ("p", i, t))], -fixed)
            level: list[Term] = [(1.0, ("tank", i, t)), (-HOURS, ("in", i, t)), (HOURS, ("out", i, t))]
            level += [(-1.0, ("tank", i, t - 1))] if t else []
            columns.row(level, 0.0 if t else capture.tank_initial_tco2, equal=True)
            self.supply[t].append((-c * sigma, ("out", i, t)))
            self.needed[t] += c * fixed

    def _add_store(self, s: int, store: Store) -> None:
        c, columns, (into, out) = store.copies, self.columns, store.efficiencies
        for t in range(N):
            for name, wear in zip(("charge", "discharge"), store.wear_per_mwh, strict=True):
                columns.add(name, s, t, cost=c * HOURS * wear, high=store.p_max_mw)
            low = store.last_mwh if t == N - 1 else store.band_mwh[0]
            columns.add("E", s, t, low=low, high=store.band_mwh[1])
            kept: list[Term] = [(1.0, ("E", s, t)), (-HOURS * into, ("charge", s, t))]
            kept += [(HOURS / out, ("discharge", s, t)), *([(-1.0, ("E", s, t - 1))] if t else [])]
            columns.row(kept, 0.0 if t else store.first_mwh, equal=True)
            self.supply[t] += [(c, ("discharge", s, t)), (-c, ("charge", s, t))]

    def _add_load(self, k: int, load: FlexibleLoad) -> None:
        utility, c = load.utility, load.copies * HOURS
        beta = utility.beta_per_mwh_per_mw
        for t in range(N):
            base = float(utility.base_mw[t])
            alpha = float(utility.reference_price_per_mwh[t]) + beta * base
            self.constant += c * (alpha * base - 0.5 * beta * base**2)
            low, high = (1.0 - load.flexible_share) * base, (1.0 + load.flexible_share) * base
            self.columns.add("load", k, t, cost=-c * alpha, square=0.5 * c * beta, low=low, high=high)
            self.supply[t].append((-load.copies, ("load", k, t)))
        for d, energy in enumerate(load.energy_mw):
            periods = range(d * N // 2, (d + 1) * N // 2)
            self.columns.row([(1.0, ("load", k, t)) for t in periods], float(energy), equal=True)

    def best(self) -> tuple[float, Played]:
        """What the best plan costs, and the plan."""
        found = self.columns.solve_convex()
        assert found is not None

        def values(name: str, each: Sequence[object]) -> Array:
            known = self.columns.place
            return np.array(
                [
                    [self.columns.value(name, i, t) if (name, i, t) in known else 0.0 for t in range(N)]
                    for i in range(len(each))
                ]
            )

        day = self.day
        powers, stores = (values(name, day.plants) for name in ("p", "in")), ("charge", "discharge")
        moved = (values(name, day.stores) for name in stores)
        return found + self.constant, Played(
            *powers, *moved, values("load", day.loads), values("import", [None])[0]
        )


@pytest.mark.parametrize("seed", [0, 1, 2, 3, 5])
def test_the_bound_is_just_below_the_best_plan_of_another_solver(seed: int) -> None:
    day = day_of(seed)
    best, plan = Reference(day).best()
    bound = least_cost_money(day)
    assert bound <= best + 1e-6 * abs(best)
    assert bound == pytest.approx(best, rel=1e-3)
    # A turbine that is free in the programme pays what running costs in the outcome: nothing else differs.
    running = sum(p.copies * HOURS * p.unit.cost_fixed_per_h * N for p in day.plants if p.is_free)
    assert cost_money(day, plan) == pytest.approx(best + running, rel=1e-6)
    held = with_loads_held(day, plan)
    assert least_cost_money(held) + borne_money(day, plan) == pytest.approx(best, rel=1e-3)


def test_losses_raise_it_and_what_cannot_be_supplied_has_none() -> None:
    day = day_of(1)
    assert least_cost_money(day, np.full(N, 1.0)) > least_cost_money(day) + 10.0
    with pytest.raises(SolveError):
        least_cost_money(replace(day, held_mw=day.held_mw + 1000.0))


SHORT = ("horizon_h=6", "grids.bulk.ties.rounds.round_limit=3", "grids.bulk.ties.central_bound=true")


@pytest.fixture(scope="module")
def result() -> Result:
    """A quarter of a day of a small stack, broken off after some rounds."""
    return run(load_scenario("ties-feeders-small", SHORT), cases=["ladder"])


def test_a_world_is_held_against_it(result: Result) -> None:
    (row,) = result.table("central_bounds").to_dict("records")
    readings = {one.name: one for one in result.certificates}
    hard, told = (
        readings[f"bulk: {name}"] for name in ("above the central bound", "gap to the central bound")
    )
    assert hard.hard and hard.passed and hard.value == 0.0
    assert not told.hard and told.value == row["gap_percent"] > 0.0
    assert row["bound_money"] < row["supply_bound_money"] <= row["outcome_money"]
    assert row["lost_mwh"] > 0.0
    text = {one.about: one.text for one in narrative(result)}["Yardstick"]
    assert f"{row['gap_percent']:.1f} %" in text


def test_what_the_world_has_cost_is_what_its_ledger_says(result: Result) -> None:
    (row,), payoffs = result.table("central_bounds").to_dict("records"), result.table("payoffs")
    copies = {"bulk": 1} | {
        grid: int(rows["replicas"].iloc[0])
        for grid, rows in result.table("heads").groupby("grid")
        if grid != "bulk"
    }
    sinks = (accounts.FUEL_SUPPLIERS, accounts.MAINTENANCE, accounts.REAL_TIME_MARKET)
    paid = payoffs[payoffs["agent"].isin(sinks)]
    used = sum(copies[grid] * amount for grid, amount in zip(paid["grid"], paid["amount_money"], strict=True))
    price = row["carbon_price_per_tco2"]
    assert row["outcome_money"] == pytest.approx(
        used + price * row["emission_tco2"] + row["borne_money"], rel=1e-9
    )
    assert result.summary["ladder"]["bulk.central_outcome_money"] == row["outcome_money"]


def test_levels_that_never_talk_pass_all_hard_certificates_and_are_held_against_it() -> None:
    found = run(load_scenario("one-world-small"), cases=["uncoordinated"])
    assert [one.name for one in found.certificates if one.hard and not one.passed] == []
    soft = {one.name for one in found.certificates if not one.hard and not one.passed}
    assert "bulk: convergence" in soft
    days = found.table("days")
    assert set(days.loc[days["grid"].isin(["bulk", "c"]), "ended"]) == {"round limit"}
    assert len(found.table("central_bounds")) == 1
