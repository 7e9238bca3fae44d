"""The redispatch: a dispatch that moves storages off their owners' schedules as little as limits ask for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyomo.environ as pyo

from gridarium.agents.feeder.dispatch_problem import SIGNALS, DispatchShape, build_dispatch_model, lost_mw

REDISPATCH_SIGNALS = (*SIGNALS, "own_mw", "change_price")
"""What storages draw by their owners' schedules, and what a MWh of change is to cost, beyond a dispatch's."""
_MORE_THAN_WORTH = 1.1
"""Price of what is lost, over that of the changes that could spare it."""


def build_redispatch_model(shape: DispatchShape) -> Any:
    """The dispatch with storages that are moved off their owners' schedules, without reactive power.

    P_ch - P_dis - own = more - less, and (more + less) Dt has its price. What is lost has that of all changes
    by which it could be spared: changed schedules do not count on energy that is burnt.
    """
    m = build_dispatch_model(shape)
    m.own_mw, m.change_price = pyo.Var(m.storage, m.period), pyo.Var()
    m.more_mw, m.less_mw = (pyo.Var(m.storage, m.period, bounds=(0, None)) for _ in range(2))
    m.change = pyo.Constraint(
        m.storage,
        m.period,
        rule=lambda m, s, t: (
            m.p_charge_mw[s, t] - m.p_discharge_mw[s, t] - m.own_mw[s, t] == m.more_mw[s, t] - m.less_mw[s, t]
        ),
    )
    m.no_reactive_power = pyo.Constraint(
        m.storage, m.period, rule=lambda m, s, t: m.q_storage_mvar[s, t] == 0
    )
    changed_mw = sum(m.more_mw[key] + m.less_mw[key] for key in m.more_mw)
    # A MWh that is not given is not taken at another hour either, with what the storage itself would lose.
    changes = 1.0 + max((1.0 / float(np.prod(unit.efficiencies)) for unit in shape.storages), default=0.0)
    worth = changed_mw + _MORE_THAN_WORTH * changes * lost_mw(m, shape)
    m.cost_money.set_value(m.cost_money.expr + shape.period_h * m.change_price * worth)
    return m
