"""The leader under C7 on a feeder: set points that are kept, a whole day, and certificates that can fail."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from gridarium.agents.feeder.dso import Dso
from gridarium.agents.feeder.set_points import SetPoints, Trial
from gridarium.agents.leader import tied_anticipation, tied_optimum
from gridarium.agents.leader.tied_anticipation import TiedAnticipatingLeader
from gridarium.agents.leader.tied_leading import TiedAnticipating, TieRules
from gridarium.agents.leader.tied_problem import TiedProblem
from gridarium.agents.leader.tied_sequence import TiedSequence
from gridarium.environment.arrays import Array
from gridarium.environment.errors import ScenarioError
from gridarium.experiments.evidence.grid_evidence import GridEvidence, evidence_of
from gridarium.experiments.evidence.leader.leader_certificates import LeaderBench
from gridarium.experiments.evidence.leader.led_plan import LedPlan
from gridarium.experiments.evidence.leader.tied_certificates import tied_leader
from gridarium.experiments.evidence.leader.tied_kkt import leader_stationarity
from gridarium.experiments.evidence.tables import collect
from gridarium.experiments.running.world_build import BuiltWorld as Built
from gridarium.experiments.running.world_build import build
from gridarium.experiments.scenario import load_scenario

TIED = "cases.adcef.leader={kind: full-information, price: tied}"
LEARNING = "cases.adcef.leader={kind: anticipating, price: tied}"
RIGID = tuple(
    f"consumers.{name}.beta_per_mwh_per_mw={beta}"
    for name, beta in (("industrial", 300), ("commercial", 400), ("residential", 500))
)
"""Consumers that seldom come to a limit: fewer kinks on the way, and a day in seconds."""

PRINTED = (
    "gas_turbines.gas_turbine_12.cost_linear_per_mwh=20",
    "gas_turbines.gas_turbine_25.cost_linear_per_mwh=35",
    "prices.quota_tco2_per_mwh=0.5",
)
"""Costs of gas and a quota of the paper's first reading: all units run, whatever the price."""


@cache
def played() -> tuple[Built, GridEvidence]:
    """A day on the feeder of five buses, led by one who learns; and what certificates see of it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TiedAnticipatingLeader, "n_start", 1)
        patch.setattr(tied_optimum, "KICKED", 0)
        built = build(load_scenario("adcef-small", [*PRINTED, *RIGID, LEARNING]).cases["adcef"])
        while built.world.running:
            built.world.step()
    tables = collect("adcef", built.world, built.sections)
    return built, evidence_of("adcef", built.world.grid, built.sections, tables)


def leader_of_the_day() -> Dso:
    return played()[0].one(Dso)


def own_points(dso: Dso) -> SetPoints:
    """What units do in the plan of today."""
    dispatch = dso.today.plan.dispatch
    storage_mw = dispatch.discharge_mw - dispatch.charge_mw
    return SetPoints(dispatch.turbine_mw, dispatch.renewable_mw, storage_mw)


def tried(dso: Dso, points: SetPoints, more_mw: Array | float = 0.0) -> Trial:
    """Set points under today's loads, the first of which is larger."""
    loads = {name: load.copy() for name, load in dso.today.loads_mw.items()}
    name = next(iter(loads))
    loads[name] = loads[name] + more_mw
    trial = dso.try_out(loads, points)
    assert trial is not None
    return trial


def test_set_points_of_a_plan_give_its_import_and_its_cost() -> None:
    dso = leader_of_the_day()
    trial, dispatch = tried(dso, own_points(dso)), dso.today.plan.dispatch
    assert trial.missed_mw.max() <= 1e-5
    assert trial.dispatch.buy_mw == pytest.approx(dispatch.buy_mw, abs=1e-4)
    assert trial.dispatch.cost_money == pytest.approx(dispatch.cost_money, rel=1e-5)


def test_what_is_too_much_is_taken_back_from_turbines() -> None:
    dso = leader_of_the_day()
    points = own_points(dso)
    full = np.array([[unit.p_max_mw] for unit in dso.shape.turbines]) * np.ones_like(points.turbine_mw)
    trial = tried(dso, SetPoints(full, points.renewable_mw, points.storage_mw))
    assert trial.missed_mw.max() > 0.1
    dispatch = trial.dispatch
    assert dispatch.renewable_mw == pytest.approx(points.renewable_mw, abs=1e-4)
    assert dispatch.discharge_mw - dispatch.charge_mw == pytest.approx(points.storage_mw, abs=1e-4)
    assert dispatch.cone_gap <= 1e-5


