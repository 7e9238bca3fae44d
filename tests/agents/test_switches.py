"""Switches: what they close, what they refuse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyomo.environ as pyo
import pytest

from gridarium.agents.solving.standard_form import StandardForm, compile_model
from gridarium.agents.solving.switches import Switches
from gridarium.environment.errors import SolveError


def form_of(price_of_switch: float = 0.0, coupled: bool = False, least: float = 0.0) -> StandardForm:
    """Draw up to 2 while on, feed up to 3 while off, in two periods."""
    m = pyo.ConcreteModel(name="switches")
    m.t = pyo.RangeSet(0, 1)
    m.on = pyo.Var(m.t, domain=pyo.Binary)
    m.draw, m.feed = pyo.Var(m.t, bounds=(least, 5)), pyo.Var(m.t, bounds=(0, 5))
    m.a = pyo.Constraint(m.t, rule=lambda m, t: m.draw[t] <= 2 * m.on[t])
    m.b = pyo.Constraint(m.t, rule=lambda m, t: m.feed[t] <= 3 * (1 - m.on[t]))
    if coupled:
        m.c = pyo.Constraint(expr=m.on[0] + m.on[1] <= 1)
    m.cost = pyo.Objective(expr=sum(m.draw[t] - m.feed[t] + price_of_switch * m.on[t] for t in m.t))
    return compile_model(m, [])


def column(form: StandardForm, name: str) -> int:
    return form.column_names.index(name)


def test_a_switch_closes_one_side_and_prices_it() -> None:
    form = form_of()
    switches, state = Switches(form), np.array([True, False])
    closed = {form.column_names[k] for k in switches.closed(state)}
    assert closed == {"feed[0]", "draw[1]"}
    dearer = switches.priced(form.at(np.zeros(0)), state).cost - form.cost
    assert set(np.flatnonzero(dearer)) == set(switches.closed(state))
    assert dearer.max() >= 10.0


def test_the_larger_side_stays_open_and_rest_keeps_the_state() -> None:
    form = form_of()
    x = np.zeros(len(form.cost))
    x[[column(form, "draw[0]"), column(form, "feed[0]")]] = 0.4, 0.5
    kept = np.array([True, True])
    assert Switches(form).of(x, kept).tolist() == [False, True]
    assert Switches(form).of(x, ~kept).tolist() == [False, False]


@pytest.mark.parametrize("change", [{"price_of_switch": 1.0}, {"coupled": True}, {"least": 0.5}])
def test_other_binaries_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(SolveError, match="must be switches"):
        Switches(form_of(**change))
