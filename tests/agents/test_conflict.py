"""The sentence about an infeasible problem names the limit, where it is, and what it would need."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyomo.environ as pyo
import pytest

from gridarium.agents.solving.conflict import explain
from gridarium.agents.solving.highs_solver import Elastic, HighsSolver
from gridarium.agents.solving.standard_form import StandardForm, compile_model


def reservoir(rows_contradict: bool = False) -> StandardForm:
    """Three periods; what flows out is given, the level has a floor."""
    m = pyo.ConcreteModel()
    m.period = pyo.RangeSet(0, 2)
    m.outflow = pyo.Var(m.period)
    m.level = pyo.Var(m.period, bounds=(0.1, 1.0), doc="water level")

    def balance(m: Any, t: int) -> Any:
        return m.level[t] == (1.0 if t == 0 else m.level[t - 1]) - m.outflow[t]

    m.balance = pyo.Constraint(m.period, rule=balance, doc="water balance")
    if rows_contradict:
        m.again = pyo.Constraint(expr=m.level[2] + m.level[1] == 2 * m.level[1] + 1, doc="rising level")
    m.cost = pyo.Objective(expr=m.level[2] ** 2)
    return compile_model(m, ["outflow"])


def test_the_limit_that_gives_way_is_named_with_period_and_value() -> None:
    form = reservoir()
    text = explain(form, form.at(np.array([0.2, 0.2, 0.9])))
    assert text == (
        "infeasible: period 2, constraint family water level: level must be at least 0.1, needs -0.3"
    )


def test_the_largest_come_first_and_the_rest_is_counted() -> None:
    form = reservoir()
    text = explain(form, form.at(np.array([1.0, 1.0, 1.0])))
    assert text.index("period 2") < text.index("period 1") < text.index("period 0")
    assert "needs -2" in text


def test_rows_give_way_only_where_they_contradict_each_other() -> None:
    form = reservoir(rows_contradict=True)
    text = explain(form, form.at(np.zeros(3)))
    assert "water balance" in text or "rising level" in text


def test_a_limit_of_a_unit_names_the_unit_and_no_period() -> None:
    m = pyo.ConcreteModel()
    m.target, m.rest = pyo.Var(), pyo.Var(bounds=(0, 0))
    m.level = pyo.Var(["tank"], bounds=(0, 1), doc="water level")
    m.end = pyo.Constraint(expr=m.level["tank"] - m.rest == m.target)
    m.cost = pyo.Objective(expr=m.rest)
    form = compile_model(m, ["target"])
    text = explain(form, form.at(np.array([3.0])))
    assert text == "infeasible: tank, constraint family water level: level must be at most 1, needs 3"


def disc() -> StandardForm:
    """A flow of at least 3 on a disc of radius 2."""
    m = pyo.ConcreteModel()
    m.least = pyo.Var()
    m.x = pyo.Var(bounds=(0, 10), doc="flow")
    m.low = pyo.Constraint(expr=m.x - m.least >= 0)
    m.floor = pyo.Constraint(expr=m.x >= 3)
    m.disc = pyo.Constraint(expr=m.x**2 <= 4)
    m.cost = pyo.Objective(expr=m.x)
    return compile_model(m, ["least"])


def test_a_cone_in_conflict_shows_in_the_bound_it_pushes_against() -> None:
    form = disc()
    text = explain(form, form.at(np.array([0.0])))
    assert "constraint family flow: x must be at least 3, needs 2" in text


class Watched:
    """A HiGHS object that counts its rows, and the prices that it is given for them."""

    def __init__(self, highs: Any) -> None:
        self._highs, self.counts = highs, list[tuple[int, int]]()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._highs, name)

    def feasibilityRelaxation(self, *prices: Any) -> Any:  # noqa: N802 - the name that HiGHS gives it
        self.counts.append((self._highs.getNumRow(), len(prices[-1])))
        return self._highs.feasibilityRelaxation(*prices)


def test_each_row_that_a_search_adds_has_a_price(monkeypatch: pytest.MonkeyPatch) -> None:
    form = disc().without_cost()
    solver = HighsSolver(form)
    watched = Watched(solver._highs)
    monkeypatch.setattr(solver, "_highs", watched)
    every, rows = np.ones(len(form.column_names)), np.ones(len(form.row_names))
    numbers = disc().at(np.array([0.0]))._replace(cost=form.cost)
    x = solver.least_violation(numbers, Elastic(every, every, rows), 20)
    assert x is not None and x.max() <= 2.0 + 1e-4
    assert len(watched.counts) > 1
    assert all(count == prices for count, prices in watched.counts)


def supply(import_limit_mw: float = 5.0, turned: bool = False) -> StandardForm:
    """Two periods; imports up to a limit, a unit up to its rating, and a load that may be raised."""
    m = pyo.ConcreteModel()
    m.period = pyo.RangeSet(0, 1)
    m.load_mw = pyo.Var(m.period)
    m.imports = pyo.Var(m.period, bounds=(0, import_limit_mw), doc="import limit (MW)")
    m.power = pyo.Var(m.period, bounds=(1, 3), doc="gross power (MW)")
    m.raised = pyo.Var(m.period, bounds=(0, 2))

    def balance(m: Any, t: int) -> Any:
        supplied, drawn = m.imports[t] + m.power[t], m.load_mw[t] + m.raised[t]
        return drawn - supplied == 0 if turned else supplied - drawn == 0

    m.balance = pyo.Constraint(m.period, rule=balance, doc="power balance (MW)")
    m.cost = pyo.Objective(expr=sum(m.imports[t] for t in m.period))
    return compile_model(m, ["load_mw"])


@pytest.mark.parametrize("turned", [False, True])
def test_missing_power_is_told_with_the_limit_that_a_user_can_change(turned: bool) -> None:
    form = supply(turned=turned)
    # The load raised by less than nothing would serve as well, and is nobody's to change.
    text = explain(form, form.at(np.array([4.0, 12.5])))
    assert text == (
        "infeasible: period 1, power balance: 4.5 MW of load cannot be supplied; "
        "period 1, constraint family import limit (MW): imports must be at most 5, needs 9.5"
    )


def test_an_import_limit_of_nothing_is_named() -> None:
    form = supply(import_limit_mw=0.0)
    assert "import limit (MW): imports must be at most 0, needs 1" in explain(form, form.at(np.full(2, 4.0)))


def test_what_nothing_outside_its_limits_explains_is_told_by_the_limits_that_there_are() -> None:
    form = supply()
    # Here something keeps all of it: there is nothing to name.
    text = explain(form, form.at(np.array([4.0, 4.0])))
    assert text == (
        "infeasible: no decision was found that keeps all of import limit (MW), power balance (MW) at once"
    )


def test_supply_that_nobody_takes_up_is_told() -> None:
    form = supply()
    text = explain(form, form.at(np.array([4.0, -3.0])))
    assert text == (
        "infeasible: period 1, power balance: 2 MW of supply cannot be taken up; "
        "period 1, constraint family gross power (MW): power must be at least 1, needs -1"
    )


@pytest.mark.parametrize("turned", [(False, False), (False, True), (True, False)])
def test_each_balance_may_have_supply_on_a_side_of_its_own(turned: tuple[bool, bool]) -> None:
    """Two buses and what flows between them; the load is at the far one."""
    m = pyo.ConcreteModel()
    m.load_mw = pyo.Var()
    m.imports = pyo.Var(bounds=(0, 5), doc="import limit (MW)")
    m.power = pyo.Var(bounds=(0, 3), doc="gross power (MW)")
    m.flow = pyo.Var()
    supply = (m.imports - m.flow, m.flow + m.power - m.load_mw)
    m.balance = pyo.Constraint(
        [0, 1],
        rule=lambda m, bus: (-supply[bus] if turned[bus] else supply[bus]) == 0,
        doc="power balance (MW)",
    )
    m.cost = pyo.Objective(expr=m.imports)
    form = compile_model(m, ["load_mw"])
    assert "power balance: 4 MW of load cannot be supplied" in explain(form, form.at(np.array([12.0])))
    assert "power balance: 2 MW of supply cannot be taken up" in explain(form, form.at(np.array([-2.0])))


def test_no_voltage_is_told_that_cannot_be() -> None:
    m = pyo.ConcreteModel()
    m.drop = pyo.Var()
    m.voltage_squared = pyo.Var(bounds=(0.81, 1.21), doc="voltage band (p.u. squared)")
    m.along = pyo.Constraint(expr=m.voltage_squared == 1.0 - m.drop)
    m.cost = pyo.Objective(expr=m.voltage_squared)
    form = compile_model(m, ["drop"])
    needed = "constraint family voltage band (p.u. squared): voltage_squared must be at least 0.81, "
    assert explain(form, form.at(np.array([0.5]))).endswith(f"{needed}needs 0.5")
    assert explain(form, form.at(np.array([1e6]))).endswith(f"{needed}and no voltage at all would do")
