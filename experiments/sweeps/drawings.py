"""Which figures a sweep gets, with their captions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from gridarium.experiments.figures.leader import leader_figure
from gridarium.experiments.names.formatting import MONEY, label
from gridarium.experiments.results.records import Drawing
from gridarium.experiments.sweeps.bounded_price import SHARE
from gridarium.experiments.sweeps.change_figures import change_figure, distribution_figure, levels_figure
from gridarium.experiments.sweeps.factor_figures import heat_figure, sensitivity_figure
from gridarium.experiments.sweeps.factorial_figures import factorial_figure, overview_figure
from gridarium.experiments.sweeps.figures import (
    PRICE_METRICS,
    PRICE_METRICS_OF_TIES,
    bounded_rationality_figure,
    convergence_figure,
    mean_figure,
)
from gridarium.experiments.sweeps.levels import is_numeric
from gridarium.experiments.sweeps.statistics import independent_values, unit_of_independence

if TYPE_CHECKING:
    from gridarium.experiments.sweeps.design import Design

_MOST_METRICS, _MOST_FACTORS, _FEWEST_VALUES, _MOST_ROWS = 6, 4, 3, 30
_MOST_LINES, _MOST_SPREADS = 4, 3
_ROUND_LIMIT, _PROFIT, _BOUND = "round_limit", "profit_money", "bound_money"
"""Factor and metrics of a study of how profits grow with the rounds that a leader is given."""


def drawings(
    results: pd.DataFrame,
    metrics: Sequence[str],
    design: Design,
    sensitivity: Sequence[dict[str, Any]],
    currency: str = MONEY,
) -> Iterator[Drawing]:
    """Yield every figure that the results of a sweep allow, one after the other, money in a currency.

    Metrics that are the same in every run have none.
    """
    varied = [name for name in metrics if results[name].nunique() > 1]
    shown = varied[:_MOST_METRICS]
    unit = unit_of_independence(design.spec.kind)
    if not shown or results.empty:
        return
    if design.spec.kind == "one-at-a-time":
        # Means over all points are those of nothing: each factor is drawn where the others stay.
        yield from _one_at_a_time(results, design, varied, currency)
        return
    price = {
        name: title
        for own, title in (PRICE_METRICS | PRICE_METRICS_OF_TIES).items()
        for name in varied
        if name.rpartition(".")[2] == own
    }
    if SHARE in design.names and price and unit:
        others = [name for name in design.names if name != SHARE]
        by = others[0] if len(others) == 1 and results["case"].nunique() == 1 else "case"
        caption = "The price of bounded rationality: means with 95 % intervals against its share."
        figure = bounded_rationality_figure(results, SHARE, price, by=by, unit=unit, currency=currency)
        yield Drawing("bounded-rationality", caption, figure)
    if _ROUND_LIMIT in design.names and {_PROFIT, _BOUND} <= {*metrics}:
        caption = "Profit of the best price so far against rounds, mean over all instances, and the bound."
        yield Drawing("leaders", caption, leader_figure(_profits_by_round(results), "case", currency))
    if sensitivity:
        yield from _index_drawings(pd.DataFrame(sensitivity), shown, currency)
    for factor in design.names[:_MOST_FACTORS] if unit else ():
        caption = f"Means with 95 % intervals against {label(factor, currency)}."
        figure = mean_figure(results, factor, shown, unit or "point", currency)
        yield Drawing(f"means-{factor}", caption, figure)
    numeric = [name for name in design.names if is_numeric(results[name])]
    if len(numeric) >= 2:
        x, y = numeric[:2]
        metric, one, other = (label(name, currency) for name in (shown[0], x, y))
        caption = f"{metric}: mean over {one} and {other}."
        yield Drawing("map", caption, heat_figure(results, x, y, shown[0], currency))
    if unit and results[unit].nunique() >= _FEWEST_VALUES:
        caption = f"Means with 95 % intervals as {unit}s come in."
        yield Drawing("convergence", caption, convergence_figure(results, shown, unit, currency))


def _one_at_a_time(
    results: pd.DataFrame, design: Design, metrics: Sequence[str], currency: str
) -> Iterator[Drawing]:
    """Yield a figure for each factor that takes several numbers, of the first metrics that it moves."""
    for factor in design.names:
        column = design.points[factor]
        moved = column.index[column != column.iloc[0]]
        rows = results[results["point"].isin([0, *moved])]
        if not is_numeric(rows[factor]) or rows[factor].nunique() < _FEWEST_VALUES:
            continue
        shown = [name for name in metrics if rows[name].nunique() > 1][:_MOST_METRICS]
        if not shown:
            continue
        caption = f"Means with 95 % intervals against {label(factor, currency)}, all else as at first."
        yield Drawing(f"alone-{factor}", caption, mean_figure(rows, factor, shown, "replication", currency))


def factorial_drawings(
    effects: Sequence[dict[str, Any]], names: Sequence[str], currency: str = MONEY
) -> Iterator[Drawing]:
    """Yield the figures of a two-level factorial: all metrics at once, then each of the first ones.

    Parameters
    ----------
    effects : sequence of dict
        The table `factorial` of the statistics.
    names : sequence of str
        The factors.
    currency : str
        Code of the currency.
    """
    table = pd.DataFrame(effects)
    cases = [] if table.empty else list(table["case"].unique())
    for case in cases:
        rows = table[table["case"] == case]
        moved = rows.groupby("metric", sort=False)["effect"].apply(lambda one: bool((one.abs() > 0.0).any()))
        metrics = list(moved.index[moved])
        if not metrics:
            continue
        of, ending = (f" ({case})", f"-{case}") if len(cases) > 1 else ("", "")
        caption = f"Main effects and interactions of two on all metrics{of}, in percent of the mean."
        figure = overview_figure(rows, names, metrics[:_MOST_ROWS], currency)
        yield Drawing(f"factorial{ending}", caption, figure)
        for metric in metrics[:_MOST_METRICS]:
            words = label(metric, currency)
            caption = f"{words}{of}: main effects and interactions, 95 % intervals, paired by draw."
            figure = factorial_figure(rows, names, metric, currency)
            yield Drawing(f"factorial-{metric}{ending}", caption, figure)


def change_drawings(
    statistics: Mapping[str, Any], metrics: Sequence[str], design: Design, currency: str = MONEY
) -> Iterator[Drawing]:
    """Yield the figures of what levels with names, or the points of a grid of two factors, change.

    Parameters
    ----------
    statistics : mapping
        Content of statistics.json, of which the tables `effects` and `changes` are drawn.
    metrics : sequence of str
        Of the results; the first six that change are drawn.
    design : Design
    currency : str
        Code of the currency.
    """
    effects = pd.DataFrame(statistics.get("effects", []))
    for (factor, case), rows in effects.groupby(["factor", "case"], sort=False) if len(effects) else ():
        if is_numeric(design.points[str(factor)]):
            continue
        shown = _moved(rows, metrics)
        if shown:
            against = f"changes against {rows['against'].iloc[0]} on the same draws ({case!s})"
            name, marks = label(str(factor), currency), "with 95 % intervals; full: without 0"
            caption = f"What each level of {name} {against}, {marks}."
            yield Drawing(f"levels-{factor!s}-{case!s}", caption, levels_figure(rows, shown, currency))
    changes = pd.DataFrame(statistics.get("changes", []))
    if changes.empty or len(design.names) != 2:
        return
    x, by = design.names
    for case, rows in changes.groupby("case", sort=False):
        shown = _moved(rows, metrics)
        if shown and design.points[by].nunique() <= _MOST_LINES:
            one, other = (label(name, currency) for name in (x, by))
            caption = f"What {one} and {other} change against the first point on the same draws ({case!s})."
            yield Drawing(f"changes-{case!s}", caption, change_figure(rows, x, by, shown, currency))


def _moved(rows: pd.DataFrame, metrics: Sequence[str]) -> list[str]:
    """The first metrics that change at all."""
    sizes = rows.groupby("metric")["mean_difference"].apply(lambda one: float(one.abs().max()))
    return [name for name in metrics if sizes.get(name, 0.0) > 0.0][:_MOST_METRICS]


def distribution_drawings(
    results: pd.DataFrame, metrics: Sequence[str], design: Design, currency: str = MONEY
) -> Iterator[Drawing]:
    """Yield the figure of how the first metrics are spread over random draws; none of another design."""
    varied = [name for name in metrics if results[name].nunique() > 1][:_MOST_SPREADS]
    if unit_of_independence(design.spec.kind) != "point" or not varied or results["point"].nunique() < 2:
        return
    cases = list(dict.fromkeys(results["case"]))
    samples = {case: independent_values(results, case, varied, "point") for case in cases}
    caption = "Random draws: lines stand at means"
    if len(cases) > 1:
        caption += f"; right, {cases[0]} less {cases[1]} draw by draw, with median and nine tenths of draws"
    yield Drawing("distribution", f"{caption}.", distribution_figure(samples, varied, currency))


def _profits_by_round(results: pd.DataFrame) -> pd.DataFrame:
    """Means for `leader_figure`: what a leader has after so many rounds is its profit under that limit."""
    means = results.groupby(["case", _ROUND_LIMIT], as_index=False, sort=False)[[_PROFIT, _BOUND]].mean()
    means = means.sort_values(_ROUND_LIMIT, kind="stable").rename(columns={_ROUND_LIMIT: "round"})
    return means.assign(best_so_far_money=means[_PROFIT], bound_money=means[_BOUND].mean())


def _index_drawings(sensitivity: pd.DataFrame, metrics: Sequence[str], currency: str) -> Iterator[Drawing]:
    for metric in metrics:
        caption = f"Sensitivity of {label(metric, currency)} to the factors, with 95 % intervals."
        yield Drawing(f"sensitivity-{metric}", caption, sensitivity_figure(sensitivity, metric, currency))
