"""Compile a Pyomo model, once per shape, into a standard form that is affine in the incoming signals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pyomo.environ as pyo
from numpy.typing import NDArray
from pyomo.repn import generate_standard_repn
from scipy import sparse

from gridarium.agents.solving.cones import Cones, ConeWriter, Triplets
from gridarium.agents.solving.weighted_part import WeightedPart, added, by_weight
from gridarium.environment.arrays import Array
from gridarium.environment.errors import SolveError

_DENSE = 10_000
"""Entries up to which a dense product is quicker than a sparse one."""


@dataclass(frozen=True)
class Block:
    """Where one Pyomo component lies in a vector of the standard form.

    Parameters
    ----------
    start, stop : int
        Its half-open range of positions.
    shape : tuple of int
        Its shape as an array; () for a scalar.
    """

    start: int
    stop: int
    shape: tuple[int, ...]


@dataclass(frozen=True)
class StandardForm:
    """An optimisation problem that is affine in its signals s.

    Minimise ``x'Hx/2 + (c + C s)'x + k + K s + s'S s/2`` subject to
    ``row_lower + R s <= A x <= row_upper + R s``, ``lower + L s <= x <= upper + U s``,
    the cones, and integrality where ``integer``.

    Notes
    -----
    The readable source of truth stays the Pyomo model; this form only holds its numbers. Of a model with a
    `weight` this is the form at a weight of 0, and `weighed` gives that at another one.
    """

    hessian: sparse.csc_matrix
    cost: Array
    cost_signal: sparse.csr_matrix
    constant: float
    constant_signal: Array
    constant_square: sparse.csr_matrix
    rows: sparse.csr_matrix
    row_lower: Array
    row_upper: Array
    row_signal: sparse.csr_matrix
    lower: Array
    upper: Array
    lower_signal: sparse.csr_matrix
    upper_signal: sparse.csr_matrix
    integer: NDArray[np.bool_]
    cones: Cones
    decisions: dict[str, Block]
    signals: dict[str, Block]
    row_names: tuple[str, ...]
    column_names: tuple[str, ...]
    families: Mapping[str, str]
    labels: Mapping[str, Sequence[str]]
    weight: str = ""
    weighted: WeightedPart | None = None
    name: str = ""

    @property
    def is_quadratic(self) -> bool:
        """Whether the objective has a quadratic part."""
        return bool(self.hessian.count_nonzero())

    @cached_property
    def _affine(self) -> tuple[Array, Any, list[tuple[Array, slice | None]]]:
        """The vectors that signals move, stacked so that a solve costs one product, and where each lies."""
        pieces = [
            (self.cost, self.cost_signal),
            (self.row_lower, self.row_signal),
            (self.row_upper, self.row_signal),
            (self.lower, self.lower_signal),
            (self.upper, self.upper_signal),
            (self.cones.upper, self.cones.upper_signal),
        ]
        moving = [(vector, matrix) for vector, matrix in pieces if matrix.nnz] or pieces[:1]
        places: list[tuple[Array, slice | None]] = []
        stop = 0
        for vector, matrix in pieces:
            start, stop = stop, stop + (len(vector) if matrix.nnz else 0)
            places.append((vector, slice(start, stop) if matrix.nnz else None))
        base = np.concatenate([vector for vector, _ in moving])
        matrix = sparse.vstack([matrix for _, matrix in moving]).tocsr()
        return base, matrix.toarray() if np.prod(matrix.shape) <= _DENSE else matrix, places

    def at(self, signals: Array) -> Numbers:
        """The numbers of the problem at given signals, shape (n_signal,); not to be written to.

        What no signal moves is the same array each time, so that a solver can tell it without comparing.
        """
        base, matrix, places = self._affine
        stacked = base + matrix @ signals
        return Numbers(*[vector if place is None else stacked[place] for vector, place in places])

    def sensitivity(self, x: Array, signals: Array, multipliers: Multipliers) -> Array:
        """Change of the optimal objective, as if minimised, per unit of each signal, shape (n_signal,).

        By the envelope theorem: the Lagrangian's derivative at the optimum.
        """
        return np.asarray(
            self.cost_signal.T @ x
            + self.constant_signal
            + self.constant_square @ signals
            + self.row_signal.T @ multipliers.rows
            + self.lower_signal.T @ multipliers.lower
            + self.upper_signal.T @ multipliers.upper
            + self.cones.upper_signal.T @ multipliers.cones
        )

    def weighed(self, weight: float) -> StandardForm:
        """The form at a weight, above 0: all of them have their numbers in the same places.

        Raises
        ------
        SolveError
            If the objective has no weight, or this one is not above 0.
        """
        part = self.weighted
        if part is None or not 0.0 < weight < np.inf:
            raise SolveError(f"weight {self.weight or 'of no name'} must be above 0, got {weight!r}")
        return replace(
            self,
            hessian=added(self.hessian, weight * part.hessian),
            cost=self.cost + weight * part.cost,
            cost_signal=(self.cost_signal + weight * part.cost_signal).tocsr(),
            constant=self.constant + weight * part.constant,
            constant_signal=self.constant_signal + weight * part.constant_signal,
            constant_square=(self.constant_square + weight * part.constant_square).tocsr(),
            weighted=None,
        )

    def without_cost(self) -> StandardForm:
        """The same constraints with nothing to minimise."""
        return replace(self, hessian=0.0 * self.hessian, cost=np.zeros_like(self.cost))

    def objective(self, x: Array, signals: Array) -> float:
        """Value of the objective at a decision, in the model's own unit and minimising sense."""
        linear = (self.cost + self.cost_signal @ signals) @ x + 0.5 * x @ (self.hessian @ x)
        return float(linear) + self.constant_at(signals)

    def constant_at(self, signals: Array) -> float:
        """What of the objective no decision changes."""
        moving = self.constant_signal @ signals + 0.5 * signals @ (self.constant_square @ signals)
        return float(moving + self.constant)


