"""The benchmark leader: it knows its followers, and cuts finer and polishes until bound and profit meet."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np

from gridarium.agents.leader.bilevel_problem import solve_relaxed
from gridarium.agents.leader.follower_model import FollowerModel, merge
from gridarium.agents.leader.price_polish import PricedPoint, polish, restore
from gridarium.agents.leader.problem import LeaderProblem, SupplyCut
from gridarium.agents.leader.response_curve import response_curves
from gridarium.environment.arrays import Array

_COARSE_GROUPS = 2
_COARSE_GAP = 1e-3


@dataclass(frozen=True)
class SearchEffort:
    """When the search for a leader's optimum ends: never by the clock, so every machine finds the same.

    Parameters
    ----------
    relative_gap : float
        Distance of bound and true profit, relative to the profit, that is good enough.
    round_limit : int
        Most times that the curves are cut finer.
    node_limit : int
        Nodes of all rounds together; a root counts as one. On days of 24 hours most is found at the roots.
    """

    relative_gap: float = 2e-4
    round_limit: int = 8
    node_limit: int = 100


@dataclass(frozen=True)
class LeaderOptimum:
    """A price under which the true responses keep all limits, and how good it can be shown to be.

    Parameters
    ----------
    price_per_mwh : ndarray, shape (n_period,)
    profit_money : float
        With the true responses.
    bound_money : float
        Proven upper bound.
    rounds : int
    time_s : float
    """

    price_per_mwh: Array
    profit_money: float
    bound_money: float
    rounds: int
    time_s: float

    @property
    def gap(self) -> float:
        """Distance from the bound, relative to it."""
        return (self.bound_money - self.profit_money) / abs(self.bound_money)


def full_information_optimum(
    problem: LeaderProblem, effort: SearchEffort | None = None, start: Array | None = None
) -> LeaderOptimum:
    """The leader's best price against followers whose data it knows.

    Parameters
    ----------
    problem : LeaderProblem
    effort : SearchEffort, optional
    start : ndarray, shape (n_period,), optional
        A price to start from; the reference price when left out.

    Raises
    ------
    InfeasibleError, SolverLimitError, TimeLimitError

    Notes
    -----
    First followers of like stiffness are merged into one or two, which gives a start within a second. Then
    the relaxation is solved on as few pieces as there can be, its price is polished on the true responses,
    and the curves are cut again where the relaxation cheated, until bound and profit meet.
    """
    effort = effort or SearchEffort()
    started = time.perf_counter()
    best = polish(problem, problem.reference_price_per_mwh if start is None else start)
    for groups in range(1, min(len(problem.followers), _COARSE_GROUPS + 1)):
        best = max(best, _coarse(problem, groups, effort), key=_profit)
    bound, rounds, left = np.inf, 0, effort.node_limit
    cuts: list[Array] = []
    while rounds < effort.round_limit and left > 0:
        rounds += 1
        curves = response_curves(problem, cuts)
        answer = solve_relaxed(problem, curves, 0.5 * effort.relative_gap, left, best.price_per_mwh)
        left -= max(answer.nodes, 1)
        bound = min(bound, answer.bound_money)
        best = max(best, polish(problem, answer.price_per_mwh), key=_profit)
        if bound - best.profit_money <= effort.relative_gap * abs(bound):
            break
        cuts.append(answer.margin_per_mwh)
    spent = time.perf_counter() - started
    return LeaderOptimum(best.price_per_mwh, best.profit_money, bound, rounds, spent)


def _coarse(problem: LeaderProblem, groups: int, effort: SearchEffort) -> PricedPoint:
    """The optimum before few merged followers, polished before the true ones."""
    ordered = sorted(problem.followers, key=_width)
    parts = np.array_split(np.arange(len(ordered)), groups)
    limits, caps = problem.limits, problem.follower_bill_caps_money
    if caps:
        together = sum(caps) if limits.bill_cap_money is None else min(sum(caps), limits.bill_cap_money)
        limits = replace(limits, bill_cap_money=together)
    supply = tuple(_flattened(cut, problem) for cut in problem.supply)
    merged = replace(
        problem,
        followers=tuple(merge([ordered[i] for i in part]) for part in parts),
        limits=limits,
        supply=supply,
        follower_bill_caps_money=(),
    )
    start = restore(merged, problem.reference_price_per_mwh)
    answer = solve_relaxed(merged, response_curves(merged), _COARSE_GAP, effort.node_limit, start)
    return polish(problem, answer.price_per_mwh)


def _width(follower: FollowerModel) -> float:
    """Price change that takes a follower from one limit to the other, mean over the day."""
    width = float(np.mean(follower.most_down_mw + follower.most_up_mw))
    return follower.beta_per_mwh_per_mw * width


def _flattened(cut: SupplyCut, problem: LeaderProblem) -> SupplyCut:
    """A tangent with one marginal cost for all followers, the mean by load."""
    base = np.array([follower.base_mw for follower in problem.followers])
    marginal = np.broadcast_to(cut.marginal_cost_per_mwh, base.shape)
    total = np.maximum(base.sum(axis=0), 1e-12)
    return replace(cut, marginal_cost_per_mwh=(marginal * base).sum(axis=0) / total)


def _profit(point: PricedPoint) -> float:
    return point.profit_money
