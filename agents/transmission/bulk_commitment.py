"""The commitment of a bulk system: which units run in which hour, before any round of a negotiation."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
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
from gridarium.agents.transmission.bulk_families import (
    SIGNALS,
    bulk_signals,
    declare_physics,
    declare_sets,
    running_cost,
)
from gridarium.agents.transmission.bulk_system import BulkForecast, BulkState
from gridarium.agents.transmission.merit_order import BulkShape
from gridarium.environment.arrays import Array, Flags

N_TANGENT = 9
"""Tangents to each unit's quadratic cost."""
SEARCH_GAP = 1e-4
"""How far from the best a search may end, relative to the cost: far less than makes another one worth it."""


class FoundCommitment(NamedTuple):
    """A commitment, shape (n_unit, n_hour), and the cost of the day with tangents, starts and stops."""

    on: Flags
    cost_money: float


def build_bulk_commitment_model(shape: BulkShape) -> pyo.ConcreteModel:
    """The commitment as a Pyomo model: mixed-integer and linear, tangents beside binaries.

    Notes
    -----
    D1 to D4, D6 on one bus, D7 with minimum times in the tight form, D8, D10.
    """
    system = shape.system
    m = pyo.ConcreteModel(name="bulk commitment")
    declare_sets(m, system, shape.n_period)
    declare_commitment(m, system.units, round(shape.n_period * shape.period_h))
    running = committed(m, system.units, shape.period_h)
    declare_physics(m, system, running, shape.period_h)
    declare_fuel(m, system.units, running, N_TANGENT)
    cost = running_cost(m, system, lambda i, t: m.fuel_cost_per_h[i, t], shape.period_h)
    m.cost_money = pyo.Objective(expr=cost + switching_cost(m, system.units))
    return m


@lru_cache(maxsize=16)
def bulk_commitment_form(shape: BulkShape) -> StandardForm:
    """The compiled commitment of a shape; pure numbers, so shared by all worlds."""
    return compile_model(build_bulk_commitment_model(shape), (*SIGNALS, *COMMITMENT_SIGNALS))


class BulkCommitter:
    """The compiled commitment of a bulk system, by hours.

    Parameters
    ----------
    shape : BulkShape
        Of hours.
    side_searches : bool, optional
        Whether the solver first searches for good commitments by heuristics of their own: with few units
        that takes longer than the search itself, which ends as near to the best without.
    """

    def __init__(self, shape: BulkShape, side_searches: bool = True) -> None:
        self.shape = shape
        form = bulk_commitment_form(shape)
        self.problem = LocalProblem(form, integer_gap=SEARCH_GAP, side_searches=side_searches)

    def best(
        self, owner: str, forecast: BulkForecast, state: BulkState, available: Flags | None = None
    ) -> FoundCommitment:
        """Commit the units for a day.

        Parameters
        ----------
        owner : str
            Who asks; named in errors.
        forecast : BulkForecast
            Of hours.
        state : BulkState
            When the day begins.
        available : ndarray of bool, shape (n_unit, n_hour), optional
            False where a unit cannot run.

        Raises
        ------
        InfeasibleError
            Naming the constraint family and the hour.
        """
        least, most = self.bounds(state, available)
        return self._solve(owner, forecast, state, least, most)

    def cost_of(self, owner: str, on: Flags, forecast: BulkForecast, state: BulkState) -> float | None:
        """What the day costs with a commitment, as `best` counts; None where that cannot serve it."""
        fixed = on.astype(float)
        solution = self.problem.attempt(owner, **self._signals(forecast, state, fixed, fixed))
        return None if solution is None else solution.objective

    def bounds(self, state: BulkState, available: Flags | None = None) -> tuple[Array, Array]:
        """Least and most that each unit runs in each hour: minimum times that still run, and outages."""
        n_hour, units = round(self.shape.n_period * self.shape.period_h), self.shape.system.units
        least, most = np.zeros((len(units), n_hour)), np.ones((len(units), n_hour))
        for i, unit in enumerate(units):
            hours = round(float(state.hours_in_state[i]))
            if state.on[i]:
                least[i, : max(0, unit.min_up_h - hours)] = 1.0
            else:
                most[i, : max(0, unit.min_down_h - hours)] = 0.0
        if available is not None:
            most *= available
            # An outage is stronger than a minimum time.
            least = np.minimum(least, np.minimum.accumulate(most, axis=1))
        return least, most

    def _signals(
        self, forecast: BulkForecast, state: BulkState, least: Array, most: Array
    ) -> dict[str, Array]:
        return bulk_signals(self.shape.system, forecast, state) | {
            "on_before": state.on.astype(float),
            "gross_before_mw": state.power_mw,
            "least_on": least,
            "most_on": most,
        }

    def _solve(
        self, owner: str, forecast: BulkForecast, state: BulkState, least: Array, most: Array
    ) -> FoundCommitment:
        solution = self.problem.solve(owner, **self._signals(forecast, state, least, most))
        return FoundCommitment(solution["on"] > 0.5, solution.objective)
