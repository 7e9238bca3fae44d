"""The least change of fast units that brings voltages back into their band, by sensitivities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy.optimize import linprog

from gridarium.environment.arrays import Array
from gridarium.environment.errors import SolveError

SIDES = 32
"""Of the polygon within the circle of an inverter's apparent power; it gives away 0.5 % of the radius."""
_LEAST_MW = 1e-5
"""Powers below are a solver's noise, MW or Mvar."""
_SCALE = 1e3
"""Voltages are counted in thousandths, so that a solver's tolerance is far below what counts."""
_NOISE = 2e-6
"""By which an optimum found may be missed where the next aim is sought, 0.001 p.u. or MW."""


@dataclass(frozen=True, slots=True)
class FastUnit:
    """What a unit that answers at once is told to feed in, and what it could.

    Parameters
    ----------
    p_mw, q_mvar : float
        Its set-point, without corrections; negative where it draws.
    p_min_mw, p_max_mw : float
        What it can feed in, as far as power and energy allow; the set-point lies between.
    s_max_mva : float
        Apparent power of its inverter.
    """

    p_mw: float
    q_mvar: float
    p_min_mw: float
    p_max_mw: float
    s_max_mva: float


@dataclass(frozen=True, eq=False)
class VoltageChange:
    """What fast units shall feed in beyond their set-points.

    Parameters
    ----------
    p_mw, q_mvar : ndarray, shape (n_unit,)
    missed_pu : float
        How far voltages stay outside of the band all the same by the sensitivities, sum over buses.
    """

    p_mw: Array
    q_mvar: Array
    missed_pu: float


def least_change(
    vm_pu: Array,
    rise_per_mw: Array,
    rise_per_mvar: Array,
    units: Sequence[FastUnit],
    band_pu: tuple[float, float],
) -> VoltageChange:
    """The change that leaves the band least, with the least active, then the least reactive power.

    Parameters
    ----------
    vm_pu : ndarray, shape (n_bus,)
        Voltages without any change, at the buses that count.
    rise_per_mw, rise_per_mvar : ndarray, shape (n_bus, n_unit)
        Rise of these voltages per power fed in by each unit, p.u.
    units : sequence of FastUnit
    band_pu : tuple of float
        Lowest and highest voltage.

    Raises
    ------
    SolveError
        If a set-point lies outside of what its unit can do.

    Notes
    -----
    Three linear programmes one after the other, each of which keeps what the one before has reached: least
    ``sum_i s_i`` with ``low - s <= v + A dp + B dq <= high + s``, then least ``sum |dp|``, then least
    ``sum |dq|``. Reactive power does what it can before active power moves. The circle
    ``(p + dp)^2 + (q + dq)^2 <= S^2`` is cut off by the sides of a polygon within it; what of a set-point
    lies beyond a side may stay there.
    """
    n_bus, n_unit = rise_per_mw.shape
    if not n_unit or _is_within(vm_pu, band_pu):
        none = np.zeros(n_unit)
        return VoltageChange(none, none, _outside_pu(vm_pu, band_pu))
    rows, sides = _band_rows(vm_pu, rise_per_mw, rise_per_mvar, band_pu)
    circle_rows, circle_sides = _circle_rows(units, n_bus)
    rows, sides = np.vstack([rows, circle_rows]), np.concatenate([sides, circle_sides])
    bounds = _bounds(units, n_bus)
    x = np.zeros(4 * n_unit + n_bus)
    # Decisions are dp up, dp down, dq up, dq down, then how far each bus stays outside.
    for counted in (slice(4 * n_unit, None), slice(0, 2 * n_unit), slice(2 * n_unit, 4 * n_unit)):
        cost = np.zeros(len(x))
        cost[counted] = 1.0
        x = _least(cost, rows, sides, bounds)
        rows, sides = np.vstack([rows, cost]), np.append(sides, cost @ x + _NOISE)
    x[x <= _LEAST_MW] = 0.0
    up, down, q_up, q_down = x[: 4 * n_unit].reshape(4, n_unit)
    p_mw = up - down
    q_mvar = _within_circles(units, p_mw, q_up - q_down)
    reached = vm_pu + rise_per_mw @ p_mw + rise_per_mvar @ q_mvar
    return VoltageChange(p_mw, q_mvar, _outside_pu(reached, band_pu))


