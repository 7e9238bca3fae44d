"""A second opinion on cone programmes: the same standard form, solved by the conic solver Clarabel."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from gridarium.agents.solving.cones import Cones
from gridarium.agents.solving.standard_form import Numbers, StandardForm
from gridarium.environment.arrays import Array
from gridarium.environment.errors import GridariumError, SolveError


@dataclass(frozen=True)
class ConicAnswer:
    """What Clarabel found, and how long that took.

    Parameters
    ----------
    x : ndarray, shape (n_decision,)
    cost : float
        Value of the objective without what does not depend on the decisions.
    status : str
        Clarabel's own word, ``Solved`` or ``AlmostSolved`` if all is well.
    setup_s, solve_s : float
        Time to build the solver object, and to solve, s.
    """

    x: Array
    cost: float
    status: str
    setup_s: float
    solve_s: float

    def solved(self) -> ConicAnswer:
        """This answer, if it is one.

        Raises
        ------
        SolveError
            If Clarabel found none; carries its status.
        """
        if "Solved" not in self.status:
            raise SolveError(f"Clarabel stopped: {self.status}")
        return self


def solve_conic(form: StandardForm, numbers: Numbers) -> ConicAnswer:
    """Solve a form at given numbers with Clarabel, integers as continuous.

    Parameters
    ----------
    form : StandardForm
    numbers : Numbers

    Raises
    ------
    GridariumError
        If Clarabel is not installed.
    SolveError
        If Clarabel finds no answer; carries its status.

    Notes
    -----
    Clarabel takes ``min x'Px/2 + q'x`` subject to ``Ax + s = b`` with s in a product of cones [1]_.

    References
    ----------
    .. [1] P. Goulart, Y. Chen, 2024, arXiv:2405.12762
    """
    equal, unequal = _linear(form, numbers)
    second_order, sizes = _second_order(form.cones, numbers)
    matrix = sparse.vstack([equal[0], unequal[0], second_order[0]]).tocsc()
    right = np.concatenate([equal[1], unequal[1], second_order[1]])
    counts = (len(equal[1]), len(unequal[1]), [int(size) for size in sizes])
    return run_clarabel(form.hessian, numbers.cost, matrix, right, counts).solved()


def least_violation(form: StandardForm, numbers: Numbers) -> float:
    """By how much rows and bounds must give way at least, all together, so that a form has a point at all.

    Every row is brought to a largest factor of 1 first. Cones hold, integers are continuous, and costs play
    no part.

    Parameters
    ----------
    form : StandardForm
    numbers : Numbers

    Raises
    ------
    GridariumError
        If Clarabel is not installed.
    SolveError
        If Clarabel finds no answer; carries its status.
    """
    equal, unequal = (_of_size_one(*part) for part in _linear(form, numbers))
    second_order, sizes = _second_order(form.cones, numbers)
    n, n_equal, n_unequal = form.rows.shape[1], len(equal[1]), len(unequal[1])
    n_slack = 2 * n_equal + n_unequal
    both = sparse.hstack([sparse.identity(n_equal), -sparse.identity(n_equal)])
    matrix = sparse.vstack(
        [
            sparse.hstack([equal[0], both, sparse.csr_matrix((n_equal, n_unequal))]),
            sparse.hstack(
                [unequal[0], sparse.csr_matrix((n_unequal, 2 * n_equal)), -sparse.identity(n_unequal)]
            ),
            sparse.hstack([sparse.csr_matrix((n_slack, n)), -sparse.identity(n_slack)]),
            sparse.hstack([second_order[0], sparse.csr_matrix((len(second_order[1]), n_slack))]),
        ]
    )
    right = np.concatenate([equal[1], unequal[1], np.zeros(n_slack), second_order[1]])
    cost = np.concatenate([np.zeros(n), np.ones(n_slack)])
    counts = (n_equal, n_unequal + n_slack, [int(size) for size in sizes])
    return (
        run_clarabel(sparse.csc_matrix((n + n_slack, n + n_slack)), cost, matrix, right, counts).solved().cost
    )


def _of_size_one(rows: sparse.csr_matrix, sides: Array) -> tuple[sparse.csr_matrix, Array]:
    """The same rows, each brought to a largest factor of 1."""
    largest = abs(rows).max(axis=1).toarray().ravel()
    factor = 1.0 / np.where(largest > 0.0, largest, 1.0)
    return sparse.csr_matrix(sparse.diags(factor) @ rows), factor * sides


def run_clarabel(
    hessian: Any, cost: Array, matrix: Any, right: Array, counts: tuple[int, int, Sequence[int]]
) -> ConicAnswer:
    """Let Clarabel solve ``min x'Px/2 + q'x`` subject to ``Ax + s = b``, s in a product of cones.

    Parameters
    ----------
    hessian : sparse matrix, shape (n_decision, n_decision)
    cost : ndarray, shape (n_decision,)
    matrix : sparse matrix, shape (n_row, n_decision)
    right : ndarray, shape (n_row,)
    counts : tuple of int, int and sequence of int
        Rows of which s is zero, then those of which it is not negative, then sizes of second-order cones.

    Raises
    ------
    GridariumError
        If Clarabel is not installed.
    """
    clarabel = _clarabel()
    zero, positive, sizes = counts
    cones = [
        clarabel.ZeroConeT(zero),
        clarabel.NonnegativeConeT(positive),
        *(clarabel.SecondOrderConeT(size) for size in sizes),
    ]
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    started = time.perf_counter()
    solver = clarabel.DefaultSolver(
        sparse.triu(hessian).tocsc(), cost, matrix.tocsc(), right, cones, settings
    )
    ready = time.perf_counter()
    answer = solver.solve()
    done = time.perf_counter()
    return ConicAnswer(
        np.array(answer.x), float(answer.obj_val), str(answer.status), ready - started, done - ready
    )


def _clarabel() -> Any:
    try:
        import clarabel
    except ImportError as error:
        raise GridariumError(
            "the conic solver Clarabel is not installed: pip install gridarium[reference]"
        ) from error
    return clarabel


def _linear(form: StandardForm, numbers: Numbers) -> tuple[tuple[sparse.csr_matrix, Array], ...]:
    """Rows and bounds as ``A x = b`` and ``G x <= h``."""
    identity = sparse.csr_matrix(sparse.identity(len(numbers.cost)))
    matrix = sparse.csr_matrix(sparse.vstack([form.rows, identity]))
    lower = np.concatenate([numbers.row_lower, numbers.lower])
    upper = np.concatenate([numbers.row_upper, numbers.upper])
    equal = lower == upper
    above, below = ~equal & np.isfinite(upper), ~equal & np.isfinite(lower)
    unequal = sparse.vstack([matrix[above], -matrix[below]])
    return (matrix[equal], upper[equal]), (unequal, np.concatenate([upper[above], -lower[below]]))


def _second_order(cones: Cones, numbers: Numbers) -> tuple[tuple[sparse.csr_matrix, Array], Array]:
    """Rows and right sides of the second-order cones one after the other, and their sizes.

    ``sum_i w_i x_i**2 <= y z`` is ``|(2 sqrt(w_i) x_i, y - z)| <= y + z``; a cone that is not rotated has
    ``y = bound - linear`` and ``z = 1``.
    """
    (n_cone, width), n_column = cones.square.shape, cones.linear.shape[1]
    rotated = np.flatnonzero(cones.rotated)

    def pick(column: Any, cone: Any, factor: Any) -> sparse.csr_matrix:
        return sparse.csr_matrix((factor, (cone, column)), shape=(n_cone, n_column))

    y = pick(cones.epigraph[rotated], rotated, np.ones(len(rotated))) - cones.linear
    z = pick(cones.scale[rotated], rotated, np.ones(len(rotated)))
    y_constant, z_constant = numbers.cone_upper, np.where(cones.rotated, 0.0, 1.0)
    squares = [
        pick(cones.square[:, i], np.arange(n_cone), 2.0 * np.sqrt(cones.weight[:, i])) for i in range(width)
    ]
    left = sparse.vstack([y + z, *squares, y - z]).tocsr()
    right = np.concatenate([y_constant + z_constant, np.zeros(n_cone * width), y_constant - z_constant])
    used = np.column_stack([np.ones(n_cone), cones.weight, np.ones(n_cone)]) != 0.0
    order = np.arange(len(right)).reshape(width + 2, n_cone).T[used]
    return (-left[order], right[order]), used.sum(axis=1)
