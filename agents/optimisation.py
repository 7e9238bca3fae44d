"""Local problems of agents: a readable Pyomo model, compiled once a shape, solved warm many times."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gridarium.agents.solving.cone_solver import ConeOptions, ConeSolver
from gridarium.agents.solving.conflict import explain
from gridarium.agents.solving.exact_plans import ExactPlanner
from gridarium.agents.solving.highs_solver import INTEGER_GAP, HighsSolver, IntegerCompletion
from gridarium.agents.solving.physics import Physics
from gridarium.agents.solving.places import largest_of
from gridarium.agents.solving.quadratic_solver import QuadraticSolver
from gridarium.agents.solving.standard_form import Numbers, StandardForm, compile_model
from gridarium.environment.arrays import Array
from gridarium.environment.errors import (
    InfeasibleError,
    RelaxationError,
    SolveError,
    SolverLimitError,
    TimeLimitError,
)

Tightening = Callable[[Numbers, Array], Numbers]
logger = logging.getLogger(__name__)

ROUNDING_TOLERANCE = 1e-6
"""Most that rounded integers may cost above the relaxation, relative, to count as the optimum."""


@dataclass(frozen=True)
class Solution:
    """Decisions of one solve, read by the names of the Pyomo variables.

    Parameters
    ----------
    form : StandardForm
    x : ndarray, shape (n_decision,)
    signals : ndarray, shape (n_signal,)
    """

    form: StandardForm
    x: Array
    signals: Array

    def __getitem__(self, name: str) -> Array:
        """Values of a variable, in the shape of its index; shape () for a scalar."""
        block = self.form.decisions[name]
        return self.x[block.start : block.stop].reshape(block.shape)

    @property
    def objective(self) -> float:
        """Value of the objective, in its own unit, as if minimised."""
        return self.form.objective(self.x, self.signals)


class LocalProblem:
    """A compiled problem on a live solver; agents of one shape may share it.

    The class of the problem picks the solver: LP and MILP go to HiGHS, convex QP to PIQP, cones to
    a sequence of convex QPs on PIQP. Binaries beside cones are completed from the relaxation where
    they cost nothing and couple nothing, or rounded where the rounded plan costs no more than the
    relaxation; otherwise HiGHS searches them on tangent cuts. `searches` counts these. Where physics are
    given, rotated cones hold with equality: see `gridarium.agents.solving.exact_plans`.

    Parameters
    ----------
    form : StandardForm
    physics : Physics, optional
        What the cones stand for; without it they may stay slack.
    tighten : callable, optional
        Of numbers and signals: the numbers with bounds that cut off nothing of interest, without which a
        relaxation would have no end.
    integer_gap : float
        Of a mixed-integer linear problem: how far from the best a search may end, relative to the cost.
    side_searches : bool
        Of the same: see `HighsSolver`.
    cone_options : ConeOptions, optional
        When a problem with cones and without physics counts as solved.

    Examples
    --------
    >>> import pyomo.environ as pyo
    >>> m = pyo.ConcreteModel(name="shift")
    >>> m.target, m.shift = pyo.Var(), pyo.Var(bounds=(-1, 1))
    >>> m.distance = pyo.Objective(expr=(m.shift - m.target) ** 2)
    >>> problem = LocalProblem.compile(m, signals=["target"])
    >>> round(float(problem.solve("doctest", target=0.25)["shift"]), 6)
    0.25
    """

    def __init__(
        self,
        form: StandardForm,
        physics: Physics | None = None,
        tighten: Tightening | None = None,
        integer_gap: float = INTEGER_GAP,
        side_searches: bool = True,
        cone_options: ConeOptions | None = None,
    ) -> None:
        self._unweighed, self._weight = form, 1.0
        if form.weight:
            form = form.weighed(self._weight)
        self.form, self._tighten = form, tighten
        self.solves, self.searches = 0, 0
        self.solver_s = 0.0
        self._has_integers = bool(form.integer.any())
        self._rounds_before = 0
        self._last: Solution | None = None
        self._gradient: Array | None = None
        self._cone_solver: ConeSolver | None = None
        self._planner: ExactPlanner | None = None
        self._solver: HighsSolver | QuadraticSolver | ConeSolver
        if physics is not None:
            self._planner = ExactPlanner(form, physics)
            self._solver = self._cone_solver = self._planner.relaxation
        elif len(form.cones):
            self._solver = self._cone_solver = ConeSolver(form, cone_options)
            if self._has_integers:
                self._completion = IntegerCompletion(form)
                self._search = HighsSolver(form)
        elif form.is_quadratic:
            if self._has_integers:
                raise SolveError("no solver here takes binaries beside a quadratic cost")
            self._solver = QuadraticSolver(form)
        else:
            self._solver = HighsSolver(form, integer_gap=integer_gap, side_searches=side_searches)

    @classmethod
    def compile(cls, model: Any, signals: Sequence[str], integer_gap: float = INTEGER_GAP) -> LocalProblem:
        """Compile a Pyomo model; see `gridarium.agents.solving.standard_form.compile_model`."""
        return cls(compile_model(model, signals), integer_gap=integer_gap)

    def weigh(self, weight: float) -> None:
        """Solve at another weight of the form from now on; the live solver stays.

        Raises
        ------
        SolveError
            If the form has none, the weight is not above 0, or the problem is no convex QP without integers.
        """
        if weight == self._weight and self._unweighed.weight:
            return
        if not isinstance(self._solver, QuadraticSolver):
            raise SolveError("only the weight of a convex QP can change")
        self.form, self._weight = self._unweighed.weighed(weight), weight
        self._solver.reweigh(self.form)

    @property
    def cone_rounds(self) -> int:
        """Quadratic programmes of the last solve; 0 without cones."""
        return self._rounds - self._rounds_before

    @property
    def bound(self) -> float:
        """What a physical decision costs at least at the last solve, as if minimised; nan without physics.

        Of a mixed-integer linear problem: what any decision costs at least.
        """
        searched = self._has_integers and self._cone_solver is None
        solver = self._solver if searched else self._planner
        if self._last is None or not isinstance(solver, ExactPlanner | HighsSolver):
            return np.nan
        return solver.bound + self.form.constant_at(self._last.signals)

    def tangent_bound(self) -> float:
        """What any decision costs at least at the last solve, as if minimised, by its last tangents.

        Of a problem with cones and without physics.
        """
        last, solver = self._last, self._cone_solver
        if last is None or solver is None or self._planner is not None:
            raise SolveError("only the last solve of a problem with cones, without physics, has such a bound")
        # The programme that follows leaves multipliers of its own.
        self._gradient = self._marginal_values(last)
        numbers = self.form.at(last.signals)
        solver.bound_at_last(self._tighten(numbers, last.signals) if self._tighten else numbers)
        return solver.bound + self.form.constant_at(last.signals)

    @property
    def refinements(self) -> int:
        """Solves so far in which the relaxation was no physical plan."""
        return self._planner.refinements if self._planner else 0

    @property
    def _rounds(self) -> int:
        if self._planner is not None:
            return self._planner.rounds
        return self._cone_solver.rounds if self._cone_solver else 0

    @property
    def restarts(self) -> int:
        """Solves so far that had to forget the last point and start again."""
        return self._cone_solver.restarts if self._cone_solver else 0

    @property
    def rescues(self) -> int:
        """Solves so far that only tangent cuts could answer."""
        return self._cone_solver.rescues if self._cone_solver else 0

    def solve(self, owner: str, **signals: Any) -> Solution:
        """Solve at the given signals, each an array of its variable's shape.

        Parameters
        ----------
        owner : str
            Who asks; named in errors.

        Raises
        ------
        InfeasibleError, UnboundedError, SolverLimitError, RelaxationError
            Naming the owner, the period and the constraint family.
        SolveError
            If a signal is unknown, missing, of a wrong shape, or not finite.
        """
        try:
            return self._timed(owner, signals)
        except InfeasibleError as error:
            numbers = self.form.at(_read(self.form, signals))
            raise InfeasibleError(f"agent {owner}: {explain(self.form, numbers)}") from error
        except SolverLimitError as error:
            raise type(error)(f"agent {owner}: {_without_answer(error, self.form, signals)}") from error
        except SolveError as error:
            raise type(error)(f"agent {owner}: {error}") from error

    def attempt(self, owner: str, **signals: Any) -> Solution | None:
        """Solve as `solve` does, but give None where nothing is feasible, or no physical plan is found.

        Nothing is explained, which makes it quicker.

        Raises
        ------
        SolveError
            For every other reason.
        """
        try:
            return self._timed(owner, signals)
        except (InfeasibleError, RelaxationError):
            return None
        except SolveError as error:
            raise type(error)(f"agent {owner}: {error}") from error

    def _timed(self, owner: str, signals: dict[str, Any]) -> Solution:
        started = time.perf_counter()
        values = _read(self.form, signals)
        x = self._solve_numbers(self.form.at(values), values)
        self.solves += 1
        self.solver_s += time.perf_counter() - started
        self._last, self._gradient = Solution(self.form, x, values), None
        return self._last

    def sensitivity(self, solution: Solution, signal: str) -> Array:
        """Change of the optimal objective per unit of a signal, in the signal's shape: its marginal value.

        Where there are integers, they count as fixed at the solution.

        Parameters
        ----------
        solution : Solution
            The last one of this problem: a live solver remembers no other.
        signal : str

        Raises
        ------
        SolveError
            If another solve came after it, or an integer search leaves no multipliers.
        """
        if solution is not self._last:
            raise SolveError("sensitivities are those of the last solve; this solution is an earlier one")
        if self._gradient is None:
            self._gradient = self._marginal_values(solution)
        block = self.form.signals[signal]
        return self._gradient[block.start : block.stop].reshape(block.shape)

    def _marginal_values(self, of: Solution) -> Array:
        # The form of that solve: another weight may have been set since.
        return of.form.sensitivity(of.x, of.signals, (self._planner or self._solver).multipliers())

    def _solve_numbers(self, numbers: Numbers, signals: Array) -> Array:
        self._rounds_before = self._rounds
        if self._planner is not None:
            return self._planner.solve(numbers, signals)
        if self._tighten is not None:
            numbers = self._tighten(numbers, signals)
        cone_solver = self._cone_solver
        if cone_solver is None:
            return self._solver.solve(numbers)
        relaxed = cone_solver.solve(numbers)
        if not self._has_integers:
            return relaxed
        x, fits = self._completion.complete(relaxed, numbers)
        return x if fits else self._round(relaxed, x, numbers, cone_solver)

    def _round(self, relaxed: Array, rounded: Array, numbers: Numbers, solver: ConeSolver) -> Array:
        """Solve with the integers rounded; search for better ones unless the relaxation costs the same."""
        bound = float(numbers.cost @ relaxed)
        near = relaxed
        try:
            near = solver.solve(_fixed(self.form, rounded, numbers))
            if numbers.cost @ near - bound <= ROUNDING_TOLERANCE * (1.0 + abs(bound)):
                return near
        except InfeasibleError:
            logger.debug("rounded integers are infeasible, searching")
        self.searches += 1
        searched = self._search.solve(numbers, near=near)
        return solver.solve(_fixed(self.form, searched, numbers))


def _without_answer(error: SolverLimitError, form: StandardForm, signals: dict[str, Any]) -> str:
    """What was solved, how it ended, and unless time was short the input to look at first."""
    problem = f'its problem "{form.name}"' if form.name else "its problem"
    if isinstance(error, TimeLimitError):
        return f"{problem}: {error}"
    return f"{problem}: {error}; {largest_of(form, _read(form, signals))}"


def _fixed(form: StandardForm, x: Array, numbers: Numbers) -> Numbers:
    """The same numbers with the integers held at those of x."""
    lower, upper = numbers.lower.copy(), numbers.upper.copy()
    lower[form.integer] = upper[form.integer] = np.round(x[form.integer])
    return numbers._replace(lower=lower, upper=upper)


def _read(form: StandardForm, signals: dict[str, Any]) -> Array:
    """Values of all signals of a form in their order."""
    blocks = form.signals
    if signals.keys() != blocks.keys():
        raise SolveError(f"signals must be {sorted(blocks)}, got {sorted(signals)}")
    values = np.zeros(sum(block.stop - block.start for block in blocks.values()))
    for name, value in signals.items():
        block, array = blocks[name], np.asarray(value, dtype=np.float64)
        if array.shape != block.shape:
            raise SolveError(f"signal {name} must have shape {block.shape}, got {array.shape}")
        values[block.start : block.stop] = array.ravel()
    if not np.isfinite(values).all():
        bad = [name for name in signals if not np.isfinite(signals[name]).all()]
        raise SolveError(f"signals must be finite, these are not: {bad}")
    return values
