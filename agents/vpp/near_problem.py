"""The dispatch of a region under a pull with green energy at prices of its own: a convex quadratic one."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import pyomo.environ as pyo

from gridarium.agents.solving.standard_form import StandardForm, compile_model
from gridarium.agents.storage.storage_problem import StorageShape, declare_storage
from gridarium.agents.vpp.green_dispatch_problem import declare_exchange

_SIGNALS = (
    "buy_price",
    "sell_price",
    "charge_value",
    "discharge_value",
    "load_mw",
    "target_mw",
    "charge_most_mw",
    "discharge_most_mw",
    "initial_mwh",
)


def build_near_model(storage: StorageShape, final_mwh: float) -> Any:
    """The dispatch as a Pyomo model; all prices in shares of the pull's weight, which is 1 so.

    Notes
    -----
    ``min sum_t (pib Pb - pis Ps + w Pdis - v_ch Pch - v_dis Pdis + (Pb - Ps - z)^2 / 2) dt``: B7 with the
    rewards of green energy by their derivatives v at a schedule, and the pull of exchange rounds. Wear is
    within ``v_dis``. Nothing forbids charge and discharge at once but the most that is set of each.
    """
    m = pyo.ConcreteModel(name="dispatch near a schedule")
    m.period = pyo.RangeSet(0, storage.n_period - 1)
    for signal in _SIGNALS[:-1]:
        setattr(m, signal, pyo.Var(m.period))
    m.initial_mwh = pyo.Var()
    declare_storage(m, storage, final_mwh)
    declare_exchange(m, storage)
    m.most_charged = pyo.Constraint(
        m.period, rule=lambda m, t: m.p_charge_mw[t] <= m.charge_most_mw[t], doc="charging power (MW)"
    )
    m.most_discharged = pyo.Constraint(
        m.period,
        rule=lambda m, t: m.p_discharge_mw[t] <= m.discharge_most_mw[t],
        doc="discharging power, and green discharge within the load (MW)",
    )
    m.cost = pyo.Objective(
        expr=storage.period_h
        * sum(
            m.buy_price[t] * m.buy_mw[t]
            - m.sell_price[t] * m.sell_mw[t]
            - m.charge_value[t] * m.p_charge_mw[t]
            - m.discharge_value[t] * m.p_discharge_mw[t]
            + 0.5 * (m.buy_mw[t] - m.sell_mw[t] - m.target_mw[t]) ** 2
            for t in m.period
        )
    )
    return m


@lru_cache(maxsize=64)
def near_form(storage: StorageShape, final_mwh: float) -> StandardForm:
    """The compiled dispatch of a shape; pure numbers, so shared by all worlds."""
    return compile_model(build_near_model(storage, final_mwh), _SIGNALS)
