"""How a leader gets from the answers of one round to its next price; one class for each kind of leader."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

import numpy as np

from gridarium.agents.feeder.accounts import DayAhead
from gridarium.environment.arrays import Array


class Step(NamedTuple):
    """Where a leader goes next.

    Parameters
    ----------
    price_per_mwh : ndarray, shape (n_period,)
        Price to post next.
    price_distance_per_mwh : float
        Largest distance of the posted price from the one that the leader is heading for; 0 at rest.
    """

    price_per_mwh: Array
    price_distance_per_mwh: float


class Foresight(NamedTuple):
    """How well a leader has foreseen the answers to its prices.

    Parameters
    ----------
    surprise_mw : float
        Largest distance of a load from the one foreseen in the last round.
    largest_base_mw : float
        Of all followers.
    contradictions : int
        Times that answers contradicted earlier ones.
    """

    surprise_mw: float
    largest_base_mw: float
    contradictions: int


class Planning(Protocol):
    """Can plan for the answers that were heard last."""

    def plan(self) -> DayAhead:
        """The plan; an error where the answers cannot be supplied."""

    def attempt(self) -> DayAhead | None:
        """The plan, or None where the answers cannot be supplied."""


class PriceSetter(Protocol):
    """Decides what a leader posts."""

    def first(self, plan: DayAhead, base_mw: Mapping[str, Array]) -> Array:
        """Price of the first round, money/MWh, shape (n_period,), when only forecasts are known."""

    def plan(self, answers: Planning) -> DayAhead | None:
        """The plan for the answers to the posted price, or None where they are worth none or were refused."""

    def revise(
        self,
        posted: Array,
        loads_mw: Mapping[str, Array],
        silent: frozenset[str],
        plan: DayAhead | None,
    ) -> Step:
        """Next price after the answers to the posted one; of silent followers an earlier load is given."""

    def settle(self, posted: Array) -> Array:
        """The price to announce, when time is up after a posted one; that same array if it stays."""

    def distance(self, posted: Array, plan: DayAhead) -> float:
        """Distance of a final price from the one that the final answers call for, money/MWh."""

    @property
    def foresight(self) -> Foresight | None:
        """How well it has foreseen the answers; None for a leader that foresees none."""


class BestResponse:
    """Takes the loads last heard as given, and goes part of the way to the price that they call for.

    Parameters
    ----------
    damping : float
        Share of the way, in (0, 1].

    Notes
    -----
    The agent version of the procedure C.2.
    """

    foresight = None

    def __init__(self, damping: float) -> None:
        self.damping = damping

    def first(self, plan: DayAhead, base_mw: Mapping[str, Array]) -> Array:
        """The tariff at the forecast loads."""
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
    ) -> Step:
        """A damped step."""
        assert plan is not None
        called_for = plan.offer.price_per_mwh
        return Step(posted + self.damping * (called_for - posted), self.distance(posted, plan))

    def settle(self, posted: Array) -> Array:
        """The posted price."""
        return posted

    def distance(self, posted: Array, plan: DayAhead) -> float:
        """Distance from the tariff at these loads."""
        return float(np.abs(plan.offer.price_per_mwh - posted).max())
