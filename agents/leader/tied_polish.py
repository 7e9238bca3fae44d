"""Steps that know the response with its kinks, from where lines at one side of a kink lead no further."""

from __future__ import annotations

from dataclasses import replace

import highspy
import numpy as np

from gridarium.agents.leader.convex_step_problem import SingleLevelPoint
from gridarium.agents.leader.kkt_residual import KktResidual, kkt_residual
from gridarium.agents.leader.tied_problem import TiedProblem
from gridarium.agents.leader.tied_sequence import TiedOutcome, TiedSequence
from gridarium.agents.leader.tied_step import Directions
from gridarium.agents.leader.tied_step_problem import build_exact_step_model
from gridarium.agents.solving.highs_solver import integer_model, run_in_time
from gridarium.agents.solving.standard_form import compile_model
from gridarium.environment.arrays import Array

POLISH_RADII_PER_MWH = (4.0, 0.02)
"""First and last trust region of prices, money/MWh."""

POLISH_LIMIT = 30
NODE_LIMIT = 200
PROBE_PER_MWH = 0.02
"""Radius within which stationarity is measured: small against any price, large against rounding."""


def polish_tied(sequence: TiedSequence, outcome: TiedOutcome) -> TiedOutcome:
    """Climb from an end by exact steps, a third as long whenever one fails, until the last radius.

    Parameters
    ----------
    sequence : TiedSequence
        Of the problem, for true values.
    outcome : TiedOutcome
    """
    problem, directions = sequence.problem, Directions.of(outcome.plan)
    radius, last = POLISH_RADII_PER_MWH
    best, least = outcome, sequence.options.gain * problem.sales()
    for _ in range(POLISH_LIMIT):
        if radius < last:
            break
        found = exact_step(problem, best.plan.price_per_mwh, radius, directions)
        if found is None or found[1] - best.profit_money <= least:
            radius /= 3.0
            continue
        answer = sequence.value(found[0], directions)
        if answer is None or not sequence.is_tied(answer):
            radius /= 3.0
            continue
        profit = problem.profit(answer.plan)
        if profit > best.profit_money + 0.1 * (found[1] - best.profit_money):
            error = abs(found[1] - profit)
            best = replace(best, plan=answer.plan, profit_money=profit, bilinear_money=error)
        else:
            radius /= 3.0
    return best


def exact_step(
    problem: TiedProblem, price: Array, radius: float, directions: Directions
) -> tuple[Array, float] | None:
    """The best price within a radius, and the profit that the step has for it; None where none was found."""
    form = compile_model(build_exact_step_model(problem, price, radius), ())
    upper = form.upper.copy()
    for name, allowed in directions.by_power().items():
        block = form.decisions[name]
        upper[block.start : block.stop] *= allowed.ravel()
    form = replace(form, upper=upper)
    options = {"mip_rel_gap": 1e-9, "mip_max_nodes": NODE_LIMIT}
    highs = integer_model(form, form.at(np.zeros(0)), options)
    run_in_time(highs, "leader")
    if highs.getInfo().primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
        return None
    x = np.array(highs.getSolution().col_value)
    block = form.decisions["price"]
    return x[block.start : block.stop], -form.objective(x, np.zeros(0))


def tied_residual(problem: TiedProblem, outcome: TiedOutcome) -> KktResidual:
    """How far an outcome is from a KKT point of C9 under C7 with the followers' conditions.

    Parameters
    ----------
    problem : TiedProblem
    outcome : TiedOutcome

    Notes
    -----
    The leader's stationarity is what an exact step promises within `PROBE_PER_MWH`, so that kinks count with
    both sides. Its feasibility is the worst of tie, balance, pool and storage, each relative to its size.
    """
    plan, led = outcome.plan, problem.as_led()
    found = exact_step(problem, plan.price_per_mwh, PROBE_PER_MWH, Directions.of(plan))
    worth = PROBE_PER_MWH * float(problem.base_mw.sum()) * problem.period_h
    promised = np.inf if found is None else max(0.0, found[1] - outcome.profit_money) / worth
    point = SingleLevelPoint.answering(led, plan.price_per_mwh)
    answered = kkt_residual(led, point, promised, outcome.bilinear_money)
    broken = max(problem.broken(plan).values())
    apart = float(np.abs(plan.load_mw - problem.loads(plan.price_per_mwh).sum(axis=0)).max())
    return replace(answered, leader_feasibility=broken, response=apart / float(problem.base_mw.max()))
