"""How well a leader could do that knows its followers: the best of a few numbers of its own, by search."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from gridarium.agents.region.region_day import RegionDay
from gridarium.environment.arrays import Array, series
from gridarium.environment.errors import Fault, InfeasibleError, InputError
from gridarium.market.messages.tariffs import TariffSignal

_REFINED = 3
"""Best points of the grid from which the search goes on."""
_FIRST_STEP = 0.25
"""First step of the search along a number that has no grid, as a share of its range."""


@dataclass(frozen=True)
class Instrument:
    """One number that a leader is free to choose.

    Parameters
    ----------
    name : str
    low, high : float
        Its range; equal where it is fixed.
    usual : float
        What was chosen without a search, within the range.
    n_grid : int
        Values that the grid tries, evenly over the range; with 1 the grid keeps the usual one.

    Raises
    ------
    InputError
        If the range ends before it begins, the usual value lies outside, or there is no value to try.
    """

    name: str
    low: float
    high: float
    usual: float = 1.0
    n_grid: int = 1

    def __post_init__(self) -> None:
        checks = (
            ("low", self.low, self.low <= self.high, f"at most high = {self.high:g}"),
            ("usual", self.usual, self.low <= self.usual <= self.high, f"in [{self.low:g}, {self.high:g}]"),
            ("n_grid", self.n_grid, self.n_grid >= 1, "1 or more"),
        )
        faults = [
            Fault(name, value, f"must be {allowed}") for name, value, good, allowed in checks if not good
        ]
        if faults:
            raise InputError(f"instrument {self.name}", faults)

    @property
    def values(self) -> Array:
        """What the grid tries, shape (n_grid,)."""
        return np.linspace(self.low, self.high, self.n_grid) if self.n_grid > 1 else np.array([self.usual])

    @property
    def step(self) -> float:
        """Half of the distance between two values of the grid."""
        width = self.high - self.low
        return 0.5 * width / (self.n_grid - 1) if self.n_grid > 1 else _FIRST_STEP * width


@dataclass(frozen=True)
class Led:
    """What comes of a leader's choice, money per day.

    Parameters
    ----------
    levels : ndarray, shape (n_instrument,)
        The choice.
    loads_mw : ndarray, shape (n_follower, n_step)
        What the followers draw, each as is best for it.
    cost_money : float
        Of supplying them (D1); infinite where that cannot be done.
    revenue_money : float
        Energy and carbon that the followers are billed.
    """

    levels: Array
    loads_mw: Array
    cost_money: float
    revenue_money: float

    @property
    def profit_money(self) -> float:
        """Revenue less cost."""
        return self.revenue_money - self.cost_money


@dataclass(frozen=True)
class PriceGame:
    """A leader that posts signals first, and followers that answer as is best for them.

    Parameters
    ----------
    days : sequence of RegionDay
        The followers, whose own problems are solved.
    signals_at : callable
        Of the leader's choice, shape (n_instrument,): what each follower is told.
    cost_of : callable
        Of the loads, shape (n_follower, n_step): what the leader's supply of them costs, money per day.
    """

    days: Sequence[RegionDay]
    signals_at: Callable[[Array], Sequence[TariffSignal]]
    cost_of: Callable[[Array], float]

    def play(self, levels: Array) -> Led:
        """Let the followers answer a choice, and supply them."""
        told = list(zip(self.days, self.signals_at(levels), strict=True))
        plans = [day.best(signal) for day, signal in told]
        loads = np.array([plan.net_mw for plan in plans])
        revenue = sum(day.bill_money(load, signal) for (day, signal), load in zip(told, loads, strict=True))
        try:
            cost = self.cost_of(loads)
        except InfeasibleError:
            cost = float("inf")
        return Led(levels, loads, cost, revenue)


@dataclass(frozen=True)
class LeaderSearch:
    """What a search has found.

    Parameters
    ----------
    usual, on_grid, best : Led
        With the usual choice, with the best one of the grid, and after refinement.
    evaluations : int
        Choices that were played.
    is_complete : bool
        Whether the search ended because no step of its last size helps, not because it had to stop.
    """

    usual: Led
    on_grid: Led
    best: Led
    evaluations: int
    is_complete: bool


def least_cost(led: Led) -> float:
    """What a leader has least of that counts D1 alone.

    What followers pay is nothing to it, so that the dearest signal is best wherever its cost rises with load.
    """
    return led.cost_money


def most_profit(led: Led) -> float:
    """What a leader has least of that keeps what followers pay: its loss."""
    return -led.profit_money


def best_leader(
    game: PriceGame,
    instruments: Sequence[Instrument],
    minimised: Callable[[Led], float],
    tolerance: float = 1e-3,
    most_evaluations: int = 2000,
) -> LeaderSearch:
    """Search for the leader's best choice: over a grid, then step by step from its best points.

    Every choice is answered exactly, so that what is found can be reached. It is a lower bound on what a
    leader could gain: other instruments, or another place of a landscape that is not convex, may give more.

    Parameters
    ----------
    game : PriceGame
    instruments : sequence of Instrument
    minimised : callable
        Of what comes of a choice: `least_cost`, `most_profit`.
    tolerance : float
        Smallest step, as a share of an instrument's range.
    most_evaluations : int
        After which the search stops, wherever it is; the grid is always played.
    """
    search = _Search(game, instruments, minimised, most_evaluations)
    usual = search.play(np.array([one.usual for one in instruments]))
    grid = [
        search.play(np.array(levels)) for levels in itertools.product(*(one.values for one in instruments))
    ]
    grid.append(usual)
    grid.sort(key=minimised)
    refined = [search.refine(start, tolerance) for start in grid[:_REFINED]]
    best = min((led for led, _ in refined), key=minimised)
    return LeaderSearch(usual, grid[0], best, search.evaluations, all(ended for _, ended in refined))


class _Search:
    """Plays choices, each once, and steps along one instrument at a time."""

    def __init__(
        self,
        game: PriceGame,
        instruments: Sequence[Instrument],
        minimised: Callable[[Led], float],
        most_evaluations: int,
    ) -> None:
        self._game, self._instruments, self._minimised = game, instruments, minimised
        self._most, self._played = most_evaluations, dict[bytes, Led]()

    @property
    def evaluations(self) -> int:
        """Choices played."""
        return len(self._played)

    def play(self, levels: Array) -> Led:
        """What comes of a choice."""
        key = levels.tobytes()
        if key not in self._played:
            self._played[key] = self._game.play(levels)
        return self._played[key]

    def refine(self, best: Led, tolerance: float) -> tuple[Led, bool]:
        """The best that steps lead to, which halve where none helps, and whether they came to their end."""
        share = 1.0
        while any(share * one.step > tolerance * (one.high - one.low) for one in self._instruments):
            improved = False
            for place, one in enumerate(self._instruments):
                for sign in (1.0, -1.0):
                    if self.evaluations >= self._most:
                        return best, False
                    levels = best.levels.copy()
                    levels[place] = np.clip(levels[place] + sign * share * one.step, one.low, one.high)
                    led = self.play(levels)
                    if self._minimised(led) < self._minimised(best):
                        best, improved = led, True
                        break
            if not improved:
                share *= 0.5
        return best, True


@dataclass(frozen=True)
class PostedPrices:
    """Signals as posted, and what they become where a leader moves their levels.

    Carbon factors, steps and quotas stay as told: a leader that posts first is bound by what it posts.

    Parameters
    ----------
    signals : tuple of TariffSignal
    """

    signals: tuple[TariffSignal, ...]

    def at(self, levels: Array) -> list[TariffSignal]:
        """The signals at other levels.

        Parameters
        ----------
        levels : ndarray, shape (2,) or (2 + n_step,)
            Factors on all carbon prices, on all energy prices, and on the carbon prices of each step.
        """
        carbon, energy = float(levels[0]), float(levels[1])
        by_step = carbon * levels[2:] if len(levels) > 2 else carbon
        return [self._moved(signal, by_step, energy) for signal in self.signals]

    def _moved(self, signal: TariffSignal, carbon: Array | float, energy: float) -> TariffSignal:
        ladder = signal.ladder
        if ladder is not None:
            ladder = replace(ladder, base_price_per_tco2=series(carbon * ladder.base_price_per_tco2))
        return replace(signal, price_per_mwh=series(energy * signal.price_per_mwh), ladder=ladder)
