"""A bound on how far a decision is from the optimum, found by another solver than the one that made it."""

from __future__ import annotations

from gridarium.agents.solving.highs_solver import HighsSolver
from gridarium.agents.solving.standard_form import StandardForm
from gridarium.environment.arrays import Array
from gridarium.environment.errors import SolveError


class SuboptimalityBound:
    """Bounds the distance to the optimum of a convex problem without integers or cones.

    A convex objective lies above its tangent at x, so nothing feasible is better than the best point
    of the tangent, a linear programme for HiGHS.

    Parameters
    ----------
    form : StandardForm

    Raises
    ------
    SolveError
        If the form has integers or cones.
    """

    def __init__(self, form: StandardForm) -> None:
        if form.integer.any() or len(form.cones):
            raise SolveError("a bound by the tangent needs a problem without integers and cones")
        self._form = form
        self._linear = HighsSolver(form.without_cost())

    def of(self, x: Array, signals: Array) -> float:
        """Objective at a feasible x minus the optimum is at most this, in the objective's unit.

        Notes
        -----
        The duality gap of the conditional-gradient method [1]_.

        References
        ----------
        .. [1] M. Jaggi, Revisiting Frank-Wolfe, 2013, Proceedings of Machine Learning Research 28(1)
        """
        numbers = self._form.at(signals)
        gradient = numbers.cost + self._form.hessian @ x
        best = self._linear.solve(numbers._replace(cost=gradient))
        return float(gradient @ (x - best))
