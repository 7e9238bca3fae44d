"""Why a problem is infeasible: the limits that would have to give way, by family and period."""

from __future__ import annotations

import numpy as np

from gridarium.agents.solving.highs_solver import HighsSolver
from gridarium.agents.solving.places import place_of
from gridarium.agents.solving.standard_form import Numbers, StandardForm
from gridarium.environment.arrays import Array

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
        A sentence with the constraint family, its index (a period comes last, and is a number), the limit
        and the value that would be needed; the largest three.
    """
    linear = form.without_cost()
    x = HighsSolver(linear, round_limit=20).least_violation(numbers._replace(cost=linear.cost))
    found = [
        *_outside(form, form.column_names, x, numbers.lower, numbers.upper),
        *_outside(form, form.row_names, form.rows @ x, numbers.row_lower, numbers.row_upper),
    ]
    found.sort(key=lambda item: -item[0])
    if not found:
        return "no decision satisfies all constraints together with the cones"
    shown = "; ".join(text for _, text in found[:_SHOWN])
    more = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return f"infeasible: {shown}{more}"


def _outside(
    form: StandardForm, names: tuple[str, ...], value: Array, lower: Array, upper: Array
) -> list[tuple[float, str]]:
    """Excess and sentence of everything that lies outside its limits."""
    excess = np.maximum(lower - value, value - upper)
    sentences = []
    for place in np.flatnonzero(excess > _TOLERANCE * (1.0 + np.abs(value))):
        side, limit = ("least", lower) if value[place] < lower[place] else ("most", upper)
        sentence = f"must be at {side} {limit[place]:.6g}, needs {value[place]:.6g}"
        sentences.append((float(excess[place]), f"{place_of(form, names[place])} {sentence}"))
    return sentences