def _is_within(vm_pu: Array, band_pu: tuple[float, float]) -> bool:
    return bool(np.all((vm_pu >= band_pu[0]) & (vm_pu <= band_pu[1])))


def _outside_pu(vm_pu: Array, band_pu: tuple[float, float]) -> float:
    low, high = band_pu
    return float(np.maximum(0.0, np.maximum(low - vm_pu, vm_pu - high)).sum())


def _band_rows(
    vm_pu: Array, rise_per_mw: Array, rise_per_mvar: Array, band_pu: tuple[float, float]
) -> tuple[Array, Array]:
    """v + A dp + B dq within the band, up to what a bus stays outside of it; scaled rows <= sides."""
    low, high = band_pu
    rise, slack = np.hstack([rise_per_mw, -rise_per_mw, rise_per_mvar, -rise_per_mvar]), np.eye(len(vm_pu))
    rows = np.vstack([np.hstack([_SCALE * rise, -slack]), np.hstack([-_SCALE * rise, -slack])])
    return rows, _SCALE * np.concatenate([high - vm_pu, vm_pu - low])


def _circle_rows(units: Sequence[FastUnit], n_bus: int) -> tuple[Array, Array]:
    """(p + dp) cos + (q + dq) sin <= S cos(pi / n) for all sides of each unit's polygon."""
    n_unit = len(units)
    rows, sides = np.zeros((n_unit * SIDES, 4 * n_unit + n_bus)), np.zeros(n_unit * SIDES)
    for row, ((place, unit), side) in enumerate(product(enumerate(units), range(SIDES))):
        along_p, along_q = np.cos(2.0 * np.pi * side / SIDES), np.sin(2.0 * np.pi * side / SIDES)
        rows[row, place : 4 * n_unit : n_unit] = along_p, -along_p, along_q, -along_q
        now = unit.p_mw * along_p + unit.q_mvar * along_q
        sides[row] = max(0.0, unit.s_max_mva * np.cos(np.pi / SIDES) - now)
    return rows, sides


def _bounds(units: Sequence[FastUnit], n_bus: int) -> list[tuple[float, float]]:
    for unit in units:
        if not unit.p_min_mw - _LEAST_MW <= unit.p_mw <= unit.p_max_mw + _LEAST_MW:
            allowed = f"[{unit.p_min_mw}, {unit.p_max_mw}] MW"
            raise SolveError(f"voltage correction: p_mw of a unit must be in {allowed}, got {unit.p_mw} MW")
    up = [(0.0, max(0.0, unit.p_max_mw - unit.p_mw)) for unit in units]
    down = [(0.0, max(0.0, unit.p_mw - unit.p_min_mw)) for unit in units]
    return [*up, *down, *[(0.0, np.inf)] * (2 * len(units) + n_bus)]


def _least(cost: Array, rows: Array, sides: Array, bounds: list[tuple[float, float]]) -> Array:
    found = linprog(cost, A_ub=rows, b_ub=sides, bounds=bounds)
    if found.status != 0:
        raise SolveError(f"voltage correction: {found.message}")
    return np.asarray(found.x)


def _within_circles(units: Sequence[FastUnit], p_mw: Array, q_mvar: Array) -> Array:
    """Changes of reactive power, cut off where a set-point beyond a side let them leave the circle."""
    q_now, rating = np.array([(unit.q_mvar, unit.s_max_mva) for unit in units]).T
    p_then = np.array([unit.p_mw for unit in units]) + p_mw
    most = np.sqrt(np.maximum(0.0, rating**2 - p_then**2))
    return np.asarray(np.clip(q_now + q_mvar, -most, most) - q_now)
