"""Rounds of a price against an answer that is known in closed form."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import cast

from gridarium.agents.feeder.accounts import DayAhead
from gridarium.agents.feeder.best_response import BestResponse
from gridarium.agents.feeder.price_setting import Bench
from gridarium.environment.arrays import Array

Answer = Callable[[Array], Array]

SILENT: frozenset[str] = frozenset()
NO_BENCH = cast("Bench", None)
"""A best response tries nothing out."""


def plan_for(called_for: Array) -> DayAhead:
    """Of a plan only the price that it calls for is read."""
    return cast("DayAhead", SimpleNamespace(offer=SimpleNamespace(price_per_mwh=called_for)))


def negotiated(
    leader: BestResponse, answer: Answer, start: Array, rounds: int = 200, tolerance: float = 1e-8
) -> tuple[list[Array], bool]:
    """Prices posted until rest or until it is stuck; whether it came to rest."""
    posted = [leader.first(plan_for(start), {}, NO_BENCH)]
    for _ in range(rounds):
        step = leader.revise(posted[-1], {}, SILENT, plan_for(answer(posted[-1])), False)
        if step.price_distance_per_mwh <= tolerance:
            return posted, True
        if step.stuck:
            return posted, False
        posted.append(step.price_per_mwh)
    return posted, False
