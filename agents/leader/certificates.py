"""How good a leader's outcome is: deviations that would pay, spread over starts, stability of its loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from gridarium.agents.leader.local_leaders import Respond, pattern_search_leader, trust_region_leader
from gridarium.agents.leader.problem import LeaderProblem
from gridarium.environment.arrays import Array


@dataclass(frozen=True)
class LeaderRegret:
    """The best deviation that a search has found; a lower bound of the true regret.

    Parameters
    ----------
    regret_money : float
        What the deviation would add to the profit; 0 where none was found.
    price_per_mwh : ndarray, shape (n_period,)
    tried : int
        Prices that the real followers were asked about.
    """

    regret_money: float
    price_per_mwh: Array
    tried: int


def leader_regret(
    task: LeaderProblem,
    respond: Respond,
    price: Array,
    random: np.random.Generator,
    n_start: int = 4,
    budget: int = 2000,
) -> LeaderRegret:
    """Search for a better price than the leader's: by a trust region from it, by patterns also from others.

    Parameters
    ----------
    task : LeaderProblem
        Limits and cost; of its followers only the base loads are read.
    respond : callable
        The real followers.
    price : ndarray, shape (n_period,)
        What the leader posted last.
    random : numpy.random.Generator
    n_start : int
        Starts of the pattern search: the price itself, and random prices of the band.
    budget : int
        Prices tried by patterns, all starts together.
    """
    limits = task.limits
    profit = task.profit(price, respond(price))
    others = [random.uniform(limits.low_price_per_mwh, limits.high_price_per_mwh) for _ in range(n_start - 1)]
    found = [
        trust_region_leader(task, respond, price),
        pattern_search_leader(task, respond, [price, *others], random, budget),
    ]
    best = max((outcome.best for outcome in found), key=lambda point: point.profit_money)
    tried = sum(outcome.rounds for outcome in found)
    if best.profit_money <= profit:
        return LeaderRegret(0.0, price, tried)
    return LeaderRegret(best.profit_money - profit, best.price_per_mwh, tried)


def outcome_spread(profits_money: Sequence[float], prices: Sequence[Array]) -> tuple[float, float]:
    """Spread of outcomes over starts: profits in money, and the largest distance of prices in money/MWh.

    A spread of zero suggests one outcome, and proves nothing.
    """
    stacked = np.array(prices)
    return float(np.ptp(profits_money)), float(np.ptp(stacked, axis=0).max())


@dataclass(frozen=True)
class LoopStability:
    """Local behaviour of a loop ``price <- price + damping * (map(price) - price)``.

    Parameters
    ----------
    spectral_radius : float
        Of the undamped map; below 1 the plain loop settles.
    damping_limit : float
        Damping below which the damped loop settles; at most 1, 0 where none helps.
    """

    spectral_radius: float
    damping_limit: float


def loop_stability(
    best_response: Callable[[Array], Array], price: Array, step: float = 1e-3
) -> LoopStability:
    """Eigenvalues of the best-response map at a price, by central differences.

    Parameters
    ----------
    best_response : callable
        From a posted price to the price that the answers call for, shape (n_period,) each.
    price : ndarray, shape (n_period,)
    step : float
        Half the distance of the differences, money/MWh.

    Notes
    -----
    An eigenvalue ``l`` becomes ``1 - w + w l`` under damping ``w``; its modulus is below one where
    ``w < 2 (1 - Re l) / |1 - l|**2``, which has a positive solution only where ``Re l < 1``.
    """
    jacobian = np.empty((len(price), len(price)))
    for t in range(len(price)):
        change = np.zeros(len(price))
        change[t] = step
        jacobian[:, t] = (best_response(price + change) - best_response(price - change)) / (2.0 * step)
    eigenvalues = np.linalg.eigvals(jacobian)
    distance = np.abs(1.0 - eigenvalues) ** 2
    moving = distance > 1e-12
    limits = 2.0 * (1.0 - eigenvalues.real[moving]) / distance[moving]
    limit = float(np.clip(limits.min(initial=1.0), 0.0, 1.0)) if moving.all() else 0.0
    return LoopStability(float(np.abs(eigenvalues).max()), limit)
