"""Steps that know the response with its kinks, from where lines at one side of a kink lead no further."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gridarium.agents.leader.convex_step_problem import SingleLevelPoint
from gridarium.agents.leader.kkt_residual import KktResidual, kkt_residual
from gridarium.agents.leader.tied_exact_step import ExactTiedStep
from gridarium.agents.leader.tied_live_step import Directions
from gridarium.agents.leader.tied_problem import TiedProblem
from gridarium.agents.leader.tied_sequence import TiedOutcome, TiedSequence

POLISH_RADII_PER_MWH = (4.0, 0.02)
"""First and last trust region of prices, money/MWh."""

POLISH_LIMIT = 60
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
    step = ExactTiedStep(problem)
    radius, last = POLISH_RADII_PER_MWH
    best, least = outcome, sequence.options.gain * problem.sales()
    for _ in range(POLISH_LIMIT):
        if radius < last:
            break
        hoped = step.within(best.plan, radius)
        if hoped is None or hoped.merit_money - best.profit_money <= least:
            radius /= 3.0
            continue
        answer = sequence.value(hoped.plan.price_per_mwh, directions)
        if answer is None or not sequence.is_tied(answer):
            radius /= 3.0
            continue
        profit = problem.profit(answer.plan)
        if profit > best.profit_money + 0.1 * (hoped.merit_money - best.profit_money):
            error = abs(hoped.merit_money - profit)
            best = replace(best, plan=answer.plan, profit_money=profit, bilinear_money=error)
        else:
            radius /= 3.0
    return best


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
    found = ExactTiedStep(problem).within(plan, PROBE_PER_MWH)
    worth = PROBE_PER_MWH * float(problem.base_mw.sum()) * problem.period_h
    promised = np.inf if found is None else max(0.0, found.merit_money - outcome.profit_money) / worth
    point = SingleLevelPoint.answering(led, plan.price_per_mwh)
    answered = kkt_residual(led, point, promised, outcome.bilinear_money)
    broken = max(problem.broken(plan).values())
    apart = float(np.abs(plan.load_mw - problem.loads(plan.price_per_mwh).sum(axis=0)).max())
    return replace(answered, leader_feasibility=broken, response=apart / float(problem.base_mw.max()))
