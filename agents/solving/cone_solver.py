"""Branch-flow cones by a short sequence of convex QPs on a live PIQP object."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

import numpy as np
import piqp
from numpy.typing import NDArray

from gridarium.agents.solving.cone_linearisation import Curvature, Tangents
from gridarium.agents.solving.highs_solver import HighsSolver
from gridarium.agents.solving.quadratic_solver import (
    COARSE_GAP,
    CONE_GAP,
    new_piqp,
    read_multipliers,
    run_piqp,
    set_gap,
)
from gridarium.agents.solving.standard_form import Multipliers, Numbers, StandardForm
from gridarium.environment.arrays import Array
from gridarium.environment.errors import SolveError, SolverLimitError

logger = logging.getLogger(__name__)

_RESCUE_ROUNDS, _RESCUE_ITERATIONS = 100, 100_000
"""Most rounds of tangent cuts that a rescue may take, and most iterations of the simplex method in each."""


@dataclass(frozen=True)
class ConeOptions:
    """When a cone programme counts as solved.

    Parameters
    ----------
    tolerance : float
        Largest violation of a cone, in its own units.
    slack_tolerance : float
        Largest slack of a cone that counts as tight, in its own units; interior points leave some.
    round_limit : int
        Quadratic programmes before something else is tried.
    optimality : float
        Most curvature that the last step may meet, relative to the cost; bounds the loss of optimality.
    """

    tolerance: float = 1e-7
    slack_tolerance: float = 1e-6
    round_limit: int = 25
    optimality: float = 1e-10


class ConeSolver:
    """Sequential quadratic programming on the tangents and the curvature of convex cones.

    Each round replaces a cone by its tangent plane at the last point and moves its curvature, times
    the cone's multiplier, into the objective: Newton's method on the optimality conditions, so a
    re-solve near the last point takes two or three rounds. The point and the multipliers are kept.

    Where quadratic steps do not end, tangent cuts in HiGHS rescue the solve; these are counted, and bounded
    in rounds and iterations. `bound` tells the best lower bound that is known of the last solve.
    """

    def __init__(self, form: StandardForm, options: ConeOptions | None = None) -> None:
        if form.integer.any() and form.is_quadratic:
            raise SolveError("a quadratic cost beside binaries must be written as a constraint")
        self.form, self.options = form, options or ConeOptions()
        self.rounds, self.restarts, self.rescues = 0, 0, 0
        self.bound = -np.inf
        equal = form.row_lower == form.row_upper
        self._equal, self._unequal = equal, ~equal
        self._equalities = form.rows[equal].tocsc()
        self._tangents = Tangents(form.rows[~equal], form.cones)
        self._curvature = Curvature(form.hessian, form.cones)
        self._implied = form.cones.implies_sign(form.lower, form.lower_signal)
        self._piqp: piqp.SparseSolver | None = None
        self._rescuer: HighsSolver | None = None
        self.forget()

    def forget(self) -> None:
        """Drop what was learned in earlier solves."""
        n, cones = len(self.form.cost), self.form.cones
        self._x = np.zeros(n)
        self._x[cones.scale[cones.rotated]] = 1.0
        self._multiplier = np.ones(len(cones))

    def solve(self, numbers: Numbers) -> Array:
        """Decisions at the given numbers; integers count as continuous here.

        Raises
        ------
        InfeasibleError, UnboundedError, SolverLimitError
        """
        try:
            x = self._attempt(numbers)
        except SolveError:
            if self.form.is_quadratic:
                raise
            return self._rescue(numbers)
        if x is None and self.form.is_quadratic:
            raise SolverLimitError(f"no convergence of the cones in {self.options.round_limit} rounds")
        return self._rescue(numbers) if x is None else x

    def solve_or_bound(self, numbers: Numbers) -> Array | None:
        """As `solve`, but None where quadratic steps have not ended; `bound` then bounds the cost from below.

        Raises
        ------
        InfeasibleError, UnboundedError, SolverLimitError
        """
        try:
            x = self._attempt(numbers, patient=False)
            if x is None:
                self.bound_at_last(numbers)
        except SolveError:
            # What PIQP calls infeasible is refused only once HiGHS has said so too.
            self.forget()
            x = self._rescue(numbers)
        if x is not None:
            self.bound = float(numbers.cost @ x)
        return x

    def bound_at_last(self, numbers: Numbers) -> None:
        """Find `bound` by one programme: the optimum of a linear cost on the tangents at the last point.

        Raises
        ------
        InfeasibleError, UnboundedError, SolverLimitError
        """
        x, multiplier = self._x, self._multiplier
        self._multiplier = np.zeros_like(multiplier)
        try:
            self.rounds += 1
            self._quadratic_step(numbers, COARSE_GAP)
            self.bound = float(numbers.cost @ self._x)
        finally:
            self._x, self._multiplier = x, multiplier

    def refute(self, numbers: Numbers) -> None:
        """Look for tangents that no decision satisfies at once; without them nothing is known.

        Raises
        ------
        InfeasibleError
            If there are such.
        """
        rescuer = HighsSolver(
            self._relaxed.without_cost(), self.options.tolerance, _RESCUE_ROUNDS, _RESCUE_ITERATIONS
        )
        try:
            rescuer.solve(numbers._replace(cost=np.zeros_like(numbers.cost)))
        except SolverLimitError as error:
            logger.debug("tangents have not refuted a relaxation: %s", error)

    def _attempt(self, numbers: Numbers, patient: bool = True) -> Array | None:
        """Quadratic steps from the last point, else from none; None where they have not ended.

        Who is not patient starts again only after a step that failed.
        """
        self.bound, self._rescuer = -np.inf, None
        try:
            x = self._step_until_still(numbers, CONE_GAP)
            if x is not None or not patient:
                return x
        except SolveError:
            pass
        self.forget()
        self.restarts += 1
        return self._step_until_still(numbers, COARSE_GAP)

    def multipliers(self) -> Multipliers:
        """Of the last solve; a cone's is that of its tangent, which is the cone's own at the optimum."""
        if self._rescuer is not None:
            return self._rescuer.multipliers()
        if self._piqp is None:
            raise SolveError("there are no multipliers before the first solve")
        return read_multipliers(self._piqp, self._equal, len(self.form.cones))

    @property
    def _relaxed(self) -> StandardForm:
        """The form with integers as continuous."""
        return replace(self.form, integer=np.zeros_like(self.form.integer))

    def loose(self, x: Array, numbers: Numbers) -> NDArray[np.bool_]:
        """Rotated cones that do not hold with equality."""
        cones = self.form.cones
        slack = -cones.violation(x, numbers.cone_upper)
        return np.asarray(cones.rotated & (slack > self.options.slack_tolerance))

    def _rescue(self, numbers: Numbers) -> Array:
        self.rescues += 1
        self._rescuer = HighsSolver(self._relaxed, self.options.tolerance, _RESCUE_ROUNDS, _RESCUE_ITERATIONS)
        try:
            return self._rescuer.solve(numbers)
        finally:
            self.bound = self._rescuer.bound

    def _step_until_still(self, numbers: Numbers, gap: float) -> Array | None:
        """Rounds of quadratic steps until the cones hold and the last step met no curvature, else None.

        A step without curvature optimises the cost on tangents alone. These bound the cost from below,
        so if its end also lies in the cones it is the optimum, however far along a flat face it went.
        """
        cones, options = self.form.cones, self.options
        if self._piqp is not None:
            set_gap(self._piqp, gap)
        for _ in range(options.round_limit):
            self.rounds += 1
            bend = self._quadratic_step(numbers, gap)
            worst = cones.violation(self._x, numbers.cone_upper).max(initial=-np.inf)
            if worst <= options.tolerance and bend <= options.optimality * (
                1.0 + abs(numbers.cost @ self._x)
            ):
                return self._x
        return None

    def _quadratic_step(self, numbers: Numbers, gap: float) -> float:
        """Move to the optimum on the tangents with the curvature of the last point; the curvature met."""
        x = self._x
        matrix, upper = self._tangents.at(x, numbers.cone_upper)
        hessian = self._curvature.at(x, self._multiplier)
        pull = hessian @ x - self.form.hessian @ x
        sides = {
            "c": numbers.cost - pull,
            "b": numbers.row_upper[self._equal],
            "h_l": np.concatenate([numbers.row_lower[self._unequal], np.full(len(upper), -np.inf)]),
            "h_u": np.concatenate([numbers.row_upper[self._unequal], upper]),
            "x_l": np.where(self._implied, -np.inf, numbers.lower),
            "x_u": numbers.upper,
        }
        if self._piqp is None:
            self._piqp = new_piqp(gap)
            self._piqp.setup(hessian, A=self._equalities, G=matrix, **sides)
        else:
            self._piqp.update(P=hessian, G=matrix, **sides)
        run_piqp(self._piqp)
        result = self._piqp.result
        first = len(sides["h_u"]) - len(upper)
        self._multiplier = np.array(result.z_u)[first:]
        self._x = np.array(result.x)
        step = self._x - x
        return float(step @ (hessian @ step - self.form.hessian @ step))
