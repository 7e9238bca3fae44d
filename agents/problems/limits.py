"""Limits that a signal, a rating or a state of running sets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyomo.environ as pyo

from gridarium.agents.problems.indices import key

While = Callable[..., Any]
"""Of an index: 1 while something runs, 0 else; a number, a signal or a decision."""


def at_most(decision: Any, most: Any, doc: str | None = None) -> Any:
    """x <= most, in the unit of x (C16, E5, E30).

    Parameters
    ----------
    decision : pyomo.environ.Var
    most : pyomo.environ.Var
        With the index of `decision`, or with none where all share it.
    doc : str, optional
        Name of the family in errors; the constraint's own if left out.
    """

    def limited(m: Any, *index: Any) -> Any:
        at = key(*index)
        return decision[at] <= (most[at] if most.is_indexed() else most)

    return pyo.Constraint(decision.index_set(), rule=limited, doc=doc)


def at_most_while(decision: Any, most: Callable[[str], float], on: While) -> Any:
    """x <= most on, in the unit of x (E29; A20 for charging while it charges).

    Parameters
    ----------
    decision : pyomo.environ.Var
        Of (unit, period).
    most : callable
        Of the unit.
    on : callable
    """
    return pyo.Constraint(
        decision.index_set(), rule=lambda m, unit, t: decision[unit, t] <= most(unit) * on(unit, t)
    )


def apparent_power(most_mva: Callable[[str], float], *powers: Any) -> Any:
    """P**2 + Q**2 <= S**2, MVA (A16, A17, A20).

    Parameters
    ----------
    most_mva : callable
        Rating of the unit, MVA.
    *powers : pyomo.environ.Var
        Of (unit, period), MW and Mvar. Of several active ones only one differs from zero, so that the sum of
        their squares is that of the net power.
    """
    return pyo.Constraint(
        powers[0].index_set(),
        rule=lambda m, unit, t: sum(power[unit, t] ** 2 for power in powers) <= most_mva(unit) ** 2,
    )
