"""Comparing two cases on the same draws: paired tests, effect sizes, correction for many comparisons."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gridarium.experiments.sweeps.intervals import (
    CONFIDENCE,
    deviation,
    lacks_spread,
    least_count,
    mean,
    t_interval,
)

Floats = NDArray[np.float64]

_DIGITS = 12
"""Decimals of a difference, relative to the values it is taken of, that are more than rounding."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What pairs of values say about the difference of two cases, first minus second.

    Parameters
    ----------
    n, missing : int
        Pairs with and without two numbers.
    mean_difference, sd_difference : float
        Of the pairs' differences.
    low, high : float
        t interval of the mean difference.
    t, p_t : float
        Paired t test, two-sided.
    w, p_wilcoxon : float
        Wilcoxon's signed-rank test, two-sided; pairs without difference are left out.
    cohen_d_z : float
        Mean difference in standard deviations of the differences.
    hedges_g : float
        Difference of the means in pooled standard deviations of the cases, corrected for small samples.
    rank_biserial : float
        Share of rank sum that speaks for the first case minus that for the second, in [-1, 1].
    reason : str
        Why something is nan; empty if nothing is.
    """

    n: int
    missing: int
    mean_difference: float
    sd_difference: float
    low: float
    high: float
    t: float
    p_t: float
    w: float
    p_wilcoxon: float
    cohen_d_z: float
    hedges_g: float
    rank_biserial: float
    reason: str


def compare_pairs(first: ArrayLike, second: ArrayLike, *, confidence: float = CONFIDENCE) -> Comparison:
    """Compare two cases that ran on the same draws.

    Parameters
    ----------
    first, second : array_like, shape (n,)
        Values of the cases; entry i of both comes from the same draw. Pairs with a nan or an
        infinite value are left out and counted.
    confidence : float
        Level of the interval of the mean difference, in (0, 1).

    Returns
    -------
    Comparison
        Tests and standardised effects are nan, with a reason, where the differences have no spread.

    Notes
    -----
    Hedges' g is of [1]_ with its exact correction, the rank-biserial correlation of [2]_.

    References
    ----------
    .. [1] L. V. Hedges, 1981, doi:10.3102/10769986006002107
    .. [2] D. S. Kerby, 2014, doi:10.2466/11.IT.3.1
    """
    pairs = np.column_stack([np.asarray(first, dtype=float), np.asarray(second, dtype=float)])
    kept = pairs[np.isfinite(pairs).all(axis=1)]
    scale = float(np.abs(kept).max()) if len(kept) else 0.0
    difference = kept[:, 0] - kept[:, 1]
    # Differences that are equal on paper must not be told apart by their last bits, nor from zero.
    relative = np.round(difference / scale, _DIGITS) if scale else difference
    difference = np.where(relative == 0.0, 0.0, difference)
    interval = t_interval(difference, confidence, scale)
    t, p_t = _t_test(difference, scale)
    w, p_wilcoxon, rank_biserial = _signed_ranks(relative)
    reason = interval.reason.replace("values", "differences").replace("value", "pair")
    return Comparison(
        n=len(kept),
        missing=len(pairs) - len(kept),
        mean_difference=mean(difference),
        sd_difference=deviation(difference),
        low=interval.low,
        high=interval.high,
        t=t,
        p_t=p_t,
        w=w,
        p_wilcoxon=p_wilcoxon,
        cohen_d_z=math.nan if interval.reason else mean(difference) / deviation(difference),
        hedges_g=_hedges_g(kept[:, 0], kept[:, 1]),
        rank_biserial=rank_biserial,
        reason=reason,
    )


def told_of(found: Comparison) -> dict[str, Any]:
    """What studies record of a comparison: pairs, mean difference, its t interval, p of the paired t test."""
    return {
        "n": found.n,
        "mean_difference": found.mean_difference,
        "low": found.low,
        "high": found.high,
        "p_t": found.p_t,
    }


def with_holm(records: Sequence[Mapping[str, Any]], p_value: str = "p_t") -> list[dict[str, Any]]:
    """Return records of a family with their p value corrected for all of them, as `..._holm`."""
    corrected = holm([record[p_value] for record in records])
    return [{**record, f"{p_value}_holm": float(p)} for record, p in zip(records, corrected, strict=True)]


def _t_test(difference: Floats, scale: float) -> tuple[float, float]:
    from scipy import stats

    if lacks_spread(difference, scale):
        return math.nan, math.nan
    t = mean(difference) / deviation(difference) * math.sqrt(len(difference))
    return t, float(2.0 * stats.t.sf(abs(t), len(difference) - 1))


def _signed_ranks(difference: Floats) -> tuple[float, float, float]:
    """Return Wilcoxon's statistic, its p value and the rank-biserial correlation."""
    from scipy import stats

    moved = difference[difference != 0.0]
    if not len(moved):
        return math.nan, math.nan, math.nan
    ranks = stats.rankdata(np.abs(moved))
    upward, all_ranks = float(ranks[moved > 0].sum()), float(ranks.sum())
    found = stats.wilcoxon(moved)
    return float(found.statistic), float(found.pvalue), 2.0 * upward / all_ranks - 1.0


def _hedges_g(first: Floats, second: Floats) -> float:
    from scipy import special

    if lacks_spread(first) and lacks_spread(second):
        return math.nan
    freedom = 2 * len(first) - 2
    pooled = math.hypot(deviation(first), deviation(second)) / math.sqrt(2.0)
    log_ratio = special.gammaln(freedom / 2.0) - special.gammaln((freedom - 1) / 2.0)
    correction = math.exp(log_ratio) / math.sqrt(freedom / 2.0)
    return float(correction * (mean(first) - mean(second)) / pooled)


def holm(p_values: ArrayLike) -> Floats:
    """Return p values corrected for all comparisons of a family.

    Parameters
    ----------
    p_values : array_like, shape (n,)
        Of the family; nan where a test was not possible, which does not count.

    Returns
    -------
    ndarray, shape (n,)
        Corrected values in the same order; nan stays nan.

    References
    ----------
    S. Holm, 1979, https://www.jstor.org/stable/4615733
    """
    given = np.asarray(p_values, dtype=float)
    corrected = np.full(given.shape, np.nan)
    tested = np.flatnonzero(~np.isnan(given))
    order = tested[np.argsort(given[tested], kind="stable")]
    factors = np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(np.maximum.accumulate(given[order] * factors), 1.0)
    return corrected


def pairs_for_power(cohen_d_z: float, *, power: float = 0.8, alpha: float = 1.0 - CONFIDENCE) -> float:
    """Return how many pairs a two-sided paired t test needs to find an effect.

    Parameters
    ----------
    cohen_d_z : float
        Mean difference in standard deviations of the differences.
    power : float
        Wanted probability of finding it, in (0, 1).
    alpha : float
        Level of the test, in (0, 1).

    Returns
    -------
    float
        A whole number of at least 2; nan for no effect, or beyond 1e12.

    Notes
    -----
    The smallest n whose noncentral t distribution, noncentrality d_z sqrt(n), reaches the power.
    """
    from scipy import stats

    effect = abs(cohen_d_z)
    if not (math.isfinite(effect) and effect > 0.0):
        return math.nan

    def enough(n: int) -> bool:
        # Beyond this noncentrality the power is 1 to rounding, and scipy's tails are not reliable.
        shift = min(effect * math.sqrt(n), 35.0)
        bound = stats.t.ppf(1.0 - alpha / 2.0, n - 1)
        found = stats.nct.sf(bound, n - 1, shift) + stats.nct.cdf(-bound, n - 1, shift)
        return bool(found >= power)

    return least_count(enough)
