"""Load that may be moved within a day but not left out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyomo.environ as pyo

from gridarium.agents.problems.indices import for_each_unit, key
from gridarium.agents.problems.limits import at_most


def energy_preserved(moved: Any, owed: Callable[..., Any], period_h: float) -> Any:
    """sum of moved_t Dt - owed = 0, MWh; owed is 0 or what the day so far has left (C15, E5).

    Parameters
    ----------
    moved : pyomo.environ.Var or pyomo.environ.Expression
        Load beyond its plan, MW.
    owed : callable
        Of the unit, or of nothing where there is one.
    period_h : float
    """
    *_, periods = moved.index_set().subsets()
    return for_each_unit(
        moved, lambda *unit: period_h * sum(moved[key(*unit, t)] for t in periods) - owed(*unit) == 0
    )


def declare_flexible_loads(m: Any, period_h: float) -> None:
    """raised <= ``m.most_raised_mw``, lowered <= ``m.most_lowered_mw``, energy of the day preserved (E5).

    It is ``m.owed_mwh`` that must be made up for, but for what `too_little_mwh` and `too_much_mwh` tell.
    """
    m.raised_mw = pyo.Var(m.flexible, m.period, bounds=(0, None))
    m.lowered_mw = pyo.Var(m.flexible, m.period, bounds=(0, None))
    m.most_raised = at_most(m.raised_mw, m.most_raised_mw)
    m.most_lowered = at_most(m.lowered_mw, m.most_lowered_mw)
    m.too_little_mwh = pyo.Var(m.flexible, bounds=(0, None))
    m.too_much_mwh = pyo.Var(m.flexible, bounds=(0, None))
    m.moved_mw = pyo.Expression(
        m.flexible, m.period, rule=lambda m, d, t: m.raised_mw[d, t] - m.lowered_mw[d, t]
    )
    m.energy_preserved = energy_preserved(
        m.moved_mw, lambda d: m.owed_mwh[d] - m.too_little_mwh[d] + m.too_much_mwh[d], period_h
    )
