"""A DSO's day under scenarios of its renewables: schedules for all of them, and corners of demand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from gridarium.agents.feeder.demand_corners import Corner, LoadKind, demand_corners
from gridarium.agents.feeder.dispatch import Dispatch, DispatchDay, Dispatcher
from gridarium.agents.feeder.recourse_problem import recourse_problem, recourse_signals
from gridarium.agents.feeder.scenario_plan import (
    ScenarioPlan,
    ScenarioPlanner,
    StorageSchedule,
    WaitAndSee,
)
from gridarium.environment.arrays import Array
from gridarium.environment.commons import Commons
from gridarium.environment.errors import SolveError
from gridarium.environment.uncertainty import ScenarioSet, fast_forward
from gridarium.market.messages.forecasts import ScenarioTerms
from gridarium.market.risk import Attitude

_KEPT_MWH = 1e-3
"""Most that storages may leave their schedules in the dispatch of the forecast, MWh in all."""


@dataclass(frozen=True)
class HedgeTerms:
    """How a DSO plans its storages for what it does not know.

    Parameters
    ----------
    attitude : Attitude
    scenarios : ScenarioTerms
        What it asks its plants for.
    n_kept : int
        To how many of these it reduces them.
    budget : float
        How many kinds of load may be at an end of their interval at once.
    """

    attitude: Attitude
    scenarios: ScenarioTerms
    n_kept: int
    budget: float


@dataclass(frozen=True)
class Hedge:
    """What came of it on one day.

    Parameters
    ----------
    terms : HedgeTerms
    shape_day : DispatchDay
        What was planned for; the forecast's availability.
    available_mw : ndarray, shape (n_scenario, n_renewable, n_step)
    weights : ndarray, shape (n_scenario,)
    plan : ScenarioPlan
    forecast : StorageSchedule
        What storages would do if the forecast were all that counts.
    forecast_money : ndarray, shape (n_scenario,)
        What that costs in each scenario.
    known : WaitAndSee or None
        What each scenario costs who knows it; None where the attitude does not ask.
    dispatch : Dispatch
        Of the forecast, storages at the plan's schedules.
    solves : int
        Linear programmes of recourse, of one scenario and step each.
    corners : tuple of Corner
        What the plan meets at corners of demand; none where no load states an interval.
    """

    terms: HedgeTerms
    shape_day: DispatchDay
    available_mw: Array
    weights: Array
    plan: ScenarioPlan
    forecast: StorageSchedule
    forecast_money: Array
    known: WaitAndSee | None
    dispatch: Dispatch
    solves: int
    corners: tuple[Corner, ...]

    @property
    def best_money(self) -> Array:
        """From what regret is counted, shape (n_scenario,); 0 where the attitude knows no regret."""
        return np.zeros_like(self.weights) if self.known is None else self.known.cost_money

    @property
    def forecast_value_money(self) -> float:
        """What the attitude judges the forecast's schedule by."""
        return self.terms.attitude.value_money(self.forecast_money, self.weights, self.best_money)


def joint_scenarios(told: Mapping[str, ScenarioSet], n_kept: int) -> tuple[Array, Array]:
    """Scenarios of all plants together, the n-th of each with the n-th of the others, reduced to a few.

    Returns
    -------
    available_mw : ndarray, shape (n_kept, n_renewable, n_step)
    weights : ndarray, shape (n_kept,)
    """
    available = np.stack([one.values for one in told.values()], axis=1)
    weights = np.mean([one.weights for one in told.values()], axis=0)
    kept, left = fast_forward(available.reshape(len(available), -1), weights, n_kept)
    return available[kept], left


def hedged(
    world: Commons,
    dispatcher: Dispatcher,
    day: DispatchDay,
    before: Dispatch,
    told: Mapping[str, ScenarioSet],
    kinds: tuple[LoadKind, ...],
    terms: HedgeTerms,
) -> Hedge:
    """Plan the storages of a day anew for the scenarios that plants have told.

    Parameters
    ----------
    world : Commons
        Shares the compiled problem.
    dispatcher : Dispatcher
    day : DispatchDay
        At the loads that were agreed.
    before : Dispatch
        Of this day by the forecast alone.
    told : mapping of str to ScenarioSet
        Of each plant, in the order of the shape.
    kinds : tuple of LoadKind
    terms : HedgeTerms
    """
    owner, shape = dispatcher.owner, dispatcher.shape
    available, weights = joint_scenarios(told, terms.n_kept)
    planner = ScenarioPlanner(owner, shape, day, available, weights)
    forecast = planner.following(before.charge_mw, before.discharge_mw)
    known = planner.wait_and_see(forecast) if terms.attitude.kind == "min-max-regret" else None
    best_money = None if known is None else known.cost_money
    plan = planner.plan(terms.attitude, best_money, forecast)
    forecast_money = planner.cost_money(forecast)
    dispatch = _at_schedule(world, dispatcher, day, plan.schedule)
    corners = demand_corners(shape, day, dispatch, kinds, terms.budget)
    return Hedge(
        terms,
        day,
        available,
        weights,
        plan,
        forecast,
        forecast_money,
        known,
        dispatch,
        planner.recourse.solves,
        corners,
    )


def _at_schedule(
    world: Commons, dispatcher: Dispatcher, day: DispatchDay, schedule: StorageSchedule
) -> Dispatch:
    """The dispatch of the forecast with storages at their schedules.

    Raises
    ------
    SolveError
        If the network does not carry them.
    """
    shape = dispatcher.shape
    problem = world.shared(("recourse", shape), lambda: recourse_problem(shape))
    solution = problem.solve(dispatcher.owner, **recourse_signals(day), storage_mw=schedule.net_mw)
    changed_mwh = float((solution["more_mw"] + solution["less_mw"]).sum()) * shape.period_h
    if changed_mwh > _KEPT_MWH:
        raise SolveError(
            f"agent {dispatcher.owner}: schedules of storages for all scenarios break limits of the grid at "
            f"the forecast, by {changed_mwh:.3g} MWh"
        )
    found = dispatcher.read(problem, solution, day, (schedule.charge_mw, schedule.discharge_mw))
    own = schedule.own_money
    return replace(found, cost_money=found.cost_money + own, bound_money=found.bound_money + own)
