"""The benchmark of a day: commitment and dispatch at once, all known in advance, with a proven bound."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np
from highspy import HighsModelStatus

from gridarium.agents.optimisation import Solution
from gridarium.agents.solving.highs_solver import integer_model, reason_of, run_in_time
from gridarium.agents.system.commitment_problem import CommitmentShape, commitment_form
from gridarium.agents.system.power_system import SystemForecast, SystemState
from gridarium.agents.system.system_schedule import SystemSchedule, read_schedule
from gridarium.agents.system.system_signals import commitment_signals
from gridarium.environment.arrays import Array, Flags
from gridarium.environment.errors import InfeasibleError, SolverLimitError


@dataclass(frozen=True)
class BenchmarkDay(SystemSchedule):
    """The best day by quarter-hours, and how good any day can be.

    Parameters
    ----------
    cost_money : float
        Cost of this day with tangents of the fuel cost, starts, stops and penalties included.
    bound_money : float
        No day-ahead commitment and real-time dispatch of the same data can cost less.
    gap : float
        Relative distance of the two.
    is_proven : bool
        False where the limit of nodes ended the search; the bound holds all the same.
    solver_s : float
    """

    cost_money: float
    bound_money: float
    gap: float
    is_proven: bool
    solver_s: float


class PerfectInformation:
    """The mixed-integer problem of a day known in advance: hourly commitment, dispatch by quarter-hours.

    Parameters
    ----------
    shape : CommitmentShape
    period_h : float
        Length of a period of dispatch, a whole part of an hour.
    gap : float
        Relative gap at which the search ends.
    node_limit : int
        Nodes at which it ends at the latest; most days are proven at the root, the first of them.

    Notes
    -----
    Relaxes what the operator faces: it knows actual wind and loads, and its tangents lie below the quadratic
    cost. The solver's dual bound is therefore below the cost of every policy.
    """

    def __init__(
        self, shape: CommitmentShape, period_h: float = 0.25, gap: float = 1e-4, node_limit: int = 1000
    ) -> None:
        self.shape, self._gap, self._node_limit = shape, gap, node_limit
        self.form = commitment_form(shape, period_h)

    def solve(
        self,
        owner: str,
        actual: SystemForecast,
        state: SystemState | None = None,
        hours_in_state: Array | None = None,
        available: Flags | None = None,
    ) -> BenchmarkDay:
        """The best day.

        Parameters
        ----------
        owner : str
            Named in errors.
        actual : SystemForecast
            What came of all quarters.
        state : SystemState, optional
            Before the first hour; `SystemState.initial` if left out.
        hours_in_state : ndarray, shape (n_unit,), optional
            Hours each unit has been on or off already; if left out, long enough.
        available : ndarray of bool, shape (n_hour, n_unit), optional
            False where a unit cannot run.

        Raises
        ------
        InfeasibleError
            If no day satisfies all constraints.
        SolverLimitError
            If the limit of nodes ends the search before any day is found.
        TimeLimitError
            If the solver ran into its time limit.
        """
        system, form = self.shape.system, self.form
        signals = commitment_signals(system, actual, self.shape.n_hour, state, hours_in_state, available)
        values = np.concatenate([np.ravel(signals[name]) for name in form.signals])
        options = {"mip_rel_gap": self._gap, "mip_max_nodes": self._node_limit}
        highs = integer_model(form, form.at(values), options)
        started = time.perf_counter()
        status = run_in_time(highs, f"agent {owner}")
        solver_s = time.perf_counter() - started
        x = _answer(owner, highs, status)
        solution, info = Solution(form, x, values), highs.getInfo()
        # Signals alone add nothing here but a constant, which HiGHS does not know of.
        offset = solution.objective - info.objective_function_value
        on = np.repeat(solution["on"].T > 0.5, len(actual.load_mw) // self.shape.n_hour, axis=0)
        return BenchmarkDay(
            **read_schedule(owner, system, on, actual, solution),
            cost_money=solution.objective,
            bound_money=info.mip_dual_bound + offset,
            gap=info.mip_gap,
            is_proven=status == HighsModelStatus.kOptimal,
            solver_s=solver_s,
        )


def _answer(owner: str, highs: highspy.Highs, status: Any) -> Array:
    """The best point found, or the error that names why there is none."""
    if status in (HighsModelStatus.kInfeasible, HighsModelStatus.kUnboundedOrInfeasible):
        raise InfeasibleError(f"agent {owner}: no day satisfies all constraints")
    found = highs.getInfo().primal_solution_status == int(highspy.SolutionStatus.kSolutionStatusFeasible)
    if status not in (HighsModelStatus.kOptimal, HighsModelStatus.kSolutionLimit) or not found:
        raise SolverLimitError(
            f"agent {owner}: no day of perfect information was found{reason_of(highs, status)}"
        )
    return np.array(highs.getSolution().col_value)
