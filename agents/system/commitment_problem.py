"""Day-ahead commitment: which units run in which hour, a mixed-integer problem with tangents of the cost."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import pyomo.environ as pyo

from gridarium.agents.optimisation import LocalProblem
from gridarium.agents.problems.unit_commitment import (
    COMMITMENT_SIGNALS,
    committed,
    declare_commitment,
    declare_fuel,
    switching_cost,
)
from gridarium.agents.solving.standard_form import StandardForm, compile_model
from gridarium.agents.system.power_system import PowerSystem, SystemForecast, SystemState
from gridarium.agents.system.system_families import (
    SIGNALS,
    declare_physics,
    declare_sets,
    declare_signals,
    running_cost,
)
from gridarium.agents.system.system_schedule import SystemSchedule, read_schedule
from gridarium.agents.system.system_signals import commitment_signals
from gridarium.environment.arrays import Array, Flags


@dataclass(frozen=True)
class CommitmentShape:
    """What fixes the structure of the commitment.

    Parameters
    ----------
    system : PowerSystem
    n_hour : int
    n_tangent : int
        Tangents to each unit's quadratic cost.
    """

    system: PowerSystem
    n_hour: int = 24
    n_tangent: int = 9


@dataclass(frozen=True)
class CommitmentPlan(SystemSchedule):
    """The day-ahead plan by hours.

    Parameters
    ----------
    cost_money : float
        Optimum of the problem with tangents: a lower bound on the cost of the best hourly plan, starts,
        stops and penalties included.
    """

    cost_money: float


def build_commitment_model(shape: CommitmentShape, period_h: float = 1.0) -> Any:
    """The day-ahead commitment as a Pyomo model; with a shorter `period_h`, that of a day known in advance.

    Notes
    -----
    Equations E14 to E17, E21, E29 and, so that the commitment sees them, capture (E1 to E4), flexible loads
    (E5) and storage (E6). Imports at the real-time price and spilled wind keep it feasible.
    """
    system = shape.system
    m = pyo.ConcreteModel(name="commitment")
    declare_sets(m, system, round(shape.n_hour / period_h))
    declare_signals(m)
    declare_commitment(m, system.units, shape.n_hour)
    running = committed(m, system.units, period_h)
    declare_physics(m, system, running, period_h)
    declare_fuel(m, system.units, running, shape.n_tangent)
    cost = running_cost(m, system, lambda i, t: m.fuel_cost_per_h[i, t], period_h)
    m.cost_money = pyo.Objective(expr=cost + switching_cost(m, system.units))
    return m


@lru_cache(maxsize=16)
def commitment_form(shape: CommitmentShape, period_h: float = 1.0) -> StandardForm:
    """The compiled commitment of a shape; pure numbers, so shared by all worlds."""
    return compile_model(build_commitment_model(shape, period_h), (*SIGNALS, *COMMITMENT_SIGNALS))


class CommitmentProblem:
    """The compiled commitment of one system; solved once a day.

    Parameters
    ----------
    shape : CommitmentShape
    """

    def __init__(self, shape: CommitmentShape) -> None:
        self.shape = shape
        self.problem = LocalProblem(commitment_form(shape))

    def solve(
        self,
        owner: str,
        forecast: SystemForecast,
        state: SystemState | None = None,
        hours_in_state: Array | None = None,
        available: Flags | None = None,
    ) -> CommitmentPlan:
        """Commit the units for a day.

        Parameters
        ----------
        owner : str
            Who asks; named in errors.
        forecast : SystemForecast
            Of hours (the mean of each).
        state : SystemState, optional
            Before the first hour; `SystemState.initial` if left out.
        hours_in_state : ndarray, shape (n_unit,), optional
            Hours each unit has been on or off already; if left out, long enough.
        available : ndarray of bool, shape (n_hour, n_unit), optional
            False where a unit cannot run.

        Returns
        -------
        CommitmentPlan

        Raises
        ------
        InfeasibleError
            Naming the constraint family and the hour.
        SolveError
            If the arrays do not fit the system.
        """
        system = self.shape.system
        signals = commitment_signals(system, forecast, self.shape.n_hour, state, hours_in_state, available)
        solution = self.problem.solve(owner, **signals)
        on = solution["on"].T > 0.5
        fields = read_schedule(owner, system, on, forecast, solution)
        return CommitmentPlan(**fields, cost_money=solution.objective)
