"""The social optimum of a bulk system and its regional systems: one plan for all, without any payment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import pyomo.environ as pyo

from gridarium.agents.optimisation import LocalProblem, Solution
from gridarium.agents.region.region_day import RegionDay, RegionPlan
from gridarium.agents.region.region_problem import RegionShape, build_region_model
from gridarium.agents.solving.standard_form import StandardForm, compile_model
from gridarium.agents.transmission.bulk_families import (
    DRAWN_SIGNALS,
    OTHER_SIGNALS,
    declare_dispatch,
    declare_drawn,
    drawn_signals,
)
from gridarium.agents.transmission.bulk_system import BulkForecast, BulkPlan, BulkState
from gridarium.agents.transmission.merit_order import BulkShape, MeritOrder
from gridarium.environment.arrays import Array, Flags, series
from gridarium.market.messages.tariffs import TariffSignal
from gridarium.market.quota_ladder import QuotaLadder


@dataclass(frozen=True)
class SocialShape:
    """What fixes the structure of the joint problem.

    Parameters
    ----------
    bulk : BulkShape
        Carbon costs what its system's ladder says: the own one of a TIES, or one price for all tonnes.
    regions : tuple of RegionShape
        In steps of the bulk system, without a pull and with one block of prices.
    response_weight : float
        By which what users bear counts: 1 for all alike, 0 for the least that supply could ever cost,
        whatever is asked of users.
    """

    bulk: BulkShape
    regions: tuple[RegionShape, ...]
    response_weight: float = 1.0

    @property
    def signals(self) -> tuple[str, ...]:
        """Names of the signals of the joint problem."""
        own = (f"{_place(i)}.{name}" for i, region in enumerate(self.regions) for name in region.signals)
        return (*DRAWN_SIGNALS, *own)


def _place(number: int) -> str:
    return f"region_{number}"


def build_social_model(shape: SocialShape) -> Any:
    """The joint problem as a Pyomo model: convex and quadratic, one block for each regional system.

    Notes
    -----
    D1 to D4, D6 on one bus, D7, D8, D10 with the load of D12 decided, and D11, D13 to D16 without a purchase:
    ``min C_G + C_ES + C_CO2 + sum_r (C_DR,r + a2 / a1 cost_0,r dissatisfaction_r)``.
    """
    bulk = shape.bulk
    m = pyo.ConcreteModel(name="social optimum")
    supply = declare_dispatch(m, bulk.system, bulk.n_period, bulk.period_h)
    regions = [build_region_model(region) for region in shape.regions]
    for number, region in enumerate(regions):
        region.cost_money.deactivate()
        m.add_component(_place(number), region)
    declare_drawn(m, bulk.system, lambda t: sum(region.net_mw[t] for region in regions))
    borne = sum(region.cost_money.expr for region in regions)
    m.cost_money = pyo.Objective(expr=supply + shape.response_weight * borne)
    return m


@lru_cache(maxsize=16)
def social_form(shape: SocialShape) -> StandardForm:
    """The compiled joint problem of a shape; pure numbers, so shared by all worlds."""
    return compile_model(build_social_model(shape), shape.signals)


def valued_at(
    bulk: BulkShape, forecast: BulkForecast, price_per_tco2: float
) -> tuple[BulkShape, BulkForecast]:
    """The same day where each tonne has one price, whoever emits it: from the first on, and in imports.

    Parameters
    ----------
    bulk : BulkShape
        Its own ladder gives way.
    forecast : BulkForecast
    price_per_tco2 : float
        What a tonne is worth to everybody, at least 0.
    """
    whole = QuotaLadder(0.0, price_per_tco2, interval_tco2=1.0, growth=0.0, steps=1, reward_steps=0)
    imports = forecast.import_price_per_mwh + price_per_tco2 * forecast.import_factor_tco2_per_mwh
    return (
        replace(bulk, system=replace(bulk.system, carbon=whole)),
        replace(forecast, import_price_per_mwh=imports),
    )


@dataclass(frozen=True)
class SocialOutcome:
    """What a day costs everybody together, whoever pays whom.

    Parameters
    ----------
    plan : BulkPlan
        The dispatch on one bus. Where all count alike, every response of the optimum is best for its region,
        too, at its price.
    responses : tuple of RegionPlan
    supply_money : float
        Fuel, wear, imports, carbon and penalties of the dispatch, without starts and stops.
    response_money : ndarray, shape (n_region,)
        What cutting and shifting cost, and what dissatisfaction is worth.
    """

    plan: BulkPlan
    responses: tuple[RegionPlan, ...]
    supply_money: float
    response_money: Array

    @property
    def cost_money(self) -> float:
        """Of supply and of responses together."""
        return self.supply_money + float(self.response_money.sum())


class SocialPlanner:
    """The compiled joint problem of a bulk system and its regional systems, for whole days.

    - `best`: the least that a day costs everybody together, as the shape weighs them
    - `cost_of`: what it costs with given responses, supplied as cheaply as can be

    Parameters
    ----------
    shape : SocialShape
    """

    def __init__(self, shape: SocialShape) -> None:
        self.shape = shape
        self.problem = LocalProblem(social_form(shape))
        self._merit_order = MeritOrder(shape.bulk)

    @classmethod
    def of(cls, bulk: BulkShape, days: Sequence[RegionDay], response_weight: float = 1.0) -> SocialPlanner:
        """For a bulk system and a day of regional systems."""
        free = _nothing_charged(bulk.n_period)
        return cls(SocialShape(bulk, tuple(day.shape(free) for day in days), response_weight))

    def best(
        self, owner: str, forecast: BulkForecast, on: Flags, state: BulkState, days: Sequence[RegionDay]
    ) -> SocialOutcome:
        """Plan a day for everybody at once.

        Parameters
        ----------
        owner : str
            Who asks; named in errors.
        forecast : BulkForecast
            Its load is that of others than the regional systems; losses are as given.
        on : ndarray of bool, shape (n_unit, n_period)
            The commitment.
        state : BulkState
            Before the day.
        days : sequence of RegionDay
            Of the shapes that this was made for, in their order.

        Raises
        ------
        InfeasibleError
            If units that run make more than can be used, or imports do not reach, whatever is asked of users.
        """
        bulk = self.shape.bulk
        signals = drawn_signals(bulk.system, forecast, on, state, bulk.period_h) | self.region_signals(days)
        solution = self.problem.solve(owner, **signals)
        responses = [day.read(_values_at(solution, number)) for number, day in enumerate(days)]
        # At a kink of the dispatch's cost its own price is one of many; that of the whole supports the plan.
        load, reserve = (self.problem.sensitivity(solution, name) for name in OTHER_SIGNALS)
        price = (load + bulk.system.reserve_load_share * reserve) / bulk.period_h
        found = self.cost_of(owner, forecast, on, state, days, responses)
        return replace(found, plan=replace(found.plan, price_per_mwh=price))

    def region_signals(self, days: Sequence[RegionDay]) -> dict[str, Array]:
        """What the joint problem is told of the regional systems, by the names of its signals."""
        free = _nothing_charged(self.shape.bulk.n_period)
        return {
            f"{_place(number)}.{name}": value
            for number, day in enumerate(days)
            for name, value in day.inputs(free).items()
        }

    def cost_of(
        self,
        owner: str,
        forecast: BulkForecast,
        on: Flags,
        state: BulkState,
        days: Sequence[RegionDay],
        responses: Sequence[RegionPlan],
    ) -> SocialOutcome:
        """What a day costs everybody with given responses; parameters as of `best`.

        Raises
        ------
        InfeasibleError
            As `MeritOrder.solve`.
        """
        load = forecast.load_mw + sum(response.net_mw for response in responses)
        plan = self._merit_order.solve(owner, forecast.with_load(load), on, state)
        own = np.array([day.own_money(response) for day, response in zip(days, responses, strict=True)])
        return SocialOutcome(plan, tuple(responses), plan.cost_money, own)


def _values_at(solution: Solution, number: int) -> Callable[[str], Array]:
    """Values of the variables of one regional system, by their names in its own problem."""
    return lambda name: solution[f"{_place(number)}.{name}"]


def _nothing_charged(n_period: int) -> TariffSignal:
    """A signal under which energy and carbon cost nothing: what is left is what users themselves bear."""
    free = series(np.zeros(n_period))
    return TariffSignal(0, free, free, free)
