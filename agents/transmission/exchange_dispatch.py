"""The dispatch of exchange rounds, which decides what all followers of a bulk system together shall take."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pyomo.environ as pyo

from gridarium.agents.optimisation import LocalProblem, Solution
from gridarium.agents.problems.carbon_capture import read_operation
from gridarium.agents.solving.standard_form import StandardForm, compile_model
from gridarium.agents.transmission.bulk_families import (
    DRAWN_SIGNALS,
    declare_dispatch,
    declare_drawn,
    drawn_signals,
)
from gridarium.agents.transmission.bulk_system import BulkForecast, BulkState, green_share, share_of
from gridarium.agents.transmission.merit_order import BulkShape
from gridarium.environment.arrays import Array, Flags

_OWN = ("supply_price", "heard_mw")
PULL = "pull_per_mw2h"
"""Weight: R, what the square of the distance from what all followers have told costs, halved."""


def build_exchange_model(shape: BulkShape) -> Any:
    """The dispatch on one bus with its load as a decision, as a Pyomo model: convex and quadratic.

    ``min C(Z) - sum_t y_t Z_t Dt + R / 2 sum_t (Z_t - X_t)^2 Dt``, C being the cost of the dispatch, Z what
    followers shall take, X what they have told and y the price. With followers r of w_r replicas and weights
    rho_r this is the sum over followers of ``rho_r w_r / 2 (z_r - l_r)^2`` at its least for a given sum
    ``Z = sum_r w_r z_r``, if ``1 / R = sum_r w_r / rho_r``: the followers enter by their sum alone.

    Notes
    -----
    The step of the supplier in exchange ADMM [1]_. C is D1 to D4, D6 on one bus, D7, D8, D10.

    References
    ----------
    .. [1] S. Boyd et al., Distributed optimization and statistical learning via the alternating direction
       method of multipliers, 2011, section 7.3.2, doi:10.1561/2200000016
    """
    system, n_period, period_h = shape.system, shape.n_period, shape.period_h
    m = pyo.ConcreteModel(name="exchange")
    supply = declare_dispatch(m, system, n_period, period_h)
    m.taken_mw = pyo.Var(m.period)
    declare_drawn(m, system, lambda t: m.taken_mw[t])
    for name in _OWN:
        m.add_component(name, pyo.Var(m.period))
    m.pull_per_mw2h = pyo.Param(mutable=True, initialize=1.0)
    sales = sum(m.supply_price[t] * m.taken_mw[t] for t in m.period)
    apart = sum((m.taken_mw[t] - m.heard_mw[t]) ** 2 for t in m.period)
    m.cost_money = pyo.Objective(expr=supply + period_h * (0.5 * m.pull_per_mw2h * apart - sales))
    return m


@lru_cache(maxsize=16)
def exchange_form(shape: BulkShape) -> StandardForm:
    """The compiled problem of a shape; pure numbers, so shared by all worlds."""
    return compile_model(build_exchange_model(shape), (*DRAWN_SIGNALS, *_OWN), PULL)


@dataclass(frozen=True)
class ExchangeStep:
    """What a supplier makes of a round; arrays of shape (n_period,).

    Parameters
    ----------
    taken_mw : ndarray
        Z: what all followers together shall take, without losses.
    price_per_mwh : ndarray
        What a further MWh of it costs, the system's own carbon and reserve included: a subgradient of C at Z.
    carbon_per_tco2 : float
        What a further tonne of its units would cost the system, money/tCO2.
    factor_tco2_per_mwh, green_share : ndarray
        Emission, and renewable power, over supply.
    emission_tco2, cost_money : float
        Of the dispatch for what followers shall take, over the day.
    """

    taken_mw: Array
    price_per_mwh: Array
    carbon_per_tco2: float
    factor_tco2_per_mwh: Array
    green_share: Array
    emission_tco2: float
    cost_money: float


class ExchangeDispatch:
    """The compiled problem, for whole days.

    Parameters
    ----------
    shape : BulkShape
    """

    def __init__(self, shape: BulkShape) -> None:
        self.shape = shape
        self.problem = LocalProblem(exchange_form(shape))

    def step(
        self,
        owner: str,
        forecast: BulkForecast,
        on: Flags,
        state: BulkState,
        price_per_mwh: Array,
        pull_per_mw2h: float,
    ) -> ExchangeStep:
        """Decide what followers shall take.

        Parameters
        ----------
        owner : str
            Who asks; named in errors.
        forecast : BulkForecast
            Its load is what followers have told.
        on : ndarray of bool, shape (n_unit, n_period)
            The commitment.
        state : BulkState
            Before the day.
        price_per_mwh : ndarray, shape (n_period,)
            At which they have told it, with the system's own carbon.
        pull_per_mw2h : float
            R: weight of the square of the distance from what they have told together, halved, above 0.

        Raises
        ------
        InfeasibleError
            If units that run make more than can be used.

        Notes
        -----
        At an optimum the marginal cost of Z is ``y + R (X - Z)``: the price of the next round needs no dual,
        and is unique where that of a dispatch at a given load is not.
        """
        bulk, heard = self.shape, forecast.load_mw
        signals = self.signals(forecast, on, state)
        solution = self._solve(owner, signals, heard, price_per_mwh, pull_per_mw2h)
        taken, hours = solution["taken_mw"], bulk.period_h
        emission, supplied = self._emission_and_supply(solution, forecast, on)
        counted = 0.5 * pull_per_mw2h * (taken - heard) ** 2 - price_per_mwh * taken
        return ExchangeStep(
            taken_mw=taken,
            price_per_mwh=price_per_mwh + pull_per_mw2h * (heard - taken),
            carbon_per_tco2=float(self.problem.sensitivity(solution, "emitted_tco2")),
            factor_tco2_per_mwh=share_of(emission, supplied),
            green_share=green_share(solution["renewable_mw"], supplied),
            emission_tco2=hours * float(emission.sum()),
            cost_money=solution.objective - hours * float(counted.sum()),
        )

    def signals(self, forecast: BulkForecast, on: Flags, state: BulkState) -> dict[str, Array]:
        """What of the problem stays through all rounds of a day, by the names of its signals."""
        # All load is that of followers; what is left for others are the losses.
        others = forecast.with_load(np.zeros_like(forecast.load_mw))
        return drawn_signals(self.shape.system, others, on, state, self.shape.period_h)

    def price(
        self,
        owner: str,
        signals: dict[str, Array],
        heard_mw: Array,
        price_per_mwh: Array,
        pull_per_mw2h: float,
    ) -> Array:
        """The price that `step` ends with, and nothing else of it, with `signals` worked out before."""
        solution = self._solve(owner, signals, heard_mw, price_per_mwh, pull_per_mw2h)
        return np.asarray(price_per_mwh + pull_per_mw2h * (heard_mw - solution["taken_mw"]))

    def _solve(
        self,
        owner: str,
        signals: dict[str, Array],
        heard_mw: Array,
        price_per_mwh: Array,
        pull_per_mw2h: float,
    ) -> Solution:
        self.problem.weigh(pull_per_mw2h)
        return self.problem.solve(owner, **signals, supply_price=price_per_mwh, heard_mw=heard_mw)

    def _emission_and_supply(
        self, solution: Solution, forecast: BulkForecast, on: Flags
    ) -> tuple[Array, Array]:
        """Emission, t/h, and all that is fed in, storages among it, MW."""
        system, imported = self.shape.system, np.maximum(solution["import_mw"], 0.0)
        units = read_operation(system.units, solution, np.maximum(solution["gross_mw"], 0.0), on)
        discharged = np.maximum(solution["discharge_mw"] - solution["charge_mw"], 0.0)
        supplied = units.net_mw.sum(axis=0) + solution["renewable_mw"].sum(axis=0) + discharged.sum(axis=0)
        own = units.emission_t_per_h(system.emission_tco2_per_mwh)
        return own + forecast.import_factor_tco2_per_mwh * imported, supplied + imported
