"""What a DSO tells of days that it has planned for scenarios: plans, scenarios and corners of demand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike

from gridarium.agents.feeder.dso_day import DsoDay
from gridarium.agents.feeder.hedging import Hedge
from gridarium.agents.rows import Rows, columns_of


def hedge_rows(days: Sequence[DsoDay]) -> Iterator[Rows]:
    """Rows of all days that were planned so; none where none was."""
    found = [(day.number, day.hedge) for day in days if day.hedge is not None]
    if not found:
        return
    yield Rows("scenario_plans", columns_of([_plan(day, hedge) for day, hedge in found]), by="row")
    scenarios = [row for day, hedge in found for row in _scenarios(day, hedge)]
    yield Rows("scenarios", columns_of(scenarios), by="row")
    corners = [row for day, hedge in found for row in _corners(day, hedge)]
    if corners:
        yield Rows("demand_corners", columns_of(corners), by="row")


def _plan(day: int, hedge: Hedge) -> dict[str, ArrayLike]:
    """What the attitude makes of the plan, and of the forecast's own."""
    plan, weights = hedge.plan, hedge.weights
    mean, mean_forecast = float(weights @ plan.cost_money), float(weights @ hedge.forecast_money)
    return {
        "day": day,
        "attitude": hedge.terms.attitude.kind,
        "n_scenario": len(weights),
        "value_money": plan.value_money,
        "bound_money": plan.bound_money,
        "forecast_value_money": hedge.forecast_value_money,
        "mean_money": mean,
        "forecast_mean_money": mean_forecast,
        "known_mean_money": float(weights @ hedge.best_money) if hedge.known else np.nan,
        "at_forecast_money": hedge.dispatch.cost_money,
        "rounds": plan.rounds,
        "dispatches": hedge.solves,
    }


def _scenarios(day: int, hedge: Hedge) -> Iterator[dict[str, ArrayLike]]:
    """Cost of each plan in each scenario."""
    costs = {hedge.terms.attitude.kind: hedge.plan.cost_money, "forecast": hedge.forecast_money}
    if hedge.known:
        costs["wait-and-see"] = hedge.known.cost_money
    for plan, cost in costs.items():
        for scenario, (weight, money) in enumerate(zip(hedge.weights, cost, strict=True)):
            yield {
                "day": day,
                "plan": plan,
                "scenario": scenario,
                "weight": float(weight),
                "cost_money": float(money),
            }


def _corners(day: int, hedge: Hedge) -> Iterator[dict[str, ArrayLike]]:
    """Loads, exchange and voltages at each corner, by step."""
    for corner in hedge.corners:
        for step, load_mw in enumerate(corner.load_mw):
            yield {
                "day": day,
                "corner": corner.name,
                "step": step,
                "p_load_mw": float(load_mw),
                "p_head_mw": float(corner.net_mw[step]),
                "vm_min_pu": float(corner.vm_min_pu[step]),
                "vm_max_pu": float(corner.vm_max_pu[step]),
            }
