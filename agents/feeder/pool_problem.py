"""The DSO's allocation of virtual carbon: liability moved in time with the stored energy."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import pyomo.environ as pyo

from gridarium.agents.problems.limits import at_most
from gridarium.agents.problems.storage import lossless, storage_balance, storage_cycle
from gridarium.agents.solving.standard_form import StandardForm, compile_model

SIGNALS = (
    "emission_t_per_h",
    "wanted_t_per_h",
    "most_in_t_per_h",
    "most_out_t_per_h",
    "first_tco2",
    "end_tco2",
)
CARRY_SIGNALS = (*SIGNALS, "most_more_tco2", "most_less_tco2", "carry_cost")
# Makes the allocation unique where several pools can do the same.
_SMALL = 1e-4


def build_pool_model(n_storage: int, n_period: int, period_h: float, carries: bool = False) -> Any:
    """Allocation of a managed pool as a Pyomo model; flows in tCO2/h, contents in tCO2.

    The net flow onto the loads comes as near as it can to the one that the leader wants.

    Parameters
    ----------
    n_storage, n_period : int
    period_h : float
    carries : bool
        Whether contents may end the day above or below their end, within limits and at a cost.

    Notes
    -----
    Equation C2 with the managed bounds ``0 <= F_in <= ebar P_ch``, ``0 <= F_out <= ebar P_dis``,
    ``V >= 0``, ``V_T = V_0``, and ``sum_s F_in <= emission``: only what has been emitted can be put off.
    Where carbon is carried over to the next day, ``V_T = V_0 + more - less``.
    The paper leaves the choice between them open; `carbon_pool.wanted_transfer` says what ours serves.
    """
    m = pyo.ConcreteModel(name="carbon pool")
    m.period, m.storage = pyo.RangeSet(0, n_period - 1), pyo.RangeSet(0, n_storage - 1)
    m.emission_t_per_h, m.wanted_t_per_h = pyo.Var(m.period), pyo.Var(m.period)
    m.most_in_t_per_h = pyo.Var(m.storage, m.period)
    m.most_out_t_per_h = pyo.Var(m.storage, m.period)
    m.first_tco2, m.end_tco2 = pyo.Var(m.storage), pyo.Var(m.storage)
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
    carried, carry_cost = _declare_carrying(m) if carries else (dict.fromkeys(m.storage, 0.0), 0.0)
    m.pool_balance = storage_balance(
        m.content,
        (m.inflow, m.outflow),
        lossless,
        lambda s, t: 0.0 if t else m.first_tco2[s],
        period_h,
    )
    m.pool_end = storage_cycle(m.content, lambda s: m.end_tco2[s] + carried[s])
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
        + carry_cost
    )
    return m


def _declare_carrying(m: Any) -> tuple[dict[int, Any], Any]:
    """0 <= more <= most, 0 <= less <= most: what a pool ends with beyond its end, tCO2, and its cost."""
    m.most_more_tco2, m.most_less_tco2 = pyo.Var(m.storage), pyo.Var(m.storage)
    m.carry_cost = pyo.Var()
    m.more, m.less = pyo.Var(m.storage, bounds=(0, None)), pyo.Var(m.storage, bounds=(0, None))
    m.more_limit, m.less_limit = at_most(m.more, m.most_more_tco2), at_most(m.less, m.most_less_tco2)
    cost = sum(m.carry_cost * (m.more[s] + m.less[s]) for s in m.storage)
    return {s: m.more[s] - m.less[s] for s in m.storage}, cost


@lru_cache(maxsize=64)
def pool_form(n_storage: int, n_period: int, period_h: float, carries: bool = False) -> StandardForm:
    """The compiled allocation of a shape."""
    model = build_pool_model(n_storage, n_period, period_h, carries)
    return compile_model(model, CARRY_SIGNALS if carries else SIGNALS)
