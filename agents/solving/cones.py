"""Convex quadratic constraints of a standard form: their values, tangents and curvature."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from gridarium.environment.arrays import Array, Index
from gridarium.environment.errors import SolveError

_LEAST_SCALE = 1e-6


@dataclass
class Triplets:
    """A sparse matrix that is still being written."""

    row: list[int] = field(default_factory=list)
    column: list[int] = field(default_factory=list)
    value: list[float] = field(default_factory=list)

    def add(self, row: int, column: int, value: float) -> None:
        """Append one entry; entries of one place are summed."""
        self.row.append(row)
        self.column.append(column)
        self.value.append(value)

    def matrix(self, n_row: int, n_column: int) -> sparse.csr_matrix:
        """The matrix so far."""
        return sparse.csr_matrix((self.value, (self.row, self.column)), shape=(n_row, n_column))


@dataclass(frozen=True)
class Cones:
    """Constraints ``sum_i weight_i x_i**2 + linear <= bound`` and ``sum_i weight_i x_i**2 <= y * z``.

    Parameters
    ----------
    square, weight : ndarray, shape (n_cone, width)
        Columns that are squared, and their factors; padded with factor 0.
    epigraph, scale : ndarray, shape (n_cone,)
        Columns y and z of the rotated cones; -1 for the others.
    linear : sparse matrix, shape (n_cone, n_column)
    upper : ndarray, shape (n_cone,)
        Bounds; 0 for rotated cones.
    upper_signal : sparse matrix, shape (n_cone, n_signal)
        How the bounds move with the signals.
    names : tuple of str
    """

    square: Index
    weight: Array
    epigraph: Index
    scale: Index
    linear: sparse.csr_matrix
    upper: Array
    upper_signal: sparse.csr_matrix
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.names)

    @property
    def rotated(self) -> NDArray[np.bool_]:
        """Which of them are rotated cones."""
        return self.scale >= 0

    def subset(self, which: NDArray[np.bool_]) -> Cones:
        """Some of them, in their order."""
        return Cones(
            self.square[which],
            self.weight[which],
            self.epigraph[which],
            self.scale[which],
            self.linear[which],
            self.upper[which],
            self.upper_signal[which],
            tuple(name for name, wanted in zip(self.names, which, strict=True) if wanted),
        )

    def implies_sign(self, lower: Array, lower_signal: sparse.csr_matrix) -> NDArray[np.bool_]:
        """Columns whose lower bound 0 says nothing new: ``sum of squares <= y z``, or ``<= b y``.

        Where the squares vanish, a cone's tangent is this bound. Two equal limits share one multiplier in
        any proportion, which hides the cone's curvature; so one of them has to go.
        """
        alone = ~self.rotated & (np.diff(self.linear.indptr) == 1) & (self.upper == 0.0)
        alone &= np.diff(self.upper_signal.indptr) == 0
        single = self.linear[alone]
        bounded = np.zeros(len(lower), dtype=np.bool_)
        bounded[self.epigraph[self.rotated]] = True
        bounded[single.indices[single.data < 0.0]] = True
        return np.asarray(bounded & (lower == 0.0) & (np.diff(lower_signal.indptr) == 0))

    def scale_at(self, x: Array) -> Array:
        """Scales z at x, kept away from zero, where a tangent at any positive z holds as well; else 1."""
        return np.where(self.rotated, np.maximum(x[self.scale], _LEAST_SCALE), 1.0)

    def violation(self, x: Array, upper: Array) -> Array:
        """How far x lies outside each constraint, in its own units; negative inside."""
        squares = (self.weight * x[self.square] ** 2).sum(axis=1)
        right = np.where(self.rotated, x[self.epigraph] * x[self.scale], upper)
        return np.asarray(squares + self.linear @ x - right)

    def tangent(self, x: Array) -> tuple[Array, Array]:
        """Tangent planes at x: factors of the squared columns, and the value of the squares.

        The plane is ``factor @ squares + linear - y - value * z <= 0`` on a rotated cone and
        ``factor @ squares + linear <= bound + value`` on the others.
        """
        point = x[self.square] / self.scale_at(x)[:, None]
        return 2.0 * self.weight * point, (self.weight * point**2).sum(axis=1)


class ConeWriter:
    """Collects convex quadratic constraints while a model is compiled."""

    def __init__(self) -> None:
        self.squares: list[dict[int, float]] = []
        self.epigraph: list[int] = []
        self.scale: list[int] = []
        self.upper: list[float] = []
        self.names: list[str] = []
        self.linear, self.upper_signal = Triplets(), Triplets()

    def add(
        self,
        name: str,
        products: dict[tuple[int, int], float],
        decision: dict[int, float],
        signal: dict[int, float],
        lower: float,
        upper: float,
    ) -> None:
        """Take ``squares <= y * z`` or ``squares + linear <= bound``; refuse anything else."""
        squares = {i: value for (i, j), value in products.items() if i == j}
        cross = [(pair, value) for pair, value in products.items() if pair[0] != pair[1]]
        if not squares or np.isfinite(lower) or any(value < 0 for value in squares.values()):
            raise SolveError(f"{name}: must be convex, a sum of squares <= bound")
        epigraph = scale = -1
        if cross:
            ((epigraph, scale), factor) = cross[0]
            if len(cross) > 1 or factor >= 0 or decision or signal or upper != 0:
                raise SolveError(f"{name}: must have the form sum of squares <= y * z")
            squares = {i: value / -factor for i, value in squares.items()}
        row = len(self.names)
        self.names.append(name)
        self.squares.append(squares)
        self.epigraph.append(epigraph)
        self.scale.append(scale)
        self.upper.append(upper)
        for column, value in decision.items():
            self.linear.add(row, column, value)
        for column, value in signal.items():
            self.upper_signal.add(row, column, -value)

    def finish(self, lower: Array, n_signal: int) -> Cones:
        """Pad the squares to one width; of y and z the one kept further from zero is the scale."""
        epigraph, scale = np.array(self.epigraph, dtype=np.int64), np.array(self.scale, dtype=np.int64)
        swap = (scale >= 0) & (lower[epigraph] > lower[scale])
        epigraph[swap], scale[swap] = scale[swap], epigraph[swap]
        width = max((len(s) for s in self.squares), default=0)
        square = np.zeros((len(self.names), width), dtype=np.int64)
        weight = np.zeros((len(self.names), width))
        for row, squares in enumerate(self.squares):
            square[row] = (list(squares) + [next(iter(squares))] * width)[:width]
            weight[row, : len(squares)] = list(squares.values())
        return Cones(
            square,
            weight,
            epigraph,
            scale,
            self.linear.matrix(len(self.names), len(lower)),
            np.array(self.upper, dtype=np.float64),
            self.upper_signal.matrix(len(self.names), n_signal),
            tuple(self.names),
        )
