"""Carbon capture behind thermal units; what its solvent holds is a storage without losses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pyomo.environ as pyo

from gridarium.agents.problems.limits import While
from gridarium.agents.problems.storage import lossless, storage_balance, storage_cycle
from gridarium.environment.arrays import Array, Flags
from gridarium.environment.thermal_unit import ThermalUnit

CAPTURE = ("absorbed_tco2_per_h", "regenerated_tco2_per_h", "tank_tco2")
"""Decisions about capture plants."""


def declare_capture(m: Any, units: Sequence[ThermalUnit], gross_mw: Any, on: While, period_h: float) -> None:
    """0 <= A <= eta e PG, S_t = S_{t-1} + (A - EB) Dt, PGH = PG - sigma EB - on PD >= 0 (E1 to E4).

    The tank begins with ``m.tank_arriving_tco2`` and ends as the day began, but for what `tank_below_tco2`
    and `tank_above_tco2` tell.

    Parameters
    ----------
    m : pyomo.environ.ConcreteModel
        With the sets ``m.capture``, of units with a plant, and ``m.period``.
    units : sequence of ThermalUnit
    gross_mw : pyomo.environ.Var
        PG of (unit, period), MW.
    on : callable
    period_h : float
    """
    unit, plant = {u.name: u for u in units}, {u.name: u.capture for u in units if u.capture}
    m.absorbed_tco2_per_h = pyo.Var(m.capture, m.period, bounds=(0, None))
    m.regenerated_tco2_per_h = pyo.Var(m.capture, m.period, bounds=(0, None))
    m.tank_tco2 = pyo.Var(
        m.capture, m.period, bounds=lambda m, i, t: (0, plant[i].tank_tco2), doc="solvent tank (tCO2)"
    )
    m.absorber = pyo.Constraint(
        m.capture,
        m.period,
        rule=lambda m, i, t: (
            m.absorbed_tco2_per_h[i, t]
            <= plant[i].efficiency * unit[i].emission_tco2_per_mwh * gross_mw[i, t]
        ),
    )

    def net(m: Any, i: str, t: int) -> Any:
        if i not in plant:
            return gross_mw[i, t]
        operation = plant[i].energy_mwh_per_tco2 * m.regenerated_tco2_per_h[i, t]
        return gross_mw[i, t] - operation - plant[i].fixed_mw * on(i, t)

    m.net_mw = pyo.Expression(gross_mw.index_set(), rule=net)
    m.no_negative_output = pyo.Constraint(m.capture, m.period, rule=lambda m, i, t: m.net_mw[i, t] >= 0)
    m.solvent = storage_balance(
        m.tank_tco2,
        (m.absorbed_tco2_per_h, m.regenerated_tco2_per_h),
        lossless,
        lambda i, t: m.tank_arriving_tco2[i, t],
        period_h,
        doc="solvent balance (tCO2)",
    )
    m.tank_below_tco2 = pyo.Var(m.capture, bounds=(0, None))
    m.tank_above_tco2 = pyo.Var(m.capture, bounds=(0, None))
    m.tank_cycle = storage_cycle(
        m.tank_tco2, lambda i: plant[i].tank_initial_tco2 - m.tank_below_tco2[i] + m.tank_above_tco2[i]
    )


class Values(Protocol):
    """Values of variables by their names."""

    def __getitem__(self, name: str) -> Array:
        """Those of one variable, in the shape of its index."""


@dataclass(frozen=True)
class UnitOperation:
    """What units and the capture plants behind them do; arrays of shape (n_unit, n_period).

    Parameters
    ----------
    gross_mw, net_mw : ndarray
        Power before and after what capture takes of it.
    absorbed_tco2_per_h, regenerated_tco2_per_h, tank_tco2 : ndarray
        Capture, and what solvent tanks hold at the end of each period; 0 without a plant.
    """

    gross_mw: Array
    net_mw: Array
    absorbed_tco2_per_h: Array
    regenerated_tco2_per_h: Array
    tank_tco2: Array

    def emission_t_per_h(self, factors_tco2_per_mwh: Array) -> Array:
        """What leaves all stacks, tCO2/h, shape (n_period,), at carbon factors of gross power (E3, E4)."""
        return np.asarray(factors_tco2_per_mwh @ self.gross_mw - self.absorbed_tco2_per_h.sum(axis=0))


def read_operation(units: Sequence[ThermalUnit], values: Values, gross_mw: Array, on: Flags) -> UnitOperation:
    """What capture makes of gross powers, from the values of what `declare_capture` has declared.

    Nothing is read where no unit has a plant.

    Parameters
    ----------
    units : sequence of ThermalUnit
    values : Values
    gross_mw : ndarray, shape (n_unit, n_period)
    on : ndarray of bool, shape (n_unit, n_period)
    """
    places = [place for place, unit in enumerate(units) if unit.capture]
    if not places:
        nothing = np.zeros_like(gross_mw)
        return UnitOperation(gross_mw, gross_mw, nothing, nothing, nothing)
    absorbed, regenerated, tank = np.zeros((3, *gross_mw.shape))
    for found, name in zip((absorbed, regenerated, tank), CAPTURE, strict=True):
        found[places] = np.maximum(values[name], 0.0)
    plants = [unit.capture for unit in units]
    sigma = np.array([plant.energy_mwh_per_tco2 if plant else 0.0 for plant in plants])
    fixed = np.array([plant.fixed_mw if plant else 0.0 for plant in plants])
    net = gross_mw - sigma[:, None] * regenerated - fixed[:, None] * on
    return UnitOperation(gross_mw, net, absorbed, regenerated, tank)