def test_a_day_ends_with_a_price_that_its_plan_makes() -> None:
    dso = leader_of_the_day()
    today, setter = dso.today, dso.today.setter
    assert isinstance(setter, TiedAnticipating)
    assert today.rounds[-1].ended == "converged"
    assert len(today.rounds) <= 40
    plan, market = today.plan, today.conditions
    # C7 with the factor of the dispatch and of the pools, worked out anew.
    into, out = plan.pool.inflow_t_per_h.sum(axis=0), plan.pool.outflow_t_per_h.sum(axis=0)
    emission = plan.situation.supply.emission_t_per_h
    factor = (emission - into + out) / plan.situation.load_mw
    called_for = market.tou_price_per_mwh + market.carbon_price_per_tco2 * (
        factor - market.quota_tco2_per_mwh
    )
    assert today.signal.price_per_mwh == pytest.approx(called_for, abs=1e-3)
    # C2 of every pool, in what was planned for the network.
    highest = market.grid_factor_tco2_per_mwh.max()
    content = plan.pool.first_tco2[:, None] + np.cumsum(
        plan.pool.inflow_t_per_h - plan.pool.outflow_t_per_h, axis=1
    )
    assert content.min() >= -1e-8
    assert content[:, -1] == pytest.approx(plan.pool.first_tco2, abs=1e-8)
    assert np.all(plan.pool.inflow_t_per_h <= highest * plan.dispatch.charge_mw + 1e-6)
    assert np.all(plan.pool.outflow_t_per_h <= highest * plan.dispatch.discharge_mw + 1e-6)
    assert np.all(into <= emission + 1e-8)
    assert np.all(np.minimum(plan.dispatch.charge_mw, plan.dispatch.discharge_mw) <= 1e-9)
    # What loads carry is what was emitted, and discounts cost what carbon earns (C8 at kappa = 1).
    assert factor @ plan.situation.load_mw == pytest.approx(emission.sum(), abs=1e-7)
    assert today.accounts.budget_excess_money() == pytest.approx(0.0, abs=0.1)


def test_the_leader_is_never_below_the_formula_on_the_same_network() -> None:
    dso = leader_of_the_day()
    setter = dso.today.setter
    assert isinstance(setter, TiedAnticipating)
    formula, own = setter.leader.formula_on_network, setter.planned
    assert formula is not None
    assert own is not None
    assert setter.problem.profit(own) >= formula.outcome.profit_money + 10.0
    assert formula.problem.tie_error_per_mwh(formula.outcome.plan) <= 1e-3


def test_certificates_pass_where_the_leader_has_ended() -> None:
    readings = {one.name: one for one in tied_leader(played()[1])}
    assert readings["leader tie"].value <= 1e-3
    assert readings["leader KKT residual"].value <= 1e-2
    assert readings["leader regret"].value <= 1e-3
    assert "formula untied" in readings["leader regret"].detail


def test_the_plan_of_the_formula_could_gain_more_by_small_moves() -> None:
    built = build(load_scenario("adcef-small", [*PRINTED, *RIGID]).cases["adcef"])
    while built.world.running:
        built.world.step()
    tables = collect("adcef", built.world, built.sections)
    known = evidence_of("adcef", built.world.grid, built.sections, tables)
    dso = built.one(Dso)
    led = LedPlan.of(dso, LeaderBench(known, dso).followers, TieRules(1.0, True))
    assert leader_stationarity(led) > 0.05


class _Asked(Exception):  # noqa: N818
    """A search was about to begin."""


def test_where_the_formula_has_no_pool_a_price_is_found_that_has_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """At a market price of gas neither the formula's price nor the way from it has one."""
    asked: list[TiedProblem] = []

    def ask(problem: TiedProblem, *_: object, **__: object) -> None:
        asked.append(problem)
        raise _Asked

    monkeypatch.setattr(tied_anticipation, "tied_optimum", ask)
    built = build(load_scenario("adcef-small", [TIED]).cases["adcef"])
    with pytest.raises(_Asked):
        while built.world.running:
            built.world.step()
    problem = asked[0]
    sequence = TiedSequence(problem)
    formula = tied_optimum.formula_outcome(problem, sequence)
    alone, toward = sequence.value(formula.price_per_mwh), TiedSequence(problem, target=formula.price_per_mwh)
    assert alone is None or not sequence.is_tied(alone)
    assert toward.climb(formula.price_per_mwh) is None or formula.moved_per_mwh > 1.0
    assert problem.tie_error_per_mwh(formula.tied) <= 1e-3
    assert max(problem.broken(formula.tied).values()) <= 1e-6


@pytest.mark.parametrize(
    ("setting", "fault"),
    [
        ("tariff.kind=tou", "leader.price.*tied needs tariff.kind adcef"),
        ("tariff.pool=strict", "leader.price.*tied needs tariff.kind adcef"),
        ("tariff.pool_carries_over=true", "tariff.pool_carries_over.*must be false"),
        ("dso.storage=self-scheduled", "dso.storage.*must be commanded"),
    ],
)
def test_a_tied_price_needs_the_formula_and_pools_that_are_managed_by_the_day(
    setting: str, fault: str
) -> None:
    with pytest.raises(ScenarioError, match=fault):
        load_scenario("adcef-small", [TIED, f"cases.adcef.{setting}"])
