"""What a DSO may still decide once it knows its renewables: all but the schedules of storages."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import pyomo.environ as pyo

from gridarium.agents.feeder.ac_physics import AcPhysics
from gridarium.agents.feeder.dispatch import DispatchDay
from gridarium.agents.feeder.dispatch_problem import SIGNALS, DispatchShape, build_dispatch_model
from gridarium.agents.optimisation import LocalProblem
from gridarium.agents.solving.standard_form import StandardForm, compile_model

_GIVEN_ELSEWHERE = (
    "charging",
    "charge_exclusive",
    "discharge_exclusive",
    "storage_energy",
    "storage_cycle",
    "energy_mwh",
    "initial_mwh",
)
"""Parts of the dispatch that belong to the schedules of storages."""

RECOURSE_SIGNALS = (
    *(name for name in SIGNALS if name != "initial_mwh"),
    "storage_mw",
    "change_price",
)
"""Of the recourse: what storages are to feed in, less what they draw, and the price of a MWh off that."""

_CHANGE_PRICE_FACTOR = 10.0
"""Price of a MWh off a schedule, over the highest of the day: only a limit of the network is worth it."""


def recourse_signals(day: DispatchDay) -> dict[str, Any]:
    """The signals of a day for the recourse but for those of storages, whose schedules are left open."""
    signals = {name: value for name, value in day.signals.items() if name != "initial_mwh"}
    dearest = float(np.abs([signals["buy_price"], signals["sell_price"]]).max())
    return signals | {"change_price": _CHANGE_PRICE_FACTOR * (1.0 + dearest)}


def build_recourse_model(shape: DispatchShape) -> Any:
    """The dispatch of given schedules of storages as a Pyomo model; its periods have nothing in common.

    P_dis - P_ch = scheduled + more - less, and (more + less) Dt has a price above all others: a schedule that
    the network cannot carry costs much, and is no fault. What storages cost themselves, wear and losses, goes
    with their schedules and is not in here. No binaries: only the difference of P_dis and P_ch matters.

    Notes
    -----
    A13 to A17 and A20 without the energy balance, in each scenario of A21.
    """
    free = tuple(replace(unit, efficiency_charge=1.0, efficiency_discharge=1.0) for unit in shape.storages)
    unworn = tuple((name, 0.0) for name, _ in shape.wear_cost_per_mwh)
    m = build_dispatch_model(replace(shape, storages=free, wear_cost_per_mwh=unworn))
    for name in _GIVEN_ELSEWHERE:
        m.del_component(name)
    m.storage_mw, m.change_price = pyo.Var(m.storage, m.period), pyo.Var()
    m.more_mw, m.less_mw = (pyo.Var(m.storage, m.period, bounds=(0, None)) for _ in range(2))
    m.scheduled = pyo.Constraint(
        m.storage,
        m.period,
        rule=lambda m, s, t: (
            m.p_discharge_mw[s, t] - m.p_charge_mw[s, t] - m.storage_mw[s, t]
            == m.more_mw[s, t] - m.less_mw[s, t]
        ),
    )
    changed_mw = sum(m.more_mw[key] + m.less_mw[key] for key in m.more_mw)
    m.cost_money.set_value(m.cost_money.expr + shape.period_h * m.change_price * changed_mw)
    return m


@lru_cache(maxsize=8)
def recourse_form(shape: DispatchShape) -> StandardForm:
    """The compiled recourse of a shape."""
    return compile_model(build_recourse_model(shape), (*RECOURSE_SIGNALS, *shape.further_signals))


def recourse_problem(shape: DispatchShape) -> LocalProblem:
    """A live recourse of a shape; its plans satisfy the AC power flow."""
    form = recourse_form(shape)
    return LocalProblem(form, AcPhysics(shape, form))
