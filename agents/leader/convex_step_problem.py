"""The single-level problem of a leader linearised at an anchor: exact KKT conditions, straight bills."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyomo.environ as pyo
from numpy.typing import NDArray

from gridarium.agents.leader.leader_families import THOUSAND, declare_answers, declare_caps, declare_supply
from gridarium.agents.leader.problem import LeaderProblem
from gridarium.environment.arrays import Array

BEND_SHARES = (-0.9, -0.5, -0.2, 0.2, 0.5, 0.9)
"""Where the curvature of bills is touched, as shares of the reach of a shift."""

Places = list[tuple[int, int]]
"""Pairs of follower and period."""

_ROOM = 1e-6
"""Room left beside the reach of margins, money/MWh, so that rounding cuts nothing off."""


@dataclass(frozen=True)
class SingleLevelPoint:
    """Variables of the single-level problem: a price and the followers' KKT variables.

    Parameters
    ----------
    price_per_mwh : ndarray, shape (n_period,)
    neutral_price_per_mwh : ndarray, shape (n_follower,)
        Multipliers of energy neutrality.
    shift_mw : ndarray, shape (n_follower, n_period)
    upper_price_per_mwh, lower_price_per_mwh : ndarray, shape (n_follower, n_period)
        Multipliers of the most that may be added and taken away.
    """

    price_per_mwh: Array
    neutral_price_per_mwh: Array
    shift_mw: Array
    upper_price_per_mwh: Array
    lower_price_per_mwh: Array

    @classmethod
    def answering(cls, problem: LeaderProblem, price: Array) -> SingleLevelPoint:
        """The point at which all followers respond to a price."""
        neutral = np.array([follower.neutral_price(price) for follower in problem.followers])
        parts = [
            (follower.reference_price_per_mwh - price - nu, follower)
            for nu, follower in zip(neutral, problem.followers, strict=True)
        ]
        high = [margin - one.beta_per_mwh_per_mw * one.most_up_mw for margin, one in parts]
        low = [-margin - one.beta_per_mwh_per_mw * one.most_down_mw for margin, one in parts]
        shift = np.array([one.shift(price) for one in problem.followers])
        return cls(price, neutral, shift, np.maximum(high, 0.0), np.maximum(low, 0.0))

    def loads(self, problem: LeaderProblem) -> Array:
        """Load of each follower, MW, shape (n_follower, n_period)."""
        return np.array([one.base_mw for one in problem.followers]) + self.shift_mw


def build_step_model(
    problem: LeaderProblem, anchor: SingleLevelPoint, radius: float, reach: Reach, weight: Array
) -> Any:
    """The single-level problem linearised at an anchor; money in thousands.

    Parameters
    ----------
    problem : LeaderProblem
    anchor : SingleLevelPoint
    radius : float
        Of the trust region, money/MWh.
    reach : Reach
        What it can lead to.
    weight : ndarray, shape (n_follower,)
        Share of the curvature of each follower's bill that counts.

    Notes
    -----
    Steps 2 to 5 of C.2. Prices within the radius move a multiplier of energy neutrality by no more than
    it, and a margin by no more than twice as much. So most periods cannot change the limit they rest at;
    only where they can is there a binary, with the least constants that cut nothing off, in the place of
    the indicator constraints that HiGHS does not have.
    """
    m = pyo.ConcreteModel(name="leader step")
    m.period = pyo.RangeSet(0, problem.n_period - 1)
    m.follower = pyo.RangeSet(0, len(problem.followers) - 1)
    _declare_leader(m, problem, anchor, radius)
    declare_followers(m, problem, anchor, radius, reach)
    declare_complementarity(m, problem, reach)
    _declare_bills(m, problem, anchor)
    declare_caps(m, problem, m.bill)
    _declare_bends(m, problem, anchor, reach, weight)
    declare_supply(m, problem, row_money=THOUSAND)
    m.loss = pyo.Objective(
        expr=m.cost - sum(m.bill[k] for k in m.follower) + sum(m.bend[key] for key in m.bend)
    )
    return m


@dataclass(frozen=True)
class Reach:
    """What shifts and multipliers of limits a trust region can lead to; shape (n_follower, n_period) each."""

    least_shift: Array
    most_shift: Array
    most_upper: Array
    most_lower: Array

    @classmethod
    def of(cls, problem: LeaderProblem, anchor: SingleLevelPoint, radius: float) -> Reach:
        """The reach of a radius around an anchor."""
        beta = np.array([[one.beta_per_mwh_per_mw] for one in problem.followers])
        up = np.array([one.most_up_mw for one in problem.followers])
        down = np.array([one.most_down_mw for one in problem.followers])
        margin = beta * anchor.shift_mw + anchor.upper_price_per_mwh - anchor.lower_price_per_mwh
        least, most = margin - 2.0 * radius - _ROOM, margin + 2.0 * radius + _ROOM
        return cls(
            np.clip(least / beta, -down, up),
            np.clip(most / beta, -down, up),
            np.maximum(most - beta * up, 0.0),
            np.maximum(-least - beta * down, 0.0),
        )

    def above(self, most_up: Array) -> Places:
        """Where a shift may rest at its upper limit or not."""
        return _places((self.most_upper > 0.0) & (self.least_shift < most_up))

    def below(self, most_down: Array) -> Places:
        """Where a shift may rest at its lower limit or not."""
        return _places((self.most_lower > 0.0) & (self.most_shift > -most_down))


def _places(where: NDArray[np.bool_]) -> Places:
    return [(int(k), int(t)) for k, t in np.argwhere(where)]


def _declare_leader(m: Any, problem: LeaderProblem, anchor: SingleLevelPoint, radius: float) -> None:
    """Price band within the trust region."""
    low = np.maximum(problem.limits.low_price_per_mwh, anchor.price_per_mwh - radius)
    high = np.minimum(problem.limits.high_price_per_mwh, anchor.price_per_mwh + radius)
    m.price = pyo.Var(m.period, bounds=lambda m, t: (float(low[t]), float(high[t])))


def declare_followers(
    m: Any, problem: LeaderProblem, anchor: SingleLevelPoint, radius: float, reach: Reach
) -> None:
    """reference - price - nu - beta d - up + lo = 0; sum d = 0 (C12 to C16)."""
    followers, nu = problem.followers, anchor.neutral_price_per_mwh
    reaching = radius + _ROOM
    m.neutral = pyo.Var(m.follower, bounds=lambda m, k: (float(nu[k]) - reaching, float(nu[k]) + reaching))
    m.shift = pyo.Var(
        m.follower,
        m.period,
        bounds=lambda m, k, t: (float(reach.least_shift[k, t]), float(reach.most_shift[k, t])),
    )
    m.upper = pyo.Var(m.follower, m.period, bounds=lambda m, k, t: (0.0, float(reach.most_upper[k, t])))
    m.lower = pyo.Var(m.follower, m.period, bounds=lambda m, k, t: (0.0, float(reach.most_lower[k, t])))
    declare_answers(m, followers, problem.period_h)


def declare_complementarity(m: Any, problem: LeaderProblem, reach: Reach) -> None:
    """up (most - d) = 0 and lo (d + least) = 0, by a binary where both factors can be nonzero."""
    up = np.array([one.most_up_mw for one in problem.followers])
    down = np.array([one.most_down_mw for one in problem.followers])
    room_above, room_below = up - reach.least_shift, reach.most_shift + down
    m.at_upper, m.upper_forced, m.upper_met = _side(
        m.upper, reach.above(up), reach.most_upper, room_above, lambda at: up[at] - m.shift[at]
    )
    m.at_lower, m.lower_forced, m.lower_met = _side(
        m.lower, reach.below(down), reach.most_lower, room_below, lambda at: m.shift[at] + down[at]
    )


def _side(
    multiplier: Any, places: Places, most: Array, room: Array, distance: Callable[[tuple[int, int]], Any]
) -> tuple[Any, Any, Any]:
    """multiplier <= most y, distance <= room (1 - y) for one side of the box, and y."""
    number = range(len(places))
    binary = pyo.Var(number, domain=pyo.Binary)

    def forced(m: Any, j: int) -> Any:
        return multiplier[places[j]] <= float(most[places[j]]) * binary[j]

    def met(m: Any, j: int) -> Any:
        return distance(places[j]) <= float(room[places[j]]) * (1 - binary[j])

    return binary, pyo.Constraint(number, rule=forced), pyo.Constraint(number, rule=met)


def _declare_bills(m: Any, problem: LeaderProblem, anchor: SingleLevelPoint) -> None:
    """price load ~ price_k load + price load_k - price_k load_k (38)."""
    price, load, h = anchor.price_per_mwh, anchor.loads(problem), problem.period_h / THOUSAND
    m.bill = pyo.Expression(
        m.follower,
        rule=lambda m, k: sum(
            h
            * (
                float(price[t]) * (m.shift[k, t] - float(anchor.shift_mw[k, t]))
                + float(load[k, t]) * m.price[t]
            )
            for t in m.period
        ),
    )


def _declare_bends(
    m: Any, problem: LeaderProblem, anchor: SingleLevelPoint, reach: Reach, weight: Array
) -> None:
    """bend >= weight beta (d - d_k)**2, by tangents across the reach."""
    beta = np.array([[one.beta_per_mwh_per_mw] for one in problem.followers])
    curve = problem.period_h / THOUSAND * weight[:, None] * beta * np.ones_like(anchor.shift_mw)
    low, high = reach.least_shift - anchor.shift_mw, reach.most_shift - anchor.shift_mw
    m.bend = pyo.Var(m.follower, m.period, bounds=(0, None))

    def tangent(m: Any, k: int, t: int, i: int) -> Any:
        share = BEND_SHARES[i]
        at = float(share * high[k, t] if share > 0.0 else -share * low[k, t])
        moved = m.shift[k, t] - float(anchor.shift_mw[k, t])
        return m.bend[k, t] >= float(curve[k, t]) * (2.0 * at * moved - at**2)

    m.bent = pyo.Constraint(m.follower, m.period, range(len(BEND_SHARES)), rule=tangent)
