"""Confidence intervals of many means at once that hold for skewed values and for rare ones."""

from __future__ import annotations

import math

import numpy as np

from gridarium.environment.arrays import Array


def mean_intervals(values: Array, confidence: float, rounding: float = 0.0) -> tuple[Array, Array]:
    """Return the bounds of the mean of each column.

    Parameters
    ----------
    values : ndarray, shape (n, n_column)
        Independent rows, at least 2; some tens for an interval to hold.
    confidence : float
        Probability that an interval holds its mean, in (0, 1).
    rounding : float
        Differences up to this are none, in the unit of the values.

    Returns
    -------
    low, high : ndarray, shape (n_column,)

    Notes
    -----
    Student's t with the skewness taken out: the t statistic T of a mean is far from symmetric where values
    are skewed, ``T + a T**2 / 3 + a**2 T**3 / 27 + a / 6`` is less so, with a the skewness over sqrt(n)
    [1]_, and it always has an inverse.

    A column whose values are all equal may be constant, or may lack a rare event: n rows miss one of
    probability ``1 - ((1 - confidence) / 2)**(1 / n)`` by a chance of (1 - confidence) / 2. The interval
    reaches as far as such an event would move the mean, its size being the widest spread of another column:
    where no column has any, the interval is a point.

    References
    ----------
    .. [1] P. Hall, 1992, doi:10.1111/j.2517-6161.1992.tb01876.x
    """
    from scipy.special import stdtrit

    n = len(values)
    mean, sd, spread = values.mean(axis=0), values.std(axis=0, ddof=1), np.ptp(values, axis=0)
    constant = spread <= rounding
    scale = np.where(constant, 1.0, sd)
    pull = np.where(constant, 0.0, (((values - mean) / scale) ** 3).mean(axis=0)) / math.sqrt(n)
    quantile = float(stdtrit(n - 1, 0.5 + confidence / 2.0))
    rare = 1.0 - ((1.0 - confidence) / 2.0) ** (1.0 / n)
    unseen = rare * float(spread.max()) if not constant.all() else 0.0
    below = np.where(constant, unseen, sd / math.sqrt(n) * _skewed(quantile, pull))
    above = np.where(constant, unseen, -sd / math.sqrt(n) * _skewed(-quantile, pull))
    return mean - below - rounding, mean + above + rounding


def _skewed(quantile: float, pull: Array) -> Array:
    """T whose transform, with the skewness taken out, is the quantile."""
    straight = np.abs(pull) < 1e-6
    a = np.where(straight, 1.0, pull)
    bent = 3.0 / a * (np.cbrt(1.0 + a * (quantile - a / 6.0)) - 1.0)
    return np.where(straight, quantile, bent)
