"""Means with their intervals, how they converge, and how many runs a narrower one needs.

Values that are nan or infinite are runs without a result: they are left out and counted. Where a
sample allows no interval its bounds are nan, and a reason says why.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]

CONFIDENCE = 0.95
RESAMPLES = 2000

_ROUNDING = 1e-12
"""Relative differences below this are rounding, not spread."""

_BATCH_VALUES = 2_000_000
_MOST_RUNS = 10**12


@dataclass(frozen=True, slots=True)
class ConfidenceInterval:
    """Bounds of a confidence interval; nan where there is none, with the reason."""

    low: float
    high: float
    reason: str = ""

    @property
    def width(self) -> float:
        """Distance of the bounds."""
        return self.high - self.low

    @classmethod
    def none(cls, reason: str) -> ConfidenceInterval:
        """Return the interval that does not exist."""
        return cls(math.nan, math.nan, reason)


@dataclass(frozen=True, slots=True)
class MeanEstimate:
    """What a sample says about a mean.

    Parameters
    ----------
    n, missing : int
        Values with and without a number.
    mean, sd : float
        Mean and standard deviation (n - 1 degrees of freedom).
    low, high : float
        Student's t interval of the mean.
    reason : str
        Why there is no interval; empty if there is.
    """

    n: int
    missing: int
    mean: float
    sd: float
    low: float
    high: float
    reason: str


def finite(values: ArrayLike) -> Floats:
    """Return the values that are numbers, shape (n,)."""
    array = np.asarray(values, dtype=float).ravel()
    numbers: Floats = array[np.isfinite(array)]
    return numbers


def lacks_spread(sample: Floats, scale: float | None = None) -> str:
    """Return why a sample of numbers allows no interval, or "".

    Parameters
    ----------
    sample : ndarray, shape (n,)
        Numbers without nan.
    scale : float, optional
        Size of what the numbers were computed from, if they are differences; a spread that is only
        rounding at this size is none.
    """
    if len(sample) == 0:
        return "no values"
    if len(sample) == 1:
        return "a single value has no spread"
    size = float(np.abs(sample).max()) if scale is None else scale
    if float(np.ptp(sample)) <= _ROUNDING * size:
        return f"all {len(sample)} values are equal"
    return ""


def estimate_mean(values: ArrayLike, confidence: float = CONFIDENCE) -> MeanEstimate:
    """Estimate a mean from independent values, shape (n,), with an interval of a level in (0, 1)."""
    sample = finite(values)
    interval = t_interval(sample, confidence)
    return MeanEstimate(
        n=len(sample),
        missing=np.size(values) - len(sample),
        mean=mean(sample),
        sd=deviation(sample),
        low=interval.low,
        high=interval.high,
        reason=interval.reason,
    )


def mean(values: ArrayLike) -> float:
    """Return the mean, nan of no values."""
    sample = finite(values)
    return float(sample.mean()) if len(sample) else math.nan


def deviation(values: ArrayLike) -> float:
    """Return the standard deviation with n - 1 degrees of freedom, nan of fewer than two values."""
    sample = finite(values)
    if len(sample) < 2:
        return math.nan
    around, size = _scaled(sample)
    return size * math.sqrt(float((around**2).sum()) / (len(sample) - 1))


def _scaled(sample: Floats) -> tuple[Floats, float]:
    """Return deviations from the mean in units of the largest, whose squares stay in range, and that unit."""
    around = sample - sample.mean()
    size = float(np.abs(around).max())
    return (around / size if size else around), size


def t_interval(
    values: ArrayLike, confidence: float = CONFIDENCE, scale: float | None = None
) -> ConfidenceInterval:
    """Return Student's t interval of the mean; `scale` as in `lacks_spread`."""
    from scipy import stats

    sample = finite(values)
    if reason := lacks_spread(sample, scale):
        return ConfidenceInterval.none(reason)
    n = len(sample)
    half = float(stats.t.ppf(0.5 + confidence / 2, n - 1)) * deviation(sample) / math.sqrt(n)
    return ConfidenceInterval(mean(sample) - half, mean(sample) + half)


