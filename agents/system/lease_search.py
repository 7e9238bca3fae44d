"""How a storage provider picks the terms of its lines from day to day, knowing only what they earned."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Protocol

import numpy as np

from gridarium.environment.arrays import Array
from gridarium.environment.errors import GridariumError
from gridarium.market.messages.leasing import LeaseTerms

Point = tuple[float, ...]


class LeaseSearchError(GridariumError):
    """Settings of a search that cannot be used."""


@dataclass(frozen=True, slots=True)
class LeaseSearchSettings:
    """What any search may need; each takes what it knows.

    Parameters
    ----------
    first : LeaseTerms
        Terms of the first day.
    lowest, highest : LeaseTerms
        Bounds; a term whose bounds are equal stays.
    step_share, least_step_share : float
        First and last step of the profit search, as a share of the bounds' distance.
    repeats : int
        Days for which a trial is kept up; more than one where profit is noisy.
    margin : float
        Standard errors by which a trial must be better to be believed.
    cost_per_km_mwh, markup : float
        Cost of the line, and the share added to it by "cost-plus".
    exploration : float
        Share of days on which "epsilon-greedy" tries anything.
    levels : int
        Values of each free term on the grid of "epsilon-greedy".

    Raises
    ------
    LeaseSearchError
        If the first terms are outside the bounds, or a number outside its range.
    """

    first: LeaseTerms
    lowest: LeaseTerms
    highest: LeaseTerms
    step_share: float = 0.25
    least_step_share: float = 0.01
    repeats: int = 1
    margin: float = 1.0
    cost_per_km_mwh: float = 0.0
    markup: float = 0.2
    exploration: float = 0.1
    levels: int = 5

    def __post_init__(self) -> None:
        for name, low, value, high in zip(
            LeaseTerms._fields, self.lowest, self.first, self.highest, strict=True
        ):
            if not low <= value <= high:
                raise LeaseSearchError(f"lease search: {name} must be in [{low}, {high}], got {value}")
        for name, low, high in (
            ("step_share", 0.0, 1.0),
            ("least_step_share", 1e-9, 1.0),
            ("repeats", 1, np.inf),
            ("margin", 0.0, np.inf),
            ("cost_per_km_mwh", 0.0, np.inf),
            ("exploration", 0.0, 1.0),
            ("levels", 1, np.inf),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                raise LeaseSearchError(f"lease search: {name} must be in [{low:g}, {high:g}], got {value}")

    def share_of(self, terms: LeaseTerms) -> Point:
        """Terms as shares of the way from lowest to highest; 0 where nothing is free."""
        low, high = np.array(self.lowest), np.array(self.highest)
        width = np.where(high > low, high - low, 1.0)
        return tuple(((np.array(terms) - low) / width).tolist())

    def terms_at(self, share: Point) -> LeaseTerms:
        """Terms at such shares."""
        low, high = np.array(self.lowest), np.array(self.highest)
        return LeaseTerms(*(low + np.array(share) * (high - low)).tolist())

    @property
    def free(self) -> tuple[int, ...]:
        """Places of the terms that may move."""
        pairs = zip(self.lowest, self.highest, strict=True)
        return tuple(place for place, (low, high) in enumerate(pairs) if low < high)


class LeaseSearch(Protocol):
    """A rule that names terms for each day and learns what the day earned."""

    @property
    def terms(self) -> LeaseTerms:
        """Terms of the coming day."""

    def learn(self, profit_money: float) -> None:
        """Take note of what the lines earned under these terms, money per day."""


class FixedTerms:
    """The first terms for ever."""

    def __init__(self, settings: LeaseSearchSettings, random: np.random.Generator) -> None:
        self.terms = settings.first

    def learn(self, profit_money: float) -> None:
        """Nothing is learned."""


class CostPlus:
    """Cost of the line and a share on top, whatever it earns; interval and growth stay."""

    def __init__(self, settings: LeaseSearchSettings, random: np.random.Generator) -> None:
        wanted = settings.cost_per_km_mwh * (1.0 + settings.markup)
        low, high = settings.lowest.base_fee_per_km_mwh, settings.highest.base_fee_per_km_mwh
        first = settings.first
        self.terms = LeaseTerms(min(max(wanted, low), high), first.interval_km, first.growth)

    def learn(self, profit_money: float) -> None:
        """Nothing is learned."""


class ProfitSearch:
    """Pattern search along one term after the other; keeps what earned more, else halves its step.

    Notes
    -----
    A move must be better by a margin of standard errors, which are pooled over all terms tried more
    than once. Direct search by steps up and down each coordinate, halved where none of them pays [1]_.

    References
    ----------
    .. [1] R. Hooke and T. A. Jeeves, Direct search solution of numerical and statistical problems,
       1961, doi:10.1145/321062.321069
    """

    def __init__(self, settings: LeaseSearchSettings, random: np.random.Generator) -> None:
        self._settings = settings
        self._profits: dict[Point, list[float]] = {}
        self._trials = self._search()
        self._point = next(self._trials)
        self.step_share = settings.step_share

    @property
    def terms(self) -> LeaseTerms:
        """Terms of the coming day."""
        return self._settings.terms_at(self._point)

    def learn(self, profit_money: float) -> None:
        """Note the profit of the day, and go on to the next trial when this one was repeated enough."""
        self._profits.setdefault(self._point, []).append(profit_money)
        self._point = next(self._trials)

    def _search(self) -> Iterator[Point]:
        settings = self._settings
        centre, step = settings.share_of(settings.first), settings.step_share
        yield from self._repeat(centre)
        heading: Point | None = None
        while step >= settings.least_step_share:
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
        for _ in range(self._settings.repeats - len(self._profits.get(point, ()))):
            yield point

    def _better_neighbour(
        self, centre: Point, step: float, heading: Point | None
    ) -> Generator[Point, None, Point | None]:
        """The first neighbour that pays more; the last successful direction is tried first."""
        moves = [_along(place, sign * step, len(centre)) for place in self._settings.free for sign in (1, -1)]
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
        return bool(np.mean(tried) - np.mean(stood) > self._settings.margin * error)

    def _deviation(self) -> float:
        """Standard deviation of a day's profit, pooled over repeated trials, money; 0 without repeats."""
        repeated = [profits for profits in self._profits.values() if len(profits) > 1]
        freedom = sum(len(profits) - 1 for profits in repeated)
        squares = sum(float(np.var(profits)) * len(profits) for profits in repeated)
        return float(np.sqrt(squares / freedom)) if freedom else 0.0


