"""What anybody could still gain: by hand where demand is linear, and by SciPy with shifting and a ladder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize

from gridarium.agents.region.region_day import RegionDay, RegionPlan
from gridarium.agents.region.region_demand import Flexibility, RegionDemand, Window
from gridarium.environment.arrays import Array, series
from gridarium.environment.clock import Clock
from gridarium.environment.grids import Grid
from gridarium.environment.network import Feeder
from gridarium.environment.world import World
from gridarium.experiments.evidence.transmission.nash_gap import NashGap, best_deviation, nash_gap
from gridarium.market.carbon_price import PersonalLadder
from gridarium.market.messages.tariffs import TariffSignal

N = 3
LEVEL, SLOPE = 20.0, 0.3
"""The price is 20 + 0.3 times the load of all."""


@pytest.fixture(scope="module")
def world() -> World:
    clock = Clock(pd.Timestamp("2026-06-15", tz="Asia/Shanghai"), 3600.0)
    return World(Grid(Feeder.copper_plate(), np.zeros(N)), clock, N, 0.0, 1)


def told(price: Array, ladder: PersonalLadder | None = None) -> TariffSignal:
    return TariffSignal(1, series(price), series(np.full(N, 0.5)), series(price), ladder=ladder)


def linear_price(loads: Mapping[str, Array]) -> dict[str, TariffSignal]:
    return dict.fromkeys(loads, told(LEVEL + SLOPE * sum(loads.values())))


def cutting_regions(world: World) -> dict[str, RegionDay]:
    """Two regions for which cutting x costs 10 x + 0.5 x^2."""
    own = Flexibility(1.0, 0.0, 10.0, 0.5, dissatisfaction_weight=0.0)
    bases = {"one": np.array([60.0, 80.0, 100.0]), "two": np.array([70.0, 50.0, 90.0])}
    return {
        name: RegionDay(world, name, RegionDemand(base, own), float(base.max()), 0.0, 1.0)
        for name, base in bases.items()
    }


def cutting(day: RegionDay, cut_mw: Array) -> RegionPlan:
    plan = RegionPlan.untouched(day.demand.base_mw)
    return replace(plan, cut_mw=cut_mw, net_mw=day.demand.base_mw - cut_mw)


def test_market_power_is_what_cournot_says(world: World) -> None:
    """Against a price taker's x = p - 10, who foresees the price cuts (p + 0.3 L - 10) in each hour."""
    days = cutting_regions(world)
    loads = {name: day.demand.base_mw for name, day in days.items()}
    for _ in range(200):
        signals = linear_price(loads)
        plans = {name: day.best(signals[name]) for name, day in days.items()}
        loads = {name: loads[name] + 0.5 * (plans[name].net_mw - loads[name]) for name in days}
    base, other = days["one"].demand.base_mw, plans["two"].net_mw
    # 20 + 0.3 (2 (base - x) + other) = 10 + x
    best_cut = (LEVEL - 10.0 + SLOPE * (2.0 * base + other)) / (1.0 + 2.0 * SLOPE)
    found = best_deviation("one", days, plans, linear_price)
    assert found.plan.cut_mw == pytest.approx(best_cut, abs=0.2)
    price = LEVEL + SLOPE * (base - best_cut + other)
    least = float((price * (base - best_cut) + 10.0 * best_cut + 0.5 * best_cut**2).sum())
    assert found.cost_money == pytest.approx(least, rel=1e-6)
    assert found.gain_money > 20.0
    gap = nash_gap(days, plans, signals, linear_price, (1000.0, 990.0))
    assert gap.follower_regret_money == pytest.approx(np.zeros(2), abs=1e-2)
    assert gap.leader_regret_money == 10.0
    assert gap.anticipation_gain_money[0] == pytest.approx(found.gain_money)
    assert gap.held_percent == pytest.approx(1.0, abs=1e-6)
    assert gap.percent == pytest.approx(
        100.0 * float((gap.anticipation_gain_money / gap.follower_cost_money).max())
    )


def test_without_influence_there_is_nothing_to_foresee(world: World) -> None:
    days, signal = cutting_regions(world), told(np.array([30.0, 50.0, 70.0]))
    plans = {name: day.best(signal) for name, day in days.items()}
    gap = nash_gap(
        days, plans, dict.fromkeys(days, signal), lambda loads: dict.fromkeys(loads, signal), (1.0, 1.0)
    )
    assert gap.anticipation_gain_money == pytest.approx(np.zeros(2), abs=1e-2)
    assert gap.percent == pytest.approx(0.0, abs=1e-3)


