"""Output, ramps and spinning reserve of thermal units and turbines.

Whether a unit runs is a decision (a commitment), a signal (a dispatch at given commitment), or always so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyomo.environ as pyo

from gridarium.agents.problems.limits import While, at_most_while
from gridarium.environment.arrays import Array, Flags
from gridarium.environment.thermal_unit import ThermalUnit

Power = Callable[[str, int], Any]
"""Of (unit, period): MW, a number or an expression."""


@dataclass(frozen=True)
class Running:
    """Which units run, and what their ramps allow, as expressions of (unit, period).

    Parameters
    ----------
    on : callable
        1 while a unit runs.
    rise_mw, fall_mw : callable
        Most that its power may rise and fall from the period before; in the period where the state enters
        they contain the power before it.
    """

    on: While
    rise_mw: Power
    fall_mw: Power


def always(unit: str, period: int) -> float:
    """State of a unit without commitment: it runs."""
    return 1.0


def most_output(power: Any, p_max_mw: Callable[[str], float], on: While, up: Any = None) -> Any:
    """P + R_up <= on Pmax, MW (A17, E16, E29); units without reserve leave `up` out."""
    return pyo.Constraint(
        power.index_set(),
        rule=lambda m, i, t: power[i, t] + (0.0 if up is None else up[i, t]) <= p_max_mw(i) * on(i, t),
        doc="most output of a unit (MW)",
    )


def least_output(power: Any, p_min_mw: Callable[[str], float], on: While, down: Any = None) -> Any:
    """P - R_down >= on Pmin, MW (A17, E16, E29); units without reserve leave `down` out."""
    return pyo.Constraint(
        power.index_set(),
        rule=lambda m, i, t: power[i, t] - (0.0 if down is None else down[i, t]) >= p_min_mw(i) * on(i, t),
        doc="least output of a unit (MW)",
    )


def declare_units(m: Any, units: Sequence[ThermalUnit], running: Running, period_h: float) -> None:
    """on Pmin <= PG -+ R <= on Pmax, -fall <= PG_t - PG_{t-1} <= rise, R <= on ramp Dt (E16, E28, E29)."""
    unit = {u.name: u for u in units}
    m.gross_mw = pyo.Var(m.unit, m.period, bounds=(0, None), doc="gross power (MW)")
    m.up_mw = pyo.Var(m.unit, m.period, bounds=(0, None), doc="spinning reserve up (MW)")
    m.down_mw = pyo.Var(m.unit, m.period, bounds=(0, None), doc="spinning reserve down (MW)")
    m.most_output = most_output(m.gross_mw, lambda i: unit[i].p_max_mw, running.on, m.up_mw)
    m.least_output = least_output(m.gross_mw, lambda i: unit[i].p_min_mw, running.on, m.down_mw)
    m.up_within_ramp = at_most_while(m.up_mw, lambda i: unit[i].ramp_mw_per_h * period_h, running.on)
    m.down_within_ramp = at_most_while(m.down_mw, lambda i: unit[i].ramp_down_mw_per_h * period_h, running.on)

    def step(i: str, t: int) -> Any:
        return m.gross_mw[i, t] - (m.gross_mw[i, t - 1] if t else 0.0)

    m.ramp_up = pyo.Constraint(
        m.unit, m.period, rule=lambda m, i, t: step(i, t) <= running.rise_mw(i, t), doc="ramp up (MW)"
    )
    m.ramp_down = pyo.Constraint(
        m.unit, m.period, rule=lambda m, i, t: -step(i, t) <= running.fall_mw(i, t), doc="ramp down (MW)"
    )


def declare_reserve(m: Any) -> None:
    """sum of reserves + shortage >= ``m.reserve_mw``, up and down (E29); after `declare_units`."""
    m.up_short_mw = pyo.Var(m.period, bounds=(0, None))
    m.down_short_mw = pyo.Var(m.period, bounds=(0, None))

    def held(reserve: Any, short: Any) -> Any:
        return pyo.Constraint(
            m.period, rule=lambda m, t: sum(reserve[i, t] for i in m.unit) + short[t] >= m.reserve_mw[t]
        )

    m.reserve_up = held(m.up_mw, m.up_short_mw)
    m.reserve_down = held(m.down_mw, m.down_short_mw)


def ramp_limits(
    units: Sequence[ThermalUnit], period_h: float, on: Flags, first: int, was_on: Flags, before_mw: Array
) -> tuple[Array, Array]:
    """Most that powers may rise and fall into each period, both of shape (n_period, n_unit).

    In the period that begins, the power before it is part of the limit. Where a unit strayed from its plan
    or tripped, the limit is widened to the nearest power that it can be at, so that the rest of the day can
    still be planned; without that the limits are those of E28, ``RU dt`` while running, and the start and
    stop limits of `gridarium.environment.thermal_unit.ThermalUnit`.

    Parameters
    ----------
    units : sequence of ThermalUnit
    period_h : float
    on : ndarray of bool, shape (n_period, n_unit)
        The commitment.
    first : int
        The period that begins.
    was_on, before_mw : ndarray, shape (n_unit,)
        State and power right before it.
    """
    n_period = len(on)
    rise = np.tile([float(unit.p_max_mw) for unit in units], (n_period, 1))
    fall = rise.copy()
    for i, unit in enumerate(units):
        ran, before = bool(was_on[i]), float(before_mw[i])
        lowest = before
        for t in range(first, n_period):
            is_on, here = bool(on[t, i]), before if t == first else 0.0
            up = unit.ramp_mw_per_h * period_h if ran else unit.start_limit_mw(period_h) if is_on else 0.0
            down = unit.ramp_down_mw_per_h * period_h if is_on else unit.stop_limit_mw(period_h)
            if t == first and is_on:
                up, down = max(up, unit.p_min_mw - before), max(down, before - unit.p_max_mw)
            elif not is_on:
                down = max(down, lowest)
            lowest = max(unit.p_min_mw, lowest - down) if is_on else 0.0
            rise[t, i], fall[t, i] = up + here, down - here
            ran = is_on
    return rise, fall