def bootstrap_interval(
    values: ArrayLike, confidence: float = CONFIDENCE, resamples: int = RESAMPLES, seed: int = 0
) -> ConfidenceInterval:
    """Return the bias-corrected and accelerated bootstrap interval of the mean.

    Notes
    -----
    Equation 6.8 of [1]_. The acceleration needs the means without one value each; these are known
    without computing n means of n - 1 values: they differ from the mean by (mean - x_i) / (n - 1).

    References
    ----------
    .. [1] B. Efron, 1987, doi:10.1080/01621459.1987.10478410
    """
    from scipy import special, stats

    sample = finite(values)
    if reason := lacks_spread(sample):
        return ConfidenceInterval.none(reason)
    means = stats.bootstrap(
        (sample,),
        np.mean,
        n_resamples=resamples,
        batch=max(1, _BATCH_VALUES // len(sample)),
        method="percentile",
        random_state=np.random.default_rng(seed),
    ).bootstrap_distribution
    centre, around = sample.mean(), _scaled(sample)[0]
    below = (np.mean(means < centre) + np.mean(means <= centre)) / 2.0
    bias = special.ndtri(below)
    acceleration = (around**3).sum() / (6.0 * (around**2).sum() ** 1.5)
    tail = (1.0 - confidence) / 2.0
    z = bias + special.ndtri(np.array([tail, 1.0 - tail]))
    shares = special.ndtr(bias + z / (1.0 - acceleration * z))
    if not np.isfinite(shares).all():
        return ConfidenceInterval.none("too few different means in the bootstrap")
    low, high = np.percentile(means, 100.0 * shares)
    return ConfidenceInterval(float(low), float(high))


def convergence_of_mean(
    values: ArrayLike, *, confidence: float = CONFIDENCE, most_rows: int = 400
) -> pd.DataFrame:
    """Return the mean of the first 1, 2, ... values with its t interval.

    Parameters
    ----------
    values : array_like, shape (n,)
        In the order in which they were drawn; nan and infinite ones are left out.
    confidence : float
        Level of the interval, in (0, 1).
    most_rows : int
        More values than this are shown at counts that grow geometrically; the last is always shown.

    Returns
    -------
    DataFrame
        Columns n, mean, low, high; nan bounds as long as all values are equal.
    """
    import pandas as pd
    from scipy import stats

    sample = finite(values)
    n = np.arange(1, len(sample) + 1)
    # Centred first: the sums of squares would drown a small spread around a large mean.
    centre = mean(sample) if len(sample) else 0.0
    total = np.cumsum(sample - centre)
    spread = np.maximum(np.cumsum((sample - centre) ** 2) - total**2 / n, 0.0)
    width = np.maximum.accumulate(sample) - np.minimum.accumulate(sample)
    flat = width <= _ROUNDING * np.maximum.accumulate(np.abs(sample))
    with np.errstate(invalid="ignore", divide="ignore"):
        half = stats.t.ppf(0.5 + confidence / 2, n - 1) * np.sqrt(spread / (n - 1) / n)
    half = np.where(flat, np.nan, half)
    running = centre + total / n
    table = pd.DataFrame({"n": n, "mean": running, "low": running - half, "high": running + half})
    if len(table) <= most_rows:
        return table
    shown = np.unique(np.geomspace(1, len(table), most_rows).round().astype(int)) - 1
    return table.iloc[shown].reset_index(drop=True)


def runs_for_width(sd: float, width: float, *, confidence: float = CONFIDENCE) -> float:
    """Return how many runs make the t interval of a mean at most this wide.

    Parameters
    ----------
    sd : float
        Standard deviation of a run's value, from a pilot.
    width : float
        Wanted distance of the interval's bounds, in the unit of `sd`.
    confidence : float
        Level of the interval, in (0, 1).

    Returns
    -------
    float
        A whole number of at least 2; nan without a spread or a positive width, or beyond 1e12.

    Notes
    -----
    The smallest n with 2 t_{n-1} sd / sqrt(n) <= width.
    """
    from scipy import stats

    if not (math.isfinite(sd) and sd > 0.0 and width > 0.0):
        return math.nan

    def enough(n: int) -> bool:
        return bool(2.0 * stats.t.ppf(0.5 + confidence / 2, n - 1) * sd / math.sqrt(n) <= width)

    return least_count(enough)


def least_count(enough: Any) -> float:
    """Return the least number of runs from 2 on that is enough; nan beyond 1e12.

    Parameters
    ----------
    enough : callable
        Takes a number of runs; once true it stays true for more.
    """
    high = 2
    while not enough(high):
        high *= 2
        if high > _MOST_RUNS:
            return math.nan
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return float(high)
