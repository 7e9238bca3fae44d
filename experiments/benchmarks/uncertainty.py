"""Storages planned for many scenarios of the renewables, against the plan for the forecast alone."""

from __future__ import annotations

import time

import numpy as np

from gridarium.agents.feeder.dso import Dso
from gridarium.agents.feeder.scenario_plan import ScenarioPlan, ScenarioPlanner, StorageSchedule, WaitAndSee
from gridarium.environment.arrays import Array
from gridarium.environment.forecast_error import ForecastError
from gridarium.environment.random_streams import RandomStreams
from gridarium.environment.uncertainty import latin_hypercube
from gridarium.experiments.running.world_build import build
from gridarium.experiments.scenario import load_scenario
from gridarium.market.mean_intervals import mean_intervals
from gridarium.market.messages.forecasts import ScenarioTerms
from gridarium.market.risk import Attitude

SCENARIO, CASE = "shared-storage", "method-2"
ATTITUDES = (Attitude("expected"), Attitude("cvar", 0.1), Attitude("min-max-regret"))
CONFIDENCE = 0.95


def bench_uncertainty(
    scenarios: int = 50, sets: int = 10, fresh: int = 100, scenario: str = SCENARIO, case: str = CASE
) -> dict[str, float]:
    """Plan one day for its scenarios by each attitude, then price all plans on fresh sets of scenarios.

    Parameters
    ----------
    scenarios : int
        Scenarios that are planned for.
    sets, fresh : int
        Fresh sets, and scenarios in each; no intervals of one set alone.
    scenario, case : str
        Whose storages are commanded, and whose DSO has a plan for scenarios.

    Returns
    -------
    dict of str to float
        `gap_*`: distance from the proven bound over the mean cost; `cpu_s_*`: processor time, that of regret
        without and with who waits and sees; `mean_money_*`, `tail_money_*`, `regret_money_*` in sample;
        `rho_repriced_money`: worst regret by fresh programmes; `single_regret_money`: what the best plan for
        one scenario alone loses at least; `value_of_stochastic_solution_money`, `value_of_information_money`;
        `fresh_*`: the mean over fresh sets, with `_low` and `_high` of its interval of 95 %.
    """
    dso, terms = _hedged_dso(scenario, case, scenarios)
    hedge = dso.today.hedge
    assert hedge is not None
    found = dict[str, float]()
    planner = ScenarioPlanner(dso.name, dso.shape, hedge.shape_day, hedge.available_mw, hedge.weights)
    plans, known = _planned(planner, hedge.forecast, found)
    costs = {name: plan.cost_money for name, plan in plans.items()}
    schedules = {name: plan.schedule for name, plan in plans.items()}
    costs["forecast"], schedules["forecast"] = planner.cost_money(hedge.forecast), hedge.forecast
    for name, cost in costs.items():
        for measure, value in _judged(cost, planner.weights, known.cost_money).items():
            found[f"{measure}_{name}"] = value
    found |= _in_sample(planner, plans, known, costs)
    return found | _out_of_sample(dso, planner, schedules, terms, sets, fresh)


def _hedged_dso(scenario: str, case: str, drawn: int) -> tuple[Dso, ScenarioTerms]:
    """A DSO that has planned its first day for scenarios, and what it has asked its plants for."""
    settings = [
        "dso.storage=commanded",
        f"dso.plan={{attitude: expected, drawn: {drawn}, scenarios: {drawn}}}",
    ]
    built = build(load_scenario(scenario, [f"cases.{case}.{one}" for one in settings]).cases[case])
    built.world.step()
    dso = built.one(Dso)
    assert dso.today.hedge is not None
    return dso, dso.today.hedge.terms.scenarios


def _planned(
    planner: ScenarioPlanner, start: StorageSchedule, found: dict[str, float]
) -> tuple[dict[str, ScenarioPlan], WaitAndSee]:
    """The plan of each attitude; gaps and times are noted."""
    began = time.process_time()
    known = planner.wait_and_see(start)
    found["cpu_s_wait_and_see"] = time.process_time() - began
    plans = dict[str, ScenarioPlan]()
    for attitude in ATTITUDES:
        began = time.process_time()
        plan = planner.plan(attitude, known.cost_money, start)
        found[f"cpu_s_{attitude.kind}"] = time.process_time() - began
        mean = float(planner.weights @ plan.cost_money)
        found[f"gap_{attitude.kind}"] = (plan.value_money - plan.bound_money) / mean
        found[f"rounds_{attitude.kind}"] = float(plan.rounds)
        plans[attitude.kind] = plan
    return plans, known


def _judged(cost_money: Array, weights: Array, best_money: Array) -> dict[str, float]:
    values = (attitude.value_money(cost_money, weights, best_money) for attitude in ATTITUDES)
    return dict(zip(("mean_money", "tail_money", "regret_money"), values, strict=True))


def _in_sample(
    planner: ScenarioPlanner, plans: dict[str, ScenarioPlan], known: WaitAndSee, costs: dict[str, Array]
) -> dict[str, float]:
    """Regret priced again, that of plans for one scenario, and what knowing more is worth."""
    robust = plans["min-max-regret"].schedule
    again = ScenarioPlanner(
        "fresh programmes", planner.shape, planner.recourse.day, planner.available_mw, planner.weights
    )
    repriced = again.cost_money(robust)
    # Tangents bound what a plan costs from below, and so its regret.
    single = [
        float((planner.expected_money(schedule) - known.cost_money).max()) for schedule in known.schedules
    ]
    mean = {name: float(planner.weights @ cost) for name, cost in costs.items()}
    return {
        "rho_repriced_money": float((repriced - known.cost_money).max()),
        "single_regret_money": min(single),
        "value_of_stochastic_solution_money": mean["forecast"] - mean["expected"],
        "value_of_information_money": mean["expected"] - float(planner.weights @ known.cost_money),
    }


def _out_of_sample(
    dso: Dso,
    planner: ScenarioPlanner,
    schedules: dict[str, StorageSchedule],
    terms: ScenarioTerms,
    sets: int,
    fresh: int,
) -> dict[str, float]:
    """Mean, tail and worst regret of each plan over fresh sets, with intervals."""
    day, error = planner.recourse.day, ForecastError(terms.bound, terms.persistence)
    random, rows = RandomStreams(dso.world.streams.seed).stream("fresh scenarios"), list[dict[str, float]]()
    for _ in range(sets):
        drawn = [latin_hypercube(forecast, error, fresh, random) for forecast in day.available_mw]
        available = np.stack([one.values for one in drawn], axis=1)
        other = ScenarioPlanner(dso.name, planner.shape, day, available, drawn[0].weights, planner)
        best = other.wait_and_see(schedules["expected"]).cost_money
        row = dict[str, float]()
        for name, schedule in schedules.items():
            judged = _judged(other.cost_money(schedule), other.weights, best)
            row |= {f"fresh_{measure}_{name}": value for measure, value in judged.items()}
        rows.append(row)
    values = np.array([list(row.values()) for row in rows])
    found = dict(zip(rows[0], values.mean(axis=0).tolist(), strict=True))
    if sets > 1:
        for side, ends in zip(("low", "high"), mean_intervals(values, CONFIDENCE), strict=True):
            found |= {f"{name}_{side}": float(end) for name, end in zip(rows[0], ends, strict=True)}
    return found
