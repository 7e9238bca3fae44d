"""A live HiGHS object, re-solved warm: LP and MILP, cones beside binaries by tangent cuts."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import highspy
import numpy as np
from highspy import HighsModelStatus, HighsStatus, HighsVarType
from numpy.typing import NDArray

from gridarium.agents.solving.places import place_of
from gridarium.agents.solving.silent_highs import new_highs
from gridarium.agents.solving.standard_form import Multipliers, Numbers, StandardForm
from gridarium.environment.arrays import Array, Index
from gridarium.environment.errors import (
    InfeasibleError,
    SolveError,
    SolverLimitError,
    TimeLimitError,
    UnboundedError,
)

logger = logging.getLogger(__name__)

INTEGRALITY_TOLERANCE = 1e-6
TIME_LIMIT_S = 3600.0
"""Of each run. Nodes and iterations end a search; whatever is still running after this time has failed."""

INTEGER_GAP = 1e-7
"""How far from the best whole numbers a search may end, relative to the cost, if nothing else is said."""

_OPTIONS = {
    "threads": 1,
    "primal_feasibility_tolerance": 1e-9,
    "dual_feasibility_tolerance": 1e-9,
    "mip_rel_gap": INTEGER_GAP,
    "mip_feasibility_tolerance": 1e-9,
}

_SIDE_SEARCHES = (
    "mip_heuristic_run_rins",
    "mip_heuristic_run_rens",
    "mip_heuristic_run_root_reduced_cost",
)

_BROKEN = 1e-6
"""Least violation that is none of rounding, relative to the size of what is violated."""

_UNDECIDED = (HighsModelStatus.kNotset, HighsModelStatus.kSolveError, HighsModelStatus.kUnknown)


HOLDS = -1.0
"""Price of what may not give way at all."""


class Elastic(NamedTuple):
    """What may give way in a problem without an answer: a price of each unit, negative where it must hold.

    Parameters
    ----------
    lower, upper : ndarray, shape (n_decision,)
        Of bounds.
    rows : ndarray, shape (n_row,)
    """

    lower: Array
    upper: Array
    rows: Array

    def broken(self, x: Array, body: Array, numbers: Numbers) -> float:
        """Largest violation of what must hold, relative to the size of it."""
        below, above = numbers.lower - x, x - numbers.upper
        rows = np.maximum(numbers.row_lower - body, body - numbers.row_upper)
        beyond = (
            np.where(self.lower < 0.0, below, 0.0) / (1.0 + np.abs(x)),
            np.where(self.upper < 0.0, above, 0.0) / (1.0 + np.abs(x)),
            np.where(self.rows < 0.0, rows, 0.0) / (1.0 + np.abs(body)),
        )
        return max(float(part.max(initial=0.0)) for part in beyond)


class HighsSolver:
    """One HiGHS model that lives as long as its problem and keeps its basis and its cuts.

    Parameters
    ----------
    form : StandardForm
        With a linear objective.
    cone_tolerance : float or ndarray, shape (n_cone,)
        Largest violation of a cone, or of each, in its own units.
    round_limit : int
        Rounds of tangent cuts before `SolverLimitError`.
    iteration_limit : int, optional
        Of the simplex method in each of its runs.
    integer_gap : float
        How far from the best whole numbers a search may end, relative to the cost.
    side_searches : bool
        Whether smaller searches of their own for good whole numbers (RINS, RENS, reduced costs) come first.
    """

    def __init__(
        self,
        form: StandardForm,
        cone_tolerance: float | Array = 1e-6,
        round_limit: int = 100,
        iteration_limit: int | None = None,
        integer_gap: float = INTEGER_GAP,
        side_searches: bool = True,
    ) -> None:
        if form.is_quadratic:
            raise SolveError("a quadratic cost beside binaries must be written as a constraint")
        self.form, self.cone_tolerance, self.round_limit = form, cone_tolerance, round_limit
        self.rounds, self.bound = 0, -np.inf
        self._integers = np.flatnonzero(form.integer).astype(np.int32)
        self._columns = np.arange(len(form.cost), dtype=np.int32)
        self._rows = np.arange(len(form.row_names), dtype=np.int32)
        self._cut_cone: Index = np.zeros(0, dtype=np.int64)
        self._cut_offset: Array = np.zeros(0)
        self._numbers: Numbers | None = None
        self._highs = highs_model(form)
        self._highs.setOptionValue("mip_rel_gap", integer_gap)
        for heuristic in _SIDE_SEARCHES:
            self._highs.setOptionValue(heuristic, side_searches)
        if iteration_limit is not None:
            self._highs.setOptionValue("simplex_iteration_limit", iteration_limit)

    def solve(self, numbers: Numbers, near: Array | None = None) -> Array:
        """Decisions at the given numbers.

        Parameters
        ----------
        numbers : Numbers
        near : ndarray, optional
            A point, such as the relaxation's optimum, whose tangents are added before the first round.

        Raises
        ------
        InfeasibleError, UnboundedError, SolverLimitError
        """
        self._update(numbers)
        self.rounds, self.bound = 0, -np.inf
        if not len(self.form.cones):
            return self._search() if len(self._integers) else run_highs(self._highs)
        if near is not None:
            self._add_cuts(near, np.arange(len(self.form.cones)), numbers)
        return self._branch(numbers) if len(self._integers) else self._cut(numbers)

    def multipliers(self) -> Multipliers:
        """Of the last solve; with integers there are none.

        Raises
        ------
        SolveError
            If the problem has integers.
        """
        if len(self._integers):
            raise SolveError("a problem with integers has no multipliers")
        solution, n_row = self._highs.getSolution(), len(self._rows)
        duals, reduced = np.array(solution.row_dual), np.array(solution.col_dual)
        cones = np.zeros(len(self.form.cones))
        np.add.at(cones, self._cut_cone, duals[n_row:])
        return Multipliers(duals[:n_row], np.maximum(reduced, 0.0), np.minimum(reduced, 0.0), cones)

    def least_violation(
        self, numbers: Numbers, elastic: Elastic, round_limit: int | None = None
    ) -> Array | None:
        """The point that leaves least what may give way, all cones kept; None where that is not enough.

        After this the object finds nothing else.
        """
        self._update(numbers)
        for _ in range(round_limit or self.round_limit):
            # HiGHS reads a price for each of its rows: cuts hold.
            rows = np.append(elastic.rows, np.full(len(self._cut_cone), HOLDS))
            self._highs.feasibilityRelaxation(1.0, 1.0, 1.0, elastic.lower, elastic.upper, rows)
            x = np.array(self._highs.getSolution().col_value)
            # HiGHS gives no status here; an answer that breaks what was to hold is none.
            if elastic.broken(x, self.form.rows @ x, numbers) > _BROKEN:
                return None
            violated = np.flatnonzero(self.form.cones.violation(x, numbers.cone_upper) > 1e-4)
            if not len(violated):
                break
            self._add_cuts(x, violated, numbers)
        return x

    def _update(self, numbers: Numbers) -> None:
        """Send what differs from the last solve."""
        old, self._numbers = self._numbers, numbers
        highs, columns, rows = self._highs, self._columns, self._rows
        if old is None or old.cost is not numbers.cost:
            highs.changeColsCost(len(columns), columns, numbers.cost)
        if old is None or not _same(old.lower, numbers.lower, old.upper, numbers.upper):
            highs.changeColsBounds(len(columns), columns, numbers.lower, numbers.upper)
        if len(rows) and (
            old is None or not _same(old.row_lower, numbers.row_lower, old.row_upper, numbers.row_upper)
        ):
            highs.changeRowsBounds(len(rows), rows, numbers.row_lower, numbers.row_upper)
        if len(self._cut_cone):
            upper = numbers.cone_upper[self._cut_cone] + self._cut_offset
            places = np.arange(len(rows), len(rows) + len(upper), dtype=np.int32)
            highs.changeRowsBounds(len(places), places, np.full(len(places), -np.inf), upper)

    def _cut(self, numbers: Numbers) -> Array:
        """Solve, cut off what violates a cone, and again."""
        for _ in range(self.round_limit):
            x = run_highs(self._highs)
            self.rounds, self.bound = self.rounds + 1, float(numbers.cost @ x)
            violation = self.form.cones.violation(x, numbers.cone_upper)
            violated = np.flatnonzero(violation > self.cone_tolerance)
            if not len(violated):
                return x
            self._add_cuts(x, violated, numbers)
        place = place_of(self.form, self.form.cones.names[int(violation.argmax())])
        raise SolverLimitError(
            f"cones violated by {violation.max():.1e} after {self.rounds} rounds of cuts, most in {place}"
        )

    def _add_cuts(self, x: Array, which: Index, numbers: Numbers) -> None:
        """Append the tangents at x of the given cones."""
        cones = self.form.cones
        factor, value = cones.tangent(x)
        offset = np.where(cones.rotated, 0.0, value)[which]
        columns, entries, starts = [], [], [0]
        for cone in which:
            used = cones.weight[cone] != 0.0
            linear = slice(cones.linear.indptr[cone], cones.linear.indptr[cone + 1])
            column = [*cones.square[cone][used], *cones.linear.indices[linear]]
            entry = [*factor[cone][used], *cones.linear.data[linear]]
            if cones.rotated[cone]:
                column += [cones.epigraph[cone], cones.scale[cone]]
                entry += [-1.0, -value[cone]]
            columns += column
            entries += entry
            starts.append(len(columns))
        self._highs.addRows(
            len(which),
            np.full(len(which), -np.inf),
            numbers.cone_upper[which] + offset,
            len(columns),
            np.array(starts[:-1], dtype=np.int32),
            np.array(columns, dtype=np.int32),
            np.array(entries),
        )
        self._cut_cone = np.concatenate([self._cut_cone, which])
        self._cut_offset = np.concatenate([self._cut_offset, offset])

    def _branch(self, numbers: Numbers) -> Array:
        """Outer approximation: integers from the MILP, cuts from the LP with these integers fixed."""
        highs, integers = self._highs, self._integers
        best, best_cost = None, np.inf
        for _ in range(self.round_limit):
            x = self._solve_integers()
            if best is not None and numbers.cost @ x >= best_cost - 1e-7 * (1.0 + abs(best_cost)):
                return best
            whole = np.round(x[integers])
            highs.changeColsBounds(len(integers), integers, whole, whole)
            try:
                x = self._cut(numbers)
            finally:
                highs.changeColsBounds(
                    len(integers), integers, numbers.lower[integers], numbers.upper[integers]
                )
            if numbers.cost @ x < best_cost:
                best, best_cost = x, float(numbers.cost @ x)
        raise SolverLimitError(f"cuts and integers do not agree after {self.round_limit} rounds")

    def _search(self) -> Array:
        """Solve without cones, and keep what any decision costs at least."""
        x = self._solve_integers()
        self.bound = float(self._highs.getInfo().mip_dual_bound)
        return x

    def _solve_integers(self) -> Array:
        highs, integers = self._highs, self._integers
        _set_kind(highs, integers, HighsVarType.kInteger)
        try:
            return run_highs(highs)
        finally:
            _set_kind(highs, integers, HighsVarType.kContinuous)


class IntegerCompletion:
    """Finds whole numbers for integers that cost nothing, each alone in its rows, without a search.

    Where it succeeds, the relaxation's optimum is the optimum of the mixed-integer problem.
    """

    def __init__(self, form: StandardForm) -> None:
        self._integers = np.flatnonzero(form.integer)
        self._matrix = form.rows
        block = form.rows[:, self._integers].tocoo()
        self._row, self._position, self._factor = block.row, block.col, block.data
        coupled = len(np.unique(block.row)) < block.nnz
        self._applies = not coupled and not form.cost[self._integers].any()

    def complete(self, relaxed: Array, numbers: Numbers) -> tuple[Array, bool]:
        """The point with whole integers, and whether its rows still hold; else they ask for a search."""
        integers, x = self._integers, relaxed.copy()
        lower, upper = numbers.lower[integers], numbers.upper[integers]
        x[integers] = np.round(relaxed[integers])
        is_whole = np.abs(x[integers] - relaxed[integers]).max() <= INTEGRALITY_TOLERANCE
        if is_whole or not self._applies:
            return x, bool(is_whole)
        row, position, factor = self._row, self._position, self._factor
        rest = self._matrix[row] @ relaxed - factor * relaxed[integers[position]]
        ends = (numbers.row_lower[row] - rest) / factor, (numbers.row_upper[row] - rest) / factor
        low, high = lower.copy(), upper.copy()
        np.maximum.at(low, position, np.minimum(*ends))
        np.minimum.at(high, position, np.maximum(*ends))
        least: Array = np.ceil(low - INTEGRALITY_TOLERANCE)
        fits = least <= high + INTEGRALITY_TOLERANCE
        # Where no whole number lies between its limits, the one nearest to both breaks them least.
        x[integers] = np.where(fits, least, np.clip(np.round((low + high) / 2.0), lower, upper))
        return x, bool(fits.all())


def highs_model(form: StandardForm) -> highspy.Highs:
    """A fresh HiGHS object that holds the linear part of a form, integers relaxed."""
    highs, matrix = new_highs(), form.rows.tocsc()
    for name, value in _OPTIONS.items():
        highs.setOptionValue(name, value)
    highs.setOptionValue("time_limit", TIME_LIMIT_S)
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = len(form.cost), len(form.row_names)
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = form.cost, form.lower, form.upper
    lp.row_lower_, lp.row_upper_ = form.row_lower, form.row_upper
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_, lp.a_matrix_.index_ = matrix.indptr, matrix.indices
    lp.a_matrix_.value_ = matrix.data
    highs.passModel(lp)
    return highs


def integer_model(form: StandardForm, numbers: Numbers, options: Mapping[str, float]) -> highspy.Highs:
    """A fresh HiGHS object that holds the linear part of a form at some numbers, for one search."""
    cost, row_lower, row_upper, lower, upper, _ = numbers
    form = replace(form, cost=cost, row_lower=row_lower, row_upper=row_upper, lower=lower, upper=upper)
    highs = highs_model(form)
    _set_kind(highs, np.flatnonzero(form.integer).astype(np.int32), HighsVarType.kInteger)
    for name, value in options.items():
        highs.setOptionValue(name, value)
    return highs


def run_highs(highs: highspy.Highs) -> Array:
    """Run and return the columns' values, or raise the error that names the status."""
    status = run_in_time(highs)
    if status != HighsModelStatus.kOptimal:
        status = _second_try(highs, status)
    if status == HighsModelStatus.kOptimal:
        return np.array(highs.getSolution().col_value)
    if status == HighsModelStatus.kInfeasible:
        raise InfeasibleError("no decision satisfies all constraints")
    if status == HighsModelStatus.kUnbounded:
        raise UnboundedError("the objective improves without limit")
    raise SolverLimitError(f"no answer was found{reason_of(highs, status)}")


