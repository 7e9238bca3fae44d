"""When units are reviewed: near to rest, where rounds can go on, and at rest; limits of rounds hold."""

from __future__ import annotations

from collections.abc import Generator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from gridarium.agents.leading import Led
from gridarium.agents.transmission import unit_negotiation
from gridarium.agents.transmission.ties_day import CarbonJudgement, TiesDay
from gridarium.agents.transmission.unit_negotiation import UnitNegotiation
from gridarium.environment.arrays import Flags
from gridarium.environment.horizon import Horizon
from gridarium.market.stackelberg import NegotiationRules, Round

FIRST, OTHER = np.array([[True]]), np.array([[False]])
RULES = NegotiationRules(0.0, 100.0, 1e-3, 1.0, 0, 10, 1.0, 1.0)


def rounds_nearing(rules: NegotiationRules, before: int) -> tuple[Round[CarbonJudgement], ...]:
    """Rounds whose distance is a third of that of the round before, from 1 on."""
    rounds: list[Round[CarbonJudgement]] = []
    while not rounds or not rounds[-1].ended:
        judged = CarbonJudgement(3.0 ** -(before + len(rounds)), 0, False, 0.0, 0.0, 1.0, 0.0, 0.0)
        ending = rules.ending(len(rounds) + 1, 0.0, judged)
        rounds.append(Round(before + len(rounds) + 1, 0.0, judged, 1, 0, ending, 0.0))
    return tuple(rounds)


def negotiated(
    monkeypatch: pytest.MonkeyPatch, goes_on: bool, reviews: list[Flags | None], limit: int = 10
) -> TiesDay:
    """A day whose reviews find, one after the other, what is told."""
    asked = iter(reviews)
    planner = SimpleNamespace(review=lambda _: next(asked))
    negotiation = SimpleNamespace(goes_on=goes_on, listening=None, conclude=lambda: None)
    leader = SimpleNamespace(world=SimpleNamespace(clock=SimpleNamespace(now_s=0.0)))
    rules = NegotiationRules(**{**vars(RULES), "round_limit": limit})
    today = TiesDay(0, Horizon(1, 1.0, 1, 1), rules)
    today.on = FIRST
    begun = 0

    def lead(
        _: Any, __: Any, rules: NegotiationRules, before: int, ___: Any
    ) -> Generator[Any, Any, Led[Any, CarbonJudgement]]:
        nonlocal begun
        if today.rounds and today.rounds[-1].ended:
            begun = before
        made = rounds_nearing(rules, before - begun)
        yield from ()
        return Led({}, made)

    monkeypatch.setattr(unit_negotiation, "lead", lead)
    list(UnitNegotiation(leader, today, planner, negotiation).process(1, None))
    assert list(asked) == []
    return today


def test_units_are_changed_near_to_rest_and_reviewed_again_at_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    today = negotiated(monkeypatch, True, [OTHER, None, None])
    ends = [one.ended for one in today.rounds]
    assert [end for end in ends if end] == ["other units", "converged"]
    distances = [one.judgement.distance for one in today.rounds]
    assert 1e-3 < distances[ends.index("other units")] <= 1e-2
    assert distances[-1] <= 1e-3
    assert today.on is OTHER
    assert (today.negotiations, today.revisions) == (2, 1)
    assert today.lengths == [6, 8]


def test_rounds_that_cannot_go_on_are_led_to_rest_before_a_review(monkeypatch: pytest.MonkeyPatch) -> None:
    today = negotiated(monkeypatch, False, [OTHER, None])
    assert [one.ended for one in today.rounds if one.ended] == ["converged", "converged"]
    assert all(one.judgement.distance <= 1e-3 for one in today.rounds if one.ended)


def test_a_negotiation_ends_at_its_limit_though_units_are_looked_at_on_the_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    today = negotiated(monkeypatch, True, [None, None], limit=7)
    assert today.lengths == [7]
    assert today.rounds[-1].ended == "round limit"


def test_units_are_changed_no_more_often_than_the_limit_says(monkeypatch: pytest.MonkeyPatch) -> None:
    today = negotiated(monkeypatch, True, [OTHER, FIRST, OTHER])
    assert today.revisions == unit_negotiation.REVISION_LIMIT
    assert today.on is FIRST
    assert today.rounds[-1].ended == "converged"
