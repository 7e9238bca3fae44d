"""The dispatch on one bus against the same day written from scratch and solved by Clarabel."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from bulk_references import BulkCase, random_case, reference_cost

from gridarium.agents.transmission.bulk_system import BulkPlan, BulkState
from gridarium.agents.transmission.merit_order import BulkShape, MeritOrder
from gridarium.environment.errors import InfeasibleError

pytest.importorskip("clarabel")
SEEDS = range(16)


def solved(seed: int) -> tuple[BulkCase, MeritOrder, BulkPlan]:
    case = random_case(seed)
    problem = MeritOrder(BulkShape(case.system, case.n_period, case.period_h))
    return case, problem, problem.solve("ties", case.forecast, case.on, case.state)


def state_after(case: BulkCase, plan: BulkPlan, first: int) -> BulkState:
    """Where a day stands when a period begins."""
    emitted = float(plan.own_t_per_h[:first].sum()) * case.period_h
    return BulkState(
        case.on[:, first - 1],
        plan.gross_mw[:, first - 1],
        case.state.hours_in_state,
        plan.e_mwh[:, first - 1],
        plan.tank_tco2[:, first - 1],
        case.state.emitted_tco2 + emitted,
    )


def running_money(case: BulkCase, plan: BulkPlan, first: int, stop: int) -> float:
    """Fuel, wear, imports and missing reserve of some periods, added up by hand."""
    system, hours = case.system, case.period_h
    total = 0.0
    for i, unit in enumerate(system.units):
        power, runs = plan.unit_mw[i, first:stop], plan.on[i, first:stop]
        total += float((unit.cost_quadratic_per_mw2h * power**2 + unit.cost_linear_per_mwh * power).sum())
        total += float(unit.cost_fixed_per_h * runs.sum())
    for wear, out in zip(system.wear_cost_per_mwh, plan.discharge_mw, strict=True):
        total += wear * float(out[first:stop].sum())
    total += float((case.forecast.import_price_per_mwh * plan.import_mw)[first:stop].sum())
    return hours * (total + system.shortage_cost_per_mwh * float(plan.reserve_short_mw[:, first:stop].sum()))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_day_costs_what_another_solver_finds(seed: int) -> None:
    case, _, plan = solved(seed)
    expected = reference_cost(case, case.on, case.state, case.forecast.load_mw)
    assert expected is not None
    assert plan.cost_money == pytest.approx(expected, rel=1e-6, abs=1e-2)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_plan_keeps_every_limit_and_costs_what_it_says(seed: int) -> None:
    case, _, plan = solved(seed)
    system, day, hours, slack = case.system, case.forecast, case.period_h, 1e-4
    net = plan.supplied_mw - plan.charge_mw.sum(axis=0) - plan.spill_mw
    assert net == pytest.approx(day.load_mw + day.loss_mw, abs=slack)
    before = case.state.power_mw
    for i, unit in enumerate(system.units):
        power, runs = plan.unit_mw[i], case.on[i]
        assert (power >= unit.p_min_mw * runs - slack).all() and (power <= unit.p_max_mw * runs + slack).all()
        ran = np.concatenate([case.state.on[i : i + 1], runs[:-1]])
        step = np.diff(power, prepend=before[i])
        both = ran & runs
        assert (step[both] <= unit.ramp_mw_per_h * hours + slack).all()
        assert (-step[both] <= unit.ramp_down_mw_per_h * hours + slack).all()
    for s, one in enumerate(system.storages):
        inside = np.concatenate([case.state.e_mwh[s : s + 1], plan.e_mwh[s]])
        moved = one.efficiency_charge * plan.charge_mw[s] - plan.discharge_mw[s] / one.efficiency_discharge
        assert np.diff(inside) == pytest.approx(hours * moved, abs=slack)
        assert (np.minimum(plan.charge_mw[s], plan.discharge_mw[s]) == 0.0).all()
        assert (plan.e_mwh[s] >= one.band_mwh[0] - slack).all()
        assert (plan.e_mwh[s] <= one.band_mwh[1] + slack).all()
    emission = case.state.emitted_tco2 + hours * float(plan.own_t_per_h.sum())
    missed = sum(
        abs(float(plan.e_mwh[s, -1]) - one.soc_initial * one.e_max_mwh)
        for s, one in enumerate(system.storages)
    )
    money = running_money(case, plan, 0, case.n_period) + system.carbon.cost_money(emission)
    money += system.missed_cost_per_mwh * missed
    money += system.beyond_cost_per_tco2 * max(0.0, emission - system.carbon.limit_tco2)
    assert plan.cost_money == pytest.approx(money, rel=1e-6, abs=0.5)


@pytest.mark.parametrize("seed", range(12))
def test_the_rest_of_a_day_is_solved_from_where_it_stands(seed: int) -> None:
    case, problem, plan = solved(seed)
    first = case.n_period // 2
    state = state_after(case, plan, first)
    rest = problem.solve("ties", case.forecast, case.on, state, first)
    # What was optimal for the whole day still is for what is left of it (Bellman).
    past = running_money(case, plan, 0, first)
    assert past + rest.cost_money == pytest.approx(plan.cost_money, rel=1e-5, abs=0.5)
    for before in (rest.unit_mw, rest.charge_mw, rest.discharge_mw, rest.renewable_mw):
        assert np.abs(before[:, :first]).max(initial=0.0) <= 1e-5
    expected = reference_cost(case, case.on, state, case.forecast.load_mw, first)
    assert expected is not None
    assert rest.cost_money == pytest.approx(expected, rel=1e-6, abs=1e-2)
    # From a place where the plan never was, too.
    inside = [np.mean(one.band_mwh) for one in case.system.storages]
    other = replace(state, e_mwh=np.array(inside), emitted_tco2=case.system.carbon.quota_tco2)
    moved = problem.solve("ties", case.forecast, case.on, other, first)
    expected = reference_cost(case, case.on, other, case.forecast.load_mw, first)
    assert expected is not None
    assert moved.cost_money == pytest.approx(expected, rel=1e-6, abs=1e-2)
    for s, one in enumerate(case.system.storages):
        gained = one.efficiency_charge * moved.charge_mw[s] - moved.discharge_mw[s] / one.efficiency_discharge
        assert other.e_mwh[s] + case.period_h * gained.sum() == pytest.approx(moved.e_mwh[s, -1], abs=1e-4)


@pytest.mark.parametrize("seed", range(8))
def test_prices_are_what_one_more_mwh_costs(seed: int) -> None:
    case, _, plan = solved(seed)
    load, hours, step = case.forecast.load_mw, case.period_h, 0.05
    smooth = 0
    for t in range(0, case.n_period, 2):
        unit = np.zeros(case.n_period)
        unit[t] = step
        above, below = (reference_cost(case, case.on, case.state, load + sign * unit) for sign in (1.0, -1.0))
        assert above is not None and below is not None
        right, left = (above - plan.cost_money) / (step * hours), (plan.cost_money - below) / (step * hours)
        # At a kink of the cost any price between the slopes on both sides is one.
        assert left - 0.05 <= plan.price_per_mwh[t] <= right + 0.05
        smooth += right - left < 0.1
    assert smooth > 0


def test_most_days_differ_in_what_binds() -> None:
    """Rewards, purchases, missing reserve, storage, spilled renewables all occur among the days above."""
    seen = set()
    for seed in SEEDS:
        case, _, plan = solved(seed)
        emitted = case.state.emitted_tco2 + case.period_h * float(plan.own_t_per_h.sum())
        seen.add("bought" if emitted > case.system.carbon.quota_tco2 else "rewarded")
        seen |= {"short"} if plan.reserve_short_mw.max() > 1.0 else set()
        seen |= {"stored"} if plan.charge_mw.sum() > 1.0 else set()
        seen |= {"imported"} if plan.import_mw.max() > 1.0 else set()
        seen |= {"left"} if (case.forecast.available_mw - plan.renewable_mw).max(initial=0.0) > 1.0 else set()
        seen |= {"beyond"} if emitted > case.system.carbon.limit_tco2 + 1.0 else set()
    assert seen == {"bought", "rewarded", "short", "stored", "imported", "left", "beyond"}


def test_power_is_left_over_only_where_no_renewable_plant_can_make_less() -> None:
    left_over = 0
    for seed in (0, 3, 5, 8):
        case, problem, _ = solved(seed)
        low = case.forecast.with_load(0.2 * case.forecast.load_mw)
        plan = problem.solve("ties", low, case.on, case.state)
        renewable = plan.renewable_mw.sum(axis=0)
        assert np.minimum(plan.spill_mw, renewable).max() <= 1e-3
        left_over += plan.spill_mw.max() > 1.0 and renewable.max() > 1.0
    assert left_over == 4


def test_a_load_beyond_units_and_imports_is_named() -> None:
    case = random_case(0)
    tight = replace(case.system, import_limit_mw=1.0)
    problem = MeritOrder(BulkShape(tight, case.n_period, case.period_h))
    load = case.forecast.load_mw.copy()
    load[2] = 1e4
    with pytest.raises(InfeasibleError, match="agent ties: infeasible: period 2"):
        problem.solve("ties", case.forecast.with_load(load), case.on, case.state)
