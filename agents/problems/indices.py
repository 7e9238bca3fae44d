"""How families address variables that stand for several units, or for one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyomo.environ as pyo


def key(*index: Any) -> Any:
    """What a component is asked with: the index itself, or its only part."""
    return index if len(index) > 1 else index[0]


def for_each_unit(variable: Any, equation: Callable[..., Any]) -> Any:
    """A constraint for each unit of a variable; a single one where its only index is the period.

    Parameters
    ----------
    variable : pyomo.environ.Var
    equation : callable
        Of the unit, or of nothing.
    """
    *units, _ = variable.index_set().subsets()
    if not units:
        return pyo.Constraint(expr=equation())
    return pyo.Constraint(*units, rule=lambda m, *unit: equation(*unit))
