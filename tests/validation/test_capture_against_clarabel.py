"""Capture plants in the dispatches of a bulk system: against Clarabel, by hand, and in closed form."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from bulk_references import BulkCase, random_case, reference_cost, with_capture

from gridarium.agents.transmission.bulk_system import BulkForecast, BulkPlan, BulkState, BulkSystem
from gridarium.agents.transmission.exchange_dispatch import ExchangeDispatch
from gridarium.agents.transmission.merit_order import BulkShape, MeritOrder
from gridarium.environment.arrays import Array
from gridarium.environment.thermal_unit import CapturePlant, SolventTank, ThermalUnit
from gridarium.market.quota_ladder import QuotaLadder

pytest.importorskip("clarabel")
SEEDS = range(10)


def solved(seed: int) -> tuple[BulkCase, MeritOrder, BulkPlan]:
    case = with_capture(random_case(seed), seed)
    problem = MeritOrder(BulkShape(case.system, case.n_period, case.period_h))
    return case, problem, problem.solve("ties", case.forecast, case.on, case.state)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_day_costs_what_another_solver_finds(seed: int) -> None:
    case, _, plan = solved(seed)
    expected = reference_cost(case, case.on, case.state, case.forecast.load_mw)
    assert expected is not None
    assert plan.cost_money == pytest.approx(expected, rel=1e-6, abs=1e-2)


@pytest.mark.parametrize("seed", SEEDS)
def test_tanks_powers_and_emission_follow_by_hand(seed: int) -> None:
    case, _, plan = solved(seed)
    day, hours, slack = case.forecast, case.period_h, 1e-4
    emitted = np.zeros(case.n_period)
    for i, unit in enumerate(case.system.units):
        gross, absorbed, regenerated = (
            plan.gross_mw[i],
            plan.absorbed_tco2_per_h[i],
            plan.regenerated_tco2_per_h[i],
        )
        emitted += unit.emission_tco2_per_mwh * gross - absorbed
        if unit.capture is None:
            assert np.array_equal(plan.unit_mw[i], gross)
            assert not absorbed.any() and not regenerated.any() and not plan.tank_tco2[i].any()
            continue
        plant, tank = unit.capture, SolventTank("tank", unit.capture)
        tank.tco2 = float(case.state.tank_tco2[i])
        assert (absorbed <= plant.efficiency * unit.emission_tco2_per_mwh * gross + slack).all()
        for t in range(case.n_period):
            tank.tco2 += hours * (absorbed[t] - regenerated[t])
            assert plan.tank_tco2[i, t] == pytest.approx(tank.tco2, abs=slack)
        assert plan.tank_tco2[i].max() <= plant.tank_tco2 + slack
        taken = plant.energy_mwh_per_tco2 * regenerated + plant.fixed_mw * case.on[i]
        assert plan.unit_mw[i] == pytest.approx(gross - taken, abs=slack)
        assert plan.unit_mw[i].min() >= -slack
    net = plan.supplied_mw - plan.charge_mw.sum(axis=0) - plan.spill_mw
    assert net == pytest.approx(day.load_mw + day.loss_mw, abs=slack)
    assert plan.own_t_per_h == pytest.approx(emitted, abs=slack)
    imported = day.import_factor_tco2_per_mwh * plan.import_mw
    assert plan.factor_tco2_per_mwh * plan.supplied_mw == pytest.approx(emitted + imported, abs=slack)
    assert plan.green_share * plan.supplied_mw == pytest.approx(plan.renewable_mw.sum(axis=0), abs=slack)


def test_plants_capture_or_rest_and_tanks_move_among_the_days_above() -> None:
    """Something is captured on some days, and more is given off than taken in, for a while, on some."""
    captured, shifted = [], []
    for seed in SEEDS:
        _, _, plan = solved(seed)
        captured.append(float(plan.absorbed_tco2_per_h.sum()))
        shifted.append(float((plan.regenerated_tco2_per_h - plan.absorbed_tco2_per_h).max()))
    assert min(captured) < 1.0 and max(captured) > 100.0
    assert sum(one > 5.0 for one in shifted) > 3


@pytest.mark.parametrize("seed", range(6))
def test_the_rest_of_a_day_is_solved_from_the_tanks_as_told(seed: int) -> None:
    case, problem, _ = solved(seed)
    first = case.n_period // 2
    levels = [unit.capture.tank_tco2 if unit.capture else 0.0 for unit in case.system.units]
    for share in (0.0, 1.0):
        state = replace(case.state, tank_tco2=share * np.array(levels))
        rest = problem.solve("ties", case.forecast, case.on, state, first)
        expected = reference_cost(case, case.on, state, case.forecast.load_mw, first)
        assert expected is not None
        assert rest.cost_money == pytest.approx(expected, rel=1e-6, abs=1e-2)
        assert np.array_equal(rest.tank_tco2[:, :first], np.outer(state.tank_tco2, np.ones(first)))


@pytest.mark.parametrize("seed", [0, 1, 2, 5])
def test_an_exchange_step_costs_and_emits_what_the_dispatch_of_what_it_takes_does(seed: int) -> None:
    case, problem, plan = solved(seed)
    dispatch = ExchangeDispatch(problem.shape)
    step = dispatch.step("ties", case.forecast, case.on, case.state, plan.price_per_mwh, 2.0)
    expected = reference_cost(case, case.on, case.state, step.taken_mw)
    assert expected is not None
    assert step.cost_money == pytest.approx(expected, rel=1e-6, abs=1e-2)
    taken = problem.solve("ties", case.forecast.with_load(step.taken_mw), case.on, case.state)
    own = case.period_h * float(taken.own_t_per_h.sum())
    imported = case.period_h * float((case.forecast.import_factor_tco2_per_mwh * taken.import_mw).sum())
    # Where carbon costs something, there is one emission at which the day costs least.
    assert step.carbon_per_tco2 > 1.0
    assert step.emission_tco2 == pytest.approx(own + imported, rel=1e-6)
    assert (step.green_share >= 0.0).all() and (step.green_share <= 1.0).all()


PLANT = CapturePlant(0.8, 0.25, 2.0, 60.0, 20.0)
UNIT = ThermalUnit("coal", 20, 100, 0.0, 20, 0, 0, 100, 100, 1, 1, 0.9, True, 60, PLANT)


def alone(price_per_tco2: float, load_mw: Array) -> BulkPlan:
    """One unit, one price of carbon for all that it emits."""
    carbon = QuotaLadder(0.0, price_per_tco2, 1e3, 0.0, 1, 0, np.inf)
    system = BulkSystem((UNIT,), (), (), (), carbon, reserve_load_share=0.0)
    n, nothing = len(load_mw), np.zeros(len(load_mw))
    day = BulkForecast(load_mw, np.zeros((0, n)), nothing + 500.0, nothing, nothing)
    on = np.ones((1, n), dtype=bool)
    return MeritOrder(BulkShape(system, n, 1.0)).solve("ties", day, on, BulkState.initial(system))


def test_what_a_further_mwh_costs_with_capture_in_closed_form() -> None:
    load, price = np.array([40.0, 60.0, 50.0, 45.0]), 50.0
    plan, sigma, factor, taken = alone(price, load), 0.25, 0.9, 0.8
    # Of each MWh, what is spent on its own carbon is made too: G = 1 / (1 - sigma eta e).
    gross = (load + 2.0) / (1.0 - sigma * taken * factor)
    assert plan.gross_mw.sum() == pytest.approx(gross.sum(), abs=1e-3)
    assert plan.own_t_per_h == pytest.approx((1.0 - taken) * factor * plan.gross_mw[0], abs=1e-3)
    each = (20.0 + price * factor * (1.0 - taken)) / (1.0 - sigma * taken * factor)
    assert plan.price_per_mwh == pytest.approx(np.full(4, each), abs=1e-3)


def test_nothing_is_captured_where_carbon_costs_less_than_what_takes_it_out() -> None:
    # A tonne takes 0.25 MWh, each of which costs 20 and emits 0.9 t: worth it from 5 / (1 - 0.225) on.
    worth, load = 0.25 * 20.0 / (1.0 - 0.25 * 0.9), np.array([40.0, 60.0, 50.0])
    below, above = alone(0.98 * worth, load), alone(1.02 * worth, load)
    assert below.absorbed_tco2_per_h.max() == pytest.approx(0.0, abs=1e-3)
    assert above.absorbed_tco2_per_h == pytest.approx(0.8 * 0.9 * above.gross_mw, abs=1e-3)
