"""What the runs of a study say, as tidy tables of plain numbers: the content of statistics.json.

A run has a design point and a replication, whose seed all points and cases share, unless points of a sample
have seeds of their own. So the values that may be treated as independent are, where the design lists its
points, the replications (each averaged over the points), and in a random sample the points (each averaged
over its replications; intervals hold for these seeds where they are shared, and are on the wide side, since
stratified samples vary less than random ones). The points of a Saltelli or Morris design depend on each
other: their means have no interval.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from gridarium.experiments.sweeps.comparisons import compare_pairs, pairs_for_power, with_holm
from gridarium.experiments.sweeps.design import Design
from gridarium.experiments.sweeps.intervals import (
    CONFIDENCE,
    RESAMPLES,
    bootstrap_interval,
    estimate_mean,
    runs_for_width,
)
from gridarium.experiments.sweeps.sensitivity import sensitivity_indices

if TYPE_CHECKING:
    import pandas as pd

Record = dict[str, Any]

POWER = 0.8
RELATIVE_WIDTH = 0.02
"""Width of the interval, as a share of the mean, for which the number of runs is given."""

_UNITS = {
    "full-factorial": "replication",
    "one-at-a-time": "replication",
    "latin-hypercube": "point",
    "sobol": "point",
}


def unit_of_independence(kind: str) -> str | None:
    """Return the column whose values are independent draws in a design, None if there is none."""
    return _UNITS.get(kind)


def independent_values(
    results: pd.DataFrame, case: str, metrics: Sequence[str], unit: str, members: Iterable[int] | None = None
) -> pd.DataFrame:
    """Return the values of a case that may be treated as independent.

    Parameters
    ----------
    results : DataFrame
        One row per run and case: point, replication, case, metrics.
    case : str
        Which case.
    metrics : sequence of str
        Columns to average; nan if the results lack them.
    unit : {"replication", "point"}
        What is independent; the other one is averaged over.
    members : iterable of int, optional
        Points (or replications) that a complete unit has; those of the results by default.

    Returns
    -------
    DataFrame
        One row per unit of all cases, sorted, one column per metric. nan where a run failed or its
        value is no number: the rest of an incomplete unit would not compare with the others.
    """
    import pandas as pd

    other = "point" if unit == "replication" else "replication"
    members = sorted(results[other].unique()) if members is None else members
    units = pd.Index(sorted(results[unit].unique()), name=unit)
    return pd.DataFrame(
        {
            metric: values_by(results, case, metric, unit, units, members).mean(axis=1, skipna=False)
            for metric in metrics
        },
        index=units,
    )


def values_by(
    results: pd.DataFrame, case: str, metric: str, unit: str, units: Iterable[int], members: Iterable[int]
) -> pd.DataFrame:
    """Return a metric of a case as units by members, of which one is points and one replications.

    Where no run finished or its value is no number, there is nan.
    """
    other = "point" if unit == "replication" else "replication"
    rows = results[results["case"] == case].set_index([unit, other]).reindex(columns=[metric])
    wide = rows[metric].astype(float).unstack().reindex(index=list(units), columns=list(members))
    return wide.where(np.isfinite(wide))


def summarise_sweep(
    results: pd.DataFrame,
    factors: Sequence[str],
    cases: Sequence[str],
    metrics: Sequence[str],
    design: Design,
    *,
    seed: int = 0,
) -> Record:
    """Return the statistics of a study.

    Parameters
    ----------
    results : DataFrame
        One row per finished run and case: point, replication, case, factors, metrics; in any order.
    factors, cases, metrics : sequence of str
        What to report.
    design : Design
        Where the points come from.
    seed : int
        Of the bootstraps.

    Returns
    -------
    dict
        `about` (settings and counts) and the tables `means`, `points` (a full factorial's),
        `comparisons` (pairs of cases on the same draws; Holm's correction over all of them) and
        `sensitivity` (a Saltelli or Morris design's), each a list of records with numbers, texts and
        None where there is no number. The same results give the same dict.
    """
    kind = design.spec.kind
    unit = unit_of_independence(kind)
    columns = ["case", "replication", "point", *metrics]
    ordered = results.reindex(columns=columns).sort_values(columns[:3], kind="stable", ignore_index=True)
    members = range(len(design.points)) if unit == "replication" else None
    samples = {case: independent_values(ordered, case, metrics, unit or "point", members) for case in cases}
    tables = {
        "means": _means(samples, metrics, kind, seed),
        "points": _points(ordered, factors, cases, metrics, design) if unit == "replication" else [],
        "comparisons": _comparisons(samples, metrics) if unit else [],
        "sensitivity": [] if unit else _sensitivity(samples, metrics, design, seed),
    }
    return {
        "about": {
            "design": kind,
            "points": len(design.points),
            "runs": len(ordered[["point", "replication"]].drop_duplicates()),
            "independent": unit or "none",
            "confidence": CONFIDENCE,
            "bootstrap_resamples": RESAMPLES,
            "power": POWER,
            "relative_width": RELATIVE_WIDTH,
        },
        **{name: [plain(record) for record in records] for name, records in tables.items()},
    }


def plain(record: Record) -> Record:
    """Return a record with None for what is no number."""
    values = {key: value.item() if hasattr(value, "item") else value for key, value in record.items()}
    return {
        key: None if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in values.items()
    }


def _means(
    samples: dict[str, pd.DataFrame], metrics: Sequence[str], kind: str, seed: int
) -> Iterable[Record]:
    dependent = unit_of_independence(kind) is None
    for case, metric in itertools.product(samples, metrics):
        values = samples[case][metric].to_numpy()
        record = {"case": case, "metric": metric, **asdict(estimate_mean(values))}
        if dependent:
            reason = record["reason"] or f"points of a {kind} design depend on each other"
            yield record | {"low": None, "high": None, "reason": reason}
            continue
        bootstrap = bootstrap_interval(values, seed=seed)
        yield record | {
            "bootstrap_low": bootstrap.low,
            "bootstrap_high": bootstrap.high,
            "n_for_relative_width": runs_for_width(record["sd"], RELATIVE_WIDTH * abs(record["mean"])),
        }


def _points(
    results: pd.DataFrame,
    factors: Sequence[str],
    cases: Sequence[str],
    metrics: Sequence[str],
    design: Design,
) -> Iterable[Record]:
    """Yield mean and interval over the replications at every point of a grid."""
    replications = sorted(results["replication"].unique())
    points = design.points[list(factors)].to_dict("records")
    found = {
        (case, metric): values_by(results, case, metric, "point", range(len(points)), replications).to_numpy()
        for case, metric in itertools.product(cases, metrics)
    }
    for (point, at), (case, metric) in itertools.product(enumerate(points), found):
        estimate = asdict(estimate_mean(found[case, metric][point]))
        factors_at = {str(name): value for name, value in at.items()}
        yield {"point": point, **factors_at, "case": case, "metric": metric, **estimate}


def _comparisons(samples: dict[str, pd.DataFrame], metrics: Sequence[str]) -> list[Record]:
    records = []
    for metric, (first, second) in itertools.product(metrics, itertools.combinations(samples, 2)):
        found = compare_pairs(samples[first][metric].to_numpy(), samples[second][metric].to_numpy())
        pairs = pairs_for_power(found.cohen_d_z, power=POWER)
        records.append(
            {"metric": metric, "first": first, "second": second, **asdict(found), "n_for_power": pairs}
        )
    return with_holm(with_holm(records, "p_t"), "p_wilcoxon")


def _sensitivity(
    samples: dict[str, pd.DataFrame], metrics: Sequence[str], design: Design, seed: int
) -> Iterable[Record]:
    for case, metric in itertools.product(samples, metrics):
        values = samples[case][metric].reindex(design.points.index).to_numpy()
        for record in sensitivity_indices(design, values, seed=seed).to_dict("records"):
            yield {"case": case, "metric": metric} | {str(key): value for key, value in record.items()}
