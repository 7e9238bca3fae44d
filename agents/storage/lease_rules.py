"""Rules by which a storage provider picks the terms of its lines from day to day, by what they earned."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np

from gridarium.agents.storage.lease_search import LeaseBounds, LeaseSearch, Point
from gridarium.environment.arrays import Array
from gridarium.environment.parameters import Parameterised, count, number
from gridarium.market.messages.leasing import LeaseTerms


@dataclass(frozen=True)
class FixedTerms(Parameterised):
    """The first terms for ever."""

    def begin(self, bounds: LeaseBounds, random: np.random.Generator) -> LeaseSearch:
        """Begin and end with the first terms."""
        return ConstantTerms(bounds.first)


@dataclass(frozen=True)
class CostPlus(Parameterised):
    """Cost of the line and a share on top, whatever it earns; interval and growth stay.

    Parameters
    ----------
    cost_per_km_mwh : float
    markup : float
        Share added to it.
    """

    cost_per_km_mwh: float = number(0.0, 0, 1e6)
    markup: float = number(0.2, 0, 100)

    def begin(self, bounds: LeaseBounds, random: np.random.Generator) -> LeaseSearch:
        """Begin and end with that fee, as far as the bounds allow it."""
        wanted = self.cost_per_km_mwh * (1.0 + self.markup)
        low, high = bounds.lowest.base_fee_per_km_mwh, bounds.highest.base_fee_per_km_mwh
        first = bounds.first
        return ConstantTerms(LeaseTerms(min(max(wanted, low), high), first.interval_km, first.growth))


@dataclass(frozen=True)
class ProfitSearch(Parameterised):
    """Pattern search along one term after the other; keeps what earned more, else halves its step.

    Parameters
    ----------
    step_share, least_step_share : float
        First and last step, as a share of the bounds' distance.
    repeats : int
        Days for which a trial is kept up; more than one where profit is noisy.
    margin : float
        Standard errors by which a trial must be better to be believed.
    """

    step_share: float = number(0.25, 0, 1)
    least_step_share: float = number(0.01, 1e-9, 1)
    repeats: int = count(1, 1, 1000)
    margin: float = number(1.0, 0, 1e3)

    def begin(self, bounds: LeaseBounds, random: np.random.Generator) -> LeaseSearch:
        """Begin with the first terms."""
        return PatternSearch(self, bounds)


@dataclass(frozen=True)
class EpsilonGreedy(Parameterised):
    """The terms that earned most so far, and now and then any other on a grid.

    Parameters
    ----------
    exploration : float
        Share of days on which it tries anything.
    levels : int
        Values of each free term on the grid.
    """

    exploration: float = number(0.1, 0, 1)
    levels: int = count(5, 1, 1000)

    def begin(self, bounds: LeaseBounds, random: np.random.Generator) -> LeaseSearch:
        """Begin with the terms of the grid that are nearest to the first ones."""
        return GreedyGrid(self, bounds, random)


class ConstantTerms:
    """Terms that stay, whatever they earn."""

    def __init__(self, terms: LeaseTerms) -> None:
        self.terms = terms

    def learn(self, profit_money: float) -> None:
        """Nothing is learned."""


class PatternSearch:
    """A profit search that runs.

    Parameters
    ----------
    rule : ProfitSearch
    bounds : LeaseBounds

    Notes
    -----
    A move must be better by a margin of standard errors, which are pooled over all terms tried more
    than once. Direct search by steps up and down each coordinate, halved where none of them pays [1]_.

    References
    ----------
    .. [1] R. Hooke and T. A. Jeeves, Direct search solution of numerical and statistical problems,
       1961, doi:10.1145/321062.321069
    """

    def __init__(self, rule: ProfitSearch, bounds: LeaseBounds) -> None:
        self._rule, self._bounds = rule, bounds
        self._profits: dict[Point, list[float]] = {}
        self._trials = self._search()
        self._point = next(self._trials)
        self.step_share = rule.step_share

    @property
    def terms(self) -> LeaseTerms:
        """Terms of the coming day."""
        return self._bounds.terms_at(self._point)

    def learn(self, profit_money: float) -> None:
        """Note the profit of the day, and go on to the next trial when this one was repeated enough."""
        self._profits.setdefault(self._point, []).append(profit_money)
        self._point = next(self._trials)

    def _search(self) -> Iterator[Point]:
        bounds, rule = self._bounds, self._rule
        centre, step = bounds.share_of(bounds.first), rule.step_share
        yield from self._repeat(centre)
        heading: Point | None = None
        while step >= rule.least_step_share:
            better = yield from self._better_neighbour(centre, step, heading)
            if better is None:
                step, heading = step / 2.0, None
                self.step_share = step
                continue
            heading = tuple(np.subtract(better, centre).tolist())
            centre = better
        while True:
            yield centre

    def _repeat(self, point: Point) -> Iterator[Point]:
        for _ in range(self._rule.repeats - len(self._profits.get(point, ()))):
            yield point

    def _better_neighbour(
        self, centre: Point, step: float, heading: Point | None
    ) -> Generator[Point, None, Point | None]:
        """The first neighbour that pays more; the last successful direction is tried first."""
        moves = [_along(place, sign * step, len(centre)) for place in self._bounds.free for sign in (1, -1)]
        if heading is not None:
            moves.sort(key=lambda move: -float(np.dot(move, heading)))
        for move in moves:
            # Rounded, so that a way back leads to the very point that was left.
            trial = tuple(np.clip(np.add(centre, move), 0.0, 1.0).round(12).tolist())
            if trial == centre:
                continue
            yield from self._repeat(trial)
            if self._is_better(trial, centre):
                return trial
        return None

    def _is_better(self, trial: Point, centre: Point) -> bool:
        tried, stood = self._profits[trial], self._profits[centre]
        error = self._deviation() * np.sqrt(1.0 / len(tried) + 1.0 / len(stood))
        return bool(np.mean(tried) - np.mean(stood) > self._rule.margin * error)

    def _deviation(self) -> float:
        """Standard deviation of a day's profit, pooled over repeated trials, money; 0 without repeats."""
        repeated = [profits for profits in self._profits.values() if len(profits) > 1]
        freedom = sum(len(profits) - 1 for profits in repeated)
        squares = sum(float(np.var(profits)) * len(profits) for profits in repeated)
        return float(np.sqrt(squares / freedom)) if freedom else 0.0


