"""Plans for scenarios on feeders with taps, compensators, and storages that take no part."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gridarium.agents.feeder.dispatch import DispatchDay, Openings, dispatch_problem
from gridarium.agents.feeder.dispatch_problem import DispatchShape
from gridarium.agents.feeder.recourse import Recourse
from gridarium.agents.feeder.recourse_problem import recourse_form
from gridarium.agents.feeder.scenario_plan import GAP, ScenarioPlanner
from gridarium.agents.feeder.voltage_terms import HeadBand
from gridarium.environment.errors import SolveError
from gridarium.environment.voltage_control import Compensator, TapChanger
from gridarium.market.messages.tariffs import Pull
from gridarium.market.risk import Attitude
from tests.support.scenario_days import SHAPE, available_mw, day_of

TAPS = TapChanger(-4, 4, 0.01, 8)
TAP = np.array([2, 3, 1])
ACTIVE = replace(
    SHAPE,
    tap_changer=TAPS,
    compensators=(Compensator("svc", -0.3, 0.6),),
    sites=(*SHAPE.sites, ("svc", 4)),
)
OPENS = replace(SHAPE, opens_storages=True)


def alone(shape: DispatchShape, day: DispatchDay) -> tuple[float, float]:
    """Cost of one scenario by a plan for it, and by its own dispatch."""
    available = available_mw()[:1]
    planner = ScenarioPlanner("dso", shape, day, available, np.ones(1))
    own = dispatch_problem(shape).solve("dso", **replace(day, available_mw=available[0]).signals)
    return planner.plan(Attitude("expected")).value_money, own.objective


def test_taps_are_held_and_compensators_follow_what_comes() -> None:
    day = replace(day_of(), head_band=HeadBand.at(TAPS, TAP, SHAPE.feeder.slack_vm_pu))
    planned, own = alone(ACTIVE, day)
    assert planned == pytest.approx(own, rel=GAP)
    # They matter here: without them the day costs something else.
    assert abs(alone(SHAPE, day_of())[0] - planned) > 2.0 * GAP * planned


def test_a_storage_that_takes_no_part_stays_as_it_is() -> None:
    day = replace(day_of(), openings=Openings(np.array([1.0, 0.0]), np.array([1.0, 0.0])))
    planned, own = alone(OPENS, day)
    assert planned == pytest.approx(own, rel=GAP)
    planner = ScenarioPlanner("dso", OPENS, day, available_mw(), np.full(3, 1.0 / 3.0))
    schedule = planner.plan(Attitude("expected")).schedule
    assert np.abs(schedule.net_mw[0]).max() > 0.1
    assert np.abs(schedule.net_mw[1]).max() < 1e-9


def test_a_schedule_that_the_network_cannot_carry_costs_much_and_is_no_fault() -> None:
    tight = replace(SHAPE, import_limit_mw=3.0)
    recourse, nothing = Recourse("dso", tight, day_of(tight)), np.zeros((1, 2, 3))
    idle, charging = np.zeros((2, 3)), np.array([[0.0, -0.6, 0.0], [0.0, -0.5, 0.0]])
    assert recourse.exact(idle, nothing).changed_mwh == pytest.approx(0.0, abs=1e-6)
    found = recourse.exact(charging, nothing)
    assert found.changed_mwh > 0.1
    assert found.cost_money.sum() > recourse.exact(idle, nothing).cost_money.sum() + 500.0


def test_ratings_are_kept_better_than_branch_cones() -> None:
    """Reactive power is worth something: plants are used to their ratings, not beyond them."""
    small = replace(SHAPE, renewables=tuple(replace(unit, s_max_mva=0.3) for unit in SHAPE.renewables))
    recourse = Recourse("dso", small, day_of(small))
    found = recourse.of_period(1, np.zeros(2), available_mw()[:, :, 1])
    blocks = recourse_form(replace(small, n_period=1)).decisions
    p_mw, q_mvar = (
        found.decisions[:, blocks[name].start : blocks[name].stop]
        for name in ("p_renewable_mw", "q_renewable_mvar")
    )
    used = np.hypot(p_mw, q_mvar)
    assert used.max() > 0.29
    assert used.max() < 0.3 + 1e-4


def test_what_a_planner_knows_holds_for_other_scenarios() -> None:
    weights = np.full(3, 1.0 / 3.0)
    first = ScenarioPlanner("dso", SHAPE, day_of(), available_mw(), weights)
    first.plan(Attitude("expected"))
    others = available_mw(seed=8)
    second = ScenarioPlanner("dso", SHAPE, day_of(), others, weights, first)
    assert (second.expected_money(second.idle) <= second.cost_money(second.idle) + 1e-6).all()
    fresh = ScenarioPlanner("dso", SHAPE, day_of(), others, weights).wait_and_see()
    assert second.wait_and_see().cost_money == pytest.approx(fresh.cost_money, rel=GAP)


def test_a_supplier_that_pulls_is_refused() -> None:
    day = day_of()
    pulled = replace(day, conditions=replace(day.conditions, pull=Pull(np.zeros(3), 1.0)))
    with pytest.raises(SolveError, match="agent dso: a plan for scenarios knows"):
        Recourse("dso", SHAPE, pulled)
