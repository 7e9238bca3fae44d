"""The DSO's allocation of virtual carbon: liability moved in time with the stored energy."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import pyomo.environ as pyo

from gridarium.agents.problems.limits import at_most
from gridarium.agents.problems.storage import daily_storage, lossless
from gridarium.agents.solving.standard_form import StandardForm, compile_model

SIGNALS = ("emission_t_per_h", "wanted_t_per_h", "most_in_t_per_h", "most_out_t_per_h", "first_tco2")
# Makes the allocation unique where several pools can do the same.
_SMALL = 1e-4


def build_pool_model(n_storage: int, n_period: int, period_h: float) -> Any:
    """Allocation of a managed pool as a Pyomo model; flows in tCO2/h, contents in tCO2.

    The net flow onto the loads comes as near as it can to the one that the leader wants.

    Notes
    -----
    Equation C2 with the managed bounds ``0 <= F_in <= ebar P_ch``, ``0 <= F_out <= ebar P_dis``,
    ``V >= 0``, ``V_T = V_0``, and ``sum_s F_in <= emission``: only what has been emitted can be put off.
    The paper leaves the choice between them open; `carbon_pool.wanted_transfer` says what ours serves.
    """
    m = pyo.ConcreteModel(name="carbon pool")
    m.period, m.storage = pyo.RangeSet(0, n_period - 1), pyo.RangeSet(0, n_storage - 1)
    m.emission_t_per_h, m.wanted_t_per_h = pyo.Var(m.period), pyo.Var(m.period)
    m.most_in_t_per_h = pyo.Var(m.storage, m.period)
    m.most_out_t_per_h = pyo.Var(m.storage, m.period)
    m.first_tco2 = pyo.Var(m.storage)
    m.inflow = pyo.Var(m.storage, m.period, bounds=(0, None), doc="pool inflow")
    m.outflow = pyo.Var(m.storage, m.period, bounds=(0, None), doc="pool outflow")
    m.content = pyo.Var(m.storage, m.period, bounds=(0, None), doc="pool content")
    m.inflow_limit = at_most(m.inflow, m.most_in_t_per_h)
    m.outflow_limit = at_most(m.outflow, m.most_out_t_per_h)
    m.inflow_emitted = pyo.Constraint(
        m.period,
        rule=lambda m, t: sum(m.inflow[s, t] for s in m.storage) <= m.emission_t_per_h[t],
        doc="pool inflow beyond emission",
    )
    m.pool_balance, m.pool_neutral = daily_storage(
        m.content, (m.inflow, m.outflow), lossless, lambda s: m.first_tco2[s], period_h
    )
    m.missed = pyo.Var(m.period)
    m.missed_transfer = pyo.Constraint(
        m.period,
        rule=lambda m, t: (
            m.missed[t] == sum(m.outflow[s, t] - m.inflow[s, t] for s in m.storage) - m.wanted_t_per_h[t]
        ),
    )
    m.distance = pyo.Objective(
        expr=sum(m.missed[t] ** 2 for t in m.period)
        + _SMALL * sum(m.inflow[k] ** 2 + m.outflow[k] ** 2 for k in m.inflow)
    )
    return m


@lru_cache(maxsize=64)
def pool_form(n_storage: int, n_period: int, period_h: float) -> StandardForm:
    """The compiled allocation of a shape."""
    return compile_model(build_pool_model(n_storage, n_period, period_h), SIGNALS)
