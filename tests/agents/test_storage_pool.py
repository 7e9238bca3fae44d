"""Pools in games with known outcomes: who joins, who leaves, alone or in groups, and what is paid."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from pool_games import memberships, play

from gridarium.agents.storage.join_rules import ImitationJoin, JoinRule, MarginJoin, RothErevJoin, TrustJoin
from gridarium.agents.storage.stand_alone import Idle
from gridarium.agents.storage.storage_pool import PoolRules, StoragePool
from gridarium.environment.connection import Connection
from gridarium.environment.links import LinkQuality
from gridarium.market.accounts import POOL_SHARE, POOL_VALUE
from gridarium.market.formation import formation_of
from gridarium.market.pool_splits import (
    Capacity,
    LeastCore,
    Prenucleolus,
    SampledShapley,
    SplitRule,
    WithMinusWithout,
)
from gridarium.market.storage_pooling import ClassRules

EQUAL = {"a": 1.0, "b": 1.0, "c": 1.0}
ANYBODY = ClassRules(score_min=0.0)


def rules(**changes: object) -> PoolRules:
    return PoolRules(**{"classes": ANYBODY, "sub_pools": 1, **changes})  # type: ignore[arg-type]


def convex(members: frozenset[str]) -> float:
    """More are worth more each: every Shapley share is in the core."""
    return float(len(members) ** 2)


def majority(members: frozenset[str]) -> float:
    """Two of three get all there is: no share is in the core."""
    return 30.0 if len(members) >= 2 else 0.0


def paid(pool: StoragePool, owner: str) -> float:
    table = pool.world.ledger.table()
    mine = table[(table["account"] == owner) & (table["purpose"] == POOL_SHARE)]
    return float(mine["amount_money"].sum())


def test_a_game_with_a_core_ends_stable_with_all_in_it() -> None:
    pool = play(convex, EQUAL, rules(), begins=lambda name: name == "a", groups=True, n_day=24)
    days = memberships(pool)
    assert days[0] == "a"
    assert formation_of(days, 12).outcome == "stable"
    assert days[-1] == "abc"
    assert [pool.days[-1].share_money[name] for name in "abc"] == pytest.approx([3.0, 3.0, 3.0])


def test_money_of_a_pool_adds_up_and_follows_the_members() -> None:
    pool = play(convex, EQUAL, rules(), begins=lambda name: name != "c", n_day=6)
    table = pool.world.ledger.table()
    of_pool = table[table["account"] == "pool"].groupby(["period", "purpose"])["amount_money"].sum().unstack()
    assert (of_pool[POOL_VALUE] + of_pool[POOL_SHARE]).abs().max() < 1e-9
    assert of_pool[POOL_VALUE].tolist() == [convex(frozenset(day)) for day in memberships(pool)]
    assert paid(pool, "a") == pytest.approx(sum(day.share_money.get("a", 0.0) for day in pool.days))


def test_owners_leave_a_pool_that_pays_less_than_they_forgo() -> None:
    # Members are not compensated: 0.4 MWh each that earn 1 money/MWh by themselves.
    alone = 0.4
    pool = play(lambda members: 0.2 * len(members), EQUAL, rules(compensated=False), n_day=12)
    days = memberships(pool)
    assert pool.days[-1].answers["a"].alone_money == pytest.approx(alone, abs=1e-3)
    assert days[0] == "abc"
    assert days[-1] == ""
    sizes = [len(day) for day in days]
    assert {before - after for before, after in pairwise(sizes)} == {0, 1}


def test_an_owner_stays_for_exactly_what_it_forgoes() -> None:
    effort = {"a": 1.0 - 1e-6, "b": 1.0 + 0.1}
    pool = play(lambda members: float(len(members)), EQUAL, rules(), effort_money=effort, n_day=9)
    assert memberships(pool)[-1] == "ac"


def test_without_a_core_a_pair_leaves_together_and_newcomers_start_it_anew() -> None:
    pool = play(majority, EQUAL, rules(revisions="together"), groups=True, n_day=24)
    days = memberships(pool)
    assert len(set(days)) > 1
    assert any(day.by_group and len(day.members) == 2 for day in pool.days)
    assert formation_of(days, 12).outcome != "stable"


def test_a_pool_that_takes_nobody_who_costs_a_member_stays_a_pair() -> None:
    closed = rules(revisions="together", admission="no-one-loses")
    days = memberships(play(majority, EQUAL, closed, groups=True, n_day=24))
    assert days[0] == "abc"
    assert formation_of(days, 12).outcome == "stable"
    assert len(days[-1]) == 2


def test_no_single_owner_would_have_left_that_pool() -> None:
    days = memberships(play(majority, EQUAL, rules(revisions="together"), n_day=12))
    assert set(days) == {"abc"}


def test_a_group_needs_the_consent_of_all_its_members() -> None:
    # Two of the three want 6 more than they get before they move, and a pair can offer 5 more.
    def joining(name: str) -> JoinRule:
        return MarginJoin(6.0) if name != "a" else MarginJoin(0.0)

    days = memberships(play(majority, EQUAL, rules(), groups=True, joining=joining, n_day=12))
    assert set(days) == {"abc"}


@pytest.mark.parametrize(
    ("joining", "ends"),
    [
        (lambda name: MarginJoin(2.0), ""),
        (lambda name: ImitationJoin(), ""),
        (lambda name: TrustJoin(first=0.0), ""),
    ],
    ids=["margin", "imitation", "no trust"],
)
def test_bounded_owners_end_elsewhere_than_exact_ones(joining: Callable[[str], JoinRule], ends: str) -> None:
    def nobody(name: str) -> bool:
        return False

    worth = dict.fromkeys("abc", 1.5)
    exact = memberships(play(lambda some: 1.5 * len(some), worth, rules(), begins=nobody, n_day=12))
    assert exact[-1] == "abc"
    bounded = play(lambda some: 1.5 * len(some), worth, rules(), begins=nobody, joining=joining, n_day=12)
    assert memberships(bounded)[-1] == ends


def test_whoever_trusts_what_is_kept_leaves_a_pool_that_promises_too_much() -> None:
    def played(joining: Callable[[str], JoinRule]) -> str:
        effort = dict.fromkeys("abc", 1.2)
        promising = rules(overstatement=0.5)
        pool = play(lambda some: float(len(some)), EQUAL, promising, effort_money=effort, joining=joining)
        return memberships(pool)[-1]

    assert played(lambda name: MarginJoin(0.0)) == "abc"
    assert played(lambda name: TrustJoin()) == ""


def test_roth_erev_finds_what_pays_and_seeds_differ() -> None:
    def share(seed: int) -> float:
        pool = play(
            lambda some: 5.0 * len(some), EQUAL, rules(revisions="together"), regime=Idle(),
            joining=lambda name: RothErevJoin(experimentation=0.02), n_day=60, seed=seed,
        )  # fmt: skip
        return sum(len(day) for day in memberships(pool)[-30:]) / 90.0

    found = [share(seed) for seed in (1, 2, 3)]
    assert min(found) > 0.8
    assert len(set(found)) > 1


def test_an_operator_that_plays_keeps_its_share() -> None:
    pool = play(majority, EQUAL, rules(operator_plays=True), n_day=4)
    # Of all four: two owners and the operator make 30; each owner is decisive in 4 of 24 orders.
    assert [pool.days[-1].share_money[name] for name in "abc"] == pytest.approx([5.0] * 3)
    assert pool.days[-1].operator_money == pytest.approx(15.0)
    table = pool.world.ledger.table()
    operator = table[(table["account"] == "dso") & (table["purpose"] == POOL_SHARE)]["amount_money"].sum()
    assert operator == pytest.approx(4 * 15.0)


@pytest.mark.parametrize("split", [Capacity(), Prenucleolus(), LeastCore()])
def test_rules_share_all_of_it(split: object) -> None:
    sizes = {"a": 1.0, "b": 2.0, "c": 5.0}
    pool = play(majority, sizes, rules(split=split, sub_pools=2), n_day=3)
    assert sum(pool.days[-1].share_money.values()) == pytest.approx(30.0)


def test_what_a_rule_leaves_stays_with_the_platform() -> None:
    def crowded(members: frozenset[str]) -> float:
        return 30.0 * len(members) ** 0.5

    pool = play(crowded, EQUAL, rules(split=WithMinusWithout()), n_day=2)
    adds = 30.0 * (3.0**0.5 - 2.0**0.5)
    assert [pool.days[-1].share_money[name] for name in "abc"] == pytest.approx([adds] * 3)
    kept = 30.0 * 3.0**0.5 - 3.0 * adds
    (days,) = (each for each in pool.rows() if each.table == "pool_days")
    assert days.values["kept_money"] == pytest.approx([kept] * 2)
    assert pool.world.ledger.balance("pool") == pytest.approx(2.0 * kept)


def test_fit_and_unfit() -> None:
    # Slow, so that only the state of charge and health count: 0.4 + 0.3.
    strict = rules(classes=ClassRules(score_min=0.71))
    assert memberships(play(convex, EQUAL, strict, n_day=2)) == ["", ""]
    small = rules(classes=ClassRules(score_min=0.0, reserve_min_mwh=1.5))
    pool = play(convex, {"a": 1.0, "b": 2.0}, small, n_day=2)
    assert memberships(pool) == ["b", "b"]
    assert pool.days[0].enrolled == frozenset("ab")


def test_lost_messages_change_nothing() -> None:
    lossy = LinkQuality(latency_s=0.2, loss=0.2)
    kept = play(convex, EQUAL, rules(), n_day=3)
    lost = play(convex, EQUAL, rules(reply_timeout_s=60.0), n_day=3, quality=lossy)
    assert memberships(lost) == memberships(kept)


@pytest.mark.parametrize("split", [Capacity(), SampledShapley(4_000)], ids=["capacity", "sampled"])
def test_more_owners_than_a_table_holds_are_shared_among_all_the_same(split: SplitRule) -> None:
    sizes = {f"o{number}": 1.0 + number for number in range(14)}
    total = sum(sizes.values())

    def root(some: Iterable[str]) -> float:
        return float(sum(sizes[name] for name in some) / total) ** 0.5

    def begins(name: str) -> bool:
        return name != "o3"

    pool = play(root, sizes, rules(split=split, sub_pools=3), begins=begins, n_day=4)
    for day in pool.days:
        worth = root(day.members)
        assert sum(day.share_money.values()) == pytest.approx(worth)
    assert pool.days[-1].share_money["o12"] > 2.0 * pool.days[-1].share_money["o0"]


def test_what_is_sent_cannot_be_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    loose, kinds, send = list[str](), set[str](), Connection.send

    def checked(connection: Connection, recipient: str, payload: object, **more: Any) -> None:
        kinds.add(type(payload).__name__)
        for field in dataclasses.fields(payload) if dataclasses.is_dataclass(payload) else ():
            value = getattr(payload, field.name)
            if isinstance(value, np.ndarray):
                whole = value if value.base is None else value.base
                if value.flags.writeable or whole.flags.writeable:
                    loose.append(f"{type(payload).__name__}.{field.name}")
        send(connection, recipient, payload, **more)

    monkeypatch.setattr(Connection, "send", checked)
    play(majority, EQUAL, rules(revisions="together"), groups=True, n_day=4)
    many = {f"o{number}": 1.0 for number in range(13)}
    play(lambda some: float(len(some)), many, rules(split=Capacity()), n_day=2)
    assert loose == []
    assert kinds >= {
        "Registration", "Enrolment", "AvailabilityRequest", "Availability", "MembersRequest", "PoolMembers",
        "CoalitionValues", "PoolReport", "GroupOffer", "GroupAnswer", "GroupExit",
    }  # fmt: skip
