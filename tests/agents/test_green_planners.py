"""Bounded planners of a storage with a green label, against the best plan and against each other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gridarium.agents.vpp.green_day import GreenDay
from gridarium.agents.vpp.green_dispatch import dispatch_by_shares, keeps_limits
from gridarium.agents.vpp.green_planners import (
    best_plan,
    blind_to_own_effect,
    greedy_threshold,
    rolling_with_persistence,
)
from gridarium.experiments.benchmarks.vpp_instances import shipped_day


def afternoon(day: GreenDay) -> GreenDay:
    """Twelve hours from eight o'clock."""
    return replace(day, region=day.region.cut(8, 20), green_share=day.green_share[8:20])


def test_greedy_trades_at_the_ends_of_the_price_and_costs_more_than_the_best() -> None:
    day = shipped_day(0)
    plan, best = greedy_threshold(day), dispatch_by_shares(day)
    price = day.region.buy_price_per_mwh
    assert 0.4 < plan.discharge_mw.max() <= 0.5
    assert price[plan.discharge_mw > 1e-6].min() > price[plan.charge_mw > 1e-6].min()
    assert plan.energy_mwh[-1] == pytest.approx(day.initial_mwh)
    assert plan.cost_money > best.plan.cost_money


def test_blindness_to_the_own_effect_costs_only_where_there_is_one() -> None:
    nodal = shipped_day(1, "nodal")
    best = dispatch_by_shares(nodal)
    blind = blind_to_own_effect(nodal)
    assert blind.cost_money >= best.bound_money
    assert blind.cost_money > best.plan.cost_money - best.gap_money
    uniform = shipped_day(1)
    assert blind_to_own_effect(uniform).cost_money == best_plan(uniform).cost_money


def test_rolling_with_a_right_forecast_is_as_good_as_the_plan_of_the_day() -> None:
    day = afternoon(shipped_day(0))
    steady = replace(day, green_share=np.full(12, 0.4))
    plan, best = rolling_with_persistence(steady), dispatch_by_shares(steady)
    assert keeps_limits(steady, plan)
    assert plan.cost_money == pytest.approx(best.plan.cost_money, rel=1e-3)
    assert plan.cost_money >= best.bound_money


def test_persistence_of_the_green_share_misses_what_comes() -> None:
    day = afternoon(shipped_day(0))
    plan = rolling_with_persistence(day)
    assert plan.energy_mwh[-1] == pytest.approx(day.initial_mwh, abs=1e-6)
    assert plan.cost_money > dispatch_by_shares(day).bound_money
