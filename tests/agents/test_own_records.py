"""Owners of storages check their own entries day by day, and leave a platform that is caught."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from pool_games import memberships, play

from gridarium.agents.storage.join_rules import JoinExperience, TrustJoin
from gridarium.agents.storage.own_records import OwnRecords
from gridarium.agents.storage.pool_membership import OwnerTerms
from gridarium.agents.storage.records_desk import RecordsDesk
from gridarium.agents.storage.storage_owner import StorageOwner
from gridarium.agents.storage.storage_pool import PoolRules, StoragePool
from gridarium.environment.links import LinkQuality
from gridarium.environment.records import EXECUTED
from gridarium.environment.security.authority import Authority
from gridarium.experiments.results.records import Certificate
from gridarium.experiments.running.runner import run
from gridarium.experiments.scenario import load_scenario
from gridarium.market.messages.ledger import LedgerHead, ProofRequest
from gridarium.market.storage_pooling import ClassRules

EQUAL = {"a": 1.0, "b": 1.0, "c": 1.0}


def rules(**changes: Any) -> PoolRules:
    return replace(PoolRules(ClassRules(score_min=0.0), sub_pools=1), **changes)


def played(understated_share: float = 0.0, **changes: Any) -> StoragePool:
    """A pool of three who would stay for what it is worth, and trust it at first."""
    said = rules(understated_share=understated_share, revisions="together")
    kept = {"joining": lambda name: TrustJoin(), "effort_money": dict.fromkeys(EQUAL, 0.5)}
    return play(lambda some: float(len(some)), EQUAL, said, audited=True, **{"n_day": 8, **kept, **changes})


def checks_of(pool: StoragePool) -> dict[str, list[float]]:
    """Whether each check of each owner stood, by day."""
    found = {}
    for agent in pool.world.agents:
        for rows in agent.rows():
            if rows.table == "record_checks":
                found[agent.name] = np.asarray(rows.values["verified"]).tolist()
    return found


def test_owners_of_an_honest_platform_verify_every_day_and_stay() -> None:
    pool = played()
    assert checks_of(pool) == dict.fromkeys(EQUAL, [1.0] * 8)
    assert set(memberships(pool)) == {"abc"}
    executed = [one for one in pool.world.records.of("a") if one.what == EXECUTED]
    assert len(executed) == 32 and sum(one.discharge_mwh for one in executed) > 1.0


def test_checks_stand_on_links_that_lose_and_delay() -> None:
    pool = played(quality=LinkQuality(0.2, 0.1, 0.2, 0.2, 0.2, 1.0))
    assert checks_of(pool) == dict.fromkeys(EQUAL, [1.0] * 8)


@pytest.mark.parametrize("share", [1e-9, 0.1, 1.0])
def test_a_platform_that_understates_is_found_every_time_by_every_owner(share: float) -> None:
    assert checks_of(played(share)) == dict.fromkeys(EQUAL, [0.0] * 8)


def test_owners_that_trust_leave_a_platform_that_is_caught_and_believers_stay() -> None:
    assert memberships(played(0.1))[-1] == ""
    believing = played(0.1, joining=lambda name: TrustJoin() if name == "a" else _Believer())
    assert memberships(believing)[-1] == "bc"


class _Believer(TrustJoin):
    """Does not look at what its check has found."""

    def learn(self, told: JoinExperience) -> None:
        super().learn(replace(told, verified=None))


def test_trust_falls_to_nothing_and_recovers_by_its_memory() -> None:
    rule = TrustJoin(memory=0.5)
    rule.learn(JoinExperience(True, 10.0, 10.0, 0.0, verified=True))
    assert rule.trust == 1.0
    rule.learn(JoinExperience(True, 10.0, 10.0, 0.0, verified=False))
    assert rule.trust == 0.0
    rule.learn(JoinExperience(True, 10.0, 10.0, 0.0, verified=True))
    assert rule.trust == 0.5
    rule.learn(JoinExperience(False, float("nan"), float("nan"), 0.0, verified=True))
    assert rule.trust == 0.75
    rule.learn(JoinExperience(False, float("nan"), float("nan"), 0.0))
    assert rule.trust == 0.75


def test_a_head_that_is_not_the_auditors_is_not_believed() -> None:
    pool = played(n_day=1)
    world = pool.world
    owner = next(agent for agent in world.agents if isinstance(agent, StorageOwner))
    key = Authority("another", world.streams, 1.0).public_key
    doubting = OwnRecords(owner, owner.storage, "pool", key)
    tree = world.records.tree
    head = LedgerHead(0, len(tree), tree.root())
    signed = replace(head, signature=Authority("dso, records", world.streams, 1.0).sign(head.signed_bytes))
    altered = replace(signed, size=signed.size * 1.5)  # type: ignore[arg-type]
    for told in (head, signed, altered):
        assert doubting.take_head(told, "dso") is None
    world.clock.run_until(world.clock.now_s + 1.0)
    assert doubting.checks == []
    assert [check.finding.fault for check in doubting.refused] == ["the head is not the auditor's"] * 3
    (rows,) = doubting.rows()
    assert np.asarray(rows.values["verified"]).tolist() == [0.0] * 3


def test_a_platform_shows_nothing_for_heads_that_are_not_there() -> None:
    desk = RecordsDesk(played(n_day=1))
    for size, old_size in ((10**6, 0), (3, 5), (3, -1), (2.5, 0)):
        assert desk.show(ProofRequest(0, size, old_size), "a").records == ()  # type: ignore[arg-type]
    assert len(desk.show(ProofRequest(0, 12, 0), "a").records) == 4


def test_the_same_seed_leaves_the_same_records_and_signatures() -> None:
    one, other = played(n_day=2), played(n_day=2)
    assert one.world.records.heads == other.world.records.heads


def test_who_has_no_auditor_checks_nothing_and_learns_at_once() -> None:
    pool = play(lambda some: 1.0, EQUAL, rules(), n_day=2)
    assert checks_of(pool) == {} and OwnerTerms("pool").auditor_key is None
    assert len(pool.world.records) == 24


def test_a_feeder_whose_platform_understates_says_so() -> None:
    def failed(lie: str) -> tuple[Certificate, float]:
        pool = f"storage_pool={{owners_verify: true{lie}}}"
        settings = ["tariff.kind=tou", "dso.storage=pooled", pool]
        result = run(load_scenario("adcef-small", settings), cases=["tou"])
        (found,) = [one for one in result.certificates if one.name == "owners' proofs"]
        return found, result.summary["tou"]["records_proven_share"]

    honest, proven = failed("")
    assert honest.passed and proven == 1.0
    # Half of all entries are allocations, which are shown as they are.
    lying, proven = failed(", understated_share: 0.05")
    assert lying.value == 3.0 and proven == pytest.approx(0.5)
    assert "is not in the head" in lying.detail
