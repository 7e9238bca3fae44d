"""Cost of a quarter by part, by hand and against the objective of the plan; the marginal price's rules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from gridarium.agents.system.power_system import PowerSystem, SystemForecast, SystemState
from gridarium.agents.system.realtime_problem import RealTimeProblem, RealTimeShape
from gridarium.agents.system.system_costs import PeriodDecisions, PeriodPrices, marginal_price, period_cost

NOW = PeriodDecisions(
    on=np.array([True, True, False]),
    gross_mw=np.array([100.0, 40.0, 0.0]),
    net_mw=np.array([85.0, 30.0, 0.0]),
    absorbed_tco2_per_h=np.array([50.0, 10.0, 0.0]),
    regenerated_tco2_per_h=np.array([55.0, 36.0, 0.0]),
    tank_tco2=np.array([10.0, 10.0, 0.0]),
    charge_mw=20.0,
    discharge_mw=0.0,
    e_mwh=50.0,
    flexible_mw=np.array([10.0, 9.0]),
    wind_mw=50.0,
    pool_mw=2.0,
    market_mw=4.0,
    spill_mw=0.0,
    reserve_up_short_mw=3.0,
)


def test_parts_of_a_quarter_by_hand(power_system: PowerSystem) -> None:
    before, planned = np.array([True, False, True]), np.array([12.0, 8.0])
    parts = period_cost(power_system, NOW, before, planned, PeriodPrices(300.0, 80.0))
    assert parts.start_stop_money == 2000.0 + 300.0
    assert parts.fuel_money == pytest.approx(0.25 * (300 + 1800 + 300 + 80 + 880 + 180))
    net_emission = 0.69 * 100 + 0.62 * 40 - 60
    assert parts.carbon_money == pytest.approx(0.25 * 12.0 * (net_emission - 0.7 * 140))
    assert parts.compensation_money == pytest.approx(0.25 * (3.0 * 2.0 + 4.5 * 1.0))
    assert parts.wear_money == pytest.approx(0.25 * 1.43 * 0.98 * 20.0)
    assert parts.line_fee_money == pytest.approx(0.25 * 2.0 * 80.0)
    assert parts.market_money == pytest.approx(0.25 * 4.0 * 300.0)
    assert parts.shortage_money == pytest.approx(0.25 * 3.0 * 1000.0)
    everything = sum(vars(parts).values())
    assert parts.total_money == pytest.approx(everything - parts.shortage_money)


def test_wear_counts_the_energy_inside_when_discharging(power_system: PowerSystem) -> None:
    now = replace(NOW, charge_mw=0.0, discharge_mw=20.0)
    parts = period_cost(power_system, now, now.on, now.flexible_mw, PeriodPrices(300.0))
    assert parts.wear_money == pytest.approx(0.25 * 1.43 * 20.0 / 0.98)
    assert parts.start_stop_money == parts.compensation_money == parts.line_fee_money == 0.0
    bare = replace(power_system, storage=None)
    assert period_cost(bare, now, now.on, now.flexible_mw, PeriodPrices(300.0)).wear_money == 0.0


@pytest.mark.parametrize(
    ("change", "price"),
    [
        # Imports set the price.
        ({}, 300.0),
        # Both units are between their limits: 2 * 0.03 * 100 + 18 - 0.12 < 2 * 0.05 * 50 + 22 - 0.96.
        ({"market_mw": 0.0, "gross_mw": np.array([100.0, 50.0, 0.0])}, 26.04),
        # The gas unit is at its least output, coal sets the price.
        ({"market_mw": 0.0, "gross_mw": np.array([100.0, 40.0, 0.0])}, 23.88),
        # Both at limits: free energy is spilled, or the dearer of the two is the last resort.
        ({"market_mw": 0.0, "gross_mw": np.array([65.0, 40.0, 0.0]), "wind_mw": 45.0}, 0.0),
        ({"market_mw": 0.0, "gross_mw": np.array([65.0, 40.0, 0.0]), "spill_mw": 1.0}, 0.0),
        ({"market_mw": 0.0, "gross_mw": np.array([110.0, 80.0, 0.0])}, 29.04),
        ({"market_mw": 0.0, "gross_mw": np.zeros(3), "on": np.zeros(3, dtype=bool)}, 0.0),
    ],
)
def test_rules_of_the_marginal_price(power_system: PowerSystem, change: dict[str, Any], price: float) -> None:
    assert marginal_price(power_system, replace(NOW, **change), 50.0, 300.0) == pytest.approx(price)


@pytest.mark.parametrize("seed", range(4))
def test_parts_of_all_quarters_add_up_to_the_plans_objective(
    power_system: PowerSystem, make_day: Callable[..., SystemForecast], seed: int
) -> None:
    random, n = np.random.default_rng(seed), 16
    plain = make_day(n, random)
    day = replace(
        plain,
        load_mw=1.2 * plain.load_mw,
        market_price_per_mwh=random.uniform(60.0, 300.0, n),
        pool_mw=random.uniform(0.0, 5.0, n),
        pool_fee_per_mwh=random.uniform(10.0, 60.0, n),
    )
    on = np.repeat(random.random((4, 3)) < 0.7, 4, axis=0)
    on[:, 0] = True
    plan = RealTimeProblem(RealTimeShape(power_system, n)).solve(
        "operator", 0, on, SystemState.initial(power_system), day
    )
    total = 0.0
    for quarter in range(n):
        prices = PeriodPrices(float(day.market_price_per_mwh[quarter]), float(day.pool_fee_per_mwh[quarter]))
        parts = period_cost(power_system, plan.at(quarter), on[quarter], day.flexible_mw[quarter], prices)
        total += parts.total_money + parts.shortage_money
    assert plan.missed_e_mwh == 0.0
    assert total == pytest.approx(plan.objective_money, rel=1e-6, abs=0.05)
