"""Leaders that do not follow each answer: sticky prices, satisficing, and a slope learned on the way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol, cast

import numpy as np

from gridarium.agents.behaviour import Decider, HeardLoads
from gridarium.agents.bounded.common import Bounded
from gridarium.environment.arrays import Array
from gridarium.environment.parameters import count, number


class Negotiator(Decider, Protocol):
    """A leader, whose answers call for a price."""

    @property
    def called_for_per_mwh(self) -> Array:
        """What the answers to the posted price call for, money/MWh, shape (n_period,)."""


@dataclass(frozen=True, eq=False)
class StickyPrice(Bounded):
    """Updates its price now and then; exact at every_rounds 1 and a threshold of 0.

    Parameters
    ----------
    every_rounds : int
        Prices may change after every so many rounds only.
    price_threshold_per_mwh : float
        Largest change that is not worth an update.

    Notes
    -----
    Staggered and state-dependent prices [1]_. A price that sticks leaves the negotiation unconverged.

    References
    ----------
    .. [1] E. Sheshinski and Y. Weiss, Inflation and costs of price adjustment, 1977, doi:10.2307/2297067
    """

    roles = frozenset({"leader"})
    departs_by = ("every_rounds", "price_threshold_per_mwh")
    every_rounds: int = count(1, 1, 10_000)
    price_threshold_per_mwh: float = number(0.0, 0, 1e4)

    def choose(self, agent: Decider, signal: Any, plan: Any) -> Any:
        """The new price, or the posted one again."""
        change = float(np.abs(plan - signal.price_per_mwh).max())
        is_due = signal.round % self.every_rounds == 0
        sticks = not is_due or change < self.price_threshold_per_mwh
        return signal.price_per_mwh if sticks else plan


@dataclass(frozen=True, eq=False)
class SatisficingLeader(Bounded):
    """Leaves its price alone, to the end, once an update would hardly pay; exact at a gain of 0.

    Parameters
    ----------
    gain_share : float
        Money moved by the update, at the loads last heard, that is too little to bother: a share of sales.

    Notes
    -----
    Search ends where the outcome is good enough [1]_.

    References
    ----------
    .. [1] H. A. Simon, A behavioral model of rational choice, 1955, doi:10.2307/1884852
    """

    roles = frozenset({"leader"})
    departs_by = ("gain_share",)
    gain_share: float = number(0.0, 0, 1)
    heard: dict[str, Array] = field(default_factory=dict, init=False, repr=False)
    content: list[int] = field(default_factory=list, init=False, repr=False)

    def begin_day(self, agent: Decider, day: int) -> None:
        """Be discontented again."""
        self.content.clear()

    def perceive(self, agent: Decider, signal: Any) -> Any:
        """Remember the loads."""
        if isinstance(signal, HeardLoads):
            self.heard["load_mw"] = np.asarray(sum(signal.load_mw.values()))
        return signal

    def choose(self, agent: Decider, signal: Any, plan: Any) -> Any:
        """The new price until it moves too little money, then the posted one."""
        load, posted = self.heard["load_mw"], signal.price_per_mwh
        # A leader that posts several kinds of prices has them one after the other.
        moved, sales = (
            float((np.abs(values).reshape(-1, len(load)) @ load).max()) for values in (plan - posted, posted)
        )
        if moved < self.gain_share * sales:
            self.content.append(signal.round)
        return posted if self.content else plan


@dataclass(frozen=True, eq=False)
class LearnedSlope(Bounded):
    """Learns how far answers carry the price away from what it posts, and goes where they would meet.

    Exact at a trust of 0, where the price takes the step that it would take without it.

    Parameters
    ----------
    trust : float
        Share of the way from that step to the predicted meeting point.
    forgetting : float
        Weight of the past after each round.

    Notes
    -----
    One slope of the called-for over the posted price, by recursive least squares with forgetting [1]_
    over rounds and periods; the step is Newton's with that slope.

    References
    ----------
    .. [1] L. Ljung and T. Soderstrom, Theory and Practice of Recursive Identification, 1983
    """

    roles = frozenset({"leader"})
    departs_by = ("trust",)
    trust: float = number(0.0, 0, 1)
    forgetting: float = number(0.9, 0, 1)
    learned: dict[str, Any] = field(default_factory=dict, init=False, repr=False)

    def begin_day(self, agent: Decider, day: int) -> None:
        """Keep the slope; the last price was that of another day."""
        self.learned.pop("posted", None)

    def choose(self, agent: Decider, signal: Any, plan: Any) -> Any:
        """The step, moved towards the price at which answers would call for no other."""
        posted, called_for = signal.price_per_mwh, cast("Negotiator", agent).called_for_per_mwh
        slope = self._learn(posted, called_for)
        if self.trust == 0.0:
            return plan
        meeting = posted + (called_for - posted) / (1.0 - slope)
        return plan + self.trust * (meeting - plan)

    def _learn(self, posted: Array, called_for: Array) -> float:
        """Update the slope with one more observation; 0 before there is any."""
        past = self.learned
        if "posted" in past:
            step, answer = posted - past["posted"], called_for - past["called_for"]
            past["square"] = self.forgetting * past.get("square", 0.0) + float(step.ravel() @ step.ravel())
            past["product"] = self.forgetting * past.get("product", 0.0) + float(
                step.ravel() @ answer.ravel()
            )
        past["posted"], past["called_for"] = posted, called_for
        square = past.get("square", 0.0)
        # Outside these limits a slope comes from solver noise, and a step by it from nowhere.
        return float(np.clip(past["product"] / square, -9.0, 0.5)) if square > 0.0 else 0.0
