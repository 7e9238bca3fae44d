"""Sequences that rest, go round or do neither; groups that block, found by brute force."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import numpy as np
import pytest

from gridarium.market.formation import blocking_group, formation_of


@pytest.mark.parametrize(
    ("states", "outcome", "period", "since"),
    [
        ("aaaaaaaa", "stable", 1, 0),
        ("abcbbbbb", "stable", 1, 3),
        ("abcdefab", "still changing", 0, 8),
        ("xyababab", "cycling", 2, 2),
        ("abcabcabc", "cycling", 3, 0),
        ("aaaabbab", "still changing", 0, 8),
        # Five days of rest are too few, and a cycle needs three rounds.
        ("abbbbb", "still changing", 0, 6),
        ("zzabcdabcd", "still changing", 0, 10),
    ],
)
def test_formations(states: str, outcome: str, period: int, since: int) -> None:
    quiet = 6 if "bbbbb" in states and len(states) == 6 else 5
    found = formation_of(states, quiet)
    assert (found.outcome, found.period_days, found.since_day) == (outcome, period, since)


@pytest.mark.parametrize("seed", range(20))
def test_the_group_found_is_the_best_of_all_for_its_proposer(seed: int) -> None:
    random = np.random.default_rng(seed)
    players = ("a", "b", "c", "d")
    worth = {
        frozenset(some): float(random.uniform(0.0, len(some)))
        for size in range(1, 5)
        for some in combinations(players, size)
    }
    present = dict(zip(players, random.uniform(0.0, 0.6, 4).tolist(), strict=True))

    def shares(members: tuple[str, ...]) -> Mapping[str, float]:
        return dict.fromkeys(members, worth[frozenset(members)] / len(members))

    blocking = [
        some
        for size in (2, 3)
        for some in combinations(players, size)
        if "b" in some and all(shares(some)[name] > present[name] + 1e-3 for name in some)
    ]
    found = blocking_group(players, "b", shares, present, 1e-3)
    if not blocking:
        assert found is None
        return
    assert found is not None
    best = max(shares(some)["b"] for some in blocking)
    assert found.members in blocking
    assert found.share_money["b"] == pytest.approx(best, abs=1e-3)


def test_whose_pay_is_not_known_or_who_is_needed_and_loses_holds_a_group_up() -> None:
    def shares(members: tuple[str, ...]) -> Mapping[str, float]:
        return {**dict.fromkeys(members, 1.0), "grid": -1.0}

    present = {"a": 0.0, "b": 0.0, "c": float("nan"), "grid": 0.0}
    found = blocking_group("abc", "a", shares, present, 0.01)
    assert found is not None and found.members == ("a", "b")
    assert blocking_group("abc", "a", shares, present, 0.01, ("grid",)) is None
