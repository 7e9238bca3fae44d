"""What each point of a grid changes against the first one, draw by draw."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gridarium.experiments.sweeps.comparisons import compare_pairs, told_of, with_holm
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
    columns = design.points[list(design.names)]
    points = [{str(name): value for name, value in at.items()} for at in columns.to_dict("records")]
    records: list[Record] = []
    for case in cases:
        for metric in metrics:
            wide = values_by(results, case, metric, "point", range(len(points)), replications).to_numpy()
            records += with_holm(
                [
                    {"point": number, **at, "case": case, "metric": metric}
                    | told_of(compare_pairs(wide[number], wide[0]))
                    for number, at in enumerate(points[1:], 1)
                ]
            )
    return [plain(record) for record in records]