def test_who_has_not_done_its_best_regrets_it(world: World) -> None:
    days, signal = cutting_regions(world), told(np.array([30.0, 50.0, 70.0]))
    plans = {name: day.best(signal) for name, day in days.items()}
    plans["two"] = cutting(days["two"], plans["two"].cut_mw - 4.0)
    gap = nash_gap(
        days, plans, dict.fromkeys(days, signal), lambda loads: dict.fromkeys(loads, signal), (1.0, 1.0)
    )
    # Half of the square of the distance from the best cut, in each of three hours.
    assert gap.follower_regret_money == pytest.approx(np.array([0.0, 3 * 8.0]), abs=1e-2)
    # The search finds its way out as well.
    assert gap.anticipation_gain_money == pytest.approx(np.array([0.0, 24.0]), abs=1e-2)


def ladder_formula(loads: Mapping[str, Array]) -> dict[str, TariffSignal]:
    """Energy and the first step of carbon rise with the load of all."""
    total = sum(loads.values())
    ladder = PersonalLadder(series(10.0 + 0.2 * total), 6.0, 0.5, 3, np.full(N, 25.0))
    return dict.fromkeys(loads, told(25.0 + 0.25 * total, ladder))


def plan_of(day: RegionDay, decisions: Array) -> RegionPlan:
    """A plan from its cuts, and from what it moves from the last hour into the two before."""
    own, base, peak = day.demand.flexibility, day.demand.base_mw, float(day.demand.base_mw.max())
    cut, moved = decisions[:N], decisions[N:]
    into, out = np.array([0.9 * moved[0], 0.9 * moved[1], 0.0]), np.array([0.0, 0.0, moved.sum()])
    parts = ((0.40, cut, own.cut_share), (0.35, into + out, own.shift_share))
    unease = sum(part * float(np.mean((values / (share * peak)) ** 2)) for part, values, share in parts)
    nothing = np.zeros(N)
    return RegionPlan(base - cut + into - out, cut, into, out, nothing, nothing, unease)


@pytest.mark.parametrize("seed", range(4))
def test_no_other_solver_finds_a_better_deviation(world: World, seed: int) -> None:
    random = np.random.default_rng(seed)
    window = Window((2.0, 3.0), (0.0, 2.0), 0.9)
    own = Flexibility(0.7, 0.2, 15.0, random.uniform(0.3, 1.0), 1.0, 0.1, (window,))
    bases = {name: random.uniform(50.0, 100.0, N) for name in ("one", "two")}
    days = {
        name: RegionDay(world, name, RegionDemand(base, own), float(base.max()), 500.0, 1.0)
        for name, base in bases.items()
    }
    signals = ladder_formula(bases)
    plans = {name: day.best(signals[name]) for name, day in days.items()}
    found = best_deviation("one", days, plans, ladder_formula)
    day, others = days["one"], {"two": plans["two"].net_mw}

    def bears(decisions: Array) -> float:
        plan = plan_of(day, decisions)
        signal = ladder_formula({"one": plan.net_mw, **others})["one"]
        return day.cost_money(plan, signal) / 1e3

    base = bases["one"]
    limits = [
        {"type": "ineq", "fun": lambda x: 0.2 * base[2] - x[N:].sum()},
        {"type": "ineq", "fun": lambda x: 0.2 * base[:2] - 0.9 * x[N:]},
    ]
    bounds = [(0.0, 0.7 * load) for load in base] + [(0.0, None)] * 2
    starts = [random.uniform(0.0, 0.3 * np.array([*base, 0.3 * base[2], 0.3 * base[2]])) for _ in range(6)]
    runs = [
        minimize(bears, start, bounds=bounds, constraints=limits, method="SLSQP", options={"ftol": 1e-10})
        for start in starts
    ]
    best = min(1e3 * run.fun for run in runs if run.success)
    assert found.cost_money <= best + 1e-4 * abs(best)
    assert found.gain_money > 1.0
    # What it says it bears is what its plan leads to.
    signal = ladder_formula({"one": found.plan.net_mw, **others})["one"]
    assert day.cost_money(found.plan, signal) == pytest.approx(found.cost_money)


def test_shares_are_of_what_each_bears() -> None:
    gap = NashGap(np.array([1.0, 0.0]), 6.0, np.array([2.0, 9.0]), np.array([100.0, -300.0]), 400.0)
    assert gap.held_percent == pytest.approx(1.5)
    assert gap.percent == pytest.approx(3.0)