def reason_of(highs: highspy.Highs, status: Any) -> str:
    """Why a run that has ended at a status is without an answer, in words that go on a sentence.

    The status itself is logged.
    """
    logger.debug("HiGHS ended with %s", highs.modelStatusToString(status))
    info = highs.getInfo()
    if status == HighsModelStatus.kIterationLimit:
        return f" within {info.simplex_iteration_count:,} iterations"
    if status in (HighsModelStatus.kSolutionLimit, HighsModelStatus.kInterrupt):
        return f" within {info.mip_node_count:,} nodes"
    return ": the numbers differ too much in size for the solver, or leave too little room"


def run_in_time(highs: highspy.Highs, owner: str = "") -> Any:
    """Run and return the status; an owner is named in the error.

    Raises
    ------
    TimeLimitError
        If the time limit ended it: what was found by then depends on the machine.
    """
    if highs.run() == HighsStatus.kError and highs.getModelStatus() == HighsModelStatus.kNotset:
        # Whoever else ran HiGHS in this process may have started another number of threads; it refuses then.
        highspy.Highs.resetGlobalScheduler(True)
        highs.run()
    status = highs.getModelStatus()
    if status == HighsModelStatus.kTimeLimit:
        limit_s = highs.getOptionValue("time_limit")[1]
        raise TimeLimitError(f"{owner}{': ' if owner else ''}no answer was found within {limit_s:g} s")
    return status


def _second_try(highs: highspy.Highs, status: Any) -> Any:
    """The status after another run, where the first one tells little."""
    if status == HighsModelStatus.kUnboundedOrInfeasible:
        # Presolve cannot tell the two apart; the simplex method can.
        return _without_presolve(highs)
    if status in _UNDECIDED:
        # A basis from other data can be numerically hopeless; start from none.
        highs.clearSolver()
        status = run_in_time(highs)
    if status in _UNDECIDED:
        # What presolve gives back may miss tolerances that the simplex method on the whole keeps.
        highs.clearSolver()
        status = _without_presolve(highs)
    return status


def _without_presolve(highs: highspy.Highs) -> Any:
    highs.setOptionValue("presolve", "off")
    try:
        return run_in_time(highs)
    finally:
        highs.setOptionValue("presolve", "choose")


def _set_kind(highs: highspy.Highs, columns: NDArray[np.int32], kind: HighsVarType) -> None:
    highs.changeColsIntegrality(len(columns), columns, np.full(len(columns), int(kind), dtype=np.uint8))


def _same(*pairs: Array) -> bool:
    return all(a is b or np.array_equal(a, b) for a, b in zip(pairs[::2], pairs[1::2], strict=True))
