"""A live PIQP object: a convex QP, updated in place and solved again."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import numpy as np
import piqp
from numpy.typing import NDArray

from gridarium.agents.solving.standard_form import Multipliers, Numbers, StandardForm
from gridarium.environment.arrays import Array
from gridarium.environment.errors import InfeasibleError, SolveError, SolverLimitError, UnboundedError

logger = logging.getLogger(__name__)

_SETTINGS = {"eps_abs": 1e-8, "eps_rel": 1e-9, "check_duality_gap": True, "eps_primal_inf": 1e-8}
FIRM_REGULARISATION, _FIRMEST_REGULARISATION = 1e-8, 1e-6
LAST_GAP, COARSE_GAP, CONE_GAP, FINE_GAP = 1e-6, 1e-8, 1e-9, 1e-12
"""Absolute duality gaps; a tenth of each relative.

Where a limit is met without force, decisions are off by the root of the gap. A cone whose multiplier is m
stays slack by the gap over m: where energy is next to free, the coarse one looks like energy that is burnt.
"""


class QuadraticSolver:
    """A convex QP without integers or cones; updated in place and solved again.

    Parameters
    ----------
    form : StandardForm
    """

    def __init__(self, form: StandardForm) -> None:
        self.form = form
        self._equal = form.row_lower == form.row_upper
        self._unequal = ~self._equal
        self._has_equal, self._has_unequal = bool(self._equal.any()), bool(self._unequal.any())
        self._piqp: piqp.SparseSolver | None = None
        self._answered: piqp.SparseSolver | None = None
        self._numbers: Numbers | None = None
        self.coarse_solves = 0

    def solve(self, numbers: Numbers) -> Array:
        """Decisions at the given numbers; `coarse_solves` counts those without the finest duality gap.

        Raises
        ------
        InfeasibleError, UnboundedError, SolverLimitError
        """
        old, self._numbers = self._numbers, numbers
        if self._piqp is None or old is None:
            self._piqp = self._set_up(numbers)
        else:
            self._piqp.update(**self._changed(numbers, old))
        self._answered = self._piqp
        try:
            run_piqp(self._piqp)
        except (SolverLimitError, UnboundedError):
            self.coarse_solves += 1
            self._answered = self._run_coarse(self._piqp, numbers)
        return np.array(self._answered.result.x)

    def reweigh(self, form: StandardForm) -> None:
        """Go on with the same form at another weight: its objective has its numbers in the same places."""
        self.form = form
        if self._piqp is not None and self._numbers is not None:
            self._piqp.update(P=form.hessian)

    def multipliers(self) -> Multipliers:
        """Of the last solve."""
        if self._answered is None:
            raise SolveError("there are no multipliers before the first solve")
        return read_multipliers(self._answered, self._equal, 0)

    def _run_coarse(self, live: piqp.SparseSolver, numbers: Numbers) -> piqp.SparseSolver:
        """Bounds that leave next to no room between them stall the last digits of the gap, seldom all.

        Scaling the cost mends most of the latter, a firmer regularisation some, and both together what is
        left; that comes last since it stalls the gap by itself. Returns the object that has the answer.
        """
        usual = live.settings.reg_lower_limit

        def ways() -> Iterator[tuple[piqp.SparseSolver, float, float]]:
            yield live, COARSE_GAP, usual
            # Set up anew only if it comes to that.
            scaled = self._set_up(numbers, scales_cost=True)
            yield scaled, COARSE_GAP, usual
            yield live, LAST_GAP, usual
            yield live, LAST_GAP, FIRM_REGULARISATION
            yield scaled, COARSE_GAP, _FIRMEST_REGULARISATION

        try:
            for solver, gap, regularisation in ways():
                solver.settings.reg_lower_limit = regularisation
                set_gap(solver, gap)
                try:
                    run_piqp(solver)
                    return solver
                except (SolverLimitError, UnboundedError) as error:
                    # Of costs of a million it says both, where there is an answer.
                    stopped = error
            raise stopped
        finally:
            set_gap(live, FINE_GAP)
            live.settings.reg_lower_limit = usual

    def _changed(self, numbers: Numbers, old: Numbers) -> dict[str, Array]:
        """What is another array than before; a form gives the same array where no signal moves it."""
        changed = {}
        if numbers.cost is not old.cost:
            changed["c"] = numbers.cost
        if numbers.lower is not old.lower:
            changed["x_l"] = numbers.lower
        if numbers.upper is not old.upper:
            changed["x_u"] = numbers.upper
        if numbers.row_lower is not old.row_lower or numbers.row_upper is not old.row_upper:
            changed |= self._rows_of(numbers)
        return changed

    def _rows_of(self, numbers: Numbers) -> dict[str, Array]:
        """Right sides of the equalities, lower and upper sides of the inequalities, where there are any."""
        sides = {}
        if self._has_equal:
            sides["b"] = numbers.row_upper[self._equal]
        if self._has_unequal:
            sides["h_l"] = numbers.row_lower[self._unequal]
            sides["h_u"] = numbers.row_upper[self._unequal]
        return sides

    def _set_up(self, numbers: Numbers, scales_cost: bool = False) -> piqp.SparseSolver:
        form, live = self.form, new_piqp()
        live.settings.preconditioner_scale_cost = scales_cost
        matrices = {}
        if self._has_equal:
            matrices["A"] = form.rows[self._equal].tocsc()
        if self._has_unequal:
            matrices["G"] = form.rows[self._unequal].tocsc()
        sides = {"c": numbers.cost, "x_l": numbers.lower, "x_u": numbers.upper, **self._rows_of(numbers)}
        live.setup(form.hessian, **matrices, **sides)
        return live


def new_piqp(gap: float = FINE_GAP) -> piqp.SparseSolver:
    """A PIQP object of the accuracy that is used here."""
    live = piqp.SparseSolver()
    for name, value in _SETTINGS.items():
        setattr(live.settings, name, value)
    set_gap(live, gap)
    return live


def read_multipliers(live: piqp.SparseSolver, equal: NDArray[np.bool_], n_cone: int) -> Multipliers:
    """Multipliers of a solved object whose last inequalities are the tangents of the cones."""
    result = live.result
    inner = np.array(result.z_l) - np.array(result.z_u)
    n_plain = len(inner) - n_cone
    rows = np.zeros(len(equal))
    rows[equal] = -np.array(result.y)
    rows[~equal] = inner[:n_plain]
    return Multipliers(rows, np.array(result.z_bl), -np.array(result.z_bu), inner[n_plain:])


def set_gap(live: piqp.SparseSolver, gap: float) -> None:
    """Let the next solves of an object end at a duality gap."""
    live.settings.eps_duality_gap_abs = gap
    live.settings.eps_duality_gap_rel = 0.1 * gap


def run_piqp(live: piqp.SparseSolver) -> None:
    """Solve, or raise the error that names the status."""
    status = live.solve()
    if status == piqp.PIQP_SOLVED:
        return
    if status == piqp.PIQP_PRIMAL_INFEASIBLE:
        raise InfeasibleError("no decision satisfies all constraints")
    if status == piqp.PIQP_DUAL_INFEASIBLE:
        raise UnboundedError("the objective improves without limit")
    logger.debug("PIQP ended with %s", status.name)
    if status == piqp.PIQP_MAX_ITER_REACHED:
        raise SolverLimitError(f"no answer was found within {live.settings.max_iter:,} iterations")
    raise SolverLimitError(
        "no answer was found: the numbers differ too much in size for the solver, or leave too little room"
    )