class GreedyGrid:
    """An epsilon-greedy search that runs.

    Parameters
    ----------
    rule : EpsilonGreedy
    bounds : LeaseBounds
    random : numpy.random.Generator

    Notes
    -----
    Sample means over a finite set of terms; ties go to the terms nearest to the first ones [1]_.

    References
    ----------
    .. [1] R. S. Sutton and A. G. Barto, Reinforcement Learning, 2018, chapter 2
    """

    def __init__(self, rule: EpsilonGreedy, bounds: LeaseBounds, random: np.random.Generator) -> None:
        self._rule, self._bounds, self._random = rule, bounds, random
        self._grid = lease_grid(bounds, rule.levels)
        first = np.array(bounds.share_of(bounds.first))
        self._chosen = int(np.argmin([np.abs(np.subtract(point, first)).sum() for point in self._grid]))
        self._mean: Array = np.full(len(self._grid), -np.inf)
        self._days: Array = np.zeros(len(self._grid))

    @property
    def terms(self) -> LeaseTerms:
        """Terms of the coming day."""
        return self._bounds.terms_at(self._grid[self._chosen])

    def learn(self, profit_money: float) -> None:
        """Update the mean of the terms in force and choose the next ones."""
        arm = self._chosen
        before = self._mean[arm] if self._days[arm] else 0.0
        self._days[arm] += 1
        self._mean[arm] = before + (profit_money - before) / self._days[arm]
        explores = self._random.random() < self._rule.exploration
        other = int(self._random.integers(len(self._grid)))
        self._chosen = other if explores else int(np.argmax(self._mean))


def lease_grid(bounds: LeaseBounds, levels: int) -> list[Point]:
    """All combinations of evenly spaced values of the free terms, as shares between their bounds."""
    first = bounds.share_of(bounds.first)
    middle = np.linspace(0.0, 1.0, levels) if levels > 1 else np.array([0.5])
    values = [middle if place in bounds.free else [first[place]] for place in range(len(first))]
    return [tuple(float(value) for value in point) for point in product(*values)]


def _along(place: int, length: float, n: int) -> Point:
    return tuple(length if each == place else 0.0 for each in range(n))
