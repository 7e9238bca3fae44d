"""Many regional systems at once: their best loads in exchange rounds, by arithmetic alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from gridarium.agents.region.region_day import RegionDay
from gridarium.agents.region.region_problem import CUT_PART, SHIFT_PART, least_share
from gridarium.environment.arrays import Array, Flags
from gridarium.environment.errors import Fault, ScenarioError

_ACCURACY = 1e-11
"""Largest miss: of a marginal price relative to the largest price, of a balance to the largest load."""
_MOST_STEPS, _MOST_HALVINGS = 40, 120


class FleetPlan(NamedTuple):
    """What regional systems draw, and what they ask of their users, MW, shape (n_region, n_step) each.

    Of load that is moved, the window of a step says whether it leaves or arrives.
    """

    net_mw: Array
    cut_mw: Array
    moved_mw: Array


class _Task(NamedTuple):
    """Price (n_step,), targets (n_region, n_step), and penalties (n_region, 1)."""

    price_per_mwh: Array
    target_mw: Array
    penalty_per_mw2h: Array


def _faults(row: int, day: RegionDay) -> Iterator[Fault]:
    """Yield what arithmetic has no answer to."""
    own = day.demand.flexibility
    if own.comfort is not None:
        yield Fault(f"{row}.comfort", own.comfort, "must be null: a fleet has no rooms")
    for name in ("cut_cost_per_mw2h", "shift_cost_per_mw2h"):
        if getattr(own, name) == 0.0 and day.stake_money == 0.0:
            allowed = "must be above 0 in a fleet, where dissatisfaction does not count"
            yield Fault(f"{row}.{name}", 0.0, allowed)
    if own.windows and own.cut_share + own.shift_share > 1.0:
        allowed = f"must be at most 1 less cut_share = {own.cut_share:g} in a fleet"
        yield Fault(f"{row}.shift_share", own.shift_share, allowed)


class RegionFleet:
    """Regional systems without rooms, each hour of whose days plays one part in one window at most.

    What they cut and move costs them more and more, and cannot be more than all their load.

    Such a system cuts and moves load by the marginal price of each step and by the shadow price of the window
    that the step belongs to. A semismooth Newton method finds both for all systems together; where it goes
    round, the shadow prices, in which a balance falls monotonically, are halved down.

    - `best`: plans under a price, targets and penalties
    - `own_money`: what plans cost the systems themselves

    Parameters
    ----------
    days : sequence of RegionDay
        Of equally many steps.

    Raises
    ------
    ScenarioError
        If a system has rooms, or windows that share an hour; if what it asks of users costs as much by the
        MWh however much it is, or could be more than its load.

    Notes
    -----
    D11 to D15 and (32) with ``rho / 2 (L - z)**2``. With pi the marginal price of a step and mu the shadow
    price of its window, ``Lcut = clip((pi - b) / 2a)``, load leaves by ``clip((pi - r - k mu) / 2q)`` and
    arrives by ``clip((mu - pi - r) / 2q)``; ``pi = y + rho (L - z)``, and ``k sum Lout = sum Lin`` in each
    window.
    """

    def __init__(self, days: Sequence[RegionDay]) -> None:
        self.base_mw = np.array([day.demand.base_mw for day in days])
        self._step_h = days[0].step_h
        self._place_windows(days)
        self._price_responses(days)
        self._marginal: Array | None = None
        self._shadow = np.zeros((len(days), self._n_window))
        self.steps, self.searches = 0, 0

    def _place_windows(self, days: Sequence[RegionDay]) -> None:
        """Note of each step whether load leaves (-1) or arrives (1), in which window, and how it counts."""
        shape = self.base_mw.shape
        self._sign, self._weight = np.zeros(shape), np.zeros(shape)
        window_of = np.zeros(shape, dtype=np.int64)
        self._n_window = max(1, *(len(day.demand.flexibility.windows) for day in days))
        faults = [fault for row, day in enumerate(days) for fault in _faults(row, day)]
        for row, day in enumerate(days):
            for place, window in enumerate(day.demand.flexibility.windows):
                leaves, arrives = window.steps(shape[1], day.step_h)
                steps = [*leaves, *arrives]
                if len({*steps}) < len(steps) or self._sign[row, steps].any():
                    faults.append(Fault(f"{row}.windows.{place}", window, "must share no hour in a fleet"))
                self._sign[row, leaves], self._sign[row, arrives] = -1.0, 1.0
                self._weight[row, leaves], self._weight[row, arrives] = window.transfer, -1.0
                window_of[row, steps] = place
        if faults:
            raise ScenarioError("fleet of regional systems", faults)
        self._place = np.arange(shape[0])[:, None] * self._n_window + window_of
        self._flat = self._place.ravel()

    def _price_responses(self, days: Sequence[RegionDay]) -> None:
        """Limits and costs of cutting and moving, users' dissatisfaction among them."""

        def column(values: list[float]) -> Array:
            return np.array(values)[:, None]

        own = [day.demand.flexibility for day in days]
        cut, shift = column([one.cut_share for one in own]), column([one.shift_share for one in own])
        peak = column([day.peak_mw for day in days])
        stake = column([day.stake_money for day in days]) / (self.base_mw.shape[1] * self._step_h)
        self._cut_linear = column([one.cut_cost_per_mwh for one in own])
        self._move_linear = column([one.shift_cost_per_mwh for one in own])
        self._cut_square = column([one.cut_cost_per_mw2h for one in own])
        self._cut_square = self._cut_square + CUT_PART * stake / (least_share(cut) * peak) ** 2
        self._move_square = column([one.shift_cost_per_mw2h for one in own])
        self._move_square = self._move_square + SHIFT_PART * stake / (least_share(shift) * peak) ** 2
        self._most_cut_mw = cut * self.base_mw
        self._most_moved_mw = shift * self.base_mw * (self._sign != 0.0)

    def best(self, price_per_mwh: Array, target_mw: Array, penalty_per_mw2h: Array) -> FleetPlan:
        """Plans that are best for each system.

        Parameters
        ----------
        price_per_mwh : ndarray, shape (n_step,)
        target_mw : ndarray, shape (n_region, n_step)
        penalty_per_mw2h : ndarray, shape (n_region,)
            rho, at least 0.
        """
        task = _Task(price_per_mwh, target_mw, penalty_per_mw2h[:, None])
        if self._marginal is None:
            self._marginal = np.broadcast_to(price_per_mwh, target_mw.shape)
            self._shadow[:] = price_per_mwh.mean()
        most_missed = _ACCURACY * max(float(np.abs(price_per_mwh).max()), 1.0)
        most_unbalanced = _ACCURACY * float(self.base_mw.max())
        for _ in range(_MOST_STEPS):
            self.steps += 1
            plan = self._plan(self._marginal, self._shadow)
            missed = self._missed(task, self._marginal, plan)
            balance = self._by_window(self._weight * plan.moved_mw)
            if np.abs(missed).max() <= most_missed and np.abs(balance).max() <= most_unbalanced:
                return plan
            self._newton_step(task, plan, missed, balance)
        self.searches += 1
        return self._search(task, most_unbalanced)

    def own_money(self, plan: FleetPlan) -> Array:
        """What each system bears of a plan, without any bill, money per day, shape (n_region,)."""
        cut, moved = plan.cut_mw, plan.moved_mw
        per_h = self._cut_linear * cut + self._cut_square * cut**2
        per_h = per_h + self._move_linear * moved + self._move_square * moved**2
        return np.asarray(self._step_h * per_h.sum(axis=1))

    def _plan(self, marginal: Array, shadow: Array) -> FleetPlan:
        """Responses at marginal prices of steps and shadow prices of windows."""
        cut = np.clip((marginal - self._cut_linear) / (2.0 * self._cut_square), 0.0, self._most_cut_mw)
        worth = -self._sign * marginal - self._move_linear - self._weight * shadow.ravel()[self._place]
        moved = np.clip(worth / (2.0 * self._move_square), 0.0, self._most_moved_mw)
        return FleetPlan(self.base_mw - cut + self._sign * moved, cut, moved)

    def _missed(self, task: _Task, marginal: Array, plan: FleetPlan) -> Array:
        """Distance of marginal prices from those at the loads that they lead to."""
        return np.asarray(
            marginal - task.price_per_mwh - task.penalty_per_mw2h * (plan.net_mw - task.target_mw)
        )

    def _by_window(self, values: Array) -> Array:
        """Sums over the steps of each window, shape (n_region, n_window)."""
        sums = np.bincount(self._flat, values.ravel(), self._shadow.size)
        return np.asarray(sums, dtype=np.float64).reshape(self._shadow.shape)

    def _slopes(self, plan: FleetPlan) -> tuple[Array, Array]:
        """By how much cuts and moves change with their price where no limit holds them."""
        cut_is_free = (plan.cut_mw > 0.0) & (plan.cut_mw < self._most_cut_mw)
        move_is_free = (plan.moved_mw > 0.0) & (plan.moved_mw < self._most_moved_mw)
        return cut_is_free / (2.0 * self._cut_square), move_is_free / (2.0 * self._move_square)

    def _newton_step(self, task: _Task, plan: FleetPlan, missed: Array, balance: Array) -> None:
        """Solve for both prices as if what is at a limit stayed there."""
        assert self._marginal is not None
        cut_slope, move_slope = self._slopes(plan)
        rho = task.penalty_per_mw2h
        stiffness = 1.0 + rho * (cut_slope + move_slope)
        coupling = self._sign * self._weight * move_slope
        slope = self._by_window(self._weight**2 * move_slope * (1.0 - rho * move_slope / stiffness))
        gap = balance + self._by_window(coupling * missed / stiffness)
        step = np.divide(gap, slope, out=np.zeros_like(gap), where=slope > 0.0)
        # Where everything is at a limit, the shadow price goes on until something moves.
        stuck = (slope == 0.0) & (np.abs(gap) > 0.0)
        step = np.where(stuck, np.sign(gap) * (1.0 + 0.1 * np.abs(self._shadow)), step)
        self._shadow = self._shadow + step
        moved = missed + rho * coupling * step.ravel()[self._place]
        self._marginal = self._marginal - moved / stiffness

    def _search(self, task: _Task, most_unbalanced: float) -> FleetPlan:
        """Halve the shadow prices down, with marginal prices solved for exactly at each of them."""
        size = np.abs(task.price_per_mwh).max() + np.abs(task.penalty_per_mw2h).max() * (
            np.abs(task.target_mw).max() + 2.0 * self.base_mw.max()
        )
        size = 2.0 * (size + self._move_linear.max() + 2.0 * (self._move_square * self._most_moved_mw).max())
        transfer = np.where(self._weight > 0.0, self._weight, 1.0).min()
        low, high = np.full_like(self._shadow, -size), np.full_like(self._shadow, size / transfer)
        for _ in range(_MOST_HALVINGS):
            self._shadow = 0.5 * (low + high)
            self._marginal = self._marginals(task, self._shadow)
            plan = self._plan(self._marginal, self._shadow)
            balance = self._by_window(self._weight * plan.moved_mw)
            if np.abs(balance).max() <= most_unbalanced:
                break
            leaves_too_much: Flags = balance > 0.0
            low = np.where(leaves_too_much, self._shadow, low)
            high = np.where(leaves_too_much, high, self._shadow)
        return plan

    def _marginals(self, task: _Task, shadow: Array) -> Array:
        """The marginal price of each step at given shadow prices: a rising line with four kinks, exactly."""
        base = -self._sign * (self._move_linear + self._weight * shadow.ravel()[self._place])
        span = -self._sign * 2.0 * self._move_square * self._most_moved_mw
        cut = np.broadcast_to(self._cut_linear, self.base_mw.shape)
        kinks = np.sort([cut, cut + 2.0 * self._cut_square * self._most_cut_mw, base, base + span], axis=0)
        ends = np.concatenate([kinks[:1] - 1.0, kinks, kinks[-1:] + 1.0])
        below = np.sum([self._missed(task, kink, self._plan(kink, shadow)) < 0.0 for kink in kinks], axis=0)
        left = np.take_along_axis(ends, below[None], axis=0)[0]
        right = np.take_along_axis(ends, below[None] + 1, axis=0)[0]
        middle = 0.5 * (left + right)
        plan = self._plan(middle, shadow)
        cut_slope, move_slope = self._slopes(plan)
        stiffness = 1.0 + task.penalty_per_mw2h * (cut_slope + move_slope)
        return np.asarray(middle - self._missed(task, middle, plan) / stiffness)
