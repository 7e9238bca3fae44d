"""How prices are found at which answers jump: between posted ones that call for more and for less."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from gridarium.agents.feeder.acceleration import Heard
from gridarium.environment.arrays import Array, Flags

MOST_ROUNDS = 20
"""Rounds after which prices that are not enclosed by then are given up."""
LARGE = 0.05
"""Share of the largest price posted above which a cycle is worth closing in on."""
_STRAIGHT = 0.2
"""How far answers between two posted prices may be from the straight line through theirs, as a share of both
distances, for the place where that line crosses rest to be tried next."""


class Enclosure:
    """Closes in on rest from both sides, number by number, where steps have gone round it.

    Each number is posted between the last one that called for more and the last one that called for less: in
    the middle, or where answers go straight in between, where their line crosses rest. A number that has been
    met from one side alone takes a damped step.

    Parameters
    ----------
    heard : iterable of Heard
        What was posted on the way round, and what its answers called for.
    damping : float
        Share of the way of a damped step.
    tolerance : float
        Distance that counts as none, in the unit of what is posted.

    Notes
    -----
    Bisection and the secant rule in each number by itself. Where a best response jumps, as that of a linear
    problem does, rounds of prices rest nowhere; but some mixture of the answers to prices as near to each
    other as one likes does, as the map of answers is convex once it holds their mixtures [1]_.

    References
    ----------
    .. [1] S. Kakutani, A generalization of Brouwer's fixed point theorem, 1941,
       doi:10.1215/S0012-7094-41-00838-4
    """

    def __init__(self, heard: Iterable[Heard], damping: float, tolerance: float) -> None:
        rounds = list(heard)
        self._damping, self._tolerance = damping, tolerance
        nothing = np.full_like(rounds[0].posted, np.nan)
        # Rows: the last that called for more, and for less; with what each called for beyond itself.
        self._ends, self._distances = np.array([nothing, nothing]), np.array([nothing, nothing])
        self._is_straight: Flags = np.zeros(nothing.shape, dtype=bool)
        self._heard: list[Heard] = []
        self._rounds = 0
        best = min(rounds, key=lambda one: one.distance_per_mwh)
        for one in sorted(rounds, key=lambda one: -float(np.abs(one.posted - best.posted).max())):
            self._take(one)
        self._last = best

    @property
    def is_over(self) -> bool:
        """Whether it has taken all its rounds."""
        return self._rounds >= MOST_ROUNDS

    def note(self, heard: Heard) -> None:
        """Take what was posted last, and what its answers call for."""
        self._rounds += 1
        self._take(heard)
        self._last = heard

    def next_price(self) -> Array:
        """What to post next, of the shape of what was posted; at rest the same again."""
        if self._is_at_rest:
            return self._last.posted
        more, less = self._distances
        (low, high), last = self._ends, self._last
        share = np.where(self._is_straight, more / (more - less), 0.5)
        between = low + share * (high - low)
        damped = last.posted + self._damping * (last.called_for - last.posted)
        return np.asarray(np.where(np.isnan(between), damped, between))

    @property
    def around(self) -> Array | None:
        """What answers to prices near the last one call for, if rest lies among it; shape (n_answer, ...)."""
        if self._is_at_rest:
            return None
        posted, called = self._last.posted, np.array([one.called_for for one in self._near])
        outside = np.maximum(called.min(axis=0) - posted, posted - called.max(axis=0))
        return called if outside.max() <= self._tolerance else None

    @property
    def best(self) -> Heard:
        """Of prices near the last one that whose answers call for the least change."""
        return min(self._near, key=lambda one: one.distance_per_mwh)

    @property
    def spread_per_mwh(self) -> Array:
        """How far prices near the last one differ, of the shape of what was posted."""
        return np.asarray(np.ptp([one.posted for one in self._near], axis=0))

    @property
    def _is_at_rest(self) -> bool:
        return self._last.distance_per_mwh <= self._tolerance

    @property
    def _near(self) -> list[Heard]:
        """Those that differ from each other by no more than what counts as none, the last one among them."""
        last, apart = self._last.posted, 0.5 * self._tolerance
        return [one for one in self._heard if np.abs(one.posted - last).max() <= apart]

    def _take(self, heard: Heard) -> None:
        distance = heard.called_for - heard.posted
        side = (distance <= 0.0).astype(int)
        (low, high), (more, less) = self._ends, self._distances
        with np.errstate(divide="ignore", invalid="ignore"):
            foreseen = more + (heard.posted - low) / (high - low) * (less - more)
        self._is_straight = np.abs(distance - foreseen) <= _STRAIGHT * (more - less)
        at = (side, *np.indices(side.shape))
        self._ends[at], self._distances[at] = heard.posted, distance
        self._heard.append(heard)
