"""A compiled form says the same as its Pyomo model, and refuses what it cannot say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyomo.environ as pyo
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridarium.agents.optimisation import LocalProblem
from gridarium.agents.solving.standard_form import compile_model
from gridarium.environment.errors import SolveError

NUMBER = st.floats(-10.0, 10.0)


def all_kinds_of_terms() -> Any:
    """Every kind of term and bound that the compiler knows."""
    m = pyo.ConcreteModel(name="all kinds")
    m.period = pyo.RangeSet(0, 2)
    m.s, m.price = pyo.Var(), pyo.Var(m.period)
    m.x = pyo.Var(m.period, bounds=(-3, 4))
    m.y = pyo.Var(bounds=(0, None))
    m.n = pyo.Var(domain=pyo.Binary)
    m.row = pyo.Constraint(expr=(-1.0, 2 * m.x[0] - 3 * m.y + m.n + 0.5 * m.s + 7, 5.0))
    m.equal = pyo.Constraint(m.period, rule=lambda m, t: m.x[t] + m.x[0] == m.y - m.price[t])
    m.own_bound = pyo.Constraint(expr=-2 * m.y <= m.s + 1)
    m.disc = pyo.Constraint(expr=2 * m.x[1] ** 2 + m.x[2] ** 2 + m.y <= 9 - m.s)
    m.cone = pyo.Constraint(expr=m.x[0] ** 2 <= 3 * m.y * m.n)
    m.cost = pyo.Objective(
        expr=m.x[0] ** 2
        + 3 * m.x[0] * m.x[1]
        + 4 * m.x[1] ** 2
        - m.y
        + m.s * m.y
        + m.price[2] * m.x[2]
        + m.s**2
        - 2 * m.s * m.price[0]
        + 5 * m.price[1]
        + 11
    )
    return m


@given(st.lists(NUMBER, min_size=5, max_size=5), st.lists(NUMBER, min_size=4, max_size=4))
def test_form_equals_model_at_any_point(decisions: list[float], signals: list[float]) -> None:
    m = all_kinds_of_terms()
    form = compile_model(m, ["s", "price"])
    x, s = np.array(decisions), np.array(signals)
    for variable, value in zip([*m.x.values(), m.y, m.n], x, strict=True):
        variable.set_value(value, skip_validation=True)
    for variable, value in zip([m.s, *m.price.values()], s, strict=True):
        variable.set_value(value)
    numbers = form.at(s)
    assert form.objective(x, s) == pytest.approx(pyo.value(m.cost), abs=1e-9)
    body = form.rows @ x
    for name, value, low, high in zip(
        form.row_names, body, numbers.row_lower, numbers.row_upper, strict=True
    ):
        constraint = m.find_component(name)
        slack = (constraint.lslack(), constraint.uslack())
        assert (value - low, high - value) == pytest.approx(slack, abs=1e-9)
    disc, cone = form.cones.violation(x, numbers.cone_upper)
    assert disc == pytest.approx(-m.disc.uslack(), abs=1e-9)
    assert cone == pytest.approx(-m.cone.uslack() / 3.0, abs=1e-9)
    y = form.decisions["y"].start
    assert numbers.lower[y] == pytest.approx(-(s[0] + 1.0) / 2.0) or "own_bound" in form.row_names


def test_integrality_shapes_and_names() -> None:
    form = compile_model(all_kinds_of_terms(), ["s", "price"])
    assert form.integer.tolist() == [False] * 4 + [True]
    assert form.decisions["x"].shape == (3,) and form.decisions["y"].shape == ()
    assert form.column_names == ("x[0]", "x[1]", "x[2]", "y", "n")
    assert form.signals["price"].shape == (3,)


def test_what_no_signal_moves_is_the_same_array_each_time() -> None:
    form = compile_model(all_kinds_of_terms(), ["s", "price"])
    first, second = form.at(np.zeros(4)), form.at(np.ones(4))
    assert first.lower is second.lower and first.upper is second.upper
    assert first.cost is not second.cost


def test_maximising_is_minimising_the_negative() -> None:
    m = pyo.ConcreteModel()
    m.s, m.x = pyo.Var(), pyo.Var(bounds=(0, 2))
    m.gain = pyo.Objective(expr=m.s * m.x + 1, sense=pyo.maximize)
    solution = LocalProblem.compile(m, ["s"]).solve("test", s=3.0)
    assert float(solution["x"]) == 2.0
    assert solution.objective == -7.0


def bounded(declare: Callable[[Any], None]) -> LocalProblem:
    m = pyo.ConcreteModel()
    m.s, m.t = pyo.Var(), pyo.Var()
    m.x = pyo.Var(bounds=(0, 5))
    declare(m)
    m.cost = pyo.Objective(expr=-m.x)
    return LocalProblem.compile(m, ["s", "t"])


def signal_then_constant(m: Any) -> None:
    m.by_signal = pyo.Constraint(expr=2 * m.x <= m.s + m.t)
    m.by_constant = pyo.Constraint(expr=m.x <= 3)


def constant_then_signal(m: Any) -> None:
    m.by_constant = pyo.Constraint(expr=m.x <= 3)
    m.by_signal = pyo.Constraint(expr=2 * m.x <= m.s + m.t)


def signal_and_negative_factor(m: Any) -> None:
    m.by_constant = pyo.Constraint(expr=-3 * m.x >= -9)
    m.by_signal = pyo.Constraint(expr=-2 * m.x + m.s >= -m.t)


def two_signals(m: Any) -> None:
    m.by_signal = pyo.Constraint(expr=m.x <= 0.5 * (m.s + m.t))
    m.by_other = pyo.Constraint(expr=m.x + 0 * m.s <= 3)


@pytest.mark.parametrize(
    "declare", [signal_then_constant, constant_then_signal, signal_and_negative_factor, two_signals]
)
@pytest.mark.parametrize(("s", "t"), [(1.0, 1.0), (2.0, 4.0), (10.0, 10.0), (0.0, 0.0)])
def test_of_two_bounds_on_one_decision_the_tighter_holds(
    declare: Callable[[Any], None], s: float, t: float
) -> None:
    assert float(bounded(declare).solve("test", s=s, t=t)["x"]) == pytest.approx(min(3.0, (s + t) / 2))


def test_a_signal_may_bound_from_both_sides() -> None:
    def declare(m: Any) -> None:
        m.high = pyo.Constraint(expr=m.x <= m.s)
        m.low = pyo.Constraint(expr=m.x >= m.t)

    problem = bounded(declare)
    assert float(problem.solve("test", s=4.0, t=1.0)["x"]) == 4.0
    assert problem.form.row_names == ("high", "low")  # the constant bounds hold both sides of x


def not_convex(m: Any) -> None:
    m.c = pyo.Constraint(expr=m.x**2 >= 1)


def negative_square(m: Any) -> None:
    m.c = pyo.Constraint(expr=m.x**2 - m.y**2 <= 1)


def equal_square(m: Any) -> None:
    m.c = pyo.Constraint(expr=m.x**2 == 1)


def wrong_side_product(m: Any) -> None:
    m.c = pyo.Constraint(expr=m.x**2 + m.y * m.z <= 0)


def product_and_constant(m: Any) -> None:
    m.c = pyo.Constraint(expr=m.x**2 <= m.y * m.z + 1)


def two_products(m: Any) -> None:
    m.c = pyo.Constraint(expr=m.x**2 <= m.y * m.z + m.x * m.z)


def product_alone(m: Any) -> None:
    m.c = pyo.Constraint(expr=m.y * m.z <= 1)


def signal_times_decision(m: Any) -> None:
    m.c = pyo.Constraint(expr=m.s * m.x <= 1)


def exponential(m: Any) -> None:
    m.c = pyo.Constraint(expr=pyo.exp(m.x) <= 1)


def second_objective(m: Any) -> None:
    m.c = pyo.Objective(expr=m.y)


@pytest.mark.parametrize(
    ("declare", "message"),
    [
        (not_convex, "c: must be convex"),
        (negative_square, "c: must be convex"),
        (equal_square, "c: must be convex"),
        (wrong_side_product, "c: must have the form"),
        (product_and_constant, "c: must have the form"),
        (two_products, "c: must have the form"),
        (product_alone, "c: must be convex"),
        (signal_times_decision, "c: a signal may not multiply"),
        (exponential, "c: only linear and quadratic"),
        (second_objective, "exactly one objective, has 2"),
    ],
)
def test_what_cannot_be_compiled_is_refused_by_name(declare: Callable[[Any], None], message: str) -> None:
    m = pyo.ConcreteModel()
    m.s = pyo.Var()
    m.x, m.y, m.z = pyo.Var(), pyo.Var(bounds=(0, 1)), pyo.Var(bounds=(0, 1))
    declare(m)
    m.cost = pyo.Objective(expr=m.x)
    with pytest.raises(SolveError, match=message):
        compile_model(m, ["s"])


def test_unknown_signal_names_are_refused() -> None:
    with pytest.raises(SolveError, match=r"no variable named \['tariff'\]"):
        compile_model(all_kinds_of_terms(), ["s", "tariff"])


def test_an_index_with_holes_is_refused() -> None:
    m = pyo.ConcreteModel()
    m.x = pyo.Var([(0, 0), (0, 1), (1, 0)], bounds=(0, 1))
    m.cost = pyo.Objective(expr=m.x[0, 0])
    with pytest.raises(SolveError, match="full product"):
        compile_model(m, [])


def test_a_component_over_an_empty_set_keeps_its_shape() -> None:
    m = pyo.ConcreteModel()
    m.unit, m.period = pyo.Set(initialize=[]), pyo.RangeSet(0, 3)
    m.available, m.power = pyo.Var(m.unit, m.period), pyo.Var(m.unit, m.period)
    m.x = pyo.Var(bounds=(1, 2))
    m.cost = pyo.Objective(expr=m.x)
    solution = LocalProblem.compile(m, ["available"]).solve("test", available=np.zeros((0, 4)))
    assert solution["power"].shape == (0, 4)


def test_a_model_in_a_block_keeps_its_names_behind_that_of_the_block() -> None:
    def inner(factor: float) -> Any:
        part = pyo.ConcreteModel(name="part")
        part.wish, part.x = pyo.Var(), pyo.Var(bounds=(0, None))
        part.most = pyo.Constraint(expr=part.x + part.wish <= 9, doc="most (MW)")
        part.cost = pyo.Objective(expr=factor * (part.x - part.wish) ** 2)
        part.cost.deactivate()
        return part

    m = pyo.ConcreteModel(name="whole")
    m.wish = pyo.Var()
    parts = [inner(1.0), inner(3.0)]
    for number, part in enumerate(parts):
        m.add_component(f"part_{number}", part)
    m.total = pyo.Constraint(expr=parts[0].x + parts[1].x == m.wish)
    m.cost = pyo.Objective(expr=sum(part.cost.expr for part in parts))
    problem = LocalProblem.compile(m, ["wish", "part_0.wish", "part_1.wish"])
    solution = problem.solve("test", wish=6.0, **{"part_0.wish": 1.0, "part_1.wish": 1.0})
    # Both give way from 1 in all by 4, the dearer one by a third of what the other does.
    assert [float(solution[f"part_{i}.x"]) for i in range(2)] == pytest.approx([4.0, 2.0], abs=1e-6)
    assert problem.form.families["part_1.most"] == "most (MW)"


def weighed(weight: float | None) -> Any:
    """Every kind of term of an objective, each with a part that a number, or a parameter, multiplies."""
    m = all_kinds_of_terms()
    m.w = pyo.Param(mutable=True, initialize=0.7)
    w = m.w if weight is None else weight
    usual = m.cost.expr
    more = m.x[0] ** 2 - m.x[1] * m.x[2] + 3 * m.y - m.s * m.y + m.s * m.x[0] + m.s**2 + m.price[1] * m.s
    m.cost.set_value(usual + w * (more - 4 * m.price[0] + 2 * m.x[1] * m.price[2] + 6))
    return m


@pytest.mark.parametrize("weight", [1e-6, 0.3, 1.0, 7.0, 1e6])
def test_a_form_at_a_weight_is_the_form_compiled_with_that_number(weight: float) -> None:
    form = compile_model(weighed(None), ["s", "price"], "w").weighed(weight)
    fixed = compile_model(weighed(weight), ["s", "price"])
    random = np.random.default_rng(1)
    for _ in range(10):
        x, s = random.uniform(-10.0, 10.0, 5), random.uniform(-10.0, 10.0, 4)
        assert form.objective(x, s) == pytest.approx(fixed.objective(x, s), rel=1e-9)
    for name in ("hessian", "cost_signal", "constant_square"):
        own, other = (getattr(each, name).toarray() for each in (form, fixed))
        assert own == pytest.approx(other, rel=1e-9)
    for name in ("cost", "constant", "constant_signal"):
        assert getattr(form, name) == pytest.approx(getattr(fixed, name), rel=1e-9)
    assert (form.rows != fixed.rows).nnz == 0 and form.row_names == fixed.row_names
    assert form.weighted is None


def test_numbers_of_all_weights_stand_in_the_same_places() -> None:
    # At 1 the weighed part cancels 4 x_1^2, which leaves a place with nothing in it.
    m = weighed(None)
    m.cost.set_value(m.cost.expr - 4 * m.w * m.x[1] ** 2)
    form = compile_model(m, ["s", "price"], "w")
    first, second = form.weighed(1.0).hessian, form.weighed(2.0).hessian
    assert first.indices.tolist() == second.indices.tolist()
    assert first.indptr.tolist() == second.indptr.tolist()


@pytest.mark.parametrize("weight", [0.0, -2.0, np.nan, np.inf])
def test_a_form_has_no_weight_of_nothing(weight: float) -> None:
    form = compile_model(weighed(None), ["s", "price"], "w")
    with pytest.raises(SolveError, match=f"weight w must be above 0, got {weight}"):
        form.weighed(weight)


def test_a_form_without_a_weight_has_none_to_be_changed() -> None:
    form = compile_model(all_kinds_of_terms(), ["s", "price"])
    with pytest.raises(SolveError, match="weight of no name"):
        form.weighed(1.0)
    with pytest.raises(SolveError, match="weight w must be above 0"):
        compile_model(weighed(None), ["s", "price"], "w").weighed(1.0).weighed(2.0)


def missing(m: Any) -> None:
    """Nothing of that name."""


def fixed(m: Any) -> None:
    m.w = 2.0


def squared(m: Any) -> None:
    m.w = pyo.Param(mutable=True, initialize=1.0)
    m.cost.set_value(m.cost.expr + m.w**2 * m.y)


def divided(m: Any) -> None:
    m.w = pyo.Param(mutable=True, initialize=1.0)
    m.cost.set_value(m.cost.expr + m.y / (1.0 + m.w))


def in_a_row(m: Any) -> None:
    m.w = pyo.Param(mutable=True, initialize=1.0)
    m.cost.set_value(m.cost.expr + m.w * m.y)
    m.heavy = pyo.Constraint(expr=m.w * m.x[0] + m.y <= 3)


@pytest.mark.parametrize(
    ("declare", "message"),
    [
        (missing, "no mutable parameter w to use as weight"),
        (fixed, "no mutable parameter w to use as weight"),
        (squared, "the cost must be linear in weight w"),
        (divided, "the cost must be linear in weight w"),
        (in_a_row, "heavy may not depend on weight w"),
    ],
)
def test_what_is_no_weight_is_refused_by_name(declare: Callable[[Any], None], message: str) -> None:
    m = all_kinds_of_terms()
    declare(m)
    with pytest.raises(SolveError, match=message):
        compile_model(m, ["s", "price"], "w")
