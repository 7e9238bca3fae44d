"""A consumer's plan: shift load against prices, within its flexibility, with a battery if it has one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyomo.environ as pyo

from gridarium.agents.problems.flexible_load import energy_preserved
from gridarium.agents.problems.limits import at_most
from gridarium.agents.problems.storage import daily_storage
from gridarium.environment.arrays import Array


@dataclass(frozen=True)
class ConsumerShape:
    """What fixes the structure of a consumer's problem.

    Parameters
    ----------
    n_period : int
    period_h : float
    has_shift_limit : bool
        Whether the energy shifted in a day is limited.
    battery_efficiency : tuple of float, optional
        One-way efficiencies of charge and discharge; None without a battery.
    """

    n_period: int
    period_h: float
    has_shift_limit: bool = False
    battery_efficiency: tuple[float, float] | None = None

    @property
    def signals(self) -> tuple[str, ...]:
        """Names of the signals of a problem of this shape."""
        names = ["wanted_shift", "most_up", "most_down"]
        if self.has_shift_limit:
            names.append("shift_limit_h")
        if self.battery_efficiency:
            names += [
                "headroom",
                "price",
                "battery_power",
                "least_energy_h",
                "most_energy_h",
                "first_energy_h",
            ]
        return tuple(names)


def build_consumer_model(shape: ConsumerShape) -> Any:
    """The consumer's problem as a Pyomo model, in units of its own peak load.

    Powers are divided by the peak load and money by ``beta * peak**2``. Then a quadratic utility that
    makes the base load optimal at the reference price leaves ``(shift - wanted_shift)**2 / 2``, where
    ``wanted_shift = (reference price - price) / (beta * peak)`` is the shift without any limit, and
    consumers of all sizes and all beta share one compiled form.

    Notes
    -----
    Equations C12 to C16. The floor Dmin of C15 is left out: it is not convex, and in the paper's
    form it can be met by raising and lowering the load in the same hour.
    """
    m = pyo.ConcreteModel(name="consumer")
    m.period = pyo.RangeSet(0, shape.n_period - 1)
    m.wanted_shift = pyo.Var(m.period)
    m.most_up = pyo.Var(m.period)
    m.most_down = pyo.Var(m.period)
    m.shift = pyo.Var(m.period, doc="load shift")
    _declare_shift(m, shape.period_h)
    if shape.has_shift_limit:
        _declare_shift_limit(m, shape)
    disutility = sum(0.5 * m.shift[t] ** 2 - m.wanted_shift[t] * m.shift[t] for t in m.period)
    if shape.battery_efficiency:
        disutility += _declare_battery(m, shape, shape.battery_efficiency)
    m.disutility = pyo.Objective(expr=disutility)
    return m


def _declare_shift(m: Any, period_h: float) -> None:
    """-most_down <= shift <= most_up (C14, C16), sum of shifts zero (C15)."""
    m.flexibility_up = at_most(m.shift, m.most_up)
    m.flexibility_down = pyo.Constraint(m.period, rule=lambda m, t: m.shift[t] >= -m.most_down[t])
    m.energy_neutral = energy_preserved(m.shift, lambda: 0.0, period_h)


def _declare_shift_limit(m: Any, shape: ConsumerShape) -> None:
    """shift = raised - lowered, sum of lowered * Dt <= limit (C15)."""
    m.shift_limit_h = pyo.Var()
    m.raised = pyo.Var(m.period, bounds=(0, 1))
    m.lowered = pyo.Var(m.period, bounds=(0, 1))
    m.split = pyo.Constraint(m.period, rule=lambda m, t: m.shift[t] == m.raised[t] - m.lowered[t])
    m.shift_limited = pyo.Constraint(
        expr=shape.period_h * sum(m.lowered[t] for t in m.period) <= m.shift_limit_h
    )


def _declare_battery(m: Any, shape: ConsumerShape, efficiency: tuple[float, float]) -> Any:
    """Battery behind the meter (A20); net load stays below the peak. Returns its cost."""
    m.headroom, m.price = pyo.Var(m.period), pyo.Var(m.period)
    m.battery_power, m.first_energy_h = pyo.Var(), pyo.Var()
    m.least_energy_h, m.most_energy_h = pyo.Var(), pyo.Var()
    m.charge = pyo.Var(m.period, bounds=(0, None))
    m.discharge = pyo.Var(m.period, bounds=(0, None))
    m.energy_h = pyo.Var(m.period, doc="battery state of charge")
    m.charge_rating = at_most(m.charge, m.battery_power)
    m.discharge_rating = at_most(m.discharge, m.battery_power)
    m.least_energy = pyo.Constraint(m.period, rule=lambda m, t: m.energy_h[t] >= m.least_energy_h)
    m.most_energy = at_most(m.energy_h, m.most_energy_h)
    m.battery_energy, m.battery_cycle = daily_storage(
        m.energy_h, (m.charge, m.discharge), lambda: efficiency, lambda: m.first_energy_h, shape.period_h
    )
    m.no_new_peak = pyo.Constraint(
        m.period, rule=lambda m, t: m.shift[t] + m.charge[t] - m.discharge[t] <= m.headroom[t]
    )
    return sum(m.price[t] * (m.charge[t] - m.discharge[t]) for t in m.period)


@dataclass(frozen=True)
class LoadUtility:
    """Utility whose optimum at the reference price is the base load.

    Parameters
    ----------
    base_mw : ndarray, shape (n_period,)
    reference_price_per_mwh : ndarray, shape (n_period,)
        Price at which the base load is optimal.
    beta_per_mwh_per_mw : float
        Curvature; small is flexible.

    Notes
    -----
    Equation C13, ``U = alpha P - beta P**2 / 2`` with ``alpha = reference + beta * base``.
    """

    base_mw: Array
    reference_price_per_mwh: Array
    beta_per_mwh_per_mw: float

    def of(self, load_mw: Array) -> Array:
        """Utility of each period, money/h."""
        alpha = self.reference_price_per_mwh + self.beta_per_mwh_per_mw * self.base_mw
        return alpha * load_mw - 0.5 * self.beta_per_mwh_per_mw * load_mw**2
