"""Cones linearised at a point: tangent planes as rows, curvature as a Hessian, in fixed patterns."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from gridarium.agents.solving.cones import Cones
from gridarium.environment.arrays import Array, Index


class _Pattern:
    """A sparse matrix of fixed pattern whose values are renewed from triplets."""

    def __init__(self, row: Index, column: Index, shape: tuple[int, int]) -> None:
        keys, self._place = np.unique(column * shape[0] + row, return_inverse=True)
        starts = np.searchsorted(keys // shape[0], np.arange(shape[1] + 1))
        self._parts = (keys % shape[0], starts)
        self.shape = shape

    def fill(self, values: Array) -> sparse.csc_matrix:
        """The matrix with these values, in the order of the triplets; repeated places are summed."""
        data = np.bincount(self._place, weights=values, minlength=len(self._parts[0]))
        return sparse.csc_matrix((data, *self._parts), shape=self.shape)


class Tangents:
    """Rows of an inequality matrix: the plain ones, then one tangent plane a cone."""

    def __init__(self, plain: sparse.csr_matrix, cones: Cones) -> None:
        n_plain, rotated = plain.shape[0], np.flatnonzero(cones.rotated)
        fixed, linear = plain.tocoo(), cones.linear.tocoo()
        self.cones, self._rotated = cones, rotated
        self._used = cones.weight != 0.0
        square_row = np.repeat(np.arange(len(cones)), self._used.sum(axis=1))
        row: list[Any] = [
            fixed.row,
            n_plain + linear.row,
            n_plain + rotated,
            n_plain + square_row,
            n_plain + rotated,
        ]
        column = [
            fixed.col,
            linear.col,
            cones.epigraph[rotated],
            cones.square[self._used],
            cones.scale[rotated],
        ]
        self._constant = np.concatenate([fixed.data, linear.data, np.full(len(rotated), -1.0)])
        shape = (n_plain + len(cones), plain.shape[1])
        self._pattern = _Pattern(np.concatenate(row), np.concatenate(column), shape)

    def at(self, x: Array, upper: Array) -> tuple[sparse.csc_matrix, Array]:
        """The matrix, and the upper sides of the tangent rows, linearised at x."""
        factor, value = self.cones.tangent(x)
        entries = np.concatenate([self._constant, factor[self._used], -value[self._rotated]])
        return self._pattern.fill(entries), upper + np.where(self.cones.rotated, 0.0, value)


class Curvature:
    """Hessian of the Lagrangian: the objective's own plus the cones' by their multipliers."""

    def __init__(self, hessian: sparse.csc_matrix, cones: Cones) -> None:
        own, used = hessian.tocoo(), cones.weight != 0.0
        self.cones, self._used = cones, used
        self._paired = used & cones.rotated[:, None]
        self._rotated = np.flatnonzero(cones.rotated)
        square, paired = cones.square[used], cones.square[self._paired]
        scale = np.broadcast_to(cones.scale[:, None], used.shape)[self._paired]
        corner = cones.scale[self._rotated]
        self._own = own.data
        row = np.concatenate([own.row, square, paired, scale, corner])
        column = np.concatenate([own.col, square, scale, paired, corner])
        self._pattern = _Pattern(row, column, hessian.shape)

    def at(self, x: Array, multiplier: Array) -> sparse.csc_matrix:
        """Second derivative of ``sum_k multiplier_k (squares_k / scale_k)`` plus the objective's."""
        cones = self.cones
        scale = cones.scale_at(x)
        weight = 2.0 * cones.weight * (multiplier / scale)[:, None]
        slope = x[cones.square] / scale[:, None]
        cross = (-weight * slope)[self._paired]
        corner = (weight * slope**2).sum(axis=1)[self._rotated]
        return self._pattern.fill(np.concatenate([self._own, weight[self._used], cross, cross, corner]))
