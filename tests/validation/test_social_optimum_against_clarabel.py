"""The plan for a bulk system and its regions together against the same written from scratch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from bulk_references import ReferenceDispatch
from societies import society

from gridarium.agents.region.region_day import RegionPlan
from gridarium.agents.transmission.merit_order import BulkShape
from gridarium.agents.transmission.social_optimum import SocialPlanner, valued_at
from gridarium.environment.arrays import Array, series
from gridarium.market.messages.tariffs import TariffSignal

pytest.importorskip("clarabel")


@pytest.mark.parametrize("seed", range(10))
def test_it_costs_what_another_solver_finds(seed: int) -> None:
    these = society(seed)
    found = these.best()
    expected = these.reference.least_cost()
    assert expected is not None
    assert found.cost_money == pytest.approx(expected, rel=1e-6, abs=1e-2)
    # Doing nothing is one of the plans.
    idle = these.cost_of([RegionPlan.untouched(day.demand.base_mw) for day in these.days])
    assert idle.response_money == pytest.approx(0.0, abs=1e-9)
    assert idle.cost_money >= found.cost_money - 1e-3


def told(price: Array) -> TariffSignal:
    nothing = series(np.zeros_like(price))
    return TariffSignal(1, series(price), nothing, series(price))


@pytest.mark.parametrize("seed", range(10))
def test_who_pays_the_marginal_cost_does_what_is_best_for_all(seed: int) -> None:
    """The price of the optimum, carbon and reserve in it, leads every region there by itself."""
    these = society(seed)
    best = these.best()
    signal = told(best.plan.price_per_mwh)
    alone = [day.best(signal) for day in these.days]
    for response, own, day in zip(best.responses, alone, these.days, strict=True):
        assert day.cost_money(response, signal) == pytest.approx(day.cost_money(own, signal), abs=1e-2)
        assert response.net_mw == pytest.approx(own.net_mw, abs=1e-2)
    assert these.cost_of(alone).cost_money == pytest.approx(best.cost_money, rel=1e-6)


@pytest.mark.parametrize("seed", [1, 3, 7])
def test_the_dearer_a_tonne_is_to_all_the_fewer_are_emitted(seed: int) -> None:
    these = society(seed)
    old, prices, costs, emitted = these.case, (0.0, 40.0, 150.0), [], []
    for price in prices:
        bulk, forecast = valued_at(BulkShape(old.system, old.n_period, old.period_h), old.forecast, price)
        case = replace(old, system=bulk.system, forecast=forecast)
        found = replace(these, case=case).best()
        expected = ReferenceDispatch(case, case.on, case.state, users=these.users).least_cost()
        assert found.cost_money == pytest.approx(expected, rel=1e-6, abs=1e-2)
        costs.append(found.cost_money)
        # Imports carry theirs, and what was emitted before the day counts as well.
        day = float(found.plan.emission_t_per_h.sum()) * case.period_h
        emitted.append(old.state.emitted_tco2 + day)
    assert emitted[0] > emitted[1] > emitted[2]
    # The least cost is concave in the price, with emission as its slope.
    for one in range(2):
        slope = (costs[one + 1] - costs[one]) / (prices[one + 1] - prices[one])
        assert emitted[one + 1] - 0.1 <= slope <= emitted[one] + 0.1


@pytest.mark.parametrize("seed", range(4))
def test_without_weight_on_users_supply_costs_the_least_it_ever_could(seed: int) -> None:
    these = society(seed)
    case, bulk = these.case, BulkShape(these.case.system, these.case.n_period, these.case.period_h)
    planner = SocialPlanner.of(bulk, these.days, response_weight=0.0)
    found = planner.best("society", these.forecast, case.on, case.state, these.days)
    reference = these.reference
    names = {one.name for one in these.users}
    for name, place in reference.columns.place.items():
        if name[0] in names:
            reference.columns.cost[place] = reference.columns.square[place] = 0.0
    assert found.supply_money == pytest.approx(reference.least_cost(), rel=1e-5, abs=0.1)
    assert found.supply_money <= these.best().supply_money + 1e-2
