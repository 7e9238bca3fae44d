"""Leaders that foresee nothing, or only nearby: best responses, trust regions on slopes, pattern search."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linprog

from gridarium.agents.leader.price_polish import PricedPoint
from gridarium.agents.leader.problem import LeaderProblem
from gridarium.environment.arrays import Array
from gridarium.market.price_limits import sizes

Respond = Callable[[Array], Array]
"""Posts a price, shape (n_period,), and returns the loads that answer, MW, shape (n_follower, n_period)."""

PROBE = 1e-3
"""Price change of a probe for a slope, relative to the reference price."""


@dataclass(frozen=True)
class LocalOutcome:
    """Where a local method ends.

    Parameters
    ----------
    best : PricedPoint
        Best price that kept all limits under the responses.
    rounds : int
        Prices posted.
    path_money : tuple of float
        Best profit so far after each price posted.
    """

    best: PricedPoint
    rounds: int
    path_money: tuple[float, ...]


class _Post:
    """Posts prices, counts them and keeps the best."""

    def __init__(self, task: LeaderProblem, respond: Respond) -> None:
        self.task, self._respond = task, respond
        self.best = PricedPoint(task.reference_price_per_mwh, -np.inf)
        self.path: list[float] = []

    def __call__(self, price: Array) -> tuple[Array, float]:
        """Loads and profit; the profit is minus infinity where a limit is broken."""
        loads = self._respond(price)
        profit = self.task.profit(price, loads) if self.task.allows(price, loads) else -np.inf
        if profit > self.best.profit_money:
            self.best = PricedPoint(price, profit)
        self.path.append(self.best.profit_money)
        return loads, profit

    def outcome(self) -> LocalOutcome:
        return LocalOutcome(self.best, len(self.path), tuple(self.path))


def best_response_leader(
    task: LeaderProblem, respond: Respond, start: Array, damping: float = 0.5, round_limit: int = 40
) -> LocalOutcome:
    """Maximise profit with the loads last heard taken as given, post, hear, and again.

    Parameters
    ----------
    task : LeaderProblem
        Its followers are not read but for their base loads.
    respond : callable
    start : ndarray, shape (n_period,)
        First price.
    damping : float
        Share of the way to the price called for that the next price takes.
    round_limit : int

    Notes
    -----
    With given loads any price that uses up the bill cap is a best response; of these the one next to the
    last price is taken, so every price whose bill meets the cap is a fixed point.
    """
    post, price = _Post(task, respond), start
    for _ in range(round_limit):
        loads, _ = post(price)
        wanted = _given_loads(task, price, loads)
        if np.abs(wanted - price).max() <= 1e-6 * np.max(np.abs(task.reference_price_per_mwh)):
            break
        price = price + damping * (wanted - price)
    return post.outcome()


def _given_loads(task: LeaderProblem, price: Array, loads: Array) -> Array:
    """The price of greatest sales to given loads, within band and caps, that is next to the last one."""
    n, limits = task.n_period, task.limits
    rows, sides = _caps(task, price, loads, np.zeros((len(loads), n, n)))
    band = list(zip(limits.low_price_per_mwh - price, limits.high_price_per_mwh - price, strict=True))
    sales = loads.sum(axis=0)
    most = _least(-sales, rows, sides, band)
    if most is None:
        return price
    # Of equal sales those that change the price least, by the largest change.
    value = float(-sales @ most)
    nearest = _least(
        np.append(np.zeros(n), 1.0),
        np.vstack(
            [
                np.column_stack([rows, np.zeros(len(rows))]),
                np.append(-sales, 0.0)[None, :],
                np.column_stack([np.eye(n), -np.ones(n)]),
                np.column_stack([-np.eye(n), -np.ones(n)]),
            ]
        ),
        np.concatenate([sides, [value + 1e-9 * abs(value)], np.zeros(2 * n)]),
        [*band, (0.0, np.inf)],
    )
    return price + (most if nearest is None else nearest[:n])


def _least(cost: Array, rows: Array, sides: Array, bounds: list[tuple[float, float]]) -> Array | None:
    """Solution of a linear programme; None without one."""
    found = linprog(cost, A_ub=rows, b_ub=sides, bounds=bounds)
    return np.asarray(found.x) if found.status == 0 else None


def trust_region_leader(
    task: LeaderProblem, respond: Respond, start: Array, step_limit: int = 30
) -> LocalOutcome:
    """Probe the slope of every period, move within a trust region on the linear model, and again.

    A step that breaks a cap is moved down as a whole and posted again. Each step costs a probe for every
    period, so this is a yardstick, not a way to negotiate.
    """
    post, price = _Post(task, respond), start
    loads, profit = post(price)
    radius, slopes = 0.1, None
    for _ in range(step_limit):
        if slopes is None:
            slopes = _probe_slopes(post, price, loads)
        trial = _linear_step(task, price, loads, slopes, radius)
        new_loads, new_profit = post(trial)
        if not np.isfinite(new_profit):
            trial = _levelled(task, trial, new_loads)
            new_loads, new_profit = post(trial)
        if new_profit > profit:
            price, loads, profit, slopes = trial, new_loads, new_profit, None
            radius = min(0.2, 1.5 * radius)
        else:
            radius *= 0.4
        if radius < 1e-4:
            break
    return post.outcome()


def _probe_slopes(post: _Post, price: Array, loads: Array) -> Array:
    """Change of each follower's loads with each price, shape (n_follower, n_period, n_period)."""
    slopes = np.empty((*loads.shape, len(price)))
    for t, level in enumerate(sizes(post.task.reference_price_per_mwh)):
        step = PROBE * level
        if price[t] + step > post.task.limits.high_price_per_mwh[t]:
            step = -step
        probe = price.copy()
        probe[t] += step
        slopes[:, :, t] = (post(probe)[0] - loads) / step
    return slopes


