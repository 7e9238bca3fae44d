"""Cones of a feeder's day by as many of their tangents as an optimum asks for."""

from __future__ import annotations

import numpy as np

from gridarium.environment.arrays import Array, Index
from gridarium.environment.errors import SolveError
from gridarium.experiments.evidence.programs.feeder_columns import FeederColumns

_CURRENT_PU = 1e-6
"""Of a squared current on a base of 1 MVA, in which a cone is met."""
_POWER_MVA = 1e-5
_MONEY_PER_H = 1e-5
_MOST_ROUNDS = 60


class FeederCones:
    """Adds tangents to a linear programme until its optimum meets all cones.

    Parameters
    ----------
    columns : FeederColumns

    Notes
    -----
    A tangent of a convex function lies below it, wherever it was taken: no plan is cut off.
    """

    def __init__(self, columns: FeederColumns) -> None:
        self._at = columns

    def met(self) -> Array:
        """Values of all columns at the optimum at which all cones are met.

        Raises
        ------
        InfeasibleError
            If nothing is within all bounds.
        SolveError
            If cones are not met after many rounds.
        """
        for _ in range(_MOST_ROUNDS):
            x = self._at.lp.solve()
            if not (self._cut_currents(x) + self._cut_fuel(x) + self._cut_ratings(x)):
                return x
        raise SolveError(f"reference of a feeder: cones are not met after {_MOST_ROUNDS} rounds")

    def _sending(self) -> tuple[Index, Array]:
        """Columns of the squared voltages that branches begin with, and the factors of their transformers."""
        feeder = self._at.shape.feeder
        return self._at.v[feeder.parent], 1.0 / feeder.ratio[:, None] ** 2

    def short_pu(self, x: Array) -> Array:
        """By how much squared currents are below (P^2 + Q^2) / v, shape (n_branch, n_step) (A15)."""
        columns, factor = self._sending()
        return np.asarray((x[self._at.p] ** 2 + x[self._at.q] ** 2) / (x[columns] * factor) - x[self._at.l])

    def _cut_currents(self, x: Array) -> int:
        """l >= (2 P' P + 2 Q' Q) / v' - (P'^2 + Q'^2) v / v'^2, the tangent at (P', Q', v') (A15)."""
        outside, (columns, factor) = self.short_pu(x) > _CURRENT_PU, self._sending()
        if not outside.any():
            return 0
        p, q, v = (x[one][outside] for one in (self._at.p, self._at.q, columns))
        scale = np.broadcast_to(factor, outside.shape)[outside]
        v = v * scale
        unbounded, zero = np.full(len(p), np.inf), np.zeros(len(p))
        self._at.lp.rows(
            zero, unbounded,
            (self._at.l[outside], 1.0),
            (self._at.p[outside], -2.0 * p / v),
            (self._at.q[outside], -2.0 * q / v),
            (columns[outside], (p**2 + q**2) / v**2 * scale),
        )  # fmt: skip
        return len(p)

    def _cut_fuel(self, x: Array) -> int:
        """cost >= a (2 P' P - P'^2), the tangent at P' (C9)."""
        if not self._at.shape.turbines:
            return 0
        curved = np.array([unit.cost_quadratic_per_mw2h for unit in self._at.shape.turbines])[:, None]
        power = x[self._at.gas]
        outside = curved * power**2 - x[self._at.fuel] > _MONEY_PER_H
        at, bend = power[outside], np.broadcast_to(curved, power.shape)[outside]
        if len(at):
            unbounded = np.full(len(at), np.inf)
            terms = (self._at.fuel[outside], 1.0), (self._at.gas[outside], -2.0 * bend * at)
            self._at.lp.rows(-bend * at**2, unbounded, *terms)
        return len(at)

    def _cut_ratings(self, x: Array) -> int:
        """P' P + Q' Q <= S |(P', Q')| of turbines, plants and storages (A16, A17, A20)."""
        shape, found = self._at.shape, 0
        kinds = (
            (shape.turbines, ((self._at.gas, 1.0),), self._at.q_gas),
            (shape.renewables, ((self._at.green, 1.0),), self._at.q_green),
            (shape.storages, ((self._at.discharge, 1.0), (self._at.charge, -1.0)), self._at.q_storage),
        )
        for units, parts, reactive in kinds:
            if not units:
                continue
            rated = np.array([[unit.s_max_mva] for unit in units])
            p, q = np.sum([sign * x[own] for own, sign in parts], axis=0), x[reactive]
            length = np.hypot(p, q)
            outside = length > rated + _POWER_MVA
            if not outside.any():
                continue
            toward_p, toward_q = p[outside] / length[outside], q[outside] / length[outside]
            most = np.broadcast_to(rated, p.shape)[outside]
            terms = [(columns[outside], sign * toward_p) for columns, sign in parts]
            self._at.lp.rows(np.full(len(most), -np.inf), most, *terms, (reactive[outside], toward_q))
            found += len(most)
        return found
