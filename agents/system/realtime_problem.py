"""Real-time dispatch: the rest of the day in quarter-hours, one compiled convex problem for all quarters."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pyomo.environ as pyo

from gridarium.agents.optimisation import LocalProblem, Solution
from gridarium.agents.problems.thermal_unit import Running, ramp_limits
from gridarium.agents.solving.standard_form import StandardForm, compile_model
from gridarium.agents.system.power_system import PowerSystem, SystemForecast, SystemState
from gridarium.agents.system.system_families import (
    SIGNALS,
    declare_physics,
    declare_sets,
    declare_signals,
    running_cost,
)
from gridarium.agents.system.system_schedule import EXCLUSION_TOLERANCE_MW, SystemSchedule, read_schedule
from gridarium.agents.system.system_signals import system_signals
from gridarium.environment.arrays import Array, Flags
from gridarium.environment.errors import SolveError

_RUNNING = ("on", "most_rise_mw", "most_fall_mw")


@dataclass(frozen=True)
class RealTimeShape:
    """What fixes the structure of the real-time problem.

    Parameters
    ----------
    system : PowerSystem
    n_period : int
    period_h : float
    """

    system: PowerSystem
    n_period: int = 96
    period_h: float = 0.25


@dataclass(frozen=True)
class RealTimePlan(SystemSchedule):
    """Decisions from `first` to the end of the day; numbers of the schedule are nan before it.

    Parameters
    ----------
    first : int
        The quarter that begins.
    missed_e_mwh : float
    missed_tank_tco2 : ndarray, shape (n_unit,)
    missed_flexible_mwh : ndarray, shape (n_load,)
        What storage, tanks and flexible loads lack at the day's end, negative for too much; 0 unless
        somebody did not follow the plan.
    objective_money : float
        Cost of the rest of the day, with penalties on what is missing, without starts and stops.
    """

    first: int
    missed_e_mwh: float
    missed_tank_tco2: Array
    missed_flexible_mwh: Array
    objective_money: float


def build_realtime_model(shape: RealTimeShape) -> Any:
    """The real-time dispatch as a Pyomo model: convex and quadratic, commitment and state as signals.

    Notes
    -----
    Equations E19 to E30. Repaired: signs of the balance (E27), the length of a period in the storage's
    energy (E6), power of the capture plant's fixed consumption in MW (E1). Reserve (E29) is that of gross
    power, which is what ramps and limits bind.
    """
    system = shape.system
    m = pyo.ConcreteModel(name="real-time dispatch")
    declare_sets(m, system, shape.n_period)
    declare_signals(m)
    for name in _RUNNING:
        m.add_component(name, pyo.Var(m.unit, m.period))
    running = Running(
        lambda i, t: m.on[i, t], lambda i, t: m.most_rise_mw[i, t], lambda i, t: m.most_fall_mw[i, t]
    )
    declare_physics(m, system, running, shape.period_h)
    unit = {u.name: u for u in system.units}

    def fuel(i: str, t: int) -> Any:
        return unit[i].fuel_cost_per_h(m.gross_mw[i, t], m.on[i, t])

    m.cost_money = pyo.Objective(expr=running_cost(m, system, fuel, shape.period_h))
    return m


@lru_cache(maxsize=16)
def realtime_form(shape: RealTimeShape) -> StandardForm:
    """The compiled dispatch of a shape; pure numbers, so shared by all worlds."""
    return compile_model(build_realtime_model(shape), (*SIGNALS, *_RUNNING))


class RealTimeProblem:
    """The compiled real-time problem of one system; solved at any quarter of the day.

    Quarters that are over are switched off by signals, so that the compiled form never changes.

    Parameters
    ----------
    shape : RealTimeShape
    """

    def __init__(self, shape: RealTimeShape) -> None:
        self.shape = shape
        self.problem = LocalProblem(realtime_form(shape))

    def solve(
        self, owner: str, quarter: int, on: Flags, state: SystemState, forecast: SystemForecast
    ) -> RealTimePlan:
        """Dispatch the rest of the day.

        Parameters
        ----------
        owner : str
            Who asks; named in errors.
        quarter : int
            The quarter that is about to begin; earlier ones are over.
        on : ndarray of bool, shape (n_period, n_unit)
            The commitment, repeated for quarters (``np.repeat(plan.on, 4, axis=0)``).
        state : SystemState
            At the start of `quarter`.
        forecast : SystemForecast
            Of quarters of the whole day; what lies before `quarter` is not read.

        Returns
        -------
        RealTimePlan

        Raises
        ------
        InfeasibleError
            If the data contradict each other, such as a commitment that ramps cannot follow.
        RelaxationError
            If the storage would charge and discharge at once.
        SolveError
            If the arrays do not fit the system.
        """
        system, on = self.shape.system, np.asarray(on, dtype=bool)
        solution = self.problem.solve(owner, **self._signals(quarter, on, state, forecast))
        return RealTimePlan(
            **read_schedule(owner, system, on, forecast, solution, quarter),
            first=quarter,
            **_missed(system, solution),
            objective_money=solution.objective,
        )

    def _signals(
        self, quarter: int, on: Flags, state: SystemState, forecast: SystemForecast
    ) -> dict[str, Any]:
        shape = self.shape
        wanted = (shape.n_period, len(shape.system.units))
        if on.shape != wanted:
            raise SolveError(f"commitment: on must have shape {wanted}, got {on.shape}")
        if not 0 <= quarter < shape.n_period:
            raise SolveError(f"quarter must be in [0, {shape.n_period - 1}], got {quarter}")
        signals = system_signals(shape.system, forecast, state, quarter)
        units, period_h = shape.system.units, shape.period_h
        rise, fall = ramp_limits(units, period_h, on, quarter, state.on, state.gross_mw)
        ahead = np.arange(shape.n_period) >= quarter
        return signals | {"on": (on & ahead[:, None]).T * 1.0, "most_rise_mw": rise.T, "most_fall_mw": fall.T}


def _missed(system: PowerSystem, solution: Solution) -> dict[str, Any]:
    """Distances from the targets at the day's end, without the noise of the solver."""

    def figure(below: str, above: str) -> Array:
        lack = solution[below] - solution[above]
        return np.where(np.abs(lack) > EXCLUSION_TOLERANCE_MW, lack, 0.0)

    tank = np.zeros(len(system.units))
    tank[[unit.capture is not None for unit in system.units]] = figure("tank_below_tco2", "tank_above_tco2")
    return {
        "missed_e_mwh": float(figure("e_below_target_mwh", "e_above_target_mwh").sum()),
        "missed_tank_tco2": tank,
        "missed_flexible_mwh": figure("too_little_mwh", "too_much_mwh"),
    }
