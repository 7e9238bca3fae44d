"""Branch-flow cones by a short sequence of convex QPs on a live PIQP object."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import piqp
from numpy.typing import NDArray

from gridarium.agents.solving.cone_linearisation import Curvature, Tangents
from gridarium.agents.solving.highs_solver import HighsSolver
from gridarium.agents.solving.quadratic_solver import COARSE_GAP, new_piqp, read_multipliers, run_piqp
from gridarium.agents.solving.standard_form import Multipliers, Numbers, StandardForm
from gridarium.environment.arrays import Array
from gridarium.environment.errors import (
    RelaxationError,
    SolveError,
    SolverLimitError,
    TimeLimitError,
)


@dataclass(frozen=True)
class ConeOptions:
    """When a cone programme counts as solved.

    Parameters
    ----------
    tolerance : float
        Largest violation of a cone, in its own units.
    slack_tolerance : float
        Largest slack of a cone that must be tight, in its own units; interior points leave some.
    round_limit : int
        Quadratic programmes before `SolverLimitError`.
    optimality : float
        Most curvature that the last step may meet, relative to the cost; bounds the loss of optimality.
    must_be_tight : bool
        Whether every rotated cone has to hold with equality, as the physics of a branch asks.
    repair_prices : tuple of float
        Prices on the epigraph of slack cones, tried in turn, in the unit of the cost.
    """

    tolerance: float = 1e-7
    slack_tolerance: float = 1e-6
    round_limit: int = 25
    optimality: float = 1e-10
    must_be_tight: bool = True
    repair_prices: tuple[float, ...] = (1.0, 10.0, 100.0, 1e3, 1e4)


class ConeSolver:
    """Sequential quadratic programming on the tangents and the curvature of convex cones.

    Each round replaces a cone by its tangent plane at the last point and moves its curvature, times
    the cone's multiplier, into the objective: Newton's method on the optimality conditions, so a
    re-solve near the last point takes two or three rounds. The point and the multipliers are kept.

    A rotated cone that stays slack is a relaxation that physics does not allow: free or negatively
    priced energy burnt as losses. Then a price on the epigraph of these cones (the squared current) is
    raised until all are tight; `repairs` counts such solves, and what cannot be repaired is refused
    with `RelaxationError`.
    """

    def __init__(self, form: StandardForm, options: ConeOptions | None = None) -> None:
        if form.integer.any() and form.is_quadratic:
            raise SolveError("a quadratic cost beside binaries must be written as a constraint")
        self.form, self.options = form, options or ConeOptions()
        self.rounds, self.repairs, self.restarts, self.rescues = 0, 0, 0, 0
        self.solved: Numbers | None = None
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
        InfeasibleError, UnboundedError, SolverLimitError, RelaxationError
        """
        self.solved = numbers
        x = self._converge(numbers)
        loose = self._loose(x, numbers)
        if self.options.must_be_tight and loose.any():
            self.repairs += 1
            x = self._tighten(numbers, loose)
        return x

    def multipliers(self) -> Multipliers:
        """Of the last solve; a cone's is that of its tangent, which is the cone's own at the optimum."""
        if self._rescuer is not None:
            return self._rescuer.multipliers()
        if self._piqp is None:
            raise SolveError("there are no multipliers before the first solve")
        return read_multipliers(self._piqp, self._equal, len(self.form.cones))

    def _loose(self, x: Array, numbers: Numbers) -> NDArray[np.bool_]:
        """Cones that should hold with equality and do not."""
        cones = self.form.cones
        slack = -cones.violation(x, numbers.cone_upper)
        return np.asarray(cones.rotated & (slack > self.options.slack_tolerance))

    def _tighten(self, numbers: Numbers, loose: NDArray[np.bool_]) -> Array:
        """Raise the price on the epigraph of slack cones until none is left."""
        ever_loose, cause = loose.copy(), None
        for price in self.options.repair_prices:
            cost = numbers.cost.copy()
            cost[self.form.cones.epigraph[ever_loose]] += price
            self.solved = numbers._replace(cost=cost)
            try:
                x = self._converge(self.solved)
            except TimeLimitError:
                raise
            except SolverLimitError as error:
                # A huge current keeps its cost however dear; what it breaks is numerics, not physics.
                cause = error
                break
            loose = self._loose(x, numbers)
            if not loose.any():
                return x
            ever_loose |= loose
        names = [self.form.cones.names[k] for k in np.flatnonzero(loose)[:5]]
        raise RelaxationError(
            f"{int(loose.sum())} cones are not tight and could not be repaired, e.g. {', '.join(names)}"
        ) from cause

    def _converge(self, numbers: Numbers) -> Array:
        """Quadratic steps from the last point, else from none, else tangent cuts; never silent."""
        self._rescuer = None
        try:
            return self._step_until_still(numbers)
        except SolveError:
            self.forget()
            self.restarts += 1
        try:
            return self._step_until_still(numbers)
        except SolveError:
            self.forget()
            if self.form.is_quadratic:
                raise
            self.rescues += 1
        relaxed = replace(self.form, integer=np.zeros_like(self.form.integer))
        self._rescuer = HighsSolver(relaxed, self.options.tolerance)
        return self._rescuer.solve(numbers)

    def _step_until_still(self, numbers: Numbers) -> Array:
        """Rounds of quadratic steps until the cones hold and the last step met no curvature.

        A step without curvature optimises the cost on tangents alone. These bound the cost from below,
        so if its end also lies in the cones it is the optimum, however far along a flat face it went.
        """
        cones, options = self.form.cones, self.options
        for _ in range(options.round_limit):
            self.rounds += 1
            bend = self._quadratic_step(numbers)
            worst = cones.violation(self._x, numbers.cone_upper).max(initial=-np.inf)
            if worst <= options.tolerance and bend <= options.optimality * (
                1.0 + abs(numbers.cost @ self._x)
            ):
                return self._x
        raise SolverLimitError(
            f"no convergence of the cones after {options.round_limit} rounds (off by {worst:.1e})"
        )

    def _quadratic_step(self, numbers: Numbers) -> float:
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
            self._piqp = new_piqp(COARSE_GAP)
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
