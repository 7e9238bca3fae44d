"""Improve a leader's price where it stands: convex steps on the pieces of the followers' true responses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import piqp

from gridarium.agents.leader.problem import LeaderProblem
from gridarium.environment.arrays import Array, Index
from gridarium.environment.errors import InfeasibleError

THOUSAND = 1e3
STEP_LIMIT = 40
GAIN_TOLERANCE = 1e-7
KINK_TOLERANCE = 1e-5
"""Distance from a limit of the box, relative to its width, within which a margin may go either way."""


@dataclass(frozen=True)
class PricedPoint:
    """A price that keeps all limits, and the leader's true profit with it.

    Parameters
    ----------
    price_per_mwh : ndarray, shape (n_period,)
    profit_money : float
    """

    price_per_mwh: Array
    profit_money: float


def restore(problem: LeaderProblem, price: Array) -> Array:
    """The nearest price to this one, on the way down or to the reference price, that keeps all limits.

    Raises
    ------
    InfeasibleError
        If neither the lowest nor the reference price keeps them.
    """
    limits = problem.limits
    price = np.clip(price, limits.low_price_per_mwh, limits.high_price_per_mwh)
    if problem.allows(price):
        return price
    span = float(np.max(price - limits.low_price_per_mwh))

    def lowered(share: float) -> Array:
        return np.maximum(limits.low_price_per_mwh, price - share * span)

    def referred(share: float) -> Array:
        return np.asarray((1.0 - share) * price + share * problem.reference_price_per_mwh)

    found = [_first_allowed(problem, way) for way in (lowered, referred)]
    allowed = [one for one in found if one is not None]
    if not allowed:
        raise InfeasibleError("leader: neither the lowest nor the reference price keeps the caps")
    return max(allowed, key=problem.profit)


def _first_allowed(problem: LeaderProblem, way: Callable[[float], Array]) -> Array | None:
    """The first point on a way from 0 to 1 that keeps all limits, if its end does."""
    if not problem.allows(way(1.0)):
        return None
    low, high = 0.0, 1.0
    for _ in range(40):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if problem.allows(way(middle)) else (middle, high)
    return way(high)


def polish(problem: LeaderProblem, price: Array, flips: int = 3) -> PricedPoint:
    """Climb from a price to a local optimum of the true profit under the true limits.

    Notes
    -----
    While no follower changes which of its limits it rests at, bills are concave in price and multiplier
    (C.1.5), so their tangents bound them from above: a step that keeps the caps on the tangents keeps
    them in truth. At the optimum of one pattern, periods at the edge of a limit are tried on its other side.
    """
    price = restore(problem, price)
    best = PricedPoint(price, problem.profit(price))
    pattern = _Pattern.at(problem, price)
    best = _climb(problem, best, pattern)
    for _ in range(flips):
        before = best.profit_money
        pattern = _Pattern.at(problem, best.price_per_mwh)
        for other in pattern.neighbours(problem, best.price_per_mwh):
            reached = _climb(problem, best, other)
            if reached.profit_money > best.profit_money:
                best = reached
        if best.profit_money - before <= GAIN_TOLERANCE * abs(before):
            break
    return best


@dataclass(frozen=True)
class _Pattern:
    """Which limit each follower rests at: -1 lower, 0 none, 1 upper; shape (n_follower, n_period)."""

    state: Index

    @classmethod
    def at(cls, problem: LeaderProblem, price: Array) -> _Pattern:
        rows = []
        for follower in problem.followers:
            margin = follower.reference_price_per_mwh - price - follower.neutral_price(price)
            beta = follower.beta_per_mwh_per_mw
            rows.append(
                (margin > beta * follower.most_up_mw).astype(int) - (margin < -beta * follower.most_down_mw)
            )
        return cls(np.array(rows))

    def neighbours(self, problem: LeaderProblem, price: Array) -> list[_Pattern]:
        """Patterns that differ in one period that stands at the edge of a limit."""
        found = []
        for k, follower in enumerate(problem.followers):
            margin = follower.reference_price_per_mwh - price - follower.neutral_price(price)
            beta = follower.beta_per_mwh_per_mw
            for side, edge in ((1, beta * follower.most_up_mw), (-1, -beta * follower.most_down_mw)):
                width = beta * (follower.most_up_mw + follower.most_down_mw) + 1.0
                for t in np.flatnonzero(np.abs(margin - edge) <= KINK_TOLERANCE * width):
                    state = self.state.copy()
                    state[k, t] = 0 if state[k, t] == side else side
                    found.append(_Pattern(state))
        return found


def _climb(problem: LeaderProblem, start: PricedPoint, pattern: _Pattern) -> PricedPoint:
    """Repeat convex steps within a pattern while they gain."""
    best, tightness = start, np.zeros(len(problem.followers))
    for _ in range(STEP_LIMIT):
        step = _step(problem, best.price_per_mwh, pattern, tightness)
        if step is None:
            return best
        price, tightness = restore(problem, step.price_per_mwh), step.tightness
        profit = problem.profit(price)
        if profit - best.profit_money <= GAIN_TOLERANCE * abs(best.profit_money):
            return PricedPoint(price, profit) if profit > best.profit_money else best
        best = PricedPoint(price, profit)
    return best


@dataclass(frozen=True)
class _Step:
    """A price, and how much of each follower's bill lies at a cap: the sum of the multipliers, in [0, 1]."""

    price_per_mwh: Array
    tightness: Array


