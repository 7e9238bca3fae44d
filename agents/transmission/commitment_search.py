"""Commitments that are tried one after the other, of which the best one seen is kept."""

from __future__ import annotations

import math

import numpy as np

from gridarium.environment.arrays import Array, Flags


class CommitmentSearch:
    """Remembers what each commitment has come to.

    - `note`: take what one has come to
    - `is_new`: whether one was not tried yet
    - `best`: the best one so far

    Parameters
    ----------
    limit : int
        Most commitments that are tried.

    Notes
    -----
    Rounds with binaries inside do not settle, since units flip with the price (D.7): each commitment is held
    until its loads are at rest, and judged by what it then costs everybody.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._tried: dict[bytes, tuple[Flags, float]] = {}

    @property
    def goes_on(self) -> bool:
        """Whether more may be tried."""
        return len(self._tried) < self._limit

    @property
    def costs_money(self) -> Array:
        """What each has come to, in the order of trying; inf where its loads could not be supplied."""
        return np.array([cost for _, cost in self._tried.values()])

    @property
    def best(self) -> Flags:
        """The one with the least cost; the earliest of those."""
        return min(self._tried.values(), key=lambda one: one[1])[0]

    def note(self, on: Flags, cost_money: float | None) -> None:
        """Take what a commitment costs everybody; None where its loads could not be supplied."""
        cost = math.inf if cost_money is None else cost_money
        before = self._tried.get(on.tobytes())
        self._tried[on.tobytes()] = (on, cost if before is None else min(cost, before[1]))

    def is_new(self, on: Flags) -> bool:
        """Whether a commitment was not tried yet."""
        return on.tobytes() not in self._tried
