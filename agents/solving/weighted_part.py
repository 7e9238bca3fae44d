"""What a weight, a number that may change between solves, does to the objective of a compiled form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pyomo.environ as pyo
from pyomo.core.expr.visitor import identify_mutable_parameters
from scipy import sparse

from gridarium.environment.arrays import Array
from gridarium.environment.errors import SolveError

_LINEAR = 1e-9
"""By how much what two units of a weight add may be off twice what one does, relative to its largest."""


class WeightedPart(NamedTuple):
    """What of an objective one unit of a weight adds; fields as of `StandardForm`."""

    hessian: sparse.csc_matrix
    cost: Array
    cost_signal: sparse.csr_matrix
    constant: float
    constant_signal: Array
    constant_square: sparse.csr_matrix


def by_weight(
    model: Any, name: str, objective: Callable[[], dict[str, Any]]
) -> tuple[dict[str, Any], WeightedPart]:
    """The objective at a weight of 0, at which the model is left, and what one unit of it adds.

    Parameters
    ----------
    model : pyomo.environ.ConcreteModel
    name : str
        Of the weight, a mutable parameter.
    objective : callable
        Writes the objective as it is now, by the fields of `WeightedPart`.

    Raises
    ------
    SolveError
        If there is no such parameter, a constraint depends on it, or the objective not linearly.
    """
    weight, place = model.component(name), f"model {model.name}"
    if not isinstance(weight, pyo.Param) or not weight.mutable:
        raise SolveError(f"{place}: no mutable parameter {name} to use as weight")
    for each in model.component_data_objects(pyo.Constraint, active=True):
        if any(one is weight for one in identify_mutable_parameters(each.expr)):
            raise SolveError(f"{place}: {each.name} may not depend on weight {name}")
    at = {}
    for number in (2.0, 1.0, 0.0):
        weight.value = number
        at[number] = objective()
    one, two = (
        WeightedPart(**{field: at[number][field] - at[0.0][field] for field in WeightedPart._fields})
        for number in (1.0, 2.0)
    )
    for single, double in zip(one, two, strict=True):
        if _largest(double - 2.0 * single) > _LINEAR * max(_largest(single), 1.0):
            raise SolveError(f"{place}: the cost must be linear in weight {name}")
    return at[0.0], one


def added(first: sparse.csc_matrix, second: sparse.csc_matrix) -> sparse.csc_matrix:
    """Their sum, which has a place wherever one of them has, also where they cancel."""
    parts = [matrix.tocoo() for matrix in (first, second)]
    values, rows, columns = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("data", "row", "col")
    )
    return sparse.csc_matrix((values, (rows, columns)), shape=first.shape)


def _largest(part: Any) -> float:
    """Largest absolute number of a matrix, a vector or a scalar; 0 of nothing."""
    return float(np.abs(part.data if sparse.issparse(part) else np.atleast_1d(part)).max(initial=0.0))