@dataclass(frozen=True)
class _Piece:
    """A follower within its pattern, affine in x: prices, multipliers of energy neutrality, cost of supply.

    Parameters
    ----------
    margin, shift : ndarray, shape (n_period, n_x)
    margin_low, margin_high, still_shift : ndarray, shape (n_period,)
        Where the pattern holds, and the shift at x = 0.
    bill : ndarray, shape (n_x,)
    still_bill : float
        Tangent of the bill in thousands, never below the bill.
    curvature : ndarray, shape (n_x, n_x)
        Of the bill, with the sign turned.
    """

    margin: Array
    margin_low: Array
    margin_high: Array
    shift: Array
    still_shift: Array
    bill: Array
    still_bill: float
    curvature: Array


def _piece(problem: LeaderProblem, k: int, state: Index, x: Array) -> _Piece:
    """Response and bill of follower k near x.

    Notes
    -----
    The bill is ``sum reference P - neutral E - d P`` with margin d and load P (C.1.5); inside the box
    ``d P = d base + d**2 / beta``, which is convex.
    """
    follower, n, hours = problem.followers[k], problem.n_period, problem.period_h / THOUSAND
    beta, base, reference = (
        follower.beta_per_mwh_per_mw, follower.base_mw, follower.reference_price_per_mwh
    )  # fmt: skip
    low, high = -beta * follower.most_down_mw, beta * follower.most_up_mw
    free = state == 0
    margin = np.zeros((n, len(x)))
    margin[np.arange(n), np.arange(n)] = -1.0
    margin[:, n + k] = -1.0
    resting = np.where(state > 0, follower.most_up_mw, -follower.most_down_mw)
    shift = np.where(free[:, None], margin / beta, 0.0)
    still_shift = np.where(free, reference / beta, resting)
    d, moved = reference + margin @ x, still_shift + shift @ x
    slope = np.where(free, base + 2.0 * d / beta, base + moved)
    gradient = reference @ shift - slope @ margin
    gradient[n + k] -= base.sum()
    bill = float(reference @ (base + moved) - x[n + k] * base.sum() - d @ (base + moved))
    return _Piece(
        margin,
        np.where(free, low, np.where(state > 0, high, -np.inf)) - reference,
        np.where(free, high, np.where(state > 0, np.inf, low)) - reference,
        shift,
        still_shift,
        hours * gradient,
        hours * (bill - float(gradient @ x)),
        hours * 2.0 / beta * margin[free].T @ margin[free],
    )


class _Rows:
    """Inequalities that are still being written."""

    def __init__(self) -> None:
        self.matrix: list[Array] = []
        self.low: list[Array] = []
        self.high: list[Array] = []

    def add(self, rows: Array, high: Array | float, low: Array | float = -np.inf) -> None:
        rows = np.atleast_2d(rows)
        self.matrix.append(rows)
        self.low.append(np.broadcast_to(np.asarray(low, dtype=np.float64), len(rows)))
        self.high.append(np.broadcast_to(np.asarray(high, dtype=np.float64), len(rows)))

    def __len__(self) -> int:
        return sum(len(rows) for rows in self.matrix)


