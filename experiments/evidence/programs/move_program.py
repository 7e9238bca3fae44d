"""A mixed-integer linear programme of moves from a point, or of a plan, solved by SciPy."""

from __future__ import annotations

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_matrix, csr_matrix

from gridarium.environment.arrays import Array, Index
from gridarium.environment.errors import SolveError

Term = tuple[Index, Array | float]
"""Moves, and what each counts in its row."""


class MoveProgram:
    """Moves within bounds, rows that tie them together, and the most that they can gain together.

    Parameters
    ----------
    name : str
        What it is, named in errors.
    """

    def __init__(self, name: str = "moves of a leader") -> None:
        self._name = name
        self._low: list[Array] = []
        self._high: list[Array] = []
        self._integer: list[Array] = []
        self._gain: list[Array] = []
        self._entries: list[tuple[Array, Index, Index]] = []
        self._row_low: list[Array] = []
        self._row_high: list[Array] = []
        self._n_move = self._n_row = 0

    def moves(self, low: Array, high: Array, gain: Array | float = 0.0, integer: bool = False) -> Index:
        """Declare moves with bounds and the gain per unit of each; their places, shaped as the bounds."""
        places = self._n_move + np.arange(low.size).reshape(low.shape)
        self._n_move += low.size
        self._low.append(np.ravel(low))
        self._high.append(np.ravel(high))
        self._gain.append(np.broadcast_to(gain, low.shape).ravel())
        self._integer.append(np.full(low.size, float(integer)))
        return places

    def rows(self, low: Array, high: Array, *terms: Term) -> None:
        """Declare ``low <= sum of terms <= high``.

        Parameters
        ----------
        low, high : ndarray, shape (n_row,)
        terms : tuple of (Index, ndarray)
            Places of shape (n_row,) or (n_row, n_each), and factors that fit them.
        """
        n_row = len(low)
        if not n_row:
            return
        for places, factors in terms:
            by_row = places.reshape(n_row, -1)
            values = np.broadcast_to(
                np.reshape(factors, (-1, 1)) if np.ndim(factors) == 1 else factors, by_row.shape
            )
            numbers = np.broadcast_to(self._n_row + np.arange(n_row, dtype=np.int64)[:, None], by_row.shape)
            self._entries.append((values.ravel(), numbers.ravel(), by_row.ravel()))
        self._n_row += n_row
        self._row_low.append(np.asarray(low, dtype=np.float64))
        self._row_high.append(np.asarray(high, dtype=np.float64))

    def most(self) -> float:
        """The largest gain.

        Raises
        ------
        SolveError
            If there is none.
        """
        return self.best()[0]

    def best(self) -> tuple[float, Array]:
        """The largest gain, and moves that bring it, shape (n_move,).

        Raises
        ------
        SolveError
            If there is none.
        """
        found = milp(
            -np.concatenate(self._gain),
            integrality=np.concatenate(self._integer),
            bounds=Bounds(np.concatenate(self._low), np.concatenate(self._high)),
            constraints=LinearConstraint(
                self._matrix(), np.concatenate(self._row_low), np.concatenate(self._row_high)
            ),
            options={"mip_rel_gap": 1e-4},
        )
        if found.x is None:
            raise SolveError(f"{self._name}: {found.message}")
        return -float(found.fun), np.asarray(found.x)

    def _matrix(self) -> csr_matrix:
        """Factors of all moves in all rows."""
        values, rows, columns = (np.concatenate(parts) for parts in zip(*self._entries, strict=True))
        return coo_matrix((values, (rows, columns)), shape=(self._n_row, self._n_move)).tocsr()
