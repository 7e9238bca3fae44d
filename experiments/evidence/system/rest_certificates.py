"""Certificates of plans of a system operator: their limits, their cost, and that none is cheaper."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from gridarium.agents.system.system_operator import SystemOperator
from gridarium.agents.system.system_planner import AdoptedPlan
from gridarium.experiments.evidence.grid_evidence import GridEvidence
from gridarium.experiments.evidence.shares import LEAST_MONEY, share_of
from gridarium.experiments.evidence.system.rest_of_day import RestOfDay
from gridarium.experiments.evidence.system.rest_reading import rest_cases
from gridarium.experiments.results.records import Reading

_LIMIT, _COST, _BEST = 1e-5, 1e-7, 1e-7
_PLANS = 8
"""Most plans that are looked at, evenly among all."""
_ROUNDS = 8
"""Most rounds of tangents, of which one is enough where a plan is a best one."""


def rest_of_days(known: GridEvidence) -> Iterator[Reading]:
    """Plans for the rest of a day against a programme by scenario and tables; none without a record."""
    cases = [
        case
        for operator in known.of(SystemOperator)
        for case in rest_cases(known, operator, _some(operator.adopted))
    ]
    if not cases:
        return
    bus, table = known.world.bus, known.tables["quarters"]
    exact = not (bus.lost or bus.refused or table["silent"].any())
    limits, costs, gaps = list[float](), list[float](), list[float]()
    for case in cases:
        program, size = RestOfDay(case), max(case.worth_money, LEAST_MONEY)
        cost = program.planned_cost()
        limits.append(program.beyond())
        costs.append(share_of(abs(cost - case.told_cost_money), size, LEAST_MONEY))
        gaps.append(max(0.0, cost - program.least_cost(cost - 0.5 * _BEST * size, _ROUNDS)) / size)
    yield Reading(
        "limits of the operator's plans", max(limits), _LIMIT, "", exact,
        "most by which a plan for the rest of a day leaves a limit or a balance, by the scenario and the "
        "state that tables tell; MW, MWh or tCO2 (E1 to E6, E16, E27 to E30)",
    )  # fmt: skip
    yield Reading(
        "cost of the operator's plans", max(costs), _COST, "", exact,
        "largest difference of what a plan is said to cost, and its parts by the scenario, relative to what "
        "all load would cost if it were imported (E19 to E26)",
    )  # fmt: skip
    yield Reading(
        "best plans of the operator", max(gaps), _BEST, "", exact,
        "most that a plan costs beyond the least by a linear programme of tangents, relative to the same",
        f"{len(cases)} plans",
    )  # fmt: skip


def _some(adopted: Sequence[AdoptedPlan]) -> list[AdoptedPlan]:
    """A few of them, the first and the last among them."""
    places = np.linspace(0, len(adopted) - 1, min(len(adopted), _PLANS)).round().astype(int)
    return [adopted[place] for place in places.tolist()]
