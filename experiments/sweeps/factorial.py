"""Main effects and interactions of a full factorial of two levels, paired over its draws."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gridarium.experiments.sweeps.comparisons import compare_pairs, told_of, with_holm
from gridarium.experiments.sweeps.statistics import Record, plain, values_by

if TYPE_CHECKING:
    import pandas as pd

    from gridarium.experiments.sweeps.design import Design

Floats = NDArray[np.float64]

BETWEEN = " x "
"""Stands between the factors of an interaction."""


def is_two_level(design: Design) -> bool:
    """Whether a design is a full factorial of at least two factors with two levels each."""
    sizes = [factor.source.size for factor in design.factors]
    return design.spec.kind == "full-factorial" and len(sizes) >= 2 and {*sizes} == {2}


def factorial_effects(
    results: pd.DataFrame, design: Design, cases: Sequence[str], metrics: Sequence[str]
) -> list[Record]:
    """Return the effect of each factor, and of each pair and larger set of factors, on each metric.

    Parameters
    ----------
    results : DataFrame
        One row per finished run and case: point, replication, case, metrics.
    design : Design
        A full factorial of two levels; the second level of each factor is the upper one.
    cases, metrics : sequence of str
        What to report.

    Returns
    -------
    list of dict
        Plain records: case, metric, order (1 for a main effect), factor, other (the further factors of an
        interaction, " x " between them); draws, effect and its t interval; p of the paired t test, and
        corrected by Holm for all effects on the metric; the effect in percent of the size of the mean over
        all points; its share of the variation among the points' means; and why something is none. The
        strongest effect on a metric comes first.

    Notes
    -----
    A main effect is what the metric rises by from the first to the second level, averaged over all levels of
    the other factors. An interaction of two is half of what the effect of the one rises by as the other goes
    to its second level, one of three half of what that of two does, and so on (Yates's contrasts, as in [1]_,
    chapter 5). Each is computed draw by draw: all points of a replication have the same seed, so what a draw
    adds to all of them cancels. A draw that lacks a point counts for nothing. Shares of the variation of all
    effects on a metric sum to 1.

    References
    ----------
    .. [1] G. E. P. Box, J. S. Hunter and W. G. Hunter, Statistics for Experimenters, 2nd ed., 2005
    """
    signs = 2.0 * design.unit - 1.0
    replications = sorted(results["replication"].unique())
    records: list[Record] = []
    for case, metric in itertools.product(cases, metrics):
        wide = values_by(results, case, metric, "point", range(len(signs)), replications).to_numpy().T
        found = [
            {"case": case, "metric": metric, **terms, **_contrast(wide, sign)}
            for terms, sign in _terms(design.names, signs)
        ]
        found.sort(key=lambda record: -np.nan_to_num(abs(record["effect"]), nan=-1.0))
        records += with_holm(found)
    return [plain(record) for record in records]


def _terms(names: Sequence[str], signs: Floats) -> Iterator[tuple[Record, Floats]]:
    """Yield order, factors and signs by point, -1 or 1, of each main effect and each interaction."""
    for order in range(1, len(names) + 1):
        for own in itertools.combinations(range(len(names)), order):
            first, *others = (names[place] for place in own)
            yield (
                {"order": order, "factor": first, "other": BETWEEN.join(others)},
                signs[:, list(own)].prod(axis=1),
            )


def _contrast(wide: Floats, sign: Floats) -> Record:
    """Return what the values of draws by points say of one effect."""
    found = compare_pairs(wide[:, sign > 0].mean(axis=1), wide[:, sign < 0].mean(axis=1))
    means = wide[np.isfinite(wide).all(axis=1)].mean(axis=0) if found.n else np.full(len(sign), np.nan)
    size, variation = abs(float(means.mean())), float(((means - means.mean()) ** 2).sum())
    explained = len(sign) / 4.0 * found.mean_difference**2
    told = told_of(found)
    return {
        "n": told.pop("n"),
        "missing": found.missing,
        "effect": told.pop("mean_difference"),
        **told,
        "effect_percent": 100.0 * found.mean_difference / size if size else np.nan,
        "variation_share": explained / variation if variation else np.nan,
        "reason": found.reason,
    }