def _step(problem: LeaderProblem, price: Array, pattern: _Pattern, tightness: Array) -> _Step | None:
    """One convex step within a pattern; None where the solver finds none."""
    n, n_follower, limits = problem.n_period, len(problem.followers), problem.limits
    x = np.concatenate([price, [follower.neutral_price(price) for follower in problem.followers], [0.0]])
    pieces = [_piece(problem, k, state, x) for k, state in enumerate(pattern.state)]
    hessian = sum((1.0 - tight) * piece.curvature for tight, piece in zip(tightness, pieces, strict=True))
    # A whisper of curvature keeps the step defined where the model is flat.
    hessian[np.arange(n), np.arange(n)] += 1e-9
    # The tangent's slope at x is the bill's own; the curvature is taken about x.
    cost = -sum(piece.bill for piece in pieces) - hessian @ x
    cost[-1] = 1.0
    rows = _Rows()
    for piece in pieces:
        rows.add(piece.margin, piece.margin_high, piece.margin_low)
    first_cap = len(rows)
    capped = _cap_bills(rows, problem, pieces)
    last_cap = len(rows)
    _limit_rest(rows, problem, pieces)
    solver = piqp.DenseSolver()
    solver.settings.eps_abs, solver.settings.eps_rel = 1e-9, 1e-10
    solver.setup(
        np.asfortranarray(hessian),
        cost,
        np.asfortranarray(np.array([piece.shift.sum(axis=0) for piece in pieces])),
        np.array([-piece.still_shift.sum() for piece in pieces]),
        np.asfortranarray(np.vstack(rows.matrix)),
        np.concatenate(rows.low),
        np.concatenate(rows.high),
        np.concatenate([limits.low_price_per_mwh, np.full(n_follower + 1, -np.inf)]),
        np.concatenate([limits.high_price_per_mwh, np.full(n_follower + 1, np.inf)]),
    )
    if solver.solve() != piqp.PIQP_SOLVED:
        return None
    multipliers = np.array(solver.result.z_u)[first_cap:last_cap]
    return _Step(np.array(solver.result.x)[:n], np.clip(multipliers @ capped, 0.0, 1.0))


def _cap_bills(rows: _Rows, problem: LeaderProblem, pieces: list[_Piece]) -> Array:
    """Caps on bills, by their tangents; returns which bills count in which cap, (n_cap, n_follower)."""
    bills = np.array([piece.bill for piece in pieces])
    still = np.array([piece.still_bill for piece in pieces])
    caps = [(np.eye(len(pieces))[k], cap) for k, cap in enumerate(problem.follower_bill_caps_money)]
    if problem.limits.bill_cap_money is not None:
        caps.append((np.ones(len(pieces)), problem.limits.bill_cap_money))
    for weight, cap in caps:
        rows.add(weight @ bills, cap / THOUSAND - float(weight @ still))
    return np.array([weight for weight, _ in caps]).reshape(-1, len(pieces))


def _limit_rest(rows: _Rows, problem: LeaderProblem, pieces: list[_Piece]) -> None:
    """Cost of supply above its tangents, mean price, discounts (these to first order)."""
    limits, base, n = problem.limits, problem.base_mw, problem.n_period
    load = np.array([piece.shift for piece in pieces])
    still = np.array(
        [
            follower.base_mw + piece.still_shift
            for follower, piece in zip(problem.followers, pieces, strict=True)
        ]
    )
    hours = problem.period_h / THOUSAND
    for cut in problem.supply:
        marginal = hours * np.broadcast_to(cut.marginal_cost_per_mwh, still.shape)
        row = np.einsum("kt,ktx->x", marginal, load)
        row[-1] -= 1.0
        supplied = float((marginal * still).sum())
        rows.add(row, -cut.constant_money / THOUSAND - supplied)
    if limits.average_cap_per_mwh is not None:
        row = np.zeros(load.shape[-1])
        row[:n] = base / base.sum()
        rows.add(row, limits.average_cap_per_mwh)
    if limits.discount_cap_money is not None:
        plain = hours * problem.reference_price_per_mwh
        row = plain @ load.sum(axis=0) - sum(piece.bill for piece in pieces)
        given = float(plain @ still.sum(axis=0)) - sum(piece.still_bill for piece in pieces)
        rows.add(row, limits.discount_cap_money / THOUSAND - given)