class EpsilonGreedy:
    """The terms that earned most so far, and now and then any other on a grid.

    Notes
    -----
    Sample means over a finite set of terms; ties go to the terms nearest to the first ones [1]_.

    References
    ----------
    .. [1] R. S. Sutton and A. G. Barto, Reinforcement Learning, 2018, chapter 2
    """

    def __init__(self, settings: LeaseSearchSettings, random: np.random.Generator) -> None:
        self._settings, self._random = settings, random
        self._grid = lease_grid(settings)
        first = np.array(settings.share_of(settings.first))
        self._chosen = int(np.argmin([np.abs(np.subtract(point, first)).sum() for point in self._grid]))
        self._mean: Array = np.full(len(self._grid), -np.inf)
        self._days: Array = np.zeros(len(self._grid))

    @property
    def terms(self) -> LeaseTerms:
        """Terms of the coming day."""
        return self._settings.terms_at(self._grid[self._chosen])

    def learn(self, profit_money: float) -> None:
        """Update the mean of the terms in force and choose the next ones."""
        arm = self._chosen
        before = self._mean[arm] if self._days[arm] else 0.0
        self._days[arm] += 1
        self._mean[arm] = before + (profit_money - before) / self._days[arm]
        explores = self._random.random() < self._settings.exploration
        other = int(self._random.integers(len(self._grid)))
        self._chosen = other if explores else int(np.argmax(self._mean))


def lease_grid(settings: LeaseSearchSettings) -> list[Point]:
    """All combinations of evenly spaced values of the free terms, as shares between their bounds."""
    first = settings.share_of(settings.first)
    middle = np.linspace(0.0, 1.0, settings.levels) if settings.levels > 1 else np.array([0.5])
    values = [middle if place in settings.free else [first[place]] for place in range(len(first))]
    return [tuple(float(value) for value in point) for point in product(*values)]


def _along(place: int, length: float, n: int) -> Point:
    return tuple(length if each == place else 0.0 for each in range(n))


LEASE_SEARCH: dict[str, Callable[[LeaseSearchSettings, np.random.Generator], LeaseSearch]] = {
    "fixed": FixedTerms,
    "profit-search": ProfitSearch,
    "cost-plus": CostPlus,
    "epsilon-greedy": EpsilonGreedy,
}
