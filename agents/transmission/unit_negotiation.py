"""The negotiations of a day under its units: held and reviewed, tried in turn, at a level of prices."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from itertools import takewhile
from typing import Any

import numpy as np

from gridarium.agents.base import GridAgent
from gridarium.agents.leading import lead
from gridarium.agents.transmission.commitment_search import CommitmentSearch
from gridarium.agents.transmission.emission_cap import EmissionCap
from gridarium.agents.transmission.ties_day import TiesDay
from gridarium.agents.transmission.ties_negotiation import TiesNegotiation
from gridarium.agents.transmission.ties_planner import TiesPlanner
from gridarium.environment.arrays import Flags
from gridarium.market.stackelberg import NegotiationRules

REVISION_LIMIT = 2
"""How often a commitment is revised in a day, each time with a negotiation of its own."""
_NEAR = 10.0
"""Distance from rest at which a commitment is reviewed on the way, in tolerances."""


class UnitNegotiation:
    """Leads the rounds of a day as often as its units, or the level of its prices, change.

    Parameters
    ----------
    leader : GridAgent
    today : TiesDay
        With a commitment.
    planner : TiesPlanner
    negotiation : TiesNegotiation
    """

    def __init__(
        self, leader: GridAgent, today: TiesDay, planner: TiesPlanner, negotiation: TiesNegotiation
    ) -> None:
        self._leader, self._today, self._planner = leader, today, planner
        self._negotiation = negotiation

    def process(self, tries: int, cap: EmissionCap | None) -> Generator[Any, Any, None]:
        """All negotiations of the day; a part of the leader's process.

        Parameters
        ----------
        tries : int
            Most commitments that are tried; with 1 the first one is held, and reviewed.
        cap : EmissionCap, optional
            Emission that the level of all prices is to bring about.

        Raises
        ------
        InfeasibleError
            If the loads heard last cannot be supplied.
        """
        yield from self._try_commitments(tries) if tries > 1 else self._hold_and_review()
        if cap is not None:
            yield from self._meet_cap(cap)
        self._negotiation.conclude()

    def _lead(self) -> Generator[Any, Any, None]:
        """Rounds to their end, which go on from those of the day that have not come to one."""
        today, led = self._today, self._unended
        rules = replace(today.rules, round_limit=today.rules.round_limit - led)
        yield from self._lead_by(rules)
        today.negotiations += 1

    def _lead_by(self, rules: NegotiationRules) -> Generator[Any, Any, None]:
        today = self._today
        led = yield from lead(
            self._leader, self._negotiation, rules, len(today.rounds), self._negotiation.listening
        )
        today.rounds += led.rounds

    @property
    def _unended(self) -> int:
        """Rounds since the last that ended a negotiation."""
        return sum(1 for _ in takewhile(lambda one: not one.ended, reversed(self._today.rounds)))

    @property
    def _is_open(self) -> bool:
        return self._leader.world.clock.now_s < self._today.rules.closes_s

    def _hold_and_review(self) -> Generator[Any, Any, None]:
        """Lead the rounds; review the commitment at the loads heard, and lead on under a better one.

        Rounds that can go on from where they are have a first review near to rest.
        """
        if self._negotiation.goes_on:
            yield from self._look_at_units()
        while True:
            yield from self._lead()
            better = self._planner.review(self._today)
            if better is None or self._today.revisions >= REVISION_LIMIT or not self._is_open:
                return
            self._run(better)

    def _look_at_units(self) -> Generator[Any, Any, None]:
        """Lead the rounds near to rest, until the units that run are the best ones there."""
        today = self._today
        near = replace(
            today.rules,
            tolerance=_NEAR * today.rules.tolerance,
            round_limit=today.rules.round_limit - 1,
        )
        while today.revisions < REVISION_LIMIT:
            yield from self._lead_by(near)
            last = today.rounds.pop()
            better = self._planner.review(today) if last.ended == "converged" else None
            today.rounds.append(replace(last, ended="" if better is None else "other units"))
            if better is None:
                return
            today.negotiations += 1
            self._run(better)

    def _run(self, units: Flags) -> None:
        """Commit other units."""
        self._today.on = units
        self._today.revisions += 1

    def _try_commitments(self, limit: int) -> Generator[Any, Any, None]:
        """Lead the rounds under one commitment after the other, and end under the best one seen."""
        today, search = self._today, CommitmentSearch(limit)
        while True:
            yield from self._lead()
            search.note(today.on, self._negotiation.cost_to_all_money())
            goes_on = search.goes_on and self._is_open
            proposed = filter(search.is_new, self._negotiation.proposals()) if goes_on else iter(())
            better = next(proposed, None)
            if better is None:
                break
            today.on = better
            today.revisions += 1
        today.tried_money = search.costs_money
        if not np.array_equal(today.on, search.best):
            today.on = search.best
            yield from self._lead()
        self._planner.review(today)

    def _meet_cap(self, cap: EmissionCap) -> Generator[Any, Any, None]:
        """Move the level of all carbon prices until the day's emission is that of the cap."""
        today = self._today
        search = cap.search(today.level, today.emission_tco2)
        while search.goes_on and self._is_open:
            today.level = search.next_level
            yield from self._lead()
            search.note(today.level, today.emission_tco2)
        # The units stay: a level is found for those that run. What another choice would save is on record.
        self._planner.review(today)
