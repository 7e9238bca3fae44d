"""A leader that takes the loads last heard as given, and steps towards the price that they call for."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from gridarium.agents.feeder.acceleration import Acceleration, Heard, ProgressWatch
from gridarium.agents.feeder.accounts import DayAhead
from gridarium.agents.feeder.enclosure import LARGE, Enclosure
from gridarium.agents.feeder.price_setting import Bench, Cycle, Planning, Step
from gridarium.environment.arrays import Array
from gridarium.market.stackelberg import NegotiationRules

TRIES = ((1.0, True), (1.0, False), (0.5, True))
"""What a stuck leader tries one after the other: its damping times this, and whether by its memory.

Plain steps cross kinks at which the distance must grow before it falls; a memory turns back there.
"""


class BestResponse:
    """Takes the loads last heard as given, and steps towards the price that they call for.

    What it learns from the rounds before lets it meet answers that would make a damped step circle. When it
    comes no nearer to rest it goes back to the best price seen and starts again, in plain steps and then in
    shorter ones. Where it still goes round among prices that differ by much it closes in on the one at which
    answers jump. When nothing of that helps it gives up, and announces the best price.

    Parameters
    ----------
    damping : float
        Share of the way, in (0, 1].
    memory : int
        Rounds before the last one that are drawn on; with 0 every step is the damped one.
    tolerance_per_mwh : float, optional
        Distance of prices that counts as none; without one it closes in on no jump.

    Notes
    -----
    The agent version of the procedure C.2; where answers make the price jump see C.7.
    """

    foresees, foresight, intended = False, None, None

    def __init__(self, damping: float, memory: int = 0, tolerance_per_mwh: float | None = None) -> None:
        self.damping, self.memory, self.tolerance_per_mwh = damping, memory, tolerance_per_mwh
        self.cycle: Cycle | None = None
        self._enclosure: Enclosure | None = None
        self._start_again(0)

    @classmethod
    def by(cls, rules: NegotiationRules) -> BestResponse:
        """As the rules of a negotiation say."""
        return cls(rules.damping, rules.memory, rules.tolerance)

    def first(self, plan: DayAhead, base_mw: Mapping[str, Array], bench: Bench) -> Array:
        """The tariff at the forecast loads; what was learned under other terms does not hold."""
        self.cycle = None
        self._start_again(0)
        return plan.offer.price_per_mwh

    def plan(self, answers: Planning) -> DayAhead:
        """Any answer must be supplied."""
        return answers.plan()

    def revise(
        self,
        posted: Array,
        loads_mw: Mapping[str, Array],
        silent: frozenset[str],
        plan: DayAhead | None,
        stale: bool,
    ) -> Step:
        """The next step; loads of silent followers and of earlier rounds tell nothing about this price."""
        assert plan is not None
        heard = Heard(posted, plan.offer.price_per_mwh)
        if silent or stale or self.cycle:
            return Step(posted + self.damping * (heard.called_for - posted), heard.distance_per_mwh)
        if self._enclosure is not None:
            return self._close_in(self._enclosure, heard)
        self._watch.note(heard)
        if not self._watch.stuck:
            return Step(self._acceleration.step(heard), heard.distance_per_mwh)
        best = self._watch.best
        assert best is not None
        if self.memory and self._try < len(TRIES) - 1:
            self._start_again(self._try + 1)
            self._watch.note(best)
            return Step(self._acceleration.step(best), heard.distance_per_mwh)
        if self.tolerance_per_mwh is not None and self._watch.is_large(LARGE):
            self._enclosure = Enclosure(self._watch.since, self.damping, self.tolerance_per_mwh)
            return Step(self._enclosure.next_price(), heard.distance_per_mwh)
        return self._give_up(heard)

    def _close_in(self, enclosure: Enclosure, heard: Heard) -> Step:
        """Come nearer to a jump; at it, or where none is found, there is nowhere to go."""
        enclosure.note(heard)
        around = enclosure.around
        if around is not None:
            best = enclosure.best.posted
            self.cycle = Cycle(best, enclosure.spread_per_mwh, around)
            return Step(best, heard.distance_per_mwh, stuck=True)
        if enclosure.is_over:
            return self._give_up(heard)
        return Step(enclosure.next_price(), heard.distance_per_mwh)

    def _give_up(self, heard: Heard) -> Step:
        best = self._watch.best
        assert best is not None
        self.cycle = Cycle(best.posted, self._watch.spread_per_mwh)
        return Step(best.posted, heard.distance_per_mwh, stuck=True)

    def _start_again(self, number: int) -> None:
        """Forget all but the numbers of the scenario, and begin a try."""
        self._enclosure = None
        share, remembers = TRIES[number]
        damping = share * self.damping
        self._try, self._watch = number, ProgressWatch(damping)
        self._acceleration = Acceleration(damping, self.memory if remembers else 0)

    def settle(self, posted: Array) -> Array:
        """The posted price, or the best one seen of a cycle."""
        return posted if self.cycle is None else self.cycle.best_per_mwh

    def distance(self, posted: Array, plan: DayAhead) -> float:
        """Distance from the tariff at these loads."""
        return float(np.abs(plan.offer.price_per_mwh - posted).max())
