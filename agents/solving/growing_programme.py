"""A linear programme on a live HiGHS object that is written piece by piece and grows between runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from gridarium.agents.solving.highs_solver import TIME_LIMIT_S, run_highs
from gridarium.agents.solving.silent_highs import new_highs
from gridarium.environment.arrays import Array, Index

_OPTIONS = {"threads": 1, "time_limit": TIME_LIMIT_S}


class GrowingProgramme:
    """Columns and rows by their places, the costs minimised.

    - `highs`: the live object

    Parameters
    ----------
    options : mapping of str to value, optional
        Of HiGHS, beside one thread and the time limit.
    """

    def __init__(self, options: Mapping[str, float | str | bool] | None = None) -> None:
        self.highs, self._cost = new_highs(), np.empty(0)
        for name, value in {**_OPTIONS, **(options or {})}.items():
            self.highs.setOptionValue(name, value)

    @property
    def n_column(self) -> int:
        """How many columns there are."""
        return len(self._cost)

    def add_columns(self, lower: Array, upper: Array, cost: ArrayLike) -> Index:
        """New columns, in the shape of their lower bounds; their places."""
        first, size = len(self._cost), lower.size
        places = np.arange(first, first + size)
        new = np.array(np.broadcast_to(cost, lower.shape), dtype=np.float64).ravel()
        self.highs.addVars(size, lower.ravel(), np.asarray(upper, dtype=np.float64).ravel())
        self.highs.changeColsCost(size, places.astype(np.int32), new)
        self._cost = np.concatenate([self._cost, new])
        return np.asarray(places.reshape(lower.shape))

    def add_row(
        self, factors: Sequence[float] | Array, columns: Sequence[int] | Index, lower: float, upper: float
    ) -> None:
        """A new row, ``lower <= factors @ columns <= upper``."""
        self.highs.addRow(
            lower,
            upper,
            len(columns),
            np.asarray(columns, dtype=np.int32),
            np.asarray(factors, dtype=np.float64),
        )

    def add_rows(self, factors: sparse.csr_matrix, lower: Array, upper: Array) -> None:
        """New rows, one factor for each column of all so far."""
        self.highs.addRows(
            len(lower),
            lower,
            upper,
            factors.nnz,
            factors.indptr[:-1].astype(np.int32),
            factors.indices.astype(np.int32),
            factors.data,
        )

    def set_bounds(self, columns: Index, lower: Array, upper: Array) -> None:
        """Other bounds for some columns."""
        self.highs.changeColsBounds(
            columns.size, columns.ravel().astype(np.int32), lower.ravel(), upper.ravel()
        )

    def solve(self) -> tuple[Array, float]:
        """Values of all columns, and the least cost.

        Raises
        ------
        InfeasibleError, UnboundedError, SolverLimitError
        """
        x = run_highs(self.highs)
        return x, float(self._cost @ x)
