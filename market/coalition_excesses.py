"""The sequence of linear problems behind the least core and the nucleolus."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from gridarium.environment.arrays import Array, Flags, Index
from gridarium.environment.errors import SolveError
from gridarium.market.coalition import membership

_TOLERANCE = 1e-9
"""Of excesses, in the unit of the gains."""
_LP_TOLERANCE = 1e-10
_LEAST_DUAL = 1e-6
"""A smaller dual may be rounding. The duals of a stage sum to 1, so at least one is far above."""


@dataclass(frozen=True, slots=True, eq=False)
class StageAnswer:
    """Solution of one stage.

    Parameters
    ----------
    epsilon : float
        The largest excess that was not settled, in the unit of the gains.
    shares : ndarray, shape (n_player,)
        Shares that reach it.
    tight : ndarray of int
        Bit masks of coalitions that have this excess in all solutions, shown by their duals.
    at_least : ndarray of int
        Players who get their least in all solutions, shown by their duals.
    """

    epsilon: float
    shares: Array
    tight: Index
    at_least: Index


@dataclass(slots=True, eq=False)
class ExcessStages:
    """The linear problems that settle excesses ``v(S) - x(S)`` from the largest to the smallest.

    Parameters
    ----------
    gains : ndarray, shape (2**n_player,)
        v(S) by bit mask, about 1 in size; at least two players.
    least : ndarray, shape (n_player,)
        Least share of each player, -inf for none.
    """

    gains: Array
    least: Array
    inside: Array = field(init=False)
    settled: list[tuple[Array, float]] = field(init=False)
    open: Flags = field(init=False)
    working: Index = field(init=False)

    def __post_init__(self) -> None:
        n_player = len(self.least)
        self.inside = membership(n_player)
        # Rows of x that are known, independent of each other, and what they sum to.
        self.settled = [(np.ones(n_player), float(self.gains[-1]))]
        self.open = np.ones(len(self.gains), dtype=np.bool_)
        self.open[[0, -1]] = False
        single = 1 << np.arange(n_player)
        self.working = np.unique(np.concatenate([single, len(self.gains) - 1 - single]))

    def run(self) -> Array:
        """Solve stage after stage until the shares are settled, then all their equations together."""
        rows: list[tuple[Array, int, float]] = [(row, -1, total) for row, total in self.settled]
        shares, stage = self.gains[-1:], 0
        while self.open.any():
            answer = self.solve()
            shares = answer.shares
            rows += [(self.inside[mask], stage, float(self.gains[mask])) for mask in answer.tight]
            rows += [(np.eye(len(shares))[i], -1, float(self.least[i])) for i in answer.at_least]
            self._settle([(self.inside[mask], self.gains[mask] - answer.epsilon) for mask in answer.tight])
            self._settle([(np.eye(len(shares))[i], self.least[i]) for i in answer.at_least])
            stage += 1
        return _solved_together(rows, stage, shares)

    def solve(self) -> StageAnswer:
        """Make the largest open excess as small as can be; SolveError if that fails."""
        candidates = np.flatnonzero(self.open)
        # A coalition and its complement, both open if one is, keep the excess from falling without limit.
        pair = candidates[0], len(self.gains) - 1 - candidates[0]
        working = np.union1d(self.working[self.open[self.working]], pair)
        while True:
            answer = self._solve(working)
            excess = self.gains - self.inside @ answer.shares - answer.epsilon
            new = candidates[excess[candidates] > _TOLERANCE / 2]
            new = np.setdiff1d(new[np.argsort(-excess[new])][: 4 * len(self.least)], working)
            if not new.size:
                self.working = working
                return answer
            working = np.union1d(working, new)

    def _solve(self, working: Index) -> StageAnswer:
        from scipy.optimize import linprog

        n_player = len(self.least)
        answer = linprog(
            np.append(np.zeros(n_player), 1.0),
            A_ub=-np.column_stack([self.inside[working], np.ones(len(working))]),
            b_ub=-self.gains[working],
            A_eq=np.column_stack([[row for row, _ in self.settled], np.zeros(len(self.settled))]),
            b_eq=[total for _, total in self.settled],
            bounds=[*((float(each), None) for each in self.least), (None, None)],
            method="highs",
            options={
                "primal_feasibility_tolerance": _LP_TOLERANCE,
                "dual_feasibility_tolerance": _LP_TOLERANCE,
            },
        )
        if answer.status != 0:
            raise SolveError(
                f"least excess of {n_player} players, stage {len(self.settled)}: {answer.message}"
            )
        return StageAnswer(
            float(answer.fun),
            np.asarray(answer.x[:-1]),
            working[-answer.ineqlin.marginals > _LEAST_DUAL],
            np.flatnonzero(answer.lower.marginals[:-1] > _LEAST_DUAL),
        )

    def _settle(self, found: Sequence[tuple[Array, float]]) -> None:
        """Keep rows that are independent of the settled ones; close coalitions that follow from them."""
        from scipy.linalg import null_space

        free = null_space(np.array([row for row, _ in self.settled]))
        for row, total in found:
            if np.abs(row @ free).max(initial=0.0) > 1e-9:
                self.settled.append((row, float(total)))
                free = null_space(np.array([each for each, _ in self.settled]))
        self.open &= np.abs(self.inside @ free).max(axis=1, initial=0.0) > 1e-9


def _solved_together(rows: Sequence[tuple[Array, int, float]], n_stage: int, near: Array) -> Array:
    """Solve ``x(S) + epsilon_stage = v(S)`` for x and all excesses, without the errors of the stages.

    A row is members, stage (-1 where no excess is added) and value.
    """
    n_player = len(near)
    matrix = np.zeros((len(rows), n_player + n_stage))
    for k, (row, stage, _) in enumerate(rows):
        matrix[k, :n_player] = row
        if stage >= 0:
            matrix[k, n_player + stage] = 1.0
    right = np.array([total for _, _, total in rows])
    found = np.linalg.lstsq(matrix, right, rcond=None)[0]
    error = max(float(np.abs(matrix @ found - right).max()), float(np.abs(found[:n_player] - near).max()))
    if not error <= 1e-6:
        raise SolveError(f"nucleolus of {n_player} players: equations of its stages miss by {error:.1e}")
    return np.asarray(found[:n_player])
