"""The local problem of a heat pump: the cheapest heat that keeps a building within its band."""

from dataclasses import dataclass
from functools import lru_cache

import pyomo.environ as pyo

from gridarium.agents.optimisation import LocalProblem
from gridarium.agents.solving.standard_form import StandardForm, compile_model


@dataclass(frozen=True)
class PumpShape:
    n_step: int
    step_h: float
    loss_per_h: float


@lru_cache(maxsize=8)
def pump_form(shape: PumpShape) -> StandardForm:
    """Stored heat in MWh of electricity: stored = (1 - loss h) stored before + (power - demand) h."""
    m = pyo.ConcreteModel(name="heat pump")
    m.step = pyo.RangeSet(0, shape.n_step - 1)
    m.price, m.demand = pyo.Var(m.step), pyo.Var(m.step)
    m.p_max, m.e_max, m.first = pyo.Var(), pyo.Var(), pyo.Var()
    m.power, m.stored = pyo.Var(m.step, bounds=(0, None)), pyo.Var(m.step, bounds=(0, None))

    def balance(m: pyo.ConcreteModel, t: int) -> object:
        before = m.stored[t - 1] if t else m.first
        kept = (1.0 - shape.loss_per_h * shape.step_h) * before
        return m.stored[t] == kept + (m.power[t] - m.demand[t]) * shape.step_h

    m.balance = pyo.Constraint(m.step, rule=balance)
    m.limit = pyo.Constraint(m.step, rule=lambda m, t: m.power[t] <= m.p_max)
    m.room = pyo.Constraint(m.step, rule=lambda m, t: m.stored[t] <= m.e_max)
    m.cycle = pyo.Constraint(expr=m.stored[shape.n_step - 1] >= m.first)
    m.bill = pyo.Objective(expr=sum(m.price[t] * m.power[t] for t in m.step) * shape.step_h)
    return compile_model(m, ["price", "demand", "p_max", "e_max", "first"])


def pump_problem(shape: PumpShape) -> LocalProblem:
    return LocalProblem(pump_form(shape))
