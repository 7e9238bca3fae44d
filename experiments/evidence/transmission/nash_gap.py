"""How far an outcome of a game between a leader and regional systems is from an equilibrium.

First with what the others do held: could anybody do better? Then with the leader's formula held instead of
its prices: what would a region gain that foresees how its load moves them?
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from gridarium.agents.region.region_day import RegionDay, RegionPlan
from gridarium.environment.arrays import Array, series
from gridarium.market.messages.tariffs import Pull, TariffSignal

SignalsFor = Callable[[Mapping[str, Array]], Mapping[str, TariffSignal]]
"""The leader's formula: of the loads of all followers by name, MW, what each is told next."""

_PROBE_SHARE = 5e-3
"""By how much of its largest load a region's load is moved to see what its bill does."""
_FIRST_STEP, _LAST_STEP = 0.1, 1e-3
"""Moves of single loads in the search, as a share of the largest."""
_WEIGHTS = (0.1, 1.0, 10.0, 100.0)
"""How firmly a load is kept near another one, times what the dearest price is per MW of load."""


@dataclass(frozen=True)
class Deviation:
    """The best that one region was found to do on its own, if it foresees what its load does to prices.

    Parameters
    ----------
    plan : RegionPlan
    cost_money, held_money : float
        What it would bear with that plan and with its own, each at the prices that follow from it.
    evaluations : int
        Times that the leader's formula was asked.
    """

    plan: RegionPlan
    cost_money: float
    held_money: float
    evaluations: int

    @property
    def gain_money(self) -> float:
        """What it would gain, money per day; never negative."""
        return self.held_money - self.cost_money


@dataclass(frozen=True)
class NashGap:
    """Distance of an outcome from an equilibrium, money per day.

    Parameters
    ----------
    follower_regret_money : ndarray, shape (n_follower,)
        What each follower could gain by another plan at the signals told.
    leader_regret_money : float
        What the leader could gain by another dispatch for the loads told.
    anticipation_gain_money : ndarray, shape (n_follower,)
        What each could gain, alone, if it foresaw what its load does to the next signals; at least as found.
    follower_cost_money : ndarray, shape (n_follower,)
        What each bears at the signals told.
    leader_cost_money : float
    """

    follower_regret_money: Array
    leader_regret_money: float
    anticipation_gain_money: Array
    follower_cost_money: Array
    leader_cost_money: float

    @property
    def held_percent(self) -> float:
        """Largest regret of anybody with what the others do held, as a share of its own cost."""
        followers = self.follower_regret_money / np.abs(self.follower_cost_money)
        return 100.0 * max(float(followers.max()), self.leader_regret_money / abs(self.leader_cost_money))

    @property
    def percent(self) -> float:
        """The same, with what a follower could gain by its influence on the formula."""
        gains = self.anticipation_gain_money / np.abs(self.follower_cost_money)
        return max(self.held_percent, 100.0 * float(gains.max()))


def nash_gap(
    days: Mapping[str, RegionDay],
    plans: Mapping[str, RegionPlan],
    signals: Mapping[str, TariffSignal],
    signals_for: SignalsFor,
    leader_money: tuple[float, float],
    most_evaluations: int = 300,
) -> NashGap:
    """Measure an outcome.

    Parameters
    ----------
    days, plans, signals : mapping of str
        Each follower's problem, what it does, and what it was told.
    signals_for : callable
        The leader's formula; asked hundreds of times for a follower, so on one bus rather than on a network.
    leader_money : tuple of float
        What the leader's dispatch costs, and the least for the same loads.
    most_evaluations : int
        About how often the formula is asked for each follower.
    """
    names = list(days)
    cost = [days[name].cost_money(plans[name], signals[name]) for name in names]
    least = [days[name].cost_money(days[name].best(signals[name]), signals[name]) for name in names]
    gains = [best_deviation(name, days, plans, signals_for, most_evaluations).gain_money for name in names]
    return NashGap(
        np.array(cost) - np.array(least),
        leader_money[0] - leader_money[1],
        np.array(gains),
        np.array(cost),
        leader_money[0],
    )


