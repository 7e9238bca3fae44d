"""Many regional systems at once plan what each of them would alone, and what other solvers find."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from named_columns import Columns
from region_references import ReferenceRegion
from scipy.optimize import minimize

from gridarium.agents.region.region_day import RegionDay, RegionPlan
from gridarium.agents.region.region_demand import Comfort, Flexibility, RegionDemand, Window
from gridarium.agents.region.region_fleet import FleetPlan, RegionFleet, _Task
from gridarium.environment.arrays import Array
from gridarium.environment.clock import Clock
from gridarium.environment.commons import Commons
from gridarium.environment.errors import ScenarioError
from gridarium.environment.grids import Grid
from gridarium.environment.network import Feeder
from gridarium.environment.world import World
from gridarium.market.messages.tariffs import Pull, TariffSignal

N, STEP_H = 8, 0.5
WINDOWS = (Window((0.0, 1.0), (2.0, 3.0), 0.85), Window((3.0, 4.0), (1.0, 2.0), 1.2))


@pytest.fixture(scope="module")
def world() -> World:
    clock = Clock(pd.Timestamp("2026-06-15", tz="Asia/Shanghai"), 3600.0 * STEP_H)
    return World(Grid(Feeder.copper_plate(), np.zeros(N)), clock, N, 0.0, 1)


def region(world: Commons, base_mw: Array, own: Flexibility, stake_money: float = 0.0) -> RegionDay:
    return RegionDay(world, "r", RegionDemand(base_mw, own), float(base_mw.max()), stake_money, STEP_H)


def drawn(world: Commons, random: np.random.Generator, count: int) -> list[RegionDay]:
    """Systems of sizes over three orders of magnitude, with none, one or two windows."""
    return [
        region(
            world,
            10.0 ** random.uniform(-1.0, 2.0) * random.uniform(0.3, 1.0, N),
            Flexibility(
                cut_share=random.choice([0.0, random.uniform(0.02, 0.5)]),
                shift_share=random.choice([0.0, random.uniform(0.02, 0.4)], p=[0.2, 0.8]),
                cut_cost_per_mwh=random.uniform(0.0, 80.0),
                cut_cost_per_mw2h=random.uniform(0.1, 3.0),
                shift_cost_per_mwh=random.uniform(0.0, 5.0),
                shift_cost_per_mw2h=random.uniform(0.05, 1.0),
                windows=WINDOWS[: random.integers(0, 3)],
            ),
            random.choice([0.0, random.uniform(0.0, 5e3)]),
        )
        for _ in range(count)
    ]


def alone(day: RegionDay, price: Array, target: Array, penalty: float) -> RegionPlan:
    """What its own problem, compiled and solved by PIQP, answers."""
    told = TariffSignal(1, price, np.zeros(N), price)
    return day.best(replace(told, pull=Pull(target, penalty)) if penalty else told)


def minimised(fleet: RegionFleet, plan: FleetPlan, price: Array, target: Array, penalty: Array) -> Array:
    """What each system has least of."""
    pulled = 0.5 * penalty * ((plan.net_mw - target) ** 2).sum(axis=1)
    return fleet.own_money(plan) + STEP_H * (plan.net_mw @ price + pulled)


@pytest.mark.parametrize("scale", [0.0, 1e-6, 1e-2, 1.0, 1e2, 1e6])
@pytest.mark.parametrize("seed", range(3))
def test_each_system_plans_what_it_would_alone(world: World, seed: int, scale: float) -> None:
    random = np.random.default_rng([seed, int(1e6 * scale)])
    days = drawn(world, random, 4)
    fleet = RegionFleet(days)
    price = random.uniform(-50.0, 200.0, N)
    target = fleet.base_mw * random.uniform(0.5, 1.5, fleet.base_mw.shape)
    penalty = scale * random.uniform(0.5, 2.0, 4)
    plan = fleet.best(price, target, penalty)
    for row, day in enumerate(days):
        own = alone(day, price, target[row], float(penalty[row]))
        size = float(day.demand.base_mw.max())
        assert plan.net_mw[row] == pytest.approx(own.net_mw, abs=2e-4 * size)
        assert plan.cut_mw[row] == pytest.approx(own.cut_mw, abs=2e-4 * size)
        assert plan.moved_mw[row] == pytest.approx(own.in_mw + own.out_mw, abs=2e-4 * size)
        told = TariffSignal(1, price, np.zeros(N), price)
        told = replace(told, pull=Pull(target[row], float(penalty[row]))) if scale else told
        least = day.minimised_money(own, told)
        found = minimised(fleet, plan, price, target, penalty)[row]
        assert found == pytest.approx(least, rel=1e-6, abs=1e-6 * size * 200.0)


@pytest.mark.parametrize("price", [-1e4, 0.0, 1e4])
def test_at_extreme_prices_everything_is_at_its_limit(world: World, price: float) -> None:
    base = np.linspace(20.0, 40.0, N)
    own = Flexibility(cut_share=0.2, shift_share=0.1, windows=WINDOWS[:1])
    fleet = RegionFleet([region(world, base, own)])
    plan = fleet.best(np.full(N, price), base[None], np.zeros(1))
    moved = plan.moved_mw[0]
    if price > 0.0:
        # Of each MWh that leaves 0.85 arrive, so that what moves is energy saved: all that may leave does.
        assert plan.cut_mw[0] == pytest.approx(0.2 * base)
        assert moved[:2] == pytest.approx(0.1 * base[:2])
        assert moved[4:6].sum() == pytest.approx(0.85 * moved[:2].sum())
    else:
        assert plan.cut_mw[0] == pytest.approx(0.0, abs=1e-9)
        assert moved == pytest.approx(0.0, abs=1e-9)


def test_what_leaves_arrives_by_its_transfer_and_nothing_moves_without_windows(world: World) -> None:
    random = np.random.default_rng(1)
    base = random.uniform(20.0, 40.0, N)
    own = Flexibility(cut_share=0.1, shift_share=0.2, windows=WINDOWS)
    fleet = RegionFleet([region(world, base, own), region(world, base, replace(own, windows=()))])
    price = np.array([150.0, 120.0, 20.0, 10.0, 30.0, 0.0, 180.0, 90.0])
    plan = fleet.best(price, fleet.base_mw, np.array([0.1, 0.1]))
    moved = plan.moved_mw[0]
    assert 0.85 * moved[[0, 1]].sum() == pytest.approx(moved[[4, 5]].sum()) and moved[0] > 1.0
    assert 1.2 * moved[[6, 7]].sum() == pytest.approx(moved[[2, 3]].sum()) and moved[6] > 1.0
    sign = np.array([-1.0, -1.0, 1.0, 1.0, 1.0, 1.0, -1.0, -1.0])
    assert plan.net_mw[0] == pytest.approx(base - plan.cut_mw[0] + sign * moved)
    assert (plan.moved_mw[1] == 0.0).all() and (plan.cut_mw <= 0.1 * base + 1e-12).all()


def test_halving_finds_what_newton_finds(world: World) -> None:
    random = np.random.default_rng(3)
    days = drawn(world, random, 40)
    together = RegionFleet(days)
    price = random.uniform(0.0, 150.0, N)
    target = together.base_mw * random.uniform(0.7, 1.3, together.base_mw.shape)
    penalty = 10.0 ** random.uniform(-2.0, 1.0, 40)
    together._marginal = np.broadcast_to(price, target.shape)
    searched = together._search(_Task(price, target, penalty[:, None]), 1e-12)
    newton = 0
    for row, day in enumerate(days):
        fleet = RegionFleet([day])
        plan = fleet.best(price, target[[row]], penalty[[row]])
        newton += not fleet.searches
        for kind in FleetPlan._fields:
            assert getattr(searched, kind)[[row]] == pytest.approx(getattr(plan, kind), abs=1e-7)
    # Where Newton's steps go round, a fleet of one has halved too.
    assert 25 <= newton < 40


def test_another_task_on_the_same_fleet_is_answered_as_by_a_fresh_one(world: World) -> None:
    random = np.random.default_rng(5)
    days = drawn(world, random, 4)
    fleet = RegionFleet(days)
    for scale in (1.0, 1e5, 0.0, 1e-3, 30.0):
        price, penalty = random.uniform(-20.0, 200.0, N), scale * random.uniform(0.5, 2.0, 4)
        target = fleet.base_mw * random.uniform(0.5, 1.5, fleet.base_mw.shape)
        warm, fresh = (each.best(price, target, penalty) for each in (fleet, RegionFleet(days)))
        assert warm.net_mw == pytest.approx(fresh.net_mw, abs=1e-6)


def test_what_a_plan_costs_is_what_its_own_day_says(world: World) -> None:
    random = np.random.default_rng(2)
    days = drawn(world, random, 6)
    fleet = RegionFleet(days)
    plan = fleet.best(random.uniform(50.0, 250.0, N), fleet.base_mw, random.uniform(0.01, 0.1, 6))
    money = []
    for row, day in enumerate(days):
        moved, net, nothing = plan.moved_mw[row], plan.net_mw[row], np.zeros(N)
        values = {"net_mw": net, "cut_mw": plan.cut_mw[row], "in_mw": moved, "out_mw": nothing}
        money.append(day.own_money(day.read(lambda name, values=values: values.get(name, np.zeros(N)))))
    assert fleet.own_money(plan) == pytest.approx(money)
    assert sum(money) > 0.0


@pytest.mark.parametrize("seed", range(4))
def test_the_equations_written_down_have_no_cheaper_plan(world: World, seed: int) -> None:
    pytest.importorskip("clarabel")
    random = np.random.default_rng(seed)
    days = drawn(world, random, 3)
    fleet = RegionFleet(days)
    price = random.uniform(0.0, 200.0, N)
    target = fleet.base_mw * random.uniform(0.6, 1.2, fleet.base_mw.shape)
    penalty = random.uniform(0.01, 3.0, 3)
    found = minimised(fleet, fleet.best(price, target, penalty), price, target, penalty)
    for row, day in enumerate(days):
        if not day.demand.flexibility.cut_share or not day.demand.flexibility.shift_share:
            continue
        columns = Columns()
        reference = ReferenceRegion("r", day.demand, day.peak_mw, day.stake_money, STEP_H)
        reference.declare(columns)
        for t, base in enumerate(day.demand.base_mw.tolist()):
            columns.add("net", t, cost=STEP_H * price[t], low=None)
            columns.row([(-1.0, ("net", t)), *reference.draws(t)], -base, equal=True)
            columns.add("apart", t, square=0.5 * STEP_H * penalty[row], low=None)
            columns.row([(1.0, ("net", t)), (-1.0, ("apart", t))], float(target[row, t]), equal=True)
        least = columns.solve_convex()
        assert least is not None
        assert found[row] == pytest.approx(least, rel=1e-7, abs=1e-5)


def test_two_steps_and_one_window_against_a_solver_of_any_smooth_problem(world: World) -> None:
    base = np.full(N, 30.0)
    own = Flexibility(cut_share=0.3, shift_share=0.3, windows=(Window((0.0, 0.5), (0.5, 1.0), 0.9),))
    fleet = RegionFleet([region(world, base, own, 800.0)])
    price, target, penalty = np.array([140.0, 15.0, *[40.0] * 6]), 0.95 * base[None], np.array([0.4])
    plan = fleet.best(price, target, penalty)

    def money(x: Array) -> float:
        """By (32): cut of all steps, then what leaves step 0."""
        cut, moved = x[:N], np.array([x[N], 0.9 * x[N], *[0.0] * 6])
        net = base - cut + np.array([-1.0, 1.0, *[0.0] * 6]) * moved
        unease = 0.40 * np.mean((cut / 9.0) ** 2) + 0.35 * np.mean((moved / 9.0) ** 2)
        per_h = price @ net + 50.0 * cut.sum() + (cut**2).sum() + 2.0 * moved.sum() + 0.2 * (moved**2).sum()
        return float(STEP_H * (per_h + 0.2 * ((net - target[0]) ** 2).sum()) + 800.0 * unease)

    best = minimize(
        lambda x: money(x) / 1e3, np.ones(N + 1), bounds=[(0.0, 9.0)] * (N + 1), method="SLSQP",
        options={"ftol": 1e-14, "maxiter": 500},
    )  # fmt: skip
    assert plan.cut_mw[0] == pytest.approx(best.x[:N], abs=1e-3)
    assert plan.moved_mw[0, :2] == pytest.approx(best.x[N] * np.array([1.0, 0.9]), abs=1e-3)
    assert minimised(fleet, plan, price, target, penalty)[0] == pytest.approx(1e3 * best.fun, rel=1e-8)


@pytest.mark.parametrize(
    ("own", "told"),
    [
        (Flexibility(comfort=Comfort(0.2)), "1.comfort: got Comfort"),
        (
            Flexibility(windows=(WINDOWS[0], Window((2.5, 3.5), (1.0, 2.0)))),
            "1.windows.1: got Window(.|\n)*must share no hour in a fleet",
        ),
        (Flexibility(windows=(Window((0.0, 2.0), (1.0, 3.0)),)), "1.windows.0: got Window"),
        (
            Flexibility(comfort=Comfort(0.2), windows=(Window((0.0, 2.0), (1.0, 3.0)),)),
            "fleet of regional systems: 2 faults",
        ),
        (
            Flexibility(cut_share=0.6, shift_share=0.6, windows=WINDOWS),
            "1.shift_share: got 0.6; must be at most 1 less cut_share = 0.6",
        ),
        (Flexibility(cut_cost_per_mw2h=0.0), "1.cut_cost_per_mw2h: got 0.0; must be above 0"),
        (
            Flexibility(shift_cost_per_mw2h=0.0, windows=WINDOWS),
            "1.shift_cost_per_mw2h: got 0.0; must be above 0",
        ),
    ],
)
def test_what_arithmetic_cannot_answer_is_refused_by_place(world: World, own: Flexibility, told: str) -> None:
    base = np.full(N, 30.0)
    with pytest.raises(ScenarioError, match=told):
        RegionFleet([region(world, base, Flexibility(windows=WINDOWS)), region(world, base, own)])