class Numbers(NamedTuple):
    """A standard form at given signals."""

    cost: Array
    row_lower: Array
    row_upper: Array
    lower: Array
    upper: Array
    cone_upper: Array


class Multipliers(NamedTuple):
    """Change of the optimal objective per unit of each right side.

    Parameters
    ----------
    rows : ndarray, shape (n_row,)
        Of both sides of a row: positive where its lower side is active, negative where its upper one is.
    lower, upper : ndarray, shape (n_decision,)
        Of the bounds of the decisions; lower >= 0 >= upper.
    cones : ndarray, shape (n_cone,)
        Of the upper sides of the cones; never positive.
    """

    rows: Array
    lower: Array
    upper: Array
    cones: Array


def _shape(component: Any) -> tuple[int, ...]:
    """Shape of an indexed component whose index is a full product, last index fastest."""
    if not component.is_indexed():
        return ()
    if not len(component):
        return tuple(len(axis) for axis in component.index_set().subsets())
    keys = [key if isinstance(key, tuple) else (key,) for key in component]
    shape = tuple(len(dict.fromkeys(axis)) for axis in zip(*keys, strict=True))
    if np.prod(shape) != len(keys):
        raise SolveError(f"component {component.name}: index must be a full product of sets")
    return shape


class _Compiler:
    """Walks a model once and writes the triplets of its standard form."""

    def __init__(self, model: Any, signals: Sequence[str], weight: str) -> None:
        self.model, self.weight = model, weight
        self.signal_column: dict[int, int] = {}
        self.column: dict[int, int] = {}
        self.variables: list[Any] = []
        self.blocks: tuple[dict[str, Block], dict[str, Block]] = ({}, {})
        for component in model.component_objects(pyo.Var, active=True):
            # Of what stands in a block, the block's name comes first.
            is_signal = component.name in signals
            target = self.signal_column if is_signal else self.column
            start = len(target)
            for data in component.values():
                target[id(data)] = len(target)
                if not is_signal:
                    self.variables.append(data)
            self.blocks[is_signal][component.name] = Block(start, len(target), _shape(component))
        missing = set(signals) - set(self.blocks[True])
        if missing:
            raise SolveError(f"model {model.name}: no variable named {sorted(missing)} to use as signal")
        self.lower = np.array(
            [-np.inf if v.lower is None else v.lower for v in self.variables], dtype=np.float64
        )
        self.upper = np.array(
            [np.inf if v.upper is None else v.upper for v in self.variables], dtype=np.float64
        )
        self.lower_signal, self.upper_signal = Triplets(), Triplets()
        self.bounded_by_signal: tuple[set[int], set[int]] = (set(), set())
        self.rows, self.row_signal = Triplets(), Triplets()
        self.row_lower: list[float] = []
        self.row_upper: list[float] = []
        self.row_names: list[str] = []
        self.cones = ConeWriter()

    def compile(self) -> StandardForm:
        """Write the objective and every active constraint."""
        for constraint in self.model.component_data_objects(pyo.Constraint, active=True):
            self._write_constraint(constraint)
        n, m = len(self.variables), len(self.signal_column)

        def objective() -> dict[str, Any]:
            return self._objective(n, m)

        cost, part = by_weight(self.model, self.weight, objective) if self.weight else (objective(), None)
        return StandardForm(
            **cost,
            rows=self.rows.matrix(len(self.row_names), n),
            row_lower=np.array(self.row_lower, dtype=np.float64),
            row_upper=np.array(self.row_upper, dtype=np.float64),
            row_signal=self.row_signal.matrix(len(self.row_names), m),
            lower=self.lower,
            upper=self.upper,
            lower_signal=self.lower_signal.matrix(n, m),
            upper_signal=self.upper_signal.matrix(n, m),
            integer=np.array([not v.is_continuous() for v in self.variables]),
            cones=self.cones.finish(self.lower, m),
            decisions=self.blocks[False],
            signals=self.blocks[True],
            row_names=tuple(self.row_names),
            column_names=tuple(v.name for v in self.variables),
            labels=getattr(self.model, "labels", {}),
            families={c.name: c.doc for c in self.model.component_objects(active=True) if c.doc},
            weight=self.weight,
            weighted=part,
            name=self.model.name,
        )

    def _split(self, variables: Iterable[Any], coefficients: Iterable[float]) -> tuple[dict[int, float], ...]:
        """Linear terms by decision column and by signal column."""
        decision: dict[int, float] = {}
        signal: dict[int, float] = {}
        for variable, coefficient in zip(variables, coefficients, strict=True):
            key = id(variable)
            target, place = (
                (decision, self.column[key]) if key in self.column else (signal, self.signal_column[key])
            )
            target[place] = target.get(place, 0.0) + coefficient
        return decision, signal

    def _repn(self, expression: Any, owner: Any) -> Any:
        repn = generate_standard_repn(expression, compute_values=True, quadratic=True)
        if repn.nonlinear_expr is not None:
            raise SolveError(f"{owner.name}: only linear and quadratic terms can be compiled")
        return repn

    def _write_constraint(self, constraint: Any) -> None:
        # Each of `lower`, `body` and `upper` would take the expression apart anew; a name is put together
        # when it is asked for, and most constraints become bounds, which need none.
        below, body, above = constraint.to_bounded_expression()
        repn = self._repn(body, constraint)
        decision, signal = self._split(repn.linear_vars, repn.linear_coefs)
        lower = -np.inf if below is None else pyo.value(below) - repn.constant
        upper = np.inf if above is None else pyo.value(above) - repn.constant
        if repn.quadratic_vars:
            name = constraint.name
            self.cones.add(name, self._products(repn, name), decision, signal, lower, upper)
        elif len(decision) == 1 and self._write_bound(decision, signal, lower, upper):
            return
        else:
            self._write_row(constraint.name, decision, signal, lower, upper)

    def _products(self, repn: Any, name: str) -> dict[tuple[int, int], float]:
        products: dict[tuple[int, int], float] = {}
        for (first, second), value in zip(repn.quadratic_vars, repn.quadratic_coefs, strict=True):
            if id(first) not in self.column or id(second) not in self.column:
                raise SolveError(f"{name}: a signal may not multiply a decision inside a constraint")
            i, j = sorted((self.column[id(first)], self.column[id(second)]))
            products[i, j] = products.get((i, j), 0.0) + value
        return products

    def _write_row(
        self, name: str, decision: dict[int, float], signal: dict[int, float], lower: float, upper: float
    ) -> None:
        row = len(self.row_names)
        self.row_names.append(name)
        self.row_lower.append(lower)
        self.row_upper.append(upper)
        for column, value in decision.items():
            self.rows.add(row, column, value)
        for column, value in signal.items():
            self.row_signal.add(row, column, -value)

    def _write_bound(
        self, decision: dict[int, float], signal: dict[int, float], lower: float, upper: float
    ) -> bool:
        """Turn a row on one decision into bounds; False where a signal bounds that side already."""
        ((column, factor),) = decision.items()
        if factor < 0:
            lower, upper = upper, lower
        sides = [(lower / factor, 0), (upper / factor, 1)]
        finite = [(bound, side) for bound, side in sides if np.isfinite(bound)]
        bounds = (self.lower, self.upper)
        if signal and any(
            np.isfinite(bounds[side][column]) or column in self.bounded_by_signal[side] for _, side in finite
        ):
            return False
        if not signal and any(column in self.bounded_by_signal[side] for _, side in finite):
            return False
        for bound, side in finite:
            bounds[side][column] = (max, min)[side](bounds[side][column], bound) if not signal else bound
            if signal:
                self.bounded_by_signal[side].add(column)
                for place, value in signal.items():
                    (self.lower_signal, self.upper_signal)[side].add(column, place, -value / factor)
        return True

    def _objective(self, n: int, m: int) -> dict[str, Any]:
        objectives = list(self.model.component_data_objects(pyo.Objective, active=True))
        if len(objectives) != 1:
            raise SolveError(f"model {self.model.name}: needs exactly one objective, has {len(objectives)}")
        sign = 1.0 if objectives[0].is_minimizing() else -1.0
        repn = self._repn(sign * objectives[0].expr, objectives[0])
        decision, signal = self._split(repn.linear_vars, repn.linear_coefs)
        cost, constant_signal = np.zeros(n), np.zeros(m)
        cost[list(decision)] = list(decision.values())
        constant_signal[list(signal)] = list(signal.values())
        hessian, cost_signal, square = Triplets(), Triplets(), Triplets()
        for (first, second), value in zip(repn.quadratic_vars, repn.quadratic_coefs, strict=True):
            pair = [
                (id(v) in self.column, self.column.get(id(v), self.signal_column.get(id(v), -1)))
                for v in (first, second)
            ]
            pair.sort(reverse=True)
            (first_is_decision, i), (second_is_decision, j) = pair
            if first_is_decision and not second_is_decision:
                cost_signal.add(i, j, value)
            else:
                target = hessian if first_is_decision else square
                target.add(i, j, value)
                target.add(j, i, value)
        return {
            "hessian": hessian.matrix(n, n).tocsc(),
            "cost": cost,
            "cost_signal": cost_signal.matrix(n, m),
            "constant": float(repn.constant),
            "constant_signal": constant_signal,
            "constant_square": square.matrix(m, m),
        }


def compile_model(model: Any, signals: Sequence[str], weight: str = "") -> StandardForm:
    """Compile a Pyomo model whose signals are ordinary variables of the given names.

    Parameters
    ----------
    model : pyomo.environ.ConcreteModel
        One objective; linear constraints; convex quadratic constraints of the two forms of `Cones`.
    signals : sequence of str
        Names of the Pyomo variables that stand for incoming signals and private data.
    weight : str, optional
        Name of a mutable parameter on which the objective, and nothing else, depends linearly.

    Raises
    ------
    SolveError
        If a term is neither linear nor quadratic, or a quadratic constraint is of another form.
    """
    return _Compiler(model, signals, weight).compile()
