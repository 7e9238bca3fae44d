"""Whether a best-response map has one fixed point, and whether it draws in what is near it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gridarium.agents.region.region_day import RegionDay
from gridarium.environment.arrays import Array, series
from gridarium.market.messages.tariffs import TariffSignal

Map = Callable[[Array], Array]
"""From loads of all followers to those with which they answer, both of shape (n_follower, n_step), MW."""

_KEPT = 8
"""Last vectors of the power iteration from which the largest eigenvalues are read."""


@dataclass(frozen=True)
class FixedPoints:
    """Where a map has led from several starts.

    Parameters
    ----------
    points_mw : ndarray, shape (n_start, n_follower, n_step)
    residual : ndarray, shape (n_start,)
        Largest change in the last step, relative to the largest load.
    rounds : ndarray of int, shape (n_start,)
    tolerance : float
        Residual that counts as rest.
    """

    points_mw: Array
    residual: Array
    rounds: NDArray[np.int64]
    tolerance: float

    @property
    def at_rest(self) -> NDArray[np.bool_]:
        """Which starts have come to rest."""
        return self.residual <= self.tolerance

    @property
    def spread(self) -> float:
        """Largest distance of points of rest, relative to the largest load; nan for fewer than two."""
        found = self.points_mw[self.at_rest]
        if len(found) < 2:
            return float("nan")
        ranges = found.max(axis=0) - found.min(axis=0)
        return float(ranges.max() / np.abs(found).max())


def random_loads(
    days: Sequence[RegionDay], most_price_per_mwh: float, random: np.random.Generator, n_start: int
) -> list[Array]:
    """Loads that followers could come to: what each does at random prices of each step.

    Parameters
    ----------
    days : sequence of RegionDay
    most_price_per_mwh : float
        Prices are drawn evenly from 0 to this.
    random : numpy.random.Generator
    n_start : int

    Returns
    -------
    list of ndarray, shape (n_follower, n_step)
    """

    def answer(day: RegionDay) -> Array:
        price = series(random.uniform(0.0, most_price_per_mwh, len(day.demand.base_mw)))
        nothing = series(np.zeros_like(price))
        return day.best(TariffSignal(0, price, nothing, nothing)).net_mw

    return [np.array([answer(day) for day in days]) for _ in range(n_start)]


def from_many_starts(
    answer: Map,
    starts_mw: Sequence[Array],
    damping: float = 1.0,
    tolerance: float = 1e-5,
    round_limit: int = 100,
) -> FixedPoints:
    """Iterate a map from each start until it rests.

    Parameters
    ----------
    answer : callable
    starts_mw : sequence of ndarray
    damping : float
        Part of the way to the answer that each step takes, in (0, 1].
    tolerance : float
    round_limit : int
        Steps from each start, at least 1.
    """
    points, residuals, rounds = [], [], []
    for start in starts_mw:
        load, residual, done = start, np.inf, 0
        while residual > tolerance and done < round_limit:
            wanted = answer(load)
            residual = float(np.abs(wanted - load).max() / np.abs(load).max())
            load, done = load + damping * (wanted - load), done + 1
        points.append(load)
        residuals.append(residual)
        rounds.append(done)
    return FixedPoints(np.array(points), np.array(residuals), np.array(rounds), tolerance)


def spectral_radius(
    answer: Map, load_mw: Array, random: np.random.Generator, probe_mw: float = 0.1, rounds: int = 30
) -> float:
    """Largest modulus of the eigenvalues of a map's derivative at a point, by power iteration.

    Below 1 small disturbances die out, from round to round at this rate; damping d turns each eigenvalue z
    into 1 - d + d z.

    Parameters
    ----------
    answer : callable
    load_mw : ndarray, shape (n_follower, n_step)
    random : numpy.random.Generator
        Of the first direction.
    probe_mw : float
        Largest disturbance of a load. Of a map with kinks this gives the mean slope within it.
    rounds : int
        Each asks for two answers.

    Notes
    -----
    Derivatives are central differences. The last vectors are fitted by ``v_k+2 = a v_k+1 + b v_k``, whose
    roots are the two largest eigenvalues, so that complex pairs and pairs of opposite sign are found as well.
    """
    vector = random.standard_normal(load_mw.shape)
    vector *= probe_mw / np.abs(vector).max()
    kept = [vector]
    for _ in range(rounds):
        size = float(np.abs(kept[-1]).max())
        if size <= 1e-9 * probe_mw:
            return 0.0
        # All in the scale of the last one, which is what can be told apart from the map's own noise.
        kept = [one * (probe_mw / size) for one in kept[-_KEPT:]]
        kept.append(0.5 * (answer(load_mw + kept[-1]) - answer(load_mw - kept[-1])))
    return _largest_root(np.array([one.ravel() for one in kept]))


def _largest_root(vectors: Array) -> float:
    """Largest modulus of the roots of the recurrence that consecutive vectors follow."""
    last, before, result = vectors[1:-1], vectors[:-2], vectors[2:]
    # Every step counts alike, however much the vectors have shrunk or grown.
    weight = 1.0 / np.maximum(np.abs(last).max(axis=1, keepdims=True), 1e-300)
    sides = np.column_stack([(weight * last).ravel(), (weight * before).ravel()])
    (a, b), *_ = np.linalg.lstsq(sides, (weight * result).ravel(), rcond=1e-6)
    return float(np.abs(np.roots([1.0, -a, -b])).max())
