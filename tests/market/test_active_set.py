"""Whom a coordinator asks: how many, in what order, and never those who owe an answer."""

from __future__ import annotations

import numpy as np
import pytest

from gridarium.environment.arrays import Flags
from gridarium.market.active_set import ActiveRule, ActiveSet

RULES: tuple[ActiveRule, ...] = ("random", "priority", "round-robin")


def made(rule: ActiveRule, share: float, seed: int = 1) -> ActiveSet:
    return ActiveSet(rule, share, np.random.default_rng(seed))


def asked(active: Flags) -> list[int]:
    return np.flatnonzero(active).tolist()


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(
    ("share", "count", "most"),
    [
        (0.5, 4, 2), (0.5, 5, 3), (0.01, 7, 1), (1.0, 6, 6), (1 / 3, 3, 1), (0.34, 3, 2),
        # Products that rounding leaves just above a whole number.
        (0.07, 100, 7), (0.14, 50, 7),
    ],
)  # fmt: skip
def test_the_share_is_rounded_up(rule: ActiveRule, share: float, count: int, most: int) -> None:
    chosen = made(rule, share).choose(np.ones(count, dtype=bool), np.arange(float(count)))
    assert chosen.shape == (count,) and chosen.sum() == most


def test_all_are_asked_whatever_the_share() -> None:
    idle = np.array([True, False, True])
    assert made("all", 0.1).choose(idle, np.zeros(3)).tolist() == idle.tolist()


@pytest.mark.parametrize(("share", "count"), [(0.3, 7), (0.5, 6), (0.2, 5), (0.4, 11)])
def test_in_turn_everybody_is_asked_once_before_anybody_is_asked_twice(share: float, count: int) -> None:
    active, most = made("round-robin", share), int(np.ceil(share * count))
    order: list[int] = []
    for _ in range(3 * count):
        chosen = active.choose(np.ones(count, dtype=bool), np.zeros(count))
        begin = len(order) % count
        expected = [(begin + step) % count for step in range(most)]
        assert asked(chosen) == sorted(expected)
        order += expected
    times = np.bincount(order[: count * (len(order) // count)])
    assert (times == times[0]).all()


def test_in_turn_who_owes_an_answer_lets_the_turn_pass() -> None:
    active = made("round-robin", 0.5)
    owing_one = np.array([True, False, True, True])
    rounds = [asked(active.choose(owing_one, np.zeros(4))) for _ in range(3)]
    assert rounds == [[0], [2, 3], [0]]


def test_priority_asks_those_who_have_farthest_to_go_among_those_who_owe_nothing() -> None:
    active = made("priority", 0.5)
    urgency = np.array([3.0, 9.0, np.inf, 1.0, 7.0])
    assert asked(active.choose(np.ones(5, dtype=bool), urgency)) == [1, 2, 4]
    assert asked(active.choose(np.array([True, False, True, True, True]), urgency)) == [0, 2, 4]
    assert asked(active.choose(np.array([False, False, False, True, False]), urgency)) == [3]
    # Of equals the first.
    assert asked(active.choose(np.ones(5, dtype=bool), np.zeros(5))) == [0, 1, 2]


def test_at_random_all_are_equally_likely_and_the_seed_decides() -> None:
    idle, nothing = np.ones(5, dtype=bool), np.zeros(5)
    active, again = made("random", 0.4), made("random", 0.4)
    rounds = np.array([active.choose(idle, nothing) for _ in range(2000)])
    assert (rounds.sum(axis=1) == 2).all()
    # Four standard deviations of a frequency of 0.4.
    assert rounds.mean(axis=0) == pytest.approx(0.4, abs=4.0 * np.sqrt(0.24 / 2000))
    assert (rounds == [again.choose(idle, nothing) for _ in range(2000)]).all()


@pytest.mark.parametrize(("share", "count"), [(0.5, 6), (0.25, 8)])
def test_at_random_everybody_is_chosen_once_before_anybody_is_chosen_twice(share: float, count: int) -> None:
    active, passes = made("random", share), 1 / share
    rounds = np.array([active.choose(np.ones(count, bool), np.zeros(count)) for _ in range(int(10 * passes))])
    assert (rounds.reshape(10, int(passes), count).sum(axis=1) == 1).all()
    assert len({row.tobytes() for row in rounds}) > passes


@pytest.mark.parametrize("rule", ("all", *RULES))
def test_who_owes_an_answer_is_never_asked(rule: ActiveRule) -> None:
    random = np.random.default_rng(3)
    active = made(rule, 0.6)
    for _ in range(200):
        idle = random.random(6) < 0.5
        chosen = active.choose(idle, random.random(6))
        assert not (chosen & ~idle).any()
