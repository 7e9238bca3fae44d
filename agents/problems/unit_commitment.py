"""Commitment of thermal units by hours: starts and stops, minimum times, ramps, tangents of the fuel cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyomo.environ as pyo

from gridarium.agents.problems.limits import at_most
from gridarium.agents.problems.thermal_unit import Running
from gridarium.environment.thermal_unit import ThermalUnit

COMMITMENT_SIGNALS = ("on_before", "gross_before_mw", "least_on", "most_on")
"""Signals of every problem with commitment: the state before the first hour, and which hours are decided."""

_DEAREST_PER_MWH = 1e4
"""Most that a row of the fuel cost says of a MWh; what is dearer is counted in a larger unit."""
QUARTER_H = 0.25
"""Starts and stops are limited to what a quarter-hour's ramp allows, so that real time can follow."""


def declare_commitment(m: Any, units: Sequence[ThermalUnit], n_hour: int) -> None:
    """on_t - on_{t-1} = start_t - stop_t, start_t <= on_t, stop_t <= 1 - on_t, minimum times (E14, E16, D7).

    Minimum times are in the tight form: sum of the last TU starts <= on, sum of the last TD stops <= 1 - on.
    """
    unit = {u.name: u for u in units}
    m.hour = pyo.RangeSet(0, n_hour - 1)
    m.on_before, m.gross_before_mw = pyo.Var(m.unit), pyo.Var(m.unit)
    m.least_on, m.most_on = pyo.Var(m.unit, m.hour), pyo.Var(m.unit, m.hour)
    m.on = pyo.Var(m.unit, m.hour, domain=pyo.Binary)
    # Whole where `on` is whole, so that the search need not branch on them.
    m.start, m.stop = pyo.Var(m.unit, m.hour, bounds=(0, 1)), pyo.Var(m.unit, m.hour, bounds=(0, 1))
    m.must_run = pyo.Constraint(m.unit, m.hour, rule=lambda m, i, h: m.on[i, h] >= m.least_on[i, h])
    m.may_run = at_most(m.on, m.most_on)
    m.switching = pyo.Constraint(
        m.unit,
        m.hour,
        rule=lambda m, i, h: m.on[i, h] - on_before(m, i, h) == m.start[i, h] - m.stop[i, h],
    )

    def last(flags: Any, i: str, h: int, length: int) -> Any:
        return sum(flags[i, k] for k in range(max(0, h - max(length, 1) + 1), h + 1))

    m.minimum_up = pyo.Constraint(
        m.unit, m.hour, rule=lambda m, i, h: last(m.start, i, h, unit[i].min_up_h) <= m.on[i, h]
    )
    m.minimum_down = pyo.Constraint(
        m.unit, m.hour, rule=lambda m, i, h: last(m.stop, i, h, unit[i].min_down_h) <= 1 - m.on[i, h]
    )


def on_before(m: Any, name: str, hour: int) -> Any:
    """Whether the unit ran in the hour before."""
    return m.on[name, hour - 1] if hour else m.on_before[name]


def committed(m: Any, units: Sequence[ThermalUnit], period_h: float) -> Running:
    """Running units whose hours of commitment are decided, at periods of `period_h` within these hours.

    Notes
    -----
    Equations E17 and E28: ``PG_t - PG_{t-1} <= RU dt on_{t-1} + SU start_t`` and
    ``PG_{t-1} - PG_t <= RD dt on_t + SD stop_t``, where ``SU = max(Pmin, RU / 4)``, SD the same with RD.
    """
    unit = {u.name: u for u in units}
    per_hour = round(1.0 / period_h)

    def rise(i: str, t: int) -> Any:
        hour, within = divmod(t, per_hour)
        ramp = unit[i].ramp_mw_per_h * period_h
        if within:
            return ramp * m.on[i, hour]
        limit = ramp * on_before(m, i, hour) + unit[i].start_limit_mw(QUARTER_H) * m.start[i, hour]
        return limit if t else limit + m.gross_before_mw[i]

    def fall(i: str, t: int) -> Any:
        hour, within = divmod(t, per_hour)
        ramp = unit[i].ramp_down_mw_per_h * period_h * m.on[i, hour]
        if within:
            return ramp
        limit = ramp + unit[i].stop_limit_mw(QUARTER_H) * m.stop[i, hour]
        return limit if t else limit - m.gross_before_mw[i]

    return Running(lambda i, t: m.on[i, t // per_hour], rise, fall)


def declare_fuel(m: Any, units: Sequence[ThermalUnit], running: Running, n_tangent: int) -> None:
    """fuel >= (2 a P_k + b) PG + (c - a P_k^2) on, at points P_k of the unit's band (E14).

    The tangents are perspectives: exact while the unit is off, and never above the true cost. What a dear
    unit burns is counted in a larger unit of money, so that its rows can hold to a solver's tolerance.
    """
    unit = {u.name: u for u in units}
    counted = {u.name: max(1.0, u.marginal_fuel_cost_per_mwh(u.p_max_mw) / _DEAREST_PER_MWH) for u in units}
    m.tangent = pyo.RangeSet(0, n_tangent - 1)
    m.counted_fuel_per_h = pyo.Var(m.unit, m.period, bounds=(0, None))
    m.fuel_cost_per_h = pyo.Expression(
        m.unit, m.period, rule=lambda m, i, t: counted[i] * m.counted_fuel_per_h[i, t]
    )

    def tangent(m: Any, i: str, t: int, k: int) -> Any:
        u = unit[i]
        if u.cost_quadratic_per_mw2h == 0.0 and k:
            return pyo.Constraint.Skip
        point = float(np.linspace(u.p_min_mw, u.p_max_mw, n_tangent)[k])
        constant = (u.cost_fixed_per_h - u.cost_quadratic_per_mw2h * point**2) / counted[i]
        slope = u.marginal_fuel_cost_per_mwh(point) / counted[i]
        return m.counted_fuel_per_h[i, t] >= slope * m.gross_mw[i, t] + constant * running.on(i, t)

    m.fuel_tangent = pyo.Constraint(m.unit, m.period, m.tangent, rule=tangent)


def switching_cost(m: Any, units: Sequence[ThermalUnit]) -> Any:
    """C_K = sum of tau (start + stop), money (E14)."""
    cost = {u.name: u.start_stop_money for u in units}
    return sum(cost[i] * (m.start[i, h] + m.stop[i, h]) for i in m.unit for h in m.hour)
