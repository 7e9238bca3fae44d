"""Commitments for loads that would follow them: a supplier's exchange step with units to choose."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

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
from gridarium.agents.transmission.bulk_commitment import N_TANGENT, SEARCH_GAP, BulkCommitter
from gridarium.agents.transmission.bulk_families import (
    DRAWN_SIGNALS,
    RUNNING_SIGNALS,
    declare_drawn,
    declare_physics,
    declare_sets,
    running_cost,
)
from gridarium.agents.transmission.bulk_system import BulkForecast, BulkState
from gridarium.agents.transmission.merit_order import BulkShape
from gridarium.environment.arrays import Array, Flags

_DISTANCES = (0.0, 0.002, 0.005, 0.01, 0.02, 0.04, 0.08, 0.16)
"""Where tangents touch the square of a distance from the loads heard, as shares of all units' capacity."""
_OWN = ("supply_price", "heard_mw", "pull_per_mw2h")
_SIGNALS = (*(name for name in DRAWN_SIGNALS if name not in RUNNING_SIGNALS), *COMMITMENT_SIGNALS, *_OWN)


def build_exchange_commitment_model(shape: BulkShape) -> Any:
    """The commitment with its load as a decision, as a Pyomo model: mixed-integer and linear.

    ``min C(u, Z) - sum_t y_t Z_t Dt + R sum_t q_t Dt`` with ``q >= d (Z - X) - d**2 / 2`` at distances d: the
    square is met from below by tangents around what followers have told.

    Notes
    -----
    D1 to D4, D6 on one bus, D7 with minimum times in the tight form, D8, D10, and D.1.5.
    """
    system, n_period, period_h = shape.system, shape.n_period, shape.period_h
    m = pyo.ConcreteModel(name="exchange commitment")
    declare_sets(m, system, n_period)
    declare_commitment(m, system.units, round(n_period * period_h))
    running = committed(m, system.units, period_h)
    declare_physics(m, system, running, period_h)
    declare_fuel(m, system.units, running, N_TANGENT)
    m.taken_mw = pyo.Var(m.period)
    declare_drawn(m, system, lambda t: m.taken_mw[t])
    m.supply_price, m.heard_mw, m.pull_per_mw2h = pyo.Var(m.period), pyo.Var(m.period), pyo.Var()
    capacity = sum(unit.p_max_mw for unit in system.units)
    distances = sorted({sign * share * capacity for share in _DISTANCES for sign in (-1.0, 1.0)})
    m.apart_mw2 = pyo.Var(m.period, bounds=(0, None))
    m.apart_tangent = pyo.Constraint(
        range(len(distances)),
        m.period,
        rule=lambda m, k, t: (
            m.apart_mw2[t] >= distances[k] * (m.taken_mw[t] - m.heard_mw[t]) - 0.5 * distances[k] ** 2
        ),
    )
    cost = running_cost(m, system, lambda i, t: m.fuel_cost_per_h[i, t], period_h)
    sales = sum(m.supply_price[t] * m.taken_mw[t] for t in m.period)
    apart = m.pull_per_mw2h * sum(m.apart_mw2[t] for t in m.period)
    m.cost_money = pyo.Objective(expr=cost + switching_cost(m, system.units) + period_h * (apart - sales))
    return m


@lru_cache(maxsize=16)
def exchange_commitment_form(shape: BulkShape) -> StandardForm:
    """The compiled problem of a shape; pure numbers, so shared by all worlds."""
    return compile_model(build_exchange_commitment_model(shape), _SIGNALS)


class ExchangeCommitter(BulkCommitter):
    """The compiled problem, by hours.

    Parameters
    ----------
    shape : BulkShape
        Of hours.
    side_searches : bool, optional
        As of `BulkCommitter`.
    """

    def __init__(self, shape: BulkShape, side_searches: bool = True) -> None:
        self.shape = shape
        form = exchange_commitment_form(shape)
        self.problem = LocalProblem(form, integer_gap=SEARCH_GAP, side_searches=side_searches)

    def propose(
        self,
        owner: str,
        forecast: BulkForecast,
        state: BulkState,
        price_per_mwh: Array,
        pull_per_mw2h: float,
        available: Flags | None = None,
    ) -> Flags:
        """Commit the units for loads near those heard, shape (n_unit, n_hour).

        Parameters
        ----------
        owner : str
            Who asks; named in errors.
        forecast : BulkForecast
            Of hours; its load is what followers have told.
        state : BulkState
            When the day begins.
        price_per_mwh : ndarray, shape (n_hour,)
            At which they have told it.
        pull_per_mw2h : float
            R.
        available : ndarray of bool, shape (n_unit, n_hour), optional
            False where a unit cannot run.

        Raises
        ------
        InfeasibleError
            If no commitment serves any load.
        """
        heard = forecast.load_mw
        others = replace(forecast, load_mw=np.zeros_like(heard))
        signals = self._signals(others, state, *self.bounds(state, available))
        signals["other_load_mw"] = signals.pop("load_mw")
        signals["other_reserve_mw"] = signals.pop("reserve_mw")
        solution = self.problem.solve(
            owner,
            **signals,
            supply_price=price_per_mwh,
            heard_mw=heard,
            pull_per_mw2h=np.array(pull_per_mw2h),
        )
        return np.asarray(solution["on"] > 0.5)
