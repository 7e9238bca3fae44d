"""Searches for schedules of a storage with a green label, each within a limit that no clock sets."""

from __future__ import annotations

from typing import NamedTuple

import highspy
import numpy as np
from highspy import HighsModelStatus

from gridarium.agents.solving.conflict import explain
from gridarium.agents.solving.highs_solver import integer_model, reason_of, run_in_time
from gridarium.agents.vpp.green_day import GreenDay, GreenPlan, replay
from gridarium.agents.vpp.green_dispatch_problem import GreenShape, green_form, green_numbers
from gridarium.environment.arrays import Array
from gridarium.environment.errors import InfeasibleError, SolverLimitError

SEARCH_GAP = 1e-5
"""How far from the best a search may end, relative to the bill."""
NODE_LIMIT = 2000
"""Nodes of a search; what it has proven by then is told."""
_OPTIONS = {
    "mip_max_nodes": NODE_LIMIT,
    "mip_heuristic_run_rins": False,
    "mip_heuristic_run_rens": False,
    "mip_heuristic_run_root_reduced_cost": False,
}


class Found(NamedTuple):
    """The best relaxed plan of a search, the replay of its schedule, and what any plan costs at least."""

    relaxed_money: float
    relaxed_green_mwh: float
    plan: GreenPlan
    bound_money: float


def search(
    day: GreenDay,
    shape: GreenShape,
    missing_mwh: float = 0.0,
    beyond_mw: Array | float = 0.0,
    search_gap: float = SEARCH_GAP,
) -> Found:
    """The best plan of a relaxed problem, with margins that make up for what it gets wrong.

    Raises
    ------
    InfeasibleError
        If there is no plan; nothing is explained.
    SolverLimitError
        If none was found within the limit of nodes.
    """
    form = green_form(shape)
    numbers, constant = green_numbers(form, day, missing_mwh, beyond_mw)
    highs = integer_model(form, numbers, {**_OPTIONS, "mip_rel_gap": search_gap})
    place = f"agent {day.region.name}"
    status, info = run_in_time(highs, place), highs.getInfo()
    if status in (HighsModelStatus.kInfeasible, HighsModelStatus.kUnboundedOrInfeasible):
        raise InfeasibleError(f"{place}: no schedule keeps all limits")
    has_plan = info.primal_solution_status == int(highspy.SolutionStatus.kSolutionStatusFeasible)
    if status not in (HighsModelStatus.kOptimal, HighsModelStatus.kSolutionLimit) or not has_plan:
        raise SolverLimitError(f"{place}: no schedule was found{reason_of(highs, status)}")
    x, period_h = np.array(highs.getSolution().col_value), day.region.period_h

    def value(name: str) -> Array:
        block = form.decisions[name]
        return x[block.start : block.stop]

    labelled = "green_discharge_mw" in form.decisions
    return Found(
        float(numbers.cost @ x) + constant,
        float(value("green_discharge_mw").sum()) * period_h if labelled else 0.0,
        replay(day, *day.ratings.powers_mw(value("energy_mwh"), day.initial_mwh, period_h)),
        float(info.mip_dual_bound) + constant,
    )


def explained_search(day: GreenDay, shape: GreenShape) -> Found:
    """As `search`, with an error that says which limits would have to give way."""
    try:
        return search(day, shape)
    except InfeasibleError as error:
        form = green_form(shape)
        reason = explain(form, green_numbers(form, day)[0])
        raise InfeasibleError(f"agent {day.region.name}: {reason}") from error
