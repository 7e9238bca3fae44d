"""A linear programme around a plan: what the plan costs, how far it leaves limits, what others would cost."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gridarium.environment.arrays import Array, Index
from gridarium.experiments.evidence.programs.move_program import MoveProgram, Term


class PlanProgram(MoveProgram):
    """Decisions with what a plan has made of them.

    Parameters
    ----------
    name : str
        What it is, named in errors.

    Notes
    -----
    Costs and limits are linear, or tangents of convex ones: the least cost of the programme is at most
    that of any plan within the limits. Where tangents are taken at a plan that is a best one, it is the cost
    of that plan: its multipliers are those of the programme.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._planned: list[Array] = []
        self._unit_of_row: list[Array] = []
        self._curved: list[Callable[[Array], None]] = []

    def decide(self, low: Array, high: Array, planned: Array, cost: Array | float = 0.0) -> Index:
        """Declare decisions with their bounds, what was planned, and what a unit of each costs."""
        self._planned.append(np.broadcast_to(planned, low.shape).ravel())
        return self.moves(low, high, -np.asarray(cost, dtype=float))

    def limit(self, low: Array, high: Array, *terms: Term, unit: float = 1.0) -> None:
        """Declare ``low <= sum of terms <= high``, of which `unit` is a violation that counts as 1."""
        self.rows(low, high, *terms)
        self._unit_of_row.append(np.full(len(low), unit))

    def tangent(self, low: Array, high: Array, *terms: Term) -> None:
        """Declare rows that are no limits of a plan by themselves: their violation does not count."""
        self.limit(low, high, *terms, unit=np.inf)

    @property
    def planned(self) -> Array:
        """What was planned, shape (n_move,)."""
        return np.concatenate(self._planned)

    def planned_cost(self) -> float:
        """What the plan costs."""
        return -float(np.concatenate(self._gain) @ self.planned)

    def beyond(self) -> float:
        """By how much the plan leaves the worst of its limits; of bounds in their own unit."""
        x, taken = self.planned, self._matrix() @ self.planned
        outside = np.maximum(np.concatenate(self._low) - x, x - np.concatenate(self._high))
        low, high = np.concatenate(self._row_low), np.concatenate(self._row_high)
        rows = np.maximum(low - taken, taken - high) / np.concatenate(self._unit_of_row)
        return float(max(0.0, outside.max(), rows.max(initial=0.0)))

    def curved(self, touch: Callable[[Array], None]) -> None:
        """Declare a convex limit by what adds its tangents at some decisions; those at the plan at once."""
        touch(self.planned)
        self._curved.append(touch)

    def least_cost(self, enough: float, rounds: int = 1) -> float:
        """The least cost within all rows, from below.

        Parameters
        ----------
        enough : float
            Cost from which on it does not matter how much more it is.
        rounds : int, optional
            How often tangents are added at the decisions that undercut it.

        Raises
        ------
        SolveError
            If nothing lies within all rows.
        """
        gain, values = self.best()
        for _ in range(rounds - 1):
            if -gain >= enough:
                break
            for touch in self._curved:
                touch(values)
            gain, values = self.best()
        return -gain
