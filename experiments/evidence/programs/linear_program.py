"""A linear programme on HiGHS that goes on from its last optimum when bounds change and rows are added."""

from __future__ import annotations

import numpy as np
from highspy import HighsBasisStatus, HighsModelStatus, HighsVarType

from gridarium.agents.solving.silent_highs import new_highs
from gridarium.environment.arrays import Array, Index
from gridarium.environment.errors import InfeasibleError, SolveError

Term = tuple[Index, Array | float]
"""Places of columns, and what each counts in its row."""
_OPTIONS = {
    "threads": 1,
    "primal_feasibility_tolerance": 1e-9,
    "dual_feasibility_tolerance": 1e-9,
    "mip_feasibility_tolerance": 1e-9,
    "mip_rel_gap": 1e-9,
}


class LinearProgram:
    """Columns within bounds, rows that tie them together, and the least cost.

    Parameters
    ----------
    name : str
        What it is, named in errors.
    """

    def __init__(self, name: str) -> None:
        self._name, self._highs = name, new_highs()
        for option, value in _OPTIONS.items():
            self._highs.setOptionValue(option, value)
        self._n_column = self.n_row = 0
        self.money = float("nan")

    def columns(self, low: Array, high: Array) -> Index:
        """Declare columns; their places, shaped as the bounds."""
        places = self._n_column + np.arange(low.size).reshape(low.shape)
        self._n_column += low.size
        self._highs.addVars(low.size, np.ravel(low).astype(float), np.ravel(high).astype(float))
        return places

    def rows(self, low: Array, high: Array, *terms: Term) -> Index:
        """Declare ``low <= sum of terms <= high``; the places of the rows, shape (n_row,).

        Parameters
        ----------
        low, high : ndarray, shape (n_row,)
        *terms : tuple of (Index, ndarray)
            Places and factors, shape (n_row,) each, or one factor for all rows.
        """
        n_row, n_term = len(low), len(terms)
        places = np.stack([np.ravel(columns) for columns, _ in terms], axis=1)
        factors = np.stack([np.broadcast_to(factor, (n_row,)) for _, factor in terms], axis=1)
        starts = np.arange(n_row, dtype=np.int32) * n_term
        self._highs.addRows(
            n_row,
            np.asarray(low, dtype=float),
            np.asarray(high, dtype=float),
            n_row * n_term,
            starts,
            places.ravel().astype(np.int32),
            factors.ravel().astype(float),
        )
        self.n_row += n_row
        return np.arange(self.n_row - n_row, self.n_row)

    def sum_row(self, least: float, places: Index, factors: Array) -> None:
        """Declare one row, ``least <= sum of columns``; places and factors of one shape."""
        self.rows(np.array([least]), np.array([np.inf]), *zip(places[:, None], factors.tolist(), strict=True))

    def bound(self, places: Index, low: Array, high: Array) -> None:
        """Change bounds of columns; arrays of one shape."""
        low, high = (np.broadcast_to(one, places.shape).astype(float).ravel() for one in (low, high))
        self._highs.changeColsBounds(places.size, places.ravel().astype(np.int32), low, high)

    def bound_rows(self, rows: Index, low: Array, high: Array) -> None:
        """Change both sides of rows; arrays of one shape."""
        low, high = (np.broadcast_to(one, rows.shape).astype(float).ravel() for one in (low, high))
        self._highs.changeRowsBounds(rows.size, rows.ravel().astype(np.int32), low, high)

    def price(self, places: Index, cost: Array | float) -> None:
        """Change what a unit of each column costs."""
        costs = np.broadcast_to(cost, places.shape).astype(float).ravel()
        self._highs.changeColsCost(places.size, places.ravel().astype(np.int32), costs)

    def make_whole(self, places: Index, whole: bool) -> None:
        """Let columns take whole numbers alone, or any."""
        kind = HighsVarType.kInteger if whole else HighsVarType.kContinuous
        kinds = np.full(places.size, int(kind), dtype=np.uint8)
        self._highs.changeColsIntegrality(places.size, places.ravel().astype(np.int32), kinds)

    def forget_slack_rows(self, begin: int) -> None:
        """Drop those rows, from one on, that do not bind at the last optimum; places of these rows change."""
        basis = self._highs.getBasis()
        status = basis.row_status[begin:] if basis.valid else []
        slack = [begin + row for row, one in enumerate(status) if one == HighsBasisStatus.kBasic]
        if slack:
            self._highs.deleteRows(len(slack), np.array(slack, dtype=np.int32))
            self.n_row -= len(slack)

    def solve(self) -> Array:
        """Values of all columns at the least cost, which is in `money` then.

        Raises
        ------
        InfeasibleError
            If nothing is within all bounds.
        SolveError
            If there is no other answer.
        """
        self._highs.run()
        status = self._highs.getModelStatus()
        if status not in (HighsModelStatus.kOptimal, HighsModelStatus.kInfeasible):
            # The last optimum may be a bad place to go on from.
            self._highs.clearSolver()
            self._highs.run()
            status = self._highs.getModelStatus()
        if status == HighsModelStatus.kInfeasible:
            raise InfeasibleError(f"{self._name}: nothing is within all bounds")
        if status != HighsModelStatus.kOptimal:
            raise SolveError(f"{self._name}: {self._highs.modelStatusToString(status)}")
        self.money = float(self._highs.getInfo().objective_function_value)
        return np.array(self._highs.getSolution().col_value)
