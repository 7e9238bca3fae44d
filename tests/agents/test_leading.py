"""Leaders that search, played through the bus by the operator of a small feeder."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
import pytest

from gridarium.agents.feeder.consumer import Consumer
from gridarium.agents.feeder.dso import Dso
from gridarium.agents.leader.leading import Anticipating
from gridarium.experiments.evidence.grid_evidence import GridEvidence, evidence_of
from gridarium.experiments.evidence.leader.leader_certificates import LeaderBench, certify_leader
from gridarium.experiments.evidence.tables import collect
from gridarium.experiments.running.world_build import BuiltWorld as Built
from gridarium.experiments.running.world_build import build
from gridarium.experiments.scenario import load_scenario
from small_cases import FREE_TO_RUN

SEARCHING = ("anticipating", "full-information")


@cache
def played(leader: str, *settings: str) -> Built:
    scenario = load_scenario("adcef-small", [f"leader={leader}", *FREE_TO_RUN, *settings]).cases["adcef"]
    built = build(scenario)
    while built.world.running:
        built.world.step()
    return built


def known_of(built: Built) -> GridEvidence:
    tables = collect("adcef", built.world, built.sections)
    return evidence_of("adcef", built.world.grid, built.sections, tables)


def certified(leader: str, settings: Sequence[str] = ()) -> dict[str, float]:
    built = played(leader, *settings)
    known = known_of(built)
    return {item.name: item.value for item in certify_leader(known, LeaderBench(known, built.one(Dso)))}


def profit(built: Built) -> float:
    return built.one(Dso).profit_money(built.one(Dso).today.signal.price_per_mwh, built.one(Dso).today.plan)


@pytest.mark.parametrize("leader", SEARCHING)
def test_a_leader_that_searches_earns_more_and_keeps_its_limits(leader: str) -> None:
    searched, followed = played(leader), played("best-response")
    assert searched.one(Dso).today.rounds[-1].ended == "converged"
    assert profit(searched) > profit(followed)
    today = searched.one(Dso).today
    price, tou = today.signal.price_per_mwh, today.conditions.tou_price_per_mwh
    assert (price >= 0.6 * tou - 1e-9).all() and (price <= 1.4 * tou + 1e-9).all()
    loads = np.sum([searched.world.meters[one.name] for one in searched.of(Consumer)], axis=0)
    base = np.sum([one.loads_mw["base"] for one in searched.of(Consumer)], axis=0)
    assert price @ loads <= tou @ base * (1.0 + 1e-8)


def test_the_ledger_agrees_with_the_profit_that_the_leader_saw() -> None:
    built = played("anticipating")
    # Owners of storages are paid what they would have earned by themselves, whatever the price.
    paid = sum(own.earnings_money for own in built.one(Dso).today.baselines.values())
    # The dispatch also counts a small price on losses, which nobody pays.
    assert built.world.ledger.balance("dso") == pytest.approx(profit(built) - paid, abs=5.0)


@pytest.mark.parametrize("leader", SEARCHING)
def test_the_outcome_is_certified_near_the_proven_bound(leader: str) -> None:
    found = certified(leader)
    assert -1e-6 <= found["leader gap"] <= 0.003
    assert found["leader regret"] <= 0.003
    assert found["leader foresight"] <= 1e-3


def test_the_best_response_leader_is_seen_to_leave_money() -> None:
    found = certified("best-response")
    # The gap is a share of the bound, the regret one of the own profit; both sums here in own profits.
    bound, best = 1.0 / (1.0 - found["leader gap"]), 1.0 + found["leader regret"]
    assert bound >= best - 1e-6 > 1.0
    assert found["loop uniqueness"] <= 0.1
    damped = certified("best-response", ["negotiation.memory=0"])
    assert damped["loop damping"] <= 1.0
    assert damped["loop uniqueness"] <= 0.1
    assert "loop damping" not in found


def test_a_search_survives_latency_and_loss() -> None:
    rough = ("communication.latency_s=0.2", "communication.loss=0.2")
    assert profit(played("anticipating", *rough)) == pytest.approx(profit(played("anticipating")), rel=1e-6)


def test_when_time_is_up_within_the_search_the_best_price_seen_is_announced() -> None:
    built = played("anticipating", "negotiation.round_limit=10")
    setter = built.one(Dso).today.setter
    assert isinstance(setter, Anticipating)
    assert built.one(Dso).today.rounds[-1].ended == "round limit"
    assert setter.leader.best is not None
    assert (built.one(Dso).today.signal.price_per_mwh == setter.leader.best.price_per_mwh).all()
    assert profit(built) == pytest.approx(setter.leader.best.profit_money, rel=1e-9)


@pytest.mark.parametrize("behaviour", ["{noise: {price_scale_per_mwh: 20}}", "{habit: {last_weight: 0.5}}"])
def test_followers_that_misbehave_do_not_make_it_diverge(behaviour: str) -> None:
    few = "negotiation.round_limit=20"
    built = played("anticipating", f"consumers.residential.behaviour=[{behaviour}]", few)
    bench = LeaderBench(known_of(built), built.one(Dso))
    assert len(built.one(Dso).today.rounds) <= 22
    assert profit(built) >= 0.95 * bench.profit_money(built.one(Dso).today.conditions.tou_price_per_mwh)
