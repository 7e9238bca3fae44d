"""A regional system's plan: by hand where one lever is left, by another solver, and by its own optimality."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from gridarium.agents.region.region_day import RegionDay, RegionPlan
from gridarium.agents.region.region_demand import Comfort, Flexibility, RegionDemand, Window
from gridarium.environment.arrays import Array
from gridarium.environment.clock import Clock
from gridarium.environment.errors import InputError, ScenarioError
from gridarium.environment.grids import Grid
from gridarium.environment.network import Feeder
from gridarium.environment.world import World
from gridarium.market.block_prices import BlockPrices
from gridarium.market.carbon_price import PersonalLadder
from gridarium.market.messages.tariffs import Pull, TariffSignal

N = 6
BASE: Array = np.array([60.0, 50.0, 80.0, 100.0, 90.0, 70.0])
WINDOW = Window((2.0, 4.0), (0.0, 2.0), 0.9)
CUT_ONLY = Flexibility(shift_share=0.0, dissatisfaction_weight=0.0)
ALL = Flexibility(windows=(WINDOW, Window((3.0, 5.0), (5.0, 6.0))), comfort=Comfort(0.2))


@pytest.fixture(scope="module")
def world() -> World:
    clock = Clock(pd.Timestamp("2026-06-15", tz="Asia/Shanghai"), 3600.0)
    return World(Grid(Feeder.copper_plate(), np.zeros(N)), clock, N, 0.0, 1)


def day_of(world: World, flexibility: Flexibility, stake_money: float = 0.0) -> RegionDay:
    return RegionDay(world, "r1", RegionDemand(BASE, flexibility), 100.0, stake_money, 1.0)


def signal(price: Array, ladder: PersonalLadder | None = None, factor: float = 0.5) -> TariffSignal:
    return TariffSignal(1, price, np.full(N, factor), price, ladder=ladder)


def stairs(base: float, interval: float, growth: float, steps: int, quota: float) -> PersonalLadder:
    return PersonalLadder(np.full(N, base), interval, growth, steps, np.full(N, quota))


def test_it_cuts_until_the_next_mw_costs_what_it_saves(world: World) -> None:
    price = np.array([40.0, 50.0, 60.0, 70.0, 80.0, 90.0])
    plan = day_of(world, CUT_ONLY).best(signal(price))
    # 50 + 2 x cut = price, at most 15 % of the load.
    assert plan.cut_mw == pytest.approx(np.clip((price - 50.0) / 2.0, 0.0, 0.15 * BASE), abs=1e-4)
    assert plan.net_mw == pytest.approx(BASE - plan.cut_mw, abs=1e-6)


def test_a_ladder_at_a_carbon_factor_is_a_price_by_blocks(world: World) -> None:
    ladder = stairs(80.0, 15.0, 0.5, 3, 20.0)
    blocks = BlockPrices.of(np.full(N, 30.0), np.full(N, 0.5), ladder, 1e3)
    assert blocks.price_per_mwh[:, 0].tolist() == pytest.approx([70.0, 90.0, 110.0])
    assert (blocks.block_mw[0], blocks.free_mw[0]) == pytest.approx((30.0, 40.0))
    plan = day_of(world, replace(CUT_ONLY, cut_share=1.0)).best(signal(np.full(N, 30.0), ladder))
    # Where the base load stands on each block, the next MW costs 70, 90 or 110; at the edges it rests.
    wanted = np.array([60.0, 50.0, 80.0, 100.0, 90.0, 70.0])
    expected = []
    for load in wanted:
        cuts = np.linspace(0.0, load, 200_001)
        carbon = 0.5 * (load - cuts)
        cost = 30.0 * (load - cuts) + 50.0 * cuts + cuts**2
        dearer = np.maximum(carbon - 35.0, 0.0) + np.maximum(carbon - 50.0, 0.0)
        expected.append(cuts[np.argmin(cost + 80.0 * (carbon - 20.0) + 40.0 * dearer)])
    assert plan.cut_mw == pytest.approx(np.array(expected), abs=2e-3)


def test_a_pull_draws_the_load_to_its_target_by_its_weight(world: World) -> None:
    price, target = np.array([40.0, 50.0, 60.0, 70.0, 80.0, 90.0]), 0.9 * BASE
    day = day_of(world, CUT_ONLY)
    for weight in (1e-6, 0.5, 20.0, 1e6):
        told = replace(signal(price), pull=Pull(target, weight))
        plan = day.best(told)
        # price - 50 - 2 cut + rho (base - cut - z) = 0
        wanted = (price - 50.0 + weight * (BASE - target)) / (2.0 + weight)
        assert plan.cut_mw == pytest.approx(np.clip(wanted, 0.0, 0.15 * BASE), abs=1e-3)
        counted = 0.5 * weight * float(((plan.net_mw - target) ** 2).sum())
        assert day.pull_money(plan.net_mw, told) == pytest.approx(counted)
        # What is paid knows no pull.
        assert day.cost_money(plan, told) == day.cost_money(plan, signal(price))
        assert day.minimised_money(plan, told) == pytest.approx(day.cost_money(plan, told) + counted)
    assert plan.net_mw == pytest.approx(target, abs=1e-3)


@pytest.mark.parametrize("weight", [0.0, -1.0, np.inf])
def test_a_pull_without_weight_is_refused(weight: float) -> None:
    with pytest.raises(InputError, match=r"pull: 2 faults(.|\n)*per_mw2h: got"):
        Pull(np.array([1.0, np.nan]), weight)


def brute(day: RegionDay, told: TariffSignal) -> float:
    """The least cost that another solver finds over curtailment and the moves of the one window."""
    own = day.demand.flexibility
    moves = own.windows[0].moves(N, 1.0)

    def plan(x: Array) -> RegionPlan:
        cut, into, out = x[:N], np.zeros(N), np.zeros(N)
        for (start, stop, transfer), moved in zip(moves, x[N:], strict=True):
            out[start] += moved
            into[stop] += transfer * moved
        nothing = np.zeros(N)
        parts = [(0.40, cut, own.cut_share), (0.35, into + out, own.shift_share)]
        unhappy = sum(part * float(np.mean((values / (100.0 * share)) ** 2)) for part, values, share in parts)
        return RegionPlan(BASE - cut + into - out, cut, into, out, nothing, nothing, unhappy)

    limits = [
        {"type": "ineq", "fun": lambda x: own.shift_share * BASE - plan(x).out_mw},
        {"type": "ineq", "fun": lambda x: own.shift_share * BASE - plan(x).in_mw},
    ]
    bounds = [(0.0, own.cut_share * load) for load in BASE] + [
        (0.0, own.shift_share * BASE[move[0]]) for move in moves
    ]
    found = minimize(
        lambda x: day.minimised_money(plan(x), told) / 1e3, np.zeros(N + len(moves)), bounds=bounds,
        constraints=limits, method="SLSQP", options={"ftol": 1e-12, "maxiter": 500},
    )  # fmt: skip
    return 1e3 * float(found.fun)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), stake=st.floats(0.0, 5e4), weight=st.sampled_from([0.0, 0.3, 10.0]))
def test_the_plan_costs_what_another_solver_finds(
    world: World, seed: int, stake: float, weight: float
) -> None:
    random = np.random.default_rng(seed)
    day = day_of(world, Flexibility(windows=(WINDOW,)), stake)
    # A smooth problem for the other solver: one block.
    told = signal(random.uniform(20.0, 150.0, N), stairs(random.uniform(0.0, 80.0), 10.0, 0.0, 1, 5.0))
    if weight:
        told = replace(told, pull=Pull(BASE + random.normal(0.0, 10.0, N), weight))
    plan = day.best(told)
    assert day.minimised_money(plan, told) == pytest.approx(brute(day, told), rel=2e-5)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_limits_and_balances_hold_and_nothing_nearby_is_better(world: World, seed: int) -> None:
    random = np.random.default_rng(seed)
    day = day_of(world, ALL, 2e4)
    told = signal(random.uniform(20.0, 150.0, N), stairs(random.uniform(0.0, 80.0), 10.0, 0.5, 4, 5.0))
    plan = day.best(told)
    assert plan.net_mw == pytest.approx(BASE - plan.cut_mw + plan.in_mw - plan.out_mw - plan.turned_down_mw)
    assert (plan.cut_mw <= 0.15 * BASE + 1e-6).all() and (plan.out_mw <= 0.087 * BASE + 1e-6).all()
    # What leaves in each window arrives in it, less what is lost.
    assert plan.in_mw[:2].sum() + plan.in_mw[5] <= plan.out_mw.sum() + 1e-6
    room, drift = 0.0, []
    for down in plan.turned_down_mw:
        room = 0.8 * room + 2.5 * down / (0.2 * 100.0)
        drift.append(room)
    assert plan.drift_degc == pytest.approx(np.array(drift), abs=1e-5)
    assert np.abs(plan.drift_degc).max() <= 2.0 + 1e-6 and abs(drift[-1]) <= 1e-5
    best = day.cost_money(plan, told)
    for scale in (0.9, 0.99, 1.01):
        cut = np.clip(scale * plan.cut_mw, 0.0, 0.15 * BASE)
        unhappy = plan.dissatisfaction + 0.40 * float(np.mean((cut / 15.0) ** 2 - (plan.cut_mw / 15.0) ** 2))
        other = replace(plan, cut_mw=cut, net_mw=plan.net_mw + plan.cut_mw - cut, dissatisfaction=unhappy)
        assert day.cost_money(other, told) >= best - 1e-3


def test_nothing_is_asked_of_those_who_have_nothing_to_give(world: World) -> None:
    rigid = Flexibility(cut_share=0.0, shift_share=0.0)
    plan = day_of(world, rigid, 1e4).best(signal(np.full(N, 500.0)))
    assert plan.net_mw == pytest.approx(BASE, abs=1e-6)
    assert plan.dissatisfaction == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize(("cut_share", "shift_share"), [(0.0, 0.1), (0.1, 0.0), (0.0, 0.0)])
def test_a_small_system_with_one_lever_answers_however_much_dissatisfaction_is_worth(
    world: World, cut_share: float, shift_share: float
) -> None:
    base = np.array([0.06, 0.05, 0.08, 0.1, 0.09, 0.07])
    own = Flexibility(cut_share=cut_share, shift_share=shift_share, windows=(WINDOW,))
    for stake in (1e-3, 1.0, 1e3, 1e5):
        day = RegionDay(world, "r1", RegionDemand(base, own), 0.1, stake, 1.0)
        plan = day.best(signal(np.array([60.0, 70.0, 90.0, 120.0, 100.0, 80.0])))
        if not cut_share:
            assert plan.cut_mw == pytest.approx(0.0, abs=1e-9)
        else:
            # 50 + 2 cut + stake 0.40 / 6 * 2 cut / (0.01)^2 = price
            price = np.array([60.0, 70.0, 90.0, 120.0, 100.0, 80.0])
            unease = stake * 0.40 / 6.0 * 2.0 / 0.01**2
            assert plan.cut_mw == pytest.approx(
                np.minimum((price - 50.0) / (2.0 + unease), 0.1 * base), abs=1e-6
            )
        assert plan.in_mw.sum() == pytest.approx(0.9 * plan.out_mw.sum(), abs=1e-9)
        assert shift_share or plan.out_mw == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("idle_h", [[2], list(range(N))])
def test_hours_without_load_ask_nobody_for_anything(world: World, idle_h: list[int]) -> None:
    base = np.where(np.isin(np.arange(N), idle_h), 0.0, BASE)
    day = RegionDay(world, "r1", RegionDemand(base, ALL), float(base.max()), 1000.0, 1.0)
    plan = day.best(signal(np.full(N, 90.0), stairs(80.0, 15.0, 0.5, 3, 20.0)))
    asked = (plan.cut_mw, plan.in_mw, plan.out_mw, plan.turned_down_mw)
    assert np.abs([one[idle_h] for one in asked]).max() <= 1e-6
    assert plan.net_mw[idle_h] == pytest.approx(0.0, abs=1e-6) and np.isfinite(plan.dissatisfaction)
    assert (plan.dissatisfaction > 1e-9) == (len(idle_h) < N)


@pytest.mark.parametrize(
    ("make", "part"),
    [
        (lambda: Window((10.0, 7.0), (11.0, 14.0)), "from_h: got"),
        (lambda: Window((7.0, 10.0), (11.0, 11.0)), "to_h: got"),
        (lambda: Window((7.0, 10.0), (11.0, 14.0), 0.0), "transfer"),
        (lambda: Flexibility(cut_share=1.5, dissatisfaction_weight=1.0), "2 faults"),
        (lambda: RegionDemand(np.array([1.0, -0.1]), ALL), "base_mw"),
    ],
)
def test_impossible_data_are_refused(make: object, part: str) -> None:
    with pytest.raises(ScenarioError, match=part):
        make()  # type: ignore[operator]
