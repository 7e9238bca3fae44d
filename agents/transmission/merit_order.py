"""The dispatch of a bulk system on one bus: convex, a millisecond a solve, for all that is asked often."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pyomo.environ as pyo

from gridarium.agents.optimisation import LocalProblem, Solution
from gridarium.agents.problems.carbon_capture import UnitOperation, read_operation
from gridarium.agents.solving.standard_form import StandardForm, compile_model
from gridarium.agents.transmission.bulk_families import (
    RUNNING_SIGNALS,
    SIGNALS,
    bulk_signals,
    declare_dispatch,
    running_signals,
)
from gridarium.agents.transmission.bulk_system import BulkForecast, BulkPlan, BulkState, BulkSystem
from gridarium.environment.arrays import Array, Flags


@dataclass(frozen=True)
class BulkShape:
    """What fixes the structure of a problem of a bulk system.

    Parameters
    ----------
    system : BulkSystem
    n_period : int
    period_h : float
    """

    system: BulkSystem
    n_period: int
    period_h: float


def build_merit_order_model(shape: BulkShape) -> Any:
    """The dispatch at given commitment and losses as a Pyomo model: convex and quadratic.

    Notes
    -----
    D1 to D4, D6 on one bus, D7, D8, D10; capture as E1 to E4.
    """
    m = pyo.ConcreteModel(name="merit order")
    cost = declare_dispatch(m, shape.system, shape.n_period, shape.period_h)
    m.cost_money = pyo.Objective(expr=cost)
    return m


@lru_cache(maxsize=16)
def merit_order_form(shape: BulkShape) -> StandardForm:
    """The compiled dispatch of a shape; pure numbers, so shared by all worlds."""
    return compile_model(build_merit_order_model(shape), (*SIGNALS, *RUNNING_SIGNALS))


class MeritOrder:
    """The compiled dispatch on one bus, solved at any period of a day.

    Parameters
    ----------
    shape : BulkShape
    """

    def __init__(self, shape: BulkShape) -> None:
        self.shape = shape
        self.problem = LocalProblem(merit_order_form(shape))

    def solve(
        self, owner: str, forecast: BulkForecast, on: Flags, state: BulkState, first: int = 0
    ) -> BulkPlan:
        """Dispatch a day from a period on; numbers before it are 0.

        Parameters
        ----------
        owner : str
            Who asks; named in errors.
        forecast : BulkForecast
        on : ndarray of bool, shape (n_unit, n_period)
            The commitment.
        state : BulkState
            When `first` begins.
        first : int

        Raises
        ------
        InfeasibleError
            If units that run make more than can be used, or imports do not reach.
        """
        solution = self.problem.solve(owner, **self._signals(forecast, on, state, first))
        return self._read(solution, forecast, on, state, first)

    def attempt(self, owner: str, forecast: BulkForecast, on: Flags, state: BulkState) -> BulkPlan | None:
        """Dispatch a whole day, or None where nothing supplies it within all limits."""
        solution = self.problem.attempt(owner, **self._signals(forecast, on, state, 0))
        return None if solution is None else self._read(solution, forecast, on, state, 0)

    def emission_tco2(self, owner: str, forecast: BulkForecast, on: Flags, state: BulkState) -> float | None:
        """Emission of the dispatch of a whole day; None where nothing supplies it within all limits."""
        solution = self.problem.attempt(owner, **self._signals(forecast, on, state, 0))
        if solution is None:
            return None
        _, own, imported = self._supplied(solution, on)
        emitted = own + forecast.import_factor_tco2_per_mwh * imported
        return float(emitted.sum()) * self.shape.period_h

    def _signals(self, forecast: BulkForecast, on: Flags, state: BulkState, first: int) -> dict[str, Array]:
        shape = self.shape
        signals = bulk_signals(shape.system, forecast, state, first)
        return signals | running_signals(shape.system, on, state, shape.period_h, first)

    def _read(
        self, solution: Solution, forecast: BulkForecast, on: Flags, state: BulkState, first: int
    ) -> BulkPlan:
        system, shape = self.shape.system, self.shape
        charge, discharge, contents = [], [], []
        for row, storage in enumerate(system.storages):
            inside = solution["e_above_mwh"][row] + storage.band_mwh[0]
            # The problem knows nothing of the time before; there the storage stays as it is.
            inside[:first] = state.e_mwh[row]
            powers = storage.powers_mw(inside, float(state.e_mwh[row]), shape.period_h)
            charge.append(powers[0])
            discharge.append(powers[1])
            contents.append(inside)
        units, own, imported = self._supplied(solution, on)
        tanks = units.tank_tco2
        tanks[:, :first] = state.tank_tco2[:, None]
        by_storage = (len(system.storages), shape.n_period)
        return BulkPlan(
            on=on.astype(float),
            unit_mw=units.net_mw,
            gross_mw=units.gross_mw,
            absorbed_tco2_per_h=units.absorbed_tco2_per_h,
            regenerated_tco2_per_h=units.regenerated_tco2_per_h,
            tank_tco2=tanks,
            charge_mw=np.array(charge).reshape(by_storage),
            discharge_mw=np.array(discharge).reshape(by_storage),
            e_mwh=np.array(contents).reshape(by_storage),
            renewable_mw=np.maximum(0.0, solution["renewable_mw"]),
            import_mw=imported,
            spill_mw=np.maximum(0.0, solution["spill_mw"]),
            loss_mw=forecast.loss_mw,
            reserve_short_mw=np.maximum(0.0, np.array([solution["up_short_mw"], solution["down_short_mw"]])),
            price_per_mwh=self._price_per_mwh(solution),
            emission_t_per_h=own + forecast.import_factor_tco2_per_mwh * imported,
            own_t_per_h=own,
            cost_money=solution.objective,
            unit_mvar=np.zeros_like(units.net_mw),
            storage_mvar=np.zeros(by_storage),
            renewable_mvar=np.zeros_like(forecast.available_mw),
        )

    def _supplied(self, solution: Solution, on: Flags) -> tuple[UnitOperation, Array, Array]:
        """What each unit does, what all of them emit, tCO2/h, and imports, MW."""
        system, gross = self.shape.system, np.maximum(0.0, solution["gross_mw"]) * on
        units = read_operation(system.units, solution, gross, on)
        own = units.emission_t_per_h(system.emission_tco2_per_mwh)
        return units, own, np.maximum(0.0, solution["import_mw"])

    def _price_per_mwh(self, solution: Solution) -> Array:
        """Value of one more MWh of load, and of the reserve that it asks for."""
        energy, reserve = (self.problem.sensitivity(solution, name) for name in ("load_mw", "reserve_mw"))
        return (energy + self.shape.system.reserve_load_share * reserve) / self.shape.period_h