def best_deviation(
    name: str,
    days: Mapping[str, RegionDay],
    plans: Mapping[str, RegionPlan],
    signals_for: SignalsFor,
    most_evaluations: int = 300,
) -> Deviation:
    """Search for the best that a region could do alone under the leader's formula, all others held.

    Notes
    -----
    Proximal steps: what users bear is convex and stays as it is, the bill is replaced by its slope, influence
    on prices included, and a pull keeps the load near the last one, the firmer the less such a step is good
    for. Where prices jump slopes mislead, so single loads are moved as well. What is found can be reached; it
    is a lower bound on what could be gained, since the bill need not be convex.

    Parameters
    ----------
    name : str
    days, plans : mapping of str
    signals_for : callable
    most_evaluations : int
    """
    loads = {other: plan.net_mw for other, plan in plans.items()}
    search = _Anticipation(name, days[name], loads, signals_for, most_evaluations)
    held = best = _Borne(plans[name], search.money(plans[name]))
    while True:
        before = best
        best = search.single_moves(search.proximal_steps(best))
        if best is before or search.is_over:
            return Deviation(best.plan, best.money, held.money, search.evaluations)


class _Borne(NamedTuple):
    """A plan, and what it makes a region bear."""

    plan: RegionPlan
    money: float


class _Anticipation:
    """Tries plans of one region, each at the prices that follow from it."""

    def __init__(
        self,
        name: str,
        day: RegionDay,
        loads_mw: Mapping[str, Array],
        signals_for: SignalsFor,
        most_evaluations: int,
    ) -> None:
        self._name, self._day, self._loads, self._signals_for = name, day, loads_mw, signals_for
        self._most, self.evaluations = most_evaluations, 0
        self._largest_mw = float(day.demand.base_mw.max())
        dearest = float(np.abs(signals_for(loads_mw)[name].price_per_mwh).max())
        # A power of ten, so that regions alike share compiled problems.
        scale = 10.0 ** round(float(np.log10(max(dearest, 1e-3) / self._largest_mw)))
        self._weights = [scale * weight for weight in _WEIGHTS]

    @property
    def is_over(self) -> bool:
        """Whether the formula was asked often enough."""
        return self.evaluations >= self._most

    def money(self, plan: RegionPlan) -> float:
        """What it bears with a plan."""
        return self._bill(plan.net_mw) + self._day.own_money(plan)

    def proximal_steps(self, best: _Borne) -> _Borne:
        """Step against the slope of the bill as long as that helps."""
        while not self.is_over:
            slope = self._slope_per_mwh(best.plan.net_mw)
            for weight in self._weights:
                tried = self._near(best.plan.net_mw, weight, slope)
                if _is_better(tried, best):
                    best = tried
                    break
            else:
                return best
        return best

    def single_moves(self, best: _Borne) -> _Borne:
        """Draw more or less in one step at a time, by less where nothing helps."""
        step, n_step = _FIRST_STEP, len(best.plan.net_mw)
        while step > _LAST_STEP:
            improved = False
            for move in (sign * one for one in np.eye(n_step) for sign in (1.0, -1.0)):
                if self.is_over:
                    return best
                target = best.plan.net_mw + step * self._largest_mw * move
                tried = self._near(target, self._weights[-1], np.zeros(n_step))
                if _is_better(tried, best):
                    best, improved = tried, True
            step *= 1.0 if improved else 0.5
        return best

    def _near(self, target_mw: Array, weight: float, price_per_mwh: Array) -> _Borne:
        """The plan that is best at a price while its load is kept near a target."""
        nothing = series(np.zeros_like(target_mw))
        pull = Pull(series(target_mw), weight)
        plan = self._day.best(TariffSignal(0, series(price_per_mwh), nothing, nothing, pull=pull))
        return _Borne(plan, self.money(plan))

    def _slope_per_mwh(self, net_mw: Array) -> Array:
        """Change of its bill with each of its loads, its influence on prices included, per MWh."""
        step = _PROBE_SHARE * self._largest_mw
        probes = step * np.eye(len(net_mw))
        rises = [self._bill(net_mw + probe) - self._bill(net_mw - probe) for probe in probes]
        return np.array(rises) / (2.0 * step * self._day.step_h)

    def _bill(self, net_mw: Array) -> float:
        self.evaluations += 1
        signals = self._signals_for({**self._loads, self._name: net_mw})
        return self._day.bill_money(net_mw, signals[self._name])


def _is_better(tried: _Borne, best: _Borne) -> bool:
    """Whether a plan is better by more than solvers' noise."""
    return tried.money < best.money - 1e-6 * abs(best.money)
