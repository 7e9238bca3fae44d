"""The bound of what a regional system could save: 0 at its best plan, and no less than that elsewhere."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from gridarium.agents.region.region import Region
from gridarium.agents.region.region_day import RegionDay, RegionPlan
from gridarium.agents.region.region_demand import Comfort, Flexibility, RegionDemand, Window
from gridarium.environment.arrays import series
from gridarium.environment.clock import Clock
from gridarium.environment.grids import Grid
from gridarium.environment.network import Feeder
from gridarium.environment.world import World
from gridarium.experiments.evidence.region.region_regret import RegionCase
from gridarium.market.carbon_price import PersonalLadder
from gridarium.market.messages.tariffs import Pull, TariffSignal
from tests.support.ries_small import known_of_night

N = 24


def day_and_signal(seed: int, pull: bool = False, first_step: int = 0) -> tuple[RegionDay, TariffSignal]:
    """A regional system of random numbers, and prices that rise by steps of carbon."""
    random = np.random.default_rng(seed)
    demand = RegionDemand(
        random.uniform(50.0, 100.0, N),
        Flexibility(
            cut_cost_per_mwh=random.uniform(10.0, 50.0),
            shift_cost_per_mwh=random.uniform(0.5, 4.0),
            windows=(Window((17.0, 22.0), (0.0, 6.0), random.uniform(0.8, 1.1)),),
            comfort=Comfort(0.2) if seed % 2 else None,
        ),
    )
    clock = Clock(pd.Timestamp("2026-06-15", tz="Asia/Shanghai"), 3600.0)
    world = World(Grid(Feeder.copper_plate(), np.zeros(N)), clock, N, 0.0, 1)
    day = RegionDay(world, "region", demand, float(demand.base_mw.max()), 2_000.0, 1.0)
    factor = random.uniform(0.1, 0.6, N)
    ladder = PersonalLadder(
        series(random.uniform(20.0, 80.0, N)), 4.0, 0.25, 4, series(0.25 * demand.base_mw)
    )
    signal = TariffSignal(
        1, series(random.uniform(20.0, 90.0, N)), series(factor), series(np.zeros(N)), ladder=ladder,
        pull=Pull(series(demand.base_mw - 2.0), 0.5) if pull else None, first_step=first_step,
    )  # fmt: skip
    return day, signal


def regret_share(day: RegionDay, signal: TariffSignal, plan: RegionPlan) -> float:
    demand = day.demand
    case = RegionCase(demand, float(demand.base_mw.max()), 2_000.0, 1.0, signal, plan)
    found = case.regret()
    assert found.bill_money == pytest.approx(day.bill_money(plan.net_mw, signal), rel=1e-12)
    return found.gap_money / found.bill_money


@pytest.mark.parametrize("pull", [False, True])
@pytest.mark.parametrize("seed", range(6))
def test_the_best_plan_has_no_regret(seed: int, pull: bool) -> None:
    day, signal = day_and_signal(seed, pull)
    assert abs(regret_share(day, signal, day.best(signal))) <= 1e-7


@pytest.mark.parametrize("seed", range(6))
def test_moves_of_a_plan_are_those_of_its_windows(seed: int) -> None:
    day, signal = day_and_signal(seed)
    plan = day.best(signal)
    peak = float(day.demand.base_mw.max())
    case = RegionCase(day.demand, peak, 2_000.0, 1.0, signal, plan)
    assert case.astray_mw() <= 1e-6 * peak
    out = plan.out_mw.copy()
    out[12] += 0.5
    assert replace(case, plan=replace(plan, out_mw=out)).astray_mw() == pytest.approx(0.5, abs=1e-5)
    other = replace(day.demand.flexibility, windows=(Window((7.0, 12.0), (0.0, 6.0)),))
    narrow = replace(case, demand=replace(day.demand, flexibility=other))
    assert narrow.astray_mw() >= plan.out_mw.sum()


@pytest.mark.parametrize("seed", range(6))
def test_the_bound_is_not_below_what_the_best_plan_saves(seed: int) -> None:
    day, signal = day_and_signal(seed)
    best, untouched = day.best(signal), RegionPlan.untouched(day.demand.base_mw)
    saved = day.minimised_money(untouched, signal) - day.minimised_money(best, signal)
    bound = regret_share(day, signal, untouched) * day.bill_money(untouched.net_mw, signal)
    assert bound >= saved - 1e-6
    assert saved > 0.0


def test_steps_that_are_over_stay_as_they_are() -> None:
    day, signal = day_and_signal(3)
    plan = day.plan = day.best(signal)
    dearer = replace(signal, price_per_mwh=series(signal.price_per_mwh * np.linspace(0.5, 2.0, N)))
    assert regret_share(day, dearer, plan) > 1e-4
    late = replace(dearer, first_step=12)
    renewed = day.best(late)
    assert abs(regret_share(day, late, renewed)) <= 1e-7
    assert regret_share(day, replace(late, first_step=0), renewed) > 1e-4
    assert regret_share(day, replace(late, first_step=N), plan) == pytest.approx(0.0, abs=1e-7)


def test_what_solvers_leave_open_in_steps_that_are_over_is_no_fault() -> None:
    day, signal = day_and_signal(2)
    plan = day.plan = day.best(signal)
    late = replace(signal, first_step=N)
    # More arrives than leaves by more than the linear programme's own tolerance.
    missed = replace(plan, in_mw=plan.in_mw + np.where(np.arange(N) == 3, 5e-7, 0.0))
    assert regret_share(day, late, missed) == pytest.approx(0.0, abs=1e-7)


def test_a_plan_under_other_prices_has_regret_in_a_run() -> None:
    known = known_of_night("full")
    region = known.of(Region)[0]
    day = region.day(0)
    assert day.signal is not None
    dearer = replace(day.signal, price_per_mwh=series(day.signal.price_per_mwh[::-1]), first_step=0)
    demand = day.demand
    case = RegionCase(demand, float(demand.base_mw.max()), 1e4, 1.0, dearer, day.plan)
    assert case.regret().gap_money > 1e-3 * case.regret().bill_money
