"""Results against the one number in which the cases of a run differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from matplotlib.figure import Figure

from gridarium.experiments.figures.grid_result import grid_results
from gridarium.experiments.figures.style import BLUE, PAGE_WIDTH, in_paper_style
from gridarium.experiments.names.formatting import MONEY, label
from gridarium.experiments.reading.field_paths import swept_parameter
from gridarium.experiments.results.records import Drawing
from gridarium.experiments.results.result import Result

_MONEY = {"dso_net_revenue_money": "DSO net revenue", "total_cost_money": "total cost"}
"""Of these the first that a grid has is drawn beside its emission."""


def sweep_drawings(result: Result) -> Iterator[Drawing]:
    """Yield the results of each grid against the number in which the cases differ."""
    swept = swept_parameter(result.scenario, result.summary)
    summaries = {grid.name: grid.summary for grid in grid_results(result) if grid.rows("signals") is not None}
    if swept is not None and summaries:
        name, values = label(swept[0], result.currency_code), swept[1]
        figure = sweep_figure(name, values, summaries, result.currency_code)
        yield Drawing("sweep", f"Results against {name}.", figure)


@in_paper_style
def sweep_figure(
    parameter: str,
    values: Mapping[str, float],
    summaries: Mapping[str, Mapping[str, Mapping[str, float]]],
    currency: str = MONEY,
) -> Figure:
    """Draw emission and money of each grid against the value that a sweep varies.

    Parameters
    ----------
    parameter : str
        Name of the varied field with its unit, for the axis.
    values : mapping
        Its value in each case.
    summaries : mapping
        Metrics of each case, by grid.
    currency : str
        Code of the currency.
    """
    figure = Figure(figsize=(PAGE_WIDTH, 2.0 * len(summaries) + 0.5))
    panels = figure.subplots(len(summaries), 2, sharex=True, squeeze=False)
    cases = sorted(values, key=lambda case: values[case])
    for row, (grid, summary) in zip(panels, summaries.items(), strict=True):
        held = {name for metrics in summary.values() for name in metrics}
        money = next((name for name in _MONEY if name in held), "dso_net_revenue_money")
        metrics = {"emission (tCO₂)": "emission_tco2", f"{_MONEY[money]} ({currency})": money}
        for axes, (name, metric) in zip(row, metrics.items(), strict=True):
            found = [summary.get(case, {}).get(metric, np.nan) for case in cases]
            axes.plot([values[case] for case in cases], found, color=BLUE, marker="o")
            axes.set_ylabel(name)
            axes.set_title(grid)
            axes.ticklabel_format(useOffset=False)
    for axes in panels[-1]:
        axes.set_xlabel(parameter.replace("CO2", "CO₂"))
    return figure
