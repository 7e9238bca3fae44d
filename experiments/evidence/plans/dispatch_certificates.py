"""Certificates of what operators have planned: limits, power flow, cost and prices against a reference.

The reference reads ratings and prices of the scenario and impedances of the network, sweeps the tree for its
AC power flow, and solves a linear programme of its own; it takes none of the code that planned.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gridarium.experiments.evidence.grid_evidence import GridEvidence
from gridarium.experiments.evidence.plans.dispatch_program import LOAD_SHARE, DispatchProgram
from gridarium.experiments.evidence.plans.plan_reading import feeder_days
from gridarium.experiments.evidence.plans.planned_day import PlannedDay
from gridarium.experiments.evidence.plans.system_reading import plans_in_force, system_days
from gridarium.experiments.evidence.shares import LEAST_MONEY, share_of
from gridarium.experiments.results.records import Reading

_LIMIT = 1e-5
_FLOW, _COST = 1e-5, 1e-6
_LEAST_MW = 0.01
"""Power below which flows to 1e-9 p.u. are too coarse to be compared in shares."""
_LEAST_COST_MONEY = 100.0
"""Cost below which what solvers leave, a tenth of a watt at a price of hundreds, is no share of it."""
_BEST = 1e-5
"""Of what all load is worth at the margin: solvers leave less than a millionth of it."""
_PRICE, _PRICE_OF_SYSTEM = 2e-3, 1e-4
"""Mean error of prices, relative: where a feeder is kept from burning energy, that has a price, too."""
_UNITS = 0.01
"""What a relaxation of whole units may leave open; as much as a commitment may lose that is held."""
_ROUNDS = 8
"""Most rounds of tangents, of which one is enough where the plan is a best one."""


def planned_dispatch(known: GridEvidence) -> Iterator[Reading]:
    """Each plan of an operator for the loads it heard: its limits, its power flow and its cost."""
    days = [(day, DispatchProgram(day)) for day in _days(known)]
    if not days:
        return
    yield Reading(
        "planned limits", max(program.beyond() for _, program in days), _LIMIT, "", True,
        "most by which a plan leaves a limit of a unit, a storage, the head or the network, or a balance, by "
        "ratings of the scenario; MW, Mvar, MWh over the length of a step, or p.u. squared (A13 to A20, E28)",
    )  # fmt: skip
    yield Reading(
        "planned power flow", max(_flow_apart(day, program) for day, program in days), _FLOW, "", True,
        "largest difference of what a plan says that passes the head, relative to the largest of that and of "
        "its loads, or of its squared voltages, p.u., and those of an AC power flow of its powers by sweeps "
        "through the tree",
    )  # fmt: skip
    apart = (abs(day.told_cost_money - program.planned_cost()) for day, program in days)
    sizes = (max(abs(day.worth_money), abs(day.told_cost_money)) for day, _ in days)
    off = (share_of(gap, size, _LEAST_COST_MONEY) for gap, size in zip(apart, sizes, strict=True))
    yield Reading(
        "planned cost", max(off), _COST, "", True,
        "largest difference of what an operator says that its plan costs and the sum of its parts at ratings "
        "of the scenario and terms that it was told, relative to that, or to what all load is worth at the "
        "margin where this is more (C9, D1)",
    )  # fmt: skip


def _days(known: GridEvidence) -> Iterator[PlannedDay]:
    yield from feeder_days(known)
    yield from system_days(known)
    yield from plans_in_force(known)


def _flow_apart(day: PlannedDay, program: DispatchProgram) -> float:
    size = max(float(day.load_mw.sum(axis=0).max()), float(np.abs(day.told_net_mw).max()), _LEAST_MW)
    apart = float(np.abs(day.told_net_mw - program.flow.head_mw).max()) / size
    if day.told_vm_pu is None:
        return apart
    return max(apart, float(np.abs(day.told_vm_pu**2 - program.flow.voltage_squared).max()))


def best_plans(known: GridEvidence) -> Iterator[Reading]:
    """Whether plans of operators are best ones, and their nodal prices what a further MWh costs."""
    gaps, excess, prices, days = list[float](), list[float](), list[float](), list(_days(known))
    tolerance = _PRICE if any(day.rules is None for day in days) else _PRICE_OF_SYSTEM
    for day in days:
        told = share_of(max(0.0, day.told_gap_money), day.worth_money, LEAST_MONEY)
        gap = _gap(DispatchProgram(day), day, _BEST + told)
        gaps.append(gap)
        excess.append(max(0.0, gap - told))
        moved = _gap(DispatchProgram(day, LOAD_SHARE), day, gap + tolerance * LOAD_SHARE)
        prices.append((moved - gap) / LOAD_SHARE)
    if not days:
        return
    yield Reading(
        "best plan", max(excess), _BEST, "", False,
        "most that a plan costs beyond the least by a linear programme of tangents, and beyond what the plan "
        "itself leaves open, relative to what all load is worth at the margin",
        f"{max(gaps):.1e} with what plans leave open",
    )  # fmt: skip
    yield Reading(
        "marginal prices", max(0.0, *prices), tolerance, "", False,
        "mean error of a plan's nodal prices, relative: what could be saved by the same programme if loads "
        f"moved by up to {LOAD_SHARE:.0%} and were paid for at these prices, over what that share is worth; "
        "nothing where prices are what a further MWh costs",
    )  # fmt: skip


def feeder_commitment(known: GridEvidence) -> Iterator[Reading]:
    """Whether the turbines of a feeder that a plan counts with are the right ones to run."""
    days = [day for day in feeder_days(known) if day.units]
    if not days:
        return
    gaps = [_gap(DispatchProgram(day, commits=True), day, _UNITS) for day in days]
    yield Reading(
        "units that run", max(gaps), _UNITS, "", False,
        "most that a plan costs beyond the least by a linear programme in which turbines may run in part, "
        "relative to what all load is worth at the margin",
    )  # fmt: skip


def _gap(program: DispatchProgram, day: PlannedDay, enough: float) -> float:
    """What a plan costs beyond the least, relative to what all load is worth; the search ends at `enough`."""
    cost, size = program.planned_cost(), max(day.worth_money, LEAST_MONEY)
    return max(0.0, cost - program.least_cost(cost - 0.5 * enough * size, _ROUNDS)) / size
