"""Two virtual power plants in one region: each plan beside the other against all schedules of a grid."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from gridarium.agents.vpp.green_day import GreenDay, replay
from gridarium.agents.vpp.green_dispatch import dispatch_by_shares, keeps_limits
from gridarium.agents.vpp.green_planners import blind_to_own_effect
from gridarium.environment.storage import StorageRatings
from gridarium.experiments.benchmarks.vpp_instances import shipped_day
from gridarium.experiments.evidence.vpp.green_reference import grid_optimum
from gridarium.market.cleanness import Pricing
from gridarium.market.regional_bill import RegionDay

FOREIGN_LOAD_MW = np.array([0.05, 0.1, 0.1])
FOREIGN_GREEN_MW = np.array([0.1, 0.02, 0.05])


def short_day(pricing: Pricing) -> GreenDay:
    """Three hours beside another plant, with a green price that matters and a room that binds."""
    region = RegionDay(
        "shared",
        np.array([0.3, 0.05, 0.1]),
        np.array([300.0, 500.0, 520.0]),
        np.array([200.0, 450.0, 460.0]),
        np.array([60.0, 250.0, 240.0]),
        1.0,
        FOREIGN_LOAD_MW,
        FOREIGN_GREEN_MW,
    )
    ratings = StorageRatings("shared", 0.4, 1.0, 0.1, 0.9, 0.5, 0.95, 0.95, 0.4)
    return GreenDay(region, ratings, 0.3, np.array([0.8, 0.4, 0.5]), pricing)


def by_hand(day: GreenDay, energy: tuple[float, ...]) -> tuple[float, bool]:
    """Cost of a schedule that passes through energies, by its formulas; whether it keeps all limits."""
    cost, inside, green = 0.0, 0.5, 0.15
    keeps, whole = True, day.region.load_mw + FOREIGN_LOAD_MW
    for t, after in enumerate(energy):
        charge, discharge = max(after - inside, 0.0) / 0.95, max(inside - after, 0.0) * 0.95
        out = discharge * green / inside
        green += 0.95 * charge * float(day.green_share[t]) - out / 0.95
        net = float(day.region.load_mw[t]) + charge - discharge
        price = day.region.buy_price_per_mwh if net > 0.0 else day.region.sell_price_per_mwh
        cleanness = 1.0 - (out + FOREIGN_GREEN_MW[t]) / whole[t] if day.pricing == "nodal" else 1.0
        cost += float(price[t]) * net - float(day.region.green_price_per_mwh[t]) * cleanness * out
        keeps &= max(charge, discharge) <= 0.4 and out + FOREIGN_GREEN_MW[t] <= whole[t]
        inside = after
    return cost, keeps and green >= 0.15


@pytest.mark.parametrize("pricing", ["uniform", "nodal"])
def test_a_plan_beside_another_plant_is_the_best_of_all_schedules_on_a_grid(pricing: Pricing) -> None:
    day = short_day(pricing)
    grid = np.linspace(0.1, 0.9, 81).tolist()
    costs = [by_hand(day, (*energy, 0.5)) for energy in product(grid, repeat=2)]
    least = min(cost for cost, keeps in costs if keeps)
    found = dispatch_by_shares(day)
    assert keeps_limits(day, found.plan)
    assert found.bound_money <= least + 1e-6
    # Between the points of the grid lies a little more.
    assert least - 0.05 <= found.plan.cost_money <= least + 1e-6
    assert pricing == "nodal" or min(cost for cost, _ in costs) < least - 1.0, "a limit must bind"
    plan = found.plan
    assert by_hand(day, tuple(plan.energy_mwh))[0] == pytest.approx(plan.cost_money, abs=1e-6)
    assert grid_optimum(day, 81, 201) == pytest.approx(least, abs=0.05)


def test_a_day_beside_nobody_is_as_before_and_beside_others_is_paid_less() -> None:
    day = shipped_day(1, "nodal")
    alone = replace(day, region=replace(day.region, foreign_load_mw=np.zeros(24)))
    plan = dispatch_by_shares(day, rounds=0).plan
    assert np.array_equal(dispatch_by_shares(alone, rounds=0).plan.energy_mwh, plan.energy_mwh)
    crowded = replace(day, region=replace(day.region, foreign_green_mw=0.3 * day.region.load_mw))
    again = replay(crowded, plan.charge_mw, plan.discharge_mw)
    assert float(again.bill.environmental_money) < float(plan.bill.environmental_money)
    blind = blind_to_own_effect(crowded)
    assert blind.cost_money >= dispatch_by_shares(crowded).bound_money
