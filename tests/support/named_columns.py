"""Programmes written row by row with named columns, for references that are built from scratch."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.optimize import linprog

Term = tuple[float, tuple[object, ...]]
"""A factor, and the name of the column that it stands before."""


class Columns:
    """Columns of a linear or quadratic programme by name, with rows given as sums of named terms.

    `solve` asks HiGHS through SciPy and knows no squares; `solve_convex` asks Clarabel. Both give None where
    nothing is feasible.
    """

    def __init__(self) -> None:
        self.place: dict[tuple[object, ...], int] = {}
        self.cost: list[float] = []
        self.square: list[float] = []
        self.bounds: list[tuple[float | None, float | None]] = []
        self.less: list[tuple[dict[int, float], float]] = []
        self.equal: list[tuple[dict[int, float], float]] = []
        self.x = np.zeros(0)

    def add(
        self,
        *name: object,
        cost: float = 0.0,
        square: float = 0.0,
        low: float | None = 0.0,
        high: float | None = None,
    ) -> None:
        """A column that costs ``cost x + square x**2``."""
        self.place[name] = len(self.cost)
        self.cost.append(cost)
        self.square.append(square)
        self.bounds.append((low, high))

    def row(self, terms: list[Term], right: float, equal: bool = False) -> None:
        """Sum of terms at most, or equal to, the right side."""
        row: dict[int, float] = {}
        for factor, name in terms:
            row[self.place[name]] = row.get(self.place[name], 0.0) + factor
        (self.equal if equal else self.less).append((row, right))

    def value(self, *name: object) -> float:
        """Of a column at the optimum found last."""
        return float(self.x[self.place[name]])

    def solve(self) -> float | None:
        """Least cost of a linear programme."""
        assert not any(self.square)
        (less, right), (equal, level) = self._matrix(self.less), self._matrix(self.equal)
        found = linprog(self.cost, less, right, equal, level, bounds=self.bounds, method="highs")
        if found.status:
            return None
        self.x = found.x
        return float(found.fun)

    def solve_convex(self) -> float | None:
        """Least cost of a convex quadratic programme."""
        import clarabel

        (less, right), (equal, level) = self._matrix(self.less), self._matrix(self.equal)
        eye = sparse.identity(len(self.cost), format="csr")
        above = [i for i, (low, _) in enumerate(self.bounds) if low is not None]
        below = [i for i, (_, high) in enumerate(self.bounds) if high is not None]
        rows = sparse.vstack([equal, less, -eye[above], eye[below]], format="csc")
        limits = [-float(self.bounds[i][0] or 0.0) for i in above]
        limits += [float(self.bounds[i][1] or 0.0) for i in below]
        cones = [clarabel.ZeroConeT(len(level)), clarabel.NonnegativeConeT(rows.shape[0] - len(level))]
        settings = clarabel.DefaultSettings()
        settings.verbose = False
        settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = 1e-10
        hessian = sparse.diags(2.0 * np.array(self.square), format="csc")
        sides = np.concatenate([level, right, limits])
        found = clarabel.DefaultSolver(hessian, np.array(self.cost), rows, sides, cones, settings).solve()
        if found.status not in (clarabel.SolverStatus.Solved, clarabel.SolverStatus.AlmostSolved):
            return None
        self.x = np.array(found.x)
        return float(found.obj_val)

    def _matrix(self, rows: list[tuple[dict[int, float], float]]) -> tuple[sparse.csr_matrix, np.ndarray]:
        matrix = sparse.lil_matrix((len(rows), len(self.cost)))
        for i, (row, _) in enumerate(rows):
            for column, factor in row.items():
                matrix[i, column] = factor
        return matrix.tocsr(), np.array([right for _, right in rows])
