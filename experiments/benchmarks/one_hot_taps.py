"""A second opinion on positions of a tap changer: one binary a position and hour, searched by HiGHS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyomo.environ as pyo

from gridarium.agents.feeder.ac_physics import AcPhysics
from gridarium.agents.feeder.dispatch import DispatchDay
from gridarium.agents.feeder.dispatch_problem import RELAXED_SIGNALS, DispatchShape, build_relaxed_model
from gridarium.agents.feeder.tap_search import TapSearch
from gridarium.agents.feeder.voltage_terms import TRAVEL_SIGNALS
from gridarium.agents.solving.highs_solver import HighsSolver
from gridarium.agents.solving.standard_form import StandardForm, compile_model
from gridarium.environment.arrays import Array, Index

_CONE_TOLERANCE = 1e-4
"""Largest violation of a cone, MW squared; of the search for whole positions, relative to the cost:"""
_INTEGER_GAP = 1e-5


@dataclass(frozen=True)
class OneHotAnswer:
    """Positions, shape (n_period,), and what they cost at least by tangents of the cones, money."""

    position: Index
    cost_money: float


def build_one_hot_model(shape: DispatchShape, usable: Index, before: int) -> Any:
    """The relaxed dispatch with v_0 = sum_n (k_n V)^2 z_n, sum_n z_n = 1, and the limit of moves (A18)."""
    assert shape.tap_changer is not None
    squared = shape.tap_changer.head_vm_pu(usable, shape.feeder.slack_vm_pu) ** 2
    m = build_relaxed_model(shape)
    m.place = pyo.RangeSet(0, len(usable) - 1)
    m.stands = pyo.Var(m.place, m.period, domain=pyo.Binary)
    m.moved = pyo.Var(m.period, bounds=(0, None))
    m.stands_once = pyo.Constraint(m.period, rule=lambda m, t: sum(m.stands[:, t]) == 1)
    m.stands_at = pyo.Constraint(
        m.period,
        rule=lambda m, t: m.head_squared[t] == sum(float(squared[n]) * m.stands[n, t] for n in m.place),
    )

    def position(t: int) -> Any:
        return sum(int(usable[n]) * m.stands[n, t] for n in m.place) if t >= 0 else before

    m.moved_up = pyo.Constraint(m.period, rule=lambda m, t: m.moved[t] >= position(t) - position(t - 1))
    m.moved_down = pyo.Constraint(m.period, rule=lambda m, t: m.moved[t] >= position(t - 1) - position(t))
    m.move_limit = pyo.Constraint(expr=sum(m.moved[t] for t in m.period) <= shape.tap_changer.moves_per_day)
    return m


def one_hot_form(shape: DispatchShape, usable: Index, before: int) -> StandardForm:
    """The compiled problem."""
    signals = (*RELAXED_SIGNALS, *shape.further_signals, *TRAVEL_SIGNALS)
    return compile_model(build_one_hot_model(shape, usable, before), signals)


def solve_one_hot(search: TapSearch, form: StandardForm, day: DispatchDay, before: int) -> OneHotAnswer:
    """The cheapest positions by tangent cuts in HiGHS.

    Raises
    ------
    InfeasibleError, SolverLimitError
    """
    dispatcher = search.dispatcher
    free = search.free(day, before)
    told = free.relaxed_signals(dispatcher.lending_price_per_h(day))
    blocks = sorted(form.signals.items(), key=lambda item: item[1].start)
    signals: Array = np.concatenate(
        [np.ravel(np.asarray(told[name], dtype=np.float64)) for name, _ in blocks]
    )
    numbers = AcPhysics(dispatcher.shape, form).tightened(form.at(signals), signals)
    x = HighsSolver(form, _CONE_TOLERANCE, integer_gap=_INTEGER_GAP).solve(numbers)
    block = form.decisions["stands"]
    place = x[block.start : block.stop].reshape(block.shape).argmax(axis=0)
    return OneHotAnswer(search.usable[place], form.objective(x, signals))
