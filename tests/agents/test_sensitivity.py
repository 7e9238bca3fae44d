"""Marginal values of signals against finite differences of the optimal cost, for every solver."""

import numpy as np
import pyomo.environ as pyo
import pytest

from gridarium.agents.optimisation import LocalProblem
from gridarium.environment.errors import SolveError

STEP = 1e-4


def model(quadratic: bool, cone: bool):
    """Two plants meet a demand; the second one costs twice its output, or its square."""
    m = pyo.ConcreteModel(name="two plants")
    m.i = pyo.RangeSet(0, 1)
    m.demand, m.price, m.limit = pyo.Var(), pyo.Var(m.i), pyo.Var()
    m.p = pyo.Var(m.i, bounds=(0, 10))
    m.unserved = pyo.Var(bounds=(0, None))
    m.square = pyo.Var(bounds=(0, 100))
    m.balance = pyo.Constraint(expr=m.p[0] + m.p[1] + m.unserved == m.demand)
    m.cap = pyo.Constraint(expr=m.p[0] <= m.limit)
    m.both = pyo.Constraint(expr=m.p[0] + m.p[1] <= 2 * m.limit + 5)
    if cone:
        m.cone = pyo.Constraint(expr=m.p[1] ** 2 <= m.square)
    cost = m.price[0] * m.p[0] + m.price[1] * m.p[1] + 50 * m.unserved + m.square
    m.cost = pyo.Objective(expr=cost + (m.p[1] ** 2 if quadratic else 0.0))
    return m


@pytest.mark.parametrize(("quadratic", "cone"), [(False, False), (True, False), (False, True)])
@pytest.mark.parametrize("demand", [1.5, 5.0, 13.0])
def test_marginal_values_are_the_slopes_of_the_cost(quadratic, cone, demand):
    problem = LocalProblem.compile(model(quadratic, cone), ["demand", "price", "limit"])
    at = {"demand": demand, "price": np.array([3.0, 2.0]), "limit": 3.0}
    found = problem.solve("test", **at)
    slopes = {name: problem.sensitivity(found, name) for name in at}
    for name, value in at.items():
        for place in np.ndindex(np.shape(value)):
            nudge = np.zeros(np.shape(value))
            nudge[place] = STEP
            above = problem.solve("test", **{**at, name: value + nudge}).objective
            below = problem.solve("test", **{**at, name: value - nudge}).objective
            assert slopes[name][place] == pytest.approx((above - below) / (2 * STEP), abs=1e-4)


def test_only_the_last_solution_has_marginal_values():
    problem = LocalProblem.compile(model(True, False), ["demand", "price", "limit"])
    first = problem.solve("test", demand=1.0, price=np.ones(2), limit=3.0)
    problem.solve("test", demand=2.0, price=np.ones(2), limit=3.0)
    with pytest.raises(SolveError, match="earlier one"):
        problem.sensitivity(first, "demand")
