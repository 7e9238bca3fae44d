"""Days of a DSO that are planned for scenarios, once their loads are agreed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from gridarium.agents.feeder.demand_corners import demand_corners, load_kinds
from gridarium.agents.feeder.dispatch import Dispatch, DispatchDay, Dispatcher
from gridarium.agents.feeder.dso_day import DsoDay
from gridarium.agents.feeder.hedging import Hedge, HedgeTerms, joint_scenarios
from gridarium.agents.feeder.recourse_problem import recourse_problem, recourse_signals
from gridarium.agents.feeder.scenario_plan import ScenarioPlanner, StorageSchedule
from gridarium.environment.errors import SolveError
from gridarium.environment.grids import Place

_KEPT_MWH = 1e-3
"""Most that storages may leave their schedules in the dispatch of the forecast, MWh in all."""


def hedge_day(
    dispatcher: Dispatcher, day: DispatchDay, today: DsoDay, places: Mapping[str, Place], terms: HedgeTerms
) -> Hedge:
    """Plan the storages of a day anew for the scenarios that plants have told.

    Parameters
    ----------
    dispatcher : Dispatcher
    day : DispatchDay
        At the loads that were agreed.
    today : DsoDay
        With the plan by the forecast alone, scenarios, and intervals of loads.
    places : mapping of str to Site or SpreadSite
        Where the loads meet the grid.
    terms : HedgeTerms
    """
    owner, shape = dispatcher.owner, dispatcher.shape
    available, weights = joint_scenarios(today.scenarios, terms.n_kept)
    planner = ScenarioPlanner(owner, shape, day, available, weights)
    before = today.plan.dispatch
    forecast = planner.following(before.charge_mw, before.discharge_mw)
    known = planner.wait_and_see(forecast) if terms.attitude.kind == "min-max-regret" else None
    best_money = None if known is None else known.cost_money
    plan = planner.plan(terms.attitude, best_money, forecast)
    forecast_money = planner.cost_money(forecast)
    dispatch = _at_schedule(dispatcher, day, plan.schedule)
    kinds = load_kinds(today.loads_mw, today.loads_mvar, today.deviation_share, places, shape)
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


def _at_schedule(dispatcher: Dispatcher, day: DispatchDay, schedule: StorageSchedule) -> Dispatch:
    """The dispatch of the forecast with storages at their schedules.

    Raises
    ------
    SolveError
        If the network does not carry them.
    """
    shape = dispatcher.shape
    problem = dispatcher.world.shared(("recourse", shape), lambda: recourse_problem(shape))
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
