"""Plans of operators against a reference: honest ones hold, and each certificate sees what it is for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from gridarium.agents.feeder.dispatch import Dispatch
from gridarium.agents.feeder.dso import Dso
from gridarium.agents.transmission.ties import Ties
from gridarium.environment.network_reader import read_feeder
from gridarium.environment.power_flow import AcPowerFlow
from gridarium.experiments.evidence.grid_evidence import GridEvidence, evidence_of
from gridarium.experiments.evidence.plans.dispatch_certificates import best_plans, planned_dispatch
from gridarium.experiments.evidence.plans.own_carbon import ladder_lines, ladder_money
from gridarium.experiments.evidence.plans.radial_flow import radial_flow
from gridarium.experiments.evidence.tables import collect
from gridarium.experiments.parts.ties_section import OwnCarbon
from gridarium.experiments.results.records import Reading
from gridarium.experiments.running.case_run import _play
from gridarium.experiments.running.world_build import build
from gridarium.experiments.scenario import load_scenario
from tests.support.ries_small import known_of_night

ALL = {"planned limits", "planned power flow", "planned cost", "best plan", "marginal prices"}


def readings(known: GridEvidence) -> dict[str, Reading]:
    return {one.name: one for of_grid in (planned_dispatch, best_plans) for one in of_grid(known)}


def failed(known: GridEvidence) -> set[str]:
    return {name for name, one in readings(known).items() if not one.value <= one.tolerance}


@pytest.fixture(scope="module")
def feeder() -> GridEvidence:
    """What is known of a feeder after six hours."""
    built = build(load_scenario("adcef-small", ["horizon_h=6"]).cases["adcef"])
    _play(built)
    tables = collect("adcef", built.world, built.sections)
    return evidence_of("adcef", built.world.grid, built.sections, tables)


@pytest.fixture
def planned(feeder: GridEvidence) -> Iterator[Any]:
    """Return a function that makes another dispatch of the plan; what was planned comes back."""
    (dso,) = feeder.of(Dso)
    plan = dso.today.plan

    def with_(**changed: Any) -> set[str]:
        dso.today.plan = replace(plan, dispatch=replace(plan.dispatch, **changed))
        return failed(feeder)

    yield with_
    dso.today.plan = plan


def _dispatch(known: GridEvidence) -> Dispatch:
    (dso,) = known.of(Dso)
    return dso.today.plan.dispatch


def test_honest_plans_hold(feeder: GridEvidence) -> None:
    assert set(readings(feeder)) == ALL and failed(feeder) == set()
    system = known_of_night("full")
    assert set(readings(system)) == ALL and failed(system) == set()


def test_a_cost_that_is_told_wrongly_is_seen(feeder: GridEvidence, planned: Any) -> None:
    assert planned(cost_money=_dispatch(feeder).cost_money * (1.0 + 1e-4)) == {"planned cost"}


def test_what_passes_the_head_by_another_sign_is_seen(feeder: GridEvidence, planned: Any) -> None:
    done = _dispatch(feeder)
    assert planned(buy_mw=done.sell_mw, sell_mw=done.buy_mw) == {"planned power flow"}


def test_voltages_of_another_flow_are_seen(feeder: GridEvidence, planned: Any) -> None:
    voltage = _dispatch(feeder).voltage_pu.copy()
    voltage[1:] *= 1.0 + 1e-5
    assert planned(voltage_pu=voltage) == {"planned power flow"}


def test_power_that_no_storage_has_is_seen(feeder: GridEvidence, planned: Any) -> None:
    done = _dispatch(feeder)
    assert "planned limits" in planned(discharge_mw=done.discharge_mw + 0.1)


def test_a_plan_with_less_wind_than_there_is_is_no_best_one(feeder: GridEvidence, planned: Any) -> None:
    done = _dispatch(feeder)
    fewer = 0.99 * done.renewable_mw
    bought = (done.renewable_mw - fewer).sum(axis=0)
    assert "best plan" in planned(renewable_mw=fewer, buy_mw=done.buy_mw + bought)


def test_prices_that_are_no_marginal_ones_are_seen(feeder: GridEvidence, planned: Any) -> None:
    done = _dispatch(feeder)
    dearer, cheaper = (
        {"price_per_mwh": factor * done.price_per_mwh, "price_per_mvarh": factor * done.price_per_mvarh}
        for factor in (1.01, 0.99)
    )
    assert planned(**dearer) == {"marginal prices"} == planned(**cheaper)


@pytest.mark.parametrize("factor", [0.99, 1.01])
def test_prices_of_a_ties_that_are_no_marginal_ones_are_seen(
    factor: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = known_of_night("full")
    (ties,) = known.of(Ties)
    plan = ties.days[0].plan
    monkeypatch.setattr(ties.days[0], "plan", replace(plan, price_per_mwh=factor * plan.price_per_mwh))
    assert failed(known) == {"marginal prices"}


def test_a_unit_that_gives_more_than_the_cost_told_says_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    known = known_of_night("full")
    (ties,) = known.of(Ties)
    plan = ties.days[0].plan
    gross = plan.gross_mw.copy()
    gross[0] += 1.0
    monkeypatch.setattr(
        ties.days[0], "plan", replace(plan, gross_mw=gross, renewable_mw=plan.renewable_mw - 0.5)
    )
    assert {"planned cost", "planned power flow"} <= failed(known)


def test_a_plan_in_force_that_is_no_best_one_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    known = known_of_night("full")
    (ties,) = known.of(Ties)
    now = ties.in_force(0)
    plan = now.plan
    dearer = replace(plan, price_per_mwh=1.01 * plan.price_per_mwh)
    monkeypatch.setattr(now, "plan", dearer)
    assert failed(known) == {"marginal prices"}
    fewer = replace(plan, renewable_mw=plan.renewable_mw - 1.0, spill_mw=plan.spill_mw - 1.0)
    monkeypatch.setattr(now, "plan", fewer)
    assert "best plan" in failed(known)
    monkeypatch.setattr(now, "plan", replace(plan, cost_money=0.999 * plan.cost_money))
    assert failed(known) == {"planned cost"}


def test_sweeps_are_the_power_flow_of_the_solver() -> None:
    feeder = read_feeder("case33bw")
    p_mw = -np.outer(feeder.p_load_mw, [0.3, 1.0, -0.5])
    q_mvar = -np.outer(feeder.q_load_mvar, [0.3, 1.0, 0.1])
    head = np.array([1.0, 1.02, 0.99])
    swept, solved = radial_flow(feeder, p_mw, q_mvar, head), AcPowerFlow(feeder).solve(p_mw.T, q_mvar.T, head)
    assert np.abs(swept.head_mw - solved.p_slack_mw).max() < 1e-8
    assert np.abs(swept.voltage_squared.T - solved.vm_pu**2).max() < 1e-9


def test_the_highest_of_the_lines_is_the_ladder() -> None:
    ladder = OwnCarbon(quota_tco2=450.0, interval_tco2=200.0, steps=3, reward_steps=3)
    for tonnes in (0.0, 40.0, 100.0, 333.0, 450.0, 500.0, 700.0, 2000.0):
        highest = max(slope * tonnes + at_zero for slope, at_zero in ladder_lines(ladder))
        assert highest == pytest.approx(ladder_money(ladder, tonnes), abs=1e-9)
