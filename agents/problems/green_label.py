"""Green energy within a storage: its balance, and products of two decisions by envelopes over cells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyomo.environ as pyo

from gridarium.environment.arrays import Array

Ends = tuple[float, float]
"""Least and most of a decision."""
At = Callable[[int], Any]
"""Of a moment or period: a number, a signal or a decision."""


def green_balance(
    green: At, charge: Any, green_out: Any, share: Array, efficiencies: Ends, period_h: float
) -> Any:
    """G_t = G_{t-1} + (eta_ch rho_t P_ch - P_gd / eta_dis) Dt, MWh (B11).

    Parameters
    ----------
    green : callable
        Of moments: 0 before the first period, t + 1 at the end of period t.
    charge, green_out : pyomo.environ.Var
        At the terminals, MW.
    share : ndarray, shape (n_period,)
        Green share of what is charged.
    efficiencies : tuple of float
    period_h : float
    """
    into, out = efficiencies

    def balance(m: Any, t: int) -> Any:
        gained = into * float(share[t]) * charge[t] - green_out[t] / out
        return green(t + 1) == green(t) + gained * period_h

    return pyo.Constraint(charge.index_set(), rule=balance, doc="green energy balance (MWh)")


def share_links(share: At, charging: Any, rise: Array, fall: Array) -> tuple[Any, Any]:
    """-fall_t u_ch,t <= s_{t+1} - s_t <= rise_t u_ch,t: only charging moves the green share inside.

    Parameters
    ----------
    share : callable
        Of moments.
    charging : pyomo.environ.Var
        Of periods; 1 where the storage may charge.
    rise, fall : ndarray, shape (n_period,)
        Most that one period's charge can move it.
    """
    periods = charging.index_set()
    return (
        pyo.Constraint(periods, rule=lambda m, t: share(t + 1) - share(t) <= float(rise[t]) * charging[t]),
        pyo.Constraint(periods, rule=lambda m, t: share(t) - share(t + 1) <= float(fall[t]) * charging[t]),
    )


@dataclass(frozen=True)
class Cells:
    """A factor over its cells: variables of one index, in which the cells of a moment lie side by side.

    Parameters
    ----------
    moment : tuple of int
        Of each cell.
    ends : ndarray, shape (n_cell, 2)
        Least and most of the factor within each cell.
    on, part : pyomo.environ.Var
        Whether the factor lies in the cell; the factor itself there, 0 elsewhere.
    """

    moment: tuple[int, ...]
    ends: Array
    on: Any
    part: Any

    def of(self, moment: int) -> list[int]:
        """The cells of a moment."""
        return [j for j, k in enumerate(self.moment) if k == moment]


def declare_cells(m: Any, name: str, factor: At, edges: Sequence[Array]) -> Cells:
    """x_k = sum_j x_j, least_j on_j <= x_j <= most_j on_j, sum_j on_j = 1 over a moment's cells (B12).

    Parameters
    ----------
    m : pyomo.environ.ConcreteModel
    name : str
        Before the names of what is declared.
    factor : callable
        Of moments.
    edges : sequence of ndarray
        For each moment the rising edges of its cells.
    """
    moment = tuple(k for k, edge in enumerate(edges) for _ in edge[1:])
    ends = np.concatenate([np.column_stack([edge[:-1], edge[1:]]) for edge in edges])
    index = range(len(moment))
    cells = Cells(moment, ends, pyo.Var(index, domain=pyo.Binary), pyo.Var(index))
    _declare(m, name, on=cells.on, part=cells.part)
    on, part, moments = cells.on, cells.part, range(len(edges))
    _declare(
        m,
        name,
        one=pyo.Constraint(moments, rule=lambda m, k: sum(on[j] for j in cells.of(k)) == 1.0),
        sum=pyo.Constraint(moments, rule=lambda m, k: sum(part[j] for j in cells.of(k)) == factor(k)),
        least=pyo.Constraint(index, rule=lambda m, j: part[j] >= float(ends[j, 0]) * on[j]),
        most=pyo.Constraint(index, rule=lambda m, j: part[j] <= float(ends[j, 1]) * on[j]),
    )
    return cells


def declare_product(m: Any, name: str, cells: Cells, other: dict[int, Any], ends: dict[int, Ends]) -> Any:
    """w = x y, relaxed to McCormick's four sides in each cell of x (B12); w is given by moments.

    Parameters
    ----------
    m : pyomo.environ.ConcreteModel
    name : str
        Before the names of what is declared.
    cells : Cells
        Of the factor x.
    other : dict
        The factor y at the moments where the product is needed.
    ends : dict
        Least and most of it.

    Notes
    -----
    In a cell, with parts x, y and w that are 0 while it is off: ``w >= xl y + x yl - xl yl on``,
    ``w >= xu y + x yu - xu yu on``, ``w <= xu y + x yl - xu yl on``, ``w <= xl y + x yu - xl yu on``.
    Where both ends of one factor are the same, w is the product.
    """
    index = [j for j, k in enumerate(cells.moment) if k in other]
    y, w, on = pyo.Var(index), pyo.Var(index), cells.on
    _declare(m, name, other=y, part=w)

    def side(m: Any, j: int, number: int) -> Any:
        (xl, xu), (yl, yu) = cells.ends[j].tolist(), ends[cells.moment[j]]
        x_end, y_end = [(xl, yl), (xu, yu), (xu, yl), (xl, yu)][number]
        plane = x_end * y[j] + y_end * cells.part[j] - x_end * y_end * on[j]
        return w[j] >= plane if number < 2 else w[j] <= plane

    def bound(number: int) -> Any:
        return lambda m, j: (
            y[j] >= ends[cells.moment[j]][0] * on[j]
            if number == 0
            else y[j] <= ends[cells.moment[j]][1] * on[j]
        )

    moments = list(other)
    value = pyo.Expression(moments, rule=lambda m, k: sum(w[j] for j in cells.of(k)))
    _declare(
        m,
        name,
        value=value,
        side=pyo.Constraint(index, range(4), rule=side),
        sum=pyo.Constraint(moments, rule=lambda m, k: sum(y[j] for j in cells.of(k)) == other[k]),
        least=pyo.Constraint(index, rule=bound(0)),
        most=pyo.Constraint(index, rule=bound(1)),
    )
    return value


def _declare(m: Any, name: str, **components: Any) -> None:
    for word, component in components.items():
        setattr(m, f"{name}_{word}", component)


def squared_loss_tangents(value: Any, flow: Any, most: Any, points: Sequence[float]) -> Any:
    """v <= (1 - 2 a) P + a^2 L' for all points a: v <= P - P^2 / L' from above, MW (B2, B3 of scenario 2).

    Parameters
    ----------
    value : pyomo.environ.Var
        Of periods, MW at the undiminished price.
    flow : pyomo.environ.Var
        MW.
    most : pyomo.environ.Var
        L', the load that others' green discharge leaves, MW.
    points : sequence of float
        Shares of it at which the tangents touch.
    """
    return pyo.Constraint(
        flow.index_set(),
        range(len(points)),
        rule=lambda m, t, k: value[t] <= (1.0 - 2.0 * points[k]) * flow[t] + points[k] ** 2 * most[t],
    )
