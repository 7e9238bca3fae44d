"""What a plan must hold under: Latin-hypercube scenarios of a forecast, and intervals of demand."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from gridarium.environment.arrays import Array, Index, series
from gridarium.environment.errors import Fault, ProfileError
from gridarium.environment.forecast_error import ForecastError

LEAST_SCENARIOS = 3
"""Fewer leave no room to tie neighbouring steps together."""


@dataclass(frozen=True, slots=True)
class ScenarioSet:
    """Ways that a series may go, and how likely each is.

    Parameters
    ----------
    values : ndarray, shape (n_scenario, n_step)
        In the unit of the forecast.
    weights : ndarray, shape (n_scenario,)
        Not negative, 1 in all.

    Raises
    ------
    ProfileError
        If shapes or weights are wrong.
    """

    values: Array
    weights: Array

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or self.weights.shape != self.values.shape[:1]:
            shapes = f"{self.values.shape} and {self.weights.shape}"
            allowed = "values must have shape (n_scenario, n_step), weights (n_scenario,)"
            raise ProfileError("scenario set", [Fault("shapes", shapes, allowed)])
        total = float(self.weights.sum())
        if not (self.weights >= 0.0).all() or abs(total - 1.0) > 1e-9:
            allowed = "must not be negative, and must sum to 1"
            raise ProfileError("scenario set", [Fault("weights", total, allowed)])

    @property
    def mean(self) -> Array:
        """What is expected, shape (n_step,)."""
        return np.asarray(self.weights @ self.values)


def latin_hypercube(
    forecast: Array,
    error: ForecastError,
    n_scenario: int,
    random: np.random.Generator,
    most: float = math.inf,
) -> ScenarioSet:
    """Scenarios of a forecast, equally likely: in every step one error in each stratum of its distribution.

    Parameters
    ----------
    forecast : ndarray, shape (n_step,)
    error : ForecastError
        Of normal errors cut off at its bound; its persistence is the lag-one autocorrelation of their normal
        scores, as it is of the process before the cut.
    n_scenario : int
        3 or more.
    random : numpy.random.Generator
    most : float
        Nothing is above it: installed power, for instance.

    Raises
    ------
    ProfileError
        If there are too few scenarios.

    Notes
    -----
    A21. The strata are n equally likely ones, one draw in each [1]_. From step to step they are paired by
    the ranks of ``rho z + sqrt(1 - rho^2) noise``, with z the scores of the step before and noise that is
    uncorrelated with them in the sample, as Iman and Conover pair variables [2]_: a Gaussian copula of first
    order, whose sample autocorrelation is that of the error up to the rounding of ranks.

    References
    ----------
    .. [1] M. D. McKay, R. J. Beckman, W. J. Conover, 1979, doi:10.1080/00401706.1979.10489755
    .. [2] R. L. Iman, W. J. Conover, 1982, doi:10.1080/03610918208812265
    """
    if n_scenario < LEAST_SCENARIOS:
        allowed = f"must be in [{LEAST_SCENARIOS}, inf)"
        raise ProfileError("latin hypercube", [Fault("n_scenario", n_scenario, allowed)])
    errors = error.at_scores(_scores(n_scenario, len(forecast), error.persistence, random))
    values = np.minimum(forecast * (1.0 + errors), most)
    return ScenarioSet(series(values), series(np.full(n_scenario, 1.0 / n_scenario)))


def _scores(n_scenario: int, n_step: int, persistence: float, random: np.random.Generator) -> Array:
    """Standard normal scores, one in each stratum of every step, shape (n_scenario, n_step)."""
    scores = np.empty((n_scenario, n_step))
    for step in range(n_step):
        wanted = random.standard_normal(n_scenario)
        if step:
            before, noise = _standardised(scores[:, step - 1]), _standardised(wanted)
            noise = _standardised(noise - (noise @ before) / n_scenario * before)
            wanted = persistence * before + math.sqrt(1.0 - persistence**2) * noise
        rank = np.argsort(np.argsort(wanted))
        scores[:, step] = ndtri((rank + random.uniform(size=n_scenario)) / n_scenario)
    return scores


def _standardised(values: Array) -> Array:
    """Of mean 0 and variance 1 in the sample."""
    centred = values - values.mean()
    return np.asarray(centred / math.sqrt(float(centred @ centred) / len(centred)))


def fast_forward(points: Array, weights: Array, n_kept: int) -> tuple[Index, Array]:
    """A few scenarios that stand for many: which ones, and their weights.

    Parameters
    ----------
    points : ndarray, shape (n_scenario, n_number)
        All numbers of each scenario.
    weights : ndarray, shape (n_scenario,)
    n_kept : int
        From 1 to n_scenario.

    Returns
    -------
    kept : ndarray of int, shape (n_kept,)
        In rising order.
    weights : ndarray, shape (n_kept,)
        Of those kept, each with the weight of all that are nearest to it.

    Raises
    ------
    ProfileError
        If the number to keep is out of its range.

    Notes
    -----
    Fast forward selection of the Kantorovich distance [1]_.

    References
    ----------
    .. [1] H. Heitsch, W. Roemisch, 2003, doi:10.1023/A:1021805924152
    """
    if not 1 <= n_kept <= len(points):
        raise ProfileError("scenario reduction", [Fault("n_kept", n_kept, f"must be in [1, {len(points)}]")])
    squares = (points**2).sum(axis=1)
    distance = np.sqrt(np.maximum(squares[:, None] + squares - 2.0 * points @ points.T, 0.0))
    np.fill_diagonal(distance, 0.0)
    nearest, kept = np.full(len(points), np.inf), list[int]()
    for _ in range(n_kept):
        left = weights @ np.minimum(distance, nearest[:, None])
        left[kept] = np.inf
        kept.append(int(left.argmin()))
        nearest = np.minimum(nearest, distance[:, kept[-1]])
    chosen = np.sort(np.array(kept))
    stands_for = distance[:, chosen].argmin(axis=1)
    return chosen, np.array([weights[stands_for == place].sum() for place in range(n_kept)])


@dataclass(frozen=True)
class DemandIntervals:
    """Intervals in which the loads of some classes lie, of which not all leave the middle at once.

    Parameters
    ----------
    base_mw : ndarray, shape (n_class, n_step)
        The middle.
    deviation_share : ndarray, shape (n_class,)
        Half the width, relative to the middle, in [0, 1).

    Raises
    ------
    ProfileError
        If a share is out of its range.

    Notes
    -----
    Equation A22; the budget is that of Bertsimas and Sim [1]_.

    References
    ----------
    .. [1] D. Bertsimas, M. Sim, 2004, doi:10.1287/opre.1030.0065
    """

    base_mw: Array
    deviation_share: Array

    def __post_init__(self) -> None:
        faults = [
            Fault(f"class {place}", float(share), "must be in [0, 1), a share of its load")
            for place, share in enumerate(self.deviation_share)
            if not 0.0 <= share < 1.0
        ]
        if self.base_mw.ndim != 2 or self.deviation_share.shape != self.base_mw.shape[:1]:
            shapes = f"{self.base_mw.shape} and {self.deviation_share.shape}"
            faults.append(Fault("shapes", shapes, "must be (n_class, n_step) and (n_class,)"))
        if faults:
            raise ProfileError("demand intervals", faults)

    @property
    def deviation_mw(self) -> Array:
        """Half the width, MW, shape (n_class, n_step)."""
        return self.deviation_share[:, None] * self.base_mw

    @property
    def highest_mw(self) -> Array:
        """All classes at their upper ends, MW, shape (n_class, n_step)."""
        return self.base_mw + self.deviation_mw

    @property
    def lowest_mw(self) -> Array:
        """All classes at their lower ends, MW, shape (n_class, n_step)."""
        return self.base_mw - self.deviation_mw

    def worst_mw(self, slope: Array, budget: float) -> Array:
        """The loads within the budget at which what rises with them by slopes is most, MW.

        Parameters
        ----------
        slope : ndarray, shape (n_class, n_step)
            Per MW of each class: a price, or a voltage drop.
        budget : float
            How many classes may be at an end of their interval in a step; one of them in part where it is no
            whole number.

        Returns
        -------
        ndarray, shape (n_class, n_step)

        Raises
        ------
        ProfileError
            If the budget is out of its range.
        """
        n_class = len(self.base_mw)
        if not 0.0 <= budget <= n_class:
            raise ProfileError("demand intervals", [Fault("budget", budget, f"must be in [0, {n_class}]")])
        swing = slope * self.deviation_mw
        rank = np.argsort(np.argsort(-np.abs(swing), axis=0, kind="stable"), axis=0)
        part = np.clip(budget - rank, 0.0, 1.0)
        return np.asarray(self.base_mw + part * np.sign(slope) * self.deviation_mw)
