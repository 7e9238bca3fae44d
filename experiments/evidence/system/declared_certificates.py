"""Certificates of what an operator declared of a day ahead, and of a day of perfect information."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gridarium.agents.system.realtime_problem import RealTimePlan
from gridarium.agents.system.system_operator import SystemOperator
from gridarium.environment.arrays import Array
from gridarium.experiments.evidence.grid_evidence import GridEvidence, rows_of
from gridarium.experiments.evidence.shares import LEAST_MONEY
from gridarium.experiments.results.records import Reading
from gridarium.market.messages.forecasts import RenewableForecast

_SAME_MW, _PROVEN = 1e-6, 2e-4


def declared(known: GridEvidence) -> Iterator[Reading]:
    """Positions of the day-ahead market against the plan of the day; nothing without a record of plans."""
    table = known.tables.get("settlements")
    operators = [one for one in known.of(SystemOperator) if one.adopted]
    if table is None or not operators or known.world.bus.refused:
        return
    (operator,) = operators
    days = range(len(operator.plans))
    off = [_off_mw(known, operator, day) for day in days]
    judged = [one for one in off if not np.isnan(one)]
    if judged:
        yield Reading(
            "declared as planned", max(judged), _SAME_MW, "MW", True,
            "largest difference of what was declared for a participant of the day-ahead market, and what the "
            "plan of the day has of it, wind by the farms' forecasts, fixed loads as they foresee them (E.2)",
        )  # fmt: skip


def _off_mw(known: GridEvidence, operator: SystemOperator, day: int) -> float:
    """Of the plan of a day that is nearest; nan where nothing was declared."""
    length = operator.day_length
    table = known.tables["settlements"]
    rows = table[(table["period"] // length == day) & table["declared_mw"].notna()]
    told = {
        str(name): own.sort_values("period")["declared_mw"].to_numpy(dtype=float)
        for name, own in rows.groupby("agent", sort=False)
    }
    plans = [one.plan for one in operator.adopted if one.day == day and not one.plan.first]
    if not told or not plans:
        return float("nan")
    return min(_off_plan_mw(known, operator, day, told, plan) for plan in plans)


def _off_plan_mw(
    known: GridEvidence, operator: SystemOperator, day: int, told: dict[str, Array], plan: RealTimePlan
) -> float:
    due, local, length = dict[str, Array](), known.grid.local, operator.day_length
    for column, unit in enumerate(operator.system.units):
        due[local(unit.name)] = plan.net_mw[:, column]
    for column, load in enumerate(operator.system.loads):
        due[local(load.name)] = -plan.flexible_mw[:, column]
    forecasts = _forecasts_mw(known, operator, day)
    total = np.asarray(sum(forecasts.values(), np.zeros(length)))
    for name, foreseen in forecasts.items():
        even = np.full(length, 1.0 / len(forecasts))
        due[local(name)] = np.divide(foreseen, total, out=even, where=total > 0.0) * plan.wind_mw
    loads = rows_of(known.tables, "loads", "load")
    for agent, own in loads[loads["period"] // length == day].groupby("agent", sort=False):
        due[str(agent)] = -own.sort_values("period")["p_base_mw"].to_numpy(dtype=float)
    if told.keys() != due.keys():
        return float("inf")
    return max(float(np.abs(told[name] - due[name]).max()) for name in told)


def _forecasts_mw(known: GridEvidence, operator: SystemOperator, day: int) -> dict[str, Array]:
    """What each wind farm told the operator that it expects of a day."""
    farms, found = operator.members.wind_farms, dict[str, Array]()
    for one, outcome in known.world.bus.words:
        told = one.payload
        if not isinstance(told, RenewableForecast) or told.day != day or outcome != "delivered":
            continue
        if one.recipient == operator.name and one.sender in farms:
            found[one.sender] = told.available_mw
    return found


def proven_benchmark(known: GridEvidence) -> Iterator[Reading]:
    """The bound of perfect information against its day, where the search has ended."""
    table = known.tables.get("benchmarks")
    if table is None or not bool(table["is_proven"].all()):
        return
    cost, bound = (table[name].to_numpy(dtype=float) for name in ("cost_money", "bound_money"))
    apart = np.abs(cost - bound) / np.maximum(np.abs(cost), LEAST_MONEY)
    yield Reading(
        "perfect information proven", float(apart.max()), _PROVEN, "", True,
        "how far the cost of the best day of perfect information is from the bound that proves it, relative",
    )  # fmt: skip