def _linear_step(task: LeaderProblem, price: Array, loads: Array, slopes: Array, radius: float) -> Array:
    """The best price of the linear model within the trust region."""
    n, h, limits = task.n_period, task.period_h, task.limits
    reach = radius * sizes(task.reference_price_per_mwh)
    low = np.maximum(limits.low_price_per_mwh - price, -reach)
    high = np.minimum(limits.high_price_per_mwh - price, reach)
    total, slope = loads.sum(axis=0), slopes.sum(axis=0)
    gain = h * (total + price @ slope) / 1e3
    rows, sides = _caps(task, price, loads, slopes)
    marginals = [np.broadcast_to(cut.marginal_cost_per_mwh, loads.shape) for cut in task.supply]
    cost_rows = [np.append(h * np.einsum("kt,kts->s", one, slopes) / 1e3, -1.0) for one in marginals]
    cost_sides = [
        -(cut.constant_money + h * float((one * loads).sum())) / 1e3
        for cut, one in zip(task.supply, marginals, strict=True)
    ]
    change = _least(
        np.append(-gain, 1.0),
        np.vstack([np.column_stack([rows, np.zeros(len(rows))]), *cost_rows]),
        np.concatenate([sides, cost_sides]),
        [*zip(low, high, strict=True), (-np.inf, np.inf)],
    )
    return price if change is None else price + change[:n]


def _caps(task: LeaderProblem, price: Array, loads: Array, slopes: Array) -> tuple[Array, Array]:
    """Caps as ``rows @ change <= sides`` on the linear model of the loads."""
    h, limits = task.period_h, task.limits
    bills = h * loads @ price
    growth = h * (loads + np.einsum("t,kts->ks", price, slopes))
    rows, sides = [], []
    if limits.bill_cap_money is not None:
        rows.append(growth.sum(axis=0))
        sides.append(limits.bill_cap_money - bills.sum())
    for k, cap in enumerate(task.follower_bill_caps_money):
        rows.append(growth[k])
        sides.append(cap - bills[k])
    if limits.average_cap_per_mwh is not None:
        weight = task.base_mw / task.base_mw.sum()
        rows.append(weight)
        sides.append(limits.average_cap_per_mwh - float(weight @ price))
    if limits.discount_cap_money is not None:
        plain = h * task.reference_price_per_mwh @ slopes.sum(axis=0)
        rows.append(plain - growth.sum(axis=0))
        given = h * float(task.reference_price_per_mwh @ loads.sum(axis=0)) - bills.sum()
        sides.append(limits.discount_cap_money - given)
    return np.array(rows).reshape(-1, task.n_period), np.array(sides)


def pattern_search_leader(
    task: LeaderProblem,
    respond: Respond,
    starts: list[Array],
    random: np.random.Generator,
    round_limit: int = 2000,
) -> LocalOutcome:
    """Change the price of one period or swap between two, keep what gains, halve the step when nothing does.

    Parameters
    ----------
    task : LeaderProblem
    respond : callable
    starts : list of ndarray, shape (n_period,)
        Prices to start from, each with an equal part of the rounds.
    random : numpy.random.Generator
        For the order in which changes are tried.
    round_limit : int
        Most prices posted, all starts together.
    """
    post = _Post(task, respond)
    for number, start in enumerate(starts, 1):
        _search(post, _levelled(task, start, respond(start)), random, number * round_limit // len(starts))
    return post.outcome()


def _search(post: _Post, price: Array, random: np.random.Generator, until: int) -> None:
    task, n, size = post.task, post.task.n_period, sizes(post.task.reference_price_per_mwh)
    _, profit = post(price)
    step = 0.2
    while step > 1e-3 and len(post.path) < until:
        before = profit
        for first in random.permutation(n):
            second, sign = int(random.integers(n)), 1.0 if random.random() < 0.5 else -1.0
            change = np.zeros(n)
            change[second] -= sign * step * size[second]
            change[first] = sign * step * size[first]
            for direction in (change, -change):
                trial = _inside(task, price + direction)
                loads, reached = post(trial)
                if not np.isfinite(reached) or reached <= profit:
                    trial = _levelled(task, trial, loads)
                    _, reached = post(trial)
                if reached > profit:
                    price, profit = trial, reached
                    break
            if len(post.path) >= until:
                return
        if profit <= before:
            step *= 0.5


def _inside(task: LeaderProblem, price: Array) -> Array:
    return np.clip(price, task.limits.low_price_per_mwh, task.limits.high_price_per_mwh)


def _levelled(task: LeaderProblem, price: Array, loads: Array) -> Array:
    """The price moved up or down as a whole until a cap or the band is met; that moves no load.

    What is capped at no energy at all no price fills.
    """
    limits, energy = task.limits, task.period_h * loads.sum(axis=1)
    room = [float(np.min(limits.high_price_per_mwh - price))]
    bills = task.period_h * loads @ price
    if limits.bill_cap_money is not None and energy.sum() > 0.0:
        room.append((limits.bill_cap_money - bills.sum()) / energy.sum())
    room += [
        (cap - bill) / use
        for cap, bill, use in zip(task.follower_bill_caps_money, bills, energy, strict=False)
        if use > 0.0
    ]
    if limits.average_cap_per_mwh is not None:
        room.append(limits.average_cap_per_mwh - float(price @ task.base_mw / task.base_mw.sum()))
    return _inside(task, price + min(room) - 1e-9 * float(np.max(price)))
