"""What each point of a grid changes against the first one, draw by draw."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gridarium.experiments.sweeps.comparisons import compare_pairs, holm
from gridarium.experiments.sweeps.statistics import Record, plain, values_by

if TYPE_CHECKING:
    import pandas as pd

    from gridarium.experiments.sweeps.design import Design


def changes(
    results: pd.DataFrame, design: Design, cases: Sequence[str], metrics: Sequence[str]
) -> list[Record]:
    """Compare each point of a full factorial with its first one, replication by replication.

    Parameters
    ----------
    results : DataFrame
        One row per finished run and case: point, replication, case, metrics.
    design : Design
        A full factorial; its first point takes the first value of every factor.
    cases, metrics : sequence of str
        What to compare.

    Returns
    -------
    list of dict
        Plain records: point, its factors, case, metric; pairs, mean difference to the first point and its t
        interval; p of the paired t test, and corrected by Holm for all points of a metric and case.
    """
    replications = sorted(results["replication"].unique())
    points = design.points[list(design.names)].to_dict("records")
    records: list[Record] = []
    for case in cases:
        for metric in metrics:
            wide = values_by(results, case, metric, "point", range(len(points)), replications).to_numpy()
            found = [compare_pairs(values, wide[0]) for values in wide[1:]]
            corrected = holm([one.p_t for one in found])
            records += [
                {
                    "point": number,
                    **{str(name): value for name, value in at.items()},
                    "case": case,
                    "metric": metric,
                    "n": one.n,
                    "mean_difference": one.mean_difference,
                    "low": one.low,
                    "high": one.high,
                    "p_t": one.p_t,
                    "p_t_holm": float(p),
                }
                for number, (at, one, p) in enumerate(zip(points[1:], found, corrected, strict=True), 1)
            ]
    return [plain(record) for record in records]
