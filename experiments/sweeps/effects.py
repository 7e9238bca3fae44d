"""What a factor changes where all others stay as they are, against the signs that were expected."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from gridarium.experiments.sweeps.comparisons import Comparison, compare_pairs, told_of, with_holm
from gridarium.experiments.sweeps.statistics import Record, plain, values_by

if TYPE_CHECKING:
    import pandas as pd

    from gridarium.experiments.sweeps.design import Design

Sign = Literal["rises", "falls", "stays"]
"""What a metric does as a factor rises."""
Seen = Literal["rises", "falls", "stays", "open"]
"""What was seen; open where the interval of the difference holds both signs."""
AS_EXPECTED, AGAINST, OPEN = "as expected", "against expectation", "open"


class ExpectedSign(NamedTuple):
    """What somebody expected before the runs, and why."""

    factor: str
    metric: str
    sign: Sign
    reason: str


class _Move(NamedTuple):
    """A point of the design that differs from the first one in a single factor."""

    point: int
    factor: str
    value: Any
    base: Any


def effects(
    results: pd.DataFrame,
    design: Design,
    cases: Sequence[str],
    metrics: Sequence[str],
    expected: Sequence[ExpectedSign] = (),
) -> list[Record]:
    """Compare each point of a one-at-a-time design with its first one, replication by replication.

    Parameters
    ----------
    results : DataFrame
        One row per finished run and case: point, replication, case, metrics.
    design : Design
        One at a time.
    cases, metrics : sequence of str
        What to compare; only metrics of which something was expected, where anything was.
    expected : sequence of ExpectedSign
        In the order in which the records come.

    Returns
    -------
    list of dict
        Plain records: factor, its value, the value that it is compared with, case, metric; pairs, mean
        difference and its t interval; p of the paired t test, and corrected by Holm for all of them; what
        was expected and seen as the factor rises, a verdict, and the reason of the expectation.
    """
    records = [
        record
        for one in expected or _all_of(design, metrics)
        for record in _of_factor(results, design, cases, one)
    ]
    return [plain(record) for record in with_holm(records)]


def seen(found: Comparison, direction: int) -> Seen:
    """What a metric did as a factor rose by `direction` (1 or -1), by the interval of its difference."""
    low, high = found.low, found.high
    if math.isnan(low) or math.isnan(high):
        # Differences that are all the same have no interval, and need none; a single one tells nothing.
        low = high = found.mean_difference if found.n > 1 else math.nan
    if low == high == 0.0:
        return "stays"
    if low * direction > 0.0 and high * direction > 0.0:
        return "rises"
    if low * direction < 0.0 and high * direction < 0.0:
        return "falls"
    return "open"


def verdict(expected: Sign, found: Seen) -> str:
    """Whether what was seen is what was expected; where nothing should happen, no clear sign is needed."""
    if found == expected or (expected == "stays" and found == "open"):
        return AS_EXPECTED
    return OPEN if found == "open" else AGAINST


def _all_of(design: Design, metrics: Sequence[str]) -> Iterator[ExpectedSign | tuple[str, str]]:
    for factor in design.names:
        for metric in metrics:
            yield factor, metric


def _of_factor(
    results: pd.DataFrame, design: Design, cases: Sequence[str], asked: ExpectedSign | tuple[str, str]
) -> Iterator[Record]:
    factor, metric = asked[:2]
    replications = sorted(results["replication"].unique())
    for case in cases:
        wide = values_by(results, case, metric, "point", range(len(design.points)), replications).to_numpy()
        for move in _moves(design, factor):
            found = compare_pairs(wide[move.point], wide[0])
            record: Record = {
                "factor": factor,
                "value": move.value,
                "against": move.base,
                "case": case,
                "metric": metric,
                **told_of(found),
            }
            if isinstance(asked, ExpectedSign):
                now = seen(found, 1 if move.value > move.base else -1)
                record |= {"expected": asked.sign, "seen": now, "verdict": verdict(asked.sign, now)}
                record["reason"] = asked.reason
            yield record


def _moves(design: Design, factor: str) -> Iterator[_Move]:
    column = design.points[factor]
    moved = np.flatnonzero((column != column.iloc[0]).to_numpy())
    for point in moved:
        yield _Move(int(point), factor, column.iloc[point], column.iloc[0])
