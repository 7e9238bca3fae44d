"""How far a leader's price and its followers' answers are from a KKT point of the single-level problem."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from gridarium.agents.leader.convex_step_problem import SingleLevelPoint
from gridarium.agents.leader.problem import LeaderProblem


@dataclass(frozen=True)
class KktResidual:
    """How far a point is from a solution of the single-level problem; all parts without unit.

    Parameters
    ----------
    stationarity, dual_sign : float
        Of the followers, relative to the highest reference price.
    complementarity : float
        Of the followers, relative to the highest reference price times the highest base load.
    follower_feasibility : float
        Box and energy of the followers, relative to the highest base load.
    response : float
        Distance of the loads from the followers' own responses to the price, relative to the same.
    leader_feasibility : float
        Band and caps with the true products of price and load.
    leader_stationarity : float
        Most that the linearised problem promises for a small change of prices, relative to what all would
        pay more if every price rose by as much.
    bilinear, supply : float
        Error of the linearised sales and of the tangents of the cost at the last step, relative to both.
    """

    stationarity: float
    dual_sign: float
    complementarity: float
    follower_feasibility: float
    response: float
    leader_feasibility: float
    leader_stationarity: float
    bilinear: float
    supply: float

    @property
    def worst(self) -> float:
        """Largest part."""
        return float(max(asdict(self).values()))


def kkt_residual(
    problem: LeaderProblem,
    point: SingleLevelPoint,
    leader_stationarity: float,
    bilinear_money: float = 0.0,
    supply_money: float = 0.0,
) -> KktResidual:
    """Substitute a point back into the single-level problem.

    Parameters
    ----------
    problem : LeaderProblem
    point : SingleLevelPoint
    leader_stationarity : float
    bilinear_money, supply_money : float
        Errors of the last linearised problem.

    Notes
    -----
    C12 to C16 with multipliers; the followers' responses are worked out anew from their data alone.
    """
    followers, price, shift = problem.followers, point.price_per_mwh, point.shift_mw
    upper, lower, loads = point.upper_price_per_mwh, point.lower_price_per_mwh, point.loads(problem)
    reference = np.array([one.reference_price_per_mwh for one in followers])
    beta = np.array([[one.beta_per_mwh_per_mw] for one in followers])
    to_upper = np.array([one.most_up_mw for one in followers]) - shift
    to_lower = np.array([one.most_down_mw for one in followers]) + shift
    level, size = float(np.max(np.abs(problem.reference_price_per_mwh))), float(np.max(problem.base_mw))
    slope = reference - price - point.neutral_price_per_mwh[:, None] - beta * shift - upper + lower
    outside = max(float(np.max(-to_upper)), float(np.max(-to_lower)), float(np.abs(shift.sum(axis=1)).max()))
    products = np.maximum(np.abs(upper * to_upper), np.abs(lower * to_lower))
    bill = float(np.abs(problem.reference_price_per_mwh) @ problem.base_mw) * problem.period_h
    scales = {"band": level, "average": level}
    broken = max(value / scales.get(name, bill) for name, value in problem.excess(price, loads).items())
    return KktResidual(
        stationarity=float(np.abs(slope).max()) / level,
        dual_sign=max(0.0, float(-np.minimum(upper, lower).min())) / level,
        complementarity=float(products.max()) / (level * size),
        follower_feasibility=max(0.0, outside) / size,
        response=float(np.abs(loads - problem.loads(price)).max()) / size,
        leader_feasibility=max(0.0, broken),
        leader_stationarity=leader_stationarity,
        bilinear=bilinear_money / bill,
        supply=abs(supply_money) / bill,
    )
