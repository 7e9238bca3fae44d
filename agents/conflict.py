"""Why a problem is infeasible: the limits that would have to give way, by family and period."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from gridarium.agents.cones import Array
from gridarium.agents.highs_solver import HighsSolver
from gridarium.agents.standard_form import Numbers, StandardForm

_SHOWN = 3
_TOLERANCE = 1e-7


def explain(form: StandardForm, numbers: Numbers) -> str:
    """Name the limits of an infeasible problem that would have to give way, and how far at least.

    Bounds of decisions give way first, rows only where these contradict each other.

    Parameters
    ----------
    form : StandardForm
        Its quadratic cost does not matter here.
    numbers : Numbers

    Returns
    -------
    str
        A sentence with the constraint family, its index (the period comes last), the limit and the
        value that would be needed; the largest three.
    """
    linear = form.without_cost()
    x = HighsSolver(linear, round_limit=20).least_violation(numbers._replace(cost=linear.cost))
    found = [
        *_outside(form.column_names, form.families, x, numbers.lower, numbers.upper),
        *_outside(form.row_names, form.families, form.rows @ x, numbers.row_lower, numbers.row_upper),
    ]
    found.sort(key=lambda item: -item[0])
    if not found:
        return "no decision satisfies all constraints together with the cones"
    shown = "; ".join(text for _, text in found[:_SHOWN])
    more = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return f"infeasible: {shown}{more}"


def _outside(
    names: tuple[str, ...], families: Mapping[str, str], value: Array, lower: Array, upper: Array
) -> list[tuple[float, str]]:
    """Excess and sentence of everything that lies outside its limits."""
    excess = np.maximum(lower - value, value - upper)
    sentences = []
    for place in np.flatnonzero(excess > _TOLERANCE * (1.0 + np.abs(value))):
        name, _, index = names[place].partition("[")
        *where, period = index.rstrip("]").split(",")
        label = families.get(name, name)
        at = f"period {period}, " + (f"at {','.join(where)}, " if where else "") if index else ""
        side, limit = ("least", lower) if value[place] < lower[place] else ("most", upper)
        sentences.append(
            (
                float(excess[place]),
                f"{at}constraint family {label}: {name} must be at {side} {limit[place]:.6g}, "
                f"needs {value[place]:.6g}",
            )
        )
    return sentences
