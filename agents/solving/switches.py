"""Binaries that only choose which of some decisions may differ from zero, such as charging or discharging."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gridarium.agents.solving.standard_form import Numbers, StandardForm
from gridarium.environment.arrays import Array, Index
from gridarium.environment.errors import SolveError

_DEAR = 10.0
"""Price on a closed decision, times the dearest one of the problem: more than any use of it can earn."""

_IDLE = 1e-6


class Switches:
    """The decisions that each binary of a form closes, at 0 and at 1.

    A closed decision is held at zero by a price and not by a bound: an interior point needs room.

    Parameters
    ----------
    form : StandardForm
        Its binaries cost nothing; each of their rows holds one of them and one decision that is never
        negative.

    Raises
    ------
    SolveError
        If a binary is something else than a switch.
    """

    def __init__(self, form: StandardForm) -> None:
        self.integers: Index = np.flatnonzero(form.integer)
        place = np.full(len(form.cost), -1)
        place[self.integers] = np.arange(len(self.integers))
        rows = np.flatnonzero(form.rows[:, self.integers].getnnz(axis=1))
        plain = not form.cost[self.integers].any() and not form.cost_signal[self.integers].nnz
        if not plain or (np.diff(form.rows[rows].indptr) != 2).any():
            raise SolveError("binaries beside cones that hold with equality must be switches")
        entries = form.rows[rows].indices.reshape(-1, 2)
        factors = form.rows[rows].data.reshape(-1, 2)
        first = place[entries[:, 0]] >= 0
        switch = np.where(first, entries[:, 0], entries[:, 1])
        self._switch: Index = place[switch]
        self._column: Index = np.where(first, entries[:, 1], entries[:, 0])
        weight, factor = np.where(first, factors.T, factors.T[::-1])
        # The most that is left to the decision, factor x <= upper - weight z, at each state of its switch.
        most = [(form.row_upper[rows] - state * weight) / factor for state in (0.0, 1.0)]
        self._closes_at_zero = (factor > 0) & (most[0] <= 0.0)
        closes_at_one = (factor > 0) & (most[1] <= 0.0)
        alike = self._closes_at_zero == closes_at_one
        if alike.any() or form.integer[self._column].any() or form.lower[self._column].any():
            raise SolveError("binaries beside cones that hold with equality must be switches")

    def __len__(self) -> int:
        return len(self.integers)

    def closed(self, state: NDArray[np.bool_]) -> Index:
        """Columns that are closed at a state of the switches, shape (n_closed,)."""
        return np.asarray(self._column[state[self._switch] != self._closes_at_zero])

    def priced(self, numbers: Numbers, state: NDArray[np.bool_]) -> Numbers:
        """The same numbers with a price on what is closed."""
        cost = numbers.cost.copy()
        cost[self.closed(state)] += _DEAR * (1.0 + np.abs(numbers.cost).max())
        return numbers._replace(cost=cost)

    def of(self, x: Array, otherwise: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """The state that leaves the larger decision of each switch open; another one where all are zero."""
        at_one, at_zero = (
            np.bincount(self._switch[which], weights=x[self._column[which]], minlength=len(self.integers))
            for which in (self._closes_at_zero, ~self._closes_at_zero)
        )
        idle = np.maximum(at_one, at_zero) < _IDLE
        return np.asarray(np.where(idle, otherwise, at_one >= at_zero))
