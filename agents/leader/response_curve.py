"""The response of a follower in one period as a curve of three coordinates, cut into straight pieces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gridarium.agents.leader.follower_model import FollowerModel
from gridarium.agents.leader.problem import LeaderProblem
from gridarium.environment.arrays import Array


@dataclass(frozen=True)
class ResponseCurve:
    """Points of the curve (margin, shift, forgone), between which a MILP interpolates.

    The margin ``d = reference - price - neutral`` is what the follower would still pay for more load; its
    shift is ``s = clip(d / beta)``, and ``d (base + s)`` is what the leader forgoes on its load. Below and
    above the box the curve is straight; inside, the forgone money is a parabola.

    Parameters
    ----------
    margin, shift, forgone : ndarray, shape (n_point,)
        money/MWh, MW and money/h, by growing margin.
    error : ndarray, shape (n_point - 1,)
        Most by which the chord of a piece lies above the curve, money/h.
    """

    margin: Array
    shift: Array
    forgone: Array
    error: Array

    @property
    def n_piece(self) -> int:
        """Number of straight pieces."""
        return len(self.error)


def response_curve(
    follower: FollowerModel, period: int, inner: Array, ends: tuple[float, float]
) -> ResponseCurve:
    """Cut the curve of one period at given margins.

    Parameters
    ----------
    follower : FollowerModel
    period : int
    inner : ndarray
        Margins at which to cut besides those where the box is met, money/MWh.
    ends : tuple of float
        Least and largest margin that any price of the band leads to.
    """
    beta, base = follower.beta_per_mwh_per_mw, follower.base_mw[period]
    down, up = follower.most_down_mw[period], follower.most_up_mw[period]
    low, high = -beta * down, beta * up
    inside = inner[(inner > low) & (inner < high)]
    margin = np.unique(np.clip(np.concatenate([ends, [low, high], inside]), *ends))
    shift = np.clip(margin / beta, -down, up)
    middle = 0.5 * (margin[1:] + margin[:-1])
    curved = (middle > low) & (middle < high)
    error = np.where(curved, np.diff(margin) ** 2 / (4.0 * beta), 0.0)
    return ResponseCurve(margin, shift, margin * (base + shift), error)


def neutral_bounds(problem: LeaderProblem, follower: FollowerModel) -> tuple[float, float]:
    """Range of the multiplier of energy neutrality over all prices of the band, money/MWh.

    Notes
    -----
    The multiplier falls with the price of every period, so the ends of the band give its ends. Where all
    periods rest at their limits a range of multipliers will do; some of it lies between these ends.
    """
    limits = problem.limits
    ends = limits.high_price_per_mwh, limits.low_price_per_mwh
    lower, upper = follower.neutral_price(np.array(ends))
    return float(lower), float(upper)


def margin_ends(
    problem: LeaderProblem, follower: FollowerModel, neutral: tuple[float, float]
) -> tuple[Array, Array]:
    """Least and largest margin of each period over the band, money/MWh, shape (n_period,) each."""
    limits, reference = problem.limits, follower.reference_price_per_mwh
    return reference - limits.high_price_per_mwh - neutral[1], reference - limits.low_price_per_mwh - neutral[
        0
    ]


def response_curves(problem: LeaderProblem, cuts: Sequence[Array] = ()) -> list[list[ResponseCurve]]:
    """Curves of all followers and periods, cut where the box is met and at given margins.

    Parameters
    ----------
    problem : LeaderProblem
    cuts : sequence of ndarray, shape (n_follower, n_period) each
        Margins at which each curve is cut besides, money/MWh.
    """
    curves = []
    for k, follower in enumerate(problem.followers):
        least, most = margin_ends(problem, follower, neutral_bounds(problem, follower))
        curves.append(
            [
                response_curve(
                    follower, t, np.array([cut[k, t] for cut in cuts]), (float(least[t]), float(most[t]))
                )
                for t in range(problem.n_period)
            ]
        )
    return curves
