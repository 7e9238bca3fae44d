"""Plans for scenarios by rounds of tangents against one conic programme of all scenarios (Clarabel)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyomo.environ as pyo
import pytest

from gridarium.agents.feeder.dispatch import DispatchDay
from gridarium.agents.feeder.dispatch_problem import SIGNALS, build_dispatch_model
from gridarium.agents.feeder.scenario_plan import GAP, ScenarioPlanner
from gridarium.agents.solving.standard_form import compile_model
from gridarium.environment.arrays import Array
from gridarium.market.risk import Attitude
from tests.support.scenario_days import SHAPE, WEIGHTS, available_mw, day_of

pytest.importorskip("clarabel")
from gridarium.experiments.benchmarks.conic_reference import solve_conic

DAY, AVAILABLE = day_of(), available_mw()


def _extensive(day: DispatchDay, available: Array) -> Any:
    """A dispatch of each scenario as a block, the powers of storages the same in all."""
    m = pyo.ConcreteModel(name="all scenarios")
    m.scenario = pyo.RangeSet(0, len(available) - 1)
    m.at = pyo.Block(m.scenario)
    for s in m.scenario:
        block = build_dispatch_model(SHAPE)
        for name in SIGNALS:
            value = available[s] if name == "available_mw" else day.signals[name]
            data = list(getattr(block, name).values())
            for one, number in zip(
                data,
                np.broadcast_to(value, len(data)) if np.ndim(value) == 0 else np.ravel(value),
                strict=True,
            ):
                one.fix(float(number))
                one.setlb(float(number))
                one.setub(float(number))
        block.cost_money.deactivate()
        m.at[s].transfer_attributes_from(block)
    first = m.at[0]
    m.same = pyo.ConstraintList()
    for s in list(m.scenario)[1:]:
        for name in ("p_charge_mw", "p_discharge_mw"):
            for key in getattr(first, name):
                m.same.add(getattr(m.at[s], name)[key] == getattr(first, name)[key])
    return m


def _optimum(m: Any) -> float:
    form = compile_model(m, [])
    answer = solve_conic(form, form.at(np.zeros(0)))
    return answer.cost + form.constant


def _cost(m: Any, s: int) -> Any:
    return m.at[s].cost_money.expr


@pytest.fixture(scope="module")
def alone_money() -> Array:
    """Least cost of each scenario by itself, by Clarabel."""
    found = []
    for s in range(3):
        m = _extensive(DAY, AVAILABLE[s : s + 1])
        m.least = pyo.Objective(expr=_cost(m, 0))
        found.append(_optimum(m))
    return np.array(found)


@pytest.fixture(scope="module")
def planner() -> ScenarioPlanner:
    return ScenarioPlanner("dso", SHAPE, DAY, AVAILABLE, WEIGHTS)


def _reference(attitude: Attitude, best_money: Array) -> float:
    m = _extensive(DAY, AVAILABLE)
    if attitude.kind == "expected":
        m.least = pyo.Objective(expr=sum(WEIGHTS[s] * _cost(m, s) for s in range(3)))
    elif attitude.kind == "cvar":
        m.eta, m.beyond = pyo.Var(), pyo.Var(m.scenario, bounds=(0, None))
        m.tail = pyo.Constraint(m.scenario, rule=lambda m, s: m.beyond[s] >= _cost(m, s) - m.eta)
        beyond = sum(WEIGHTS[s] * m.beyond[s] for s in range(3))
        m.least = pyo.Objective(expr=m.eta + beyond / attitude.tail_share)
    else:
        m.rho = pyo.Var()
        m.worst = pyo.Constraint(m.scenario, rule=lambda m, s: m.rho >= _cost(m, s) - best_money[s])
        m.least = pyo.Objective(expr=m.rho)
    return _optimum(m)


def test_each_scenario_alone_costs_what_its_own_dispatch_costs(
    planner: ScenarioPlanner, alone_money: Array
) -> None:
    known = planner.wait_and_see()
    assert known.cost_money == pytest.approx(alone_money, rel=GAP)
    assert (known.bound_money <= alone_money + 1e-4).all()
    assert (known.cost_money >= alone_money - 1e-2).all()


@pytest.mark.parametrize(
    "attitude",
    [Attitude("expected"), Attitude("cvar", 0.4), Attitude("cvar", 1.0), Attitude("min-max-regret")],
    ids=lambda one: f"{one.kind}-{one.tail_share}",
)
def test_a_plan_is_the_optimum_of_one_programme(
    planner: ScenarioPlanner, alone_money: Array, attitude: Attitude
) -> None:
    plan = planner.plan(attitude, alone_money)
    optimum = _reference(attitude, alone_money)
    mean = float(WEIGHTS @ plan.cost_money)
    assert plan.bound_money <= optimum + 1e-4
    assert plan.value_money >= optimum - 1e-2
    assert plan.value_money - plan.bound_money <= GAP * (1.0 + mean)
    assert plan.value_money == pytest.approx(attitude.value_money(plan.cost_money, WEIGHTS, alone_money))
    # Storages have something to lose here: idle ones do far worse.
    idle = attitude.value_money(planner.cost_money(planner.idle), WEIGHTS, alone_money)
    assert idle - plan.value_money > 20.0 * GAP * mean
