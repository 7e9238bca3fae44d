"""The figure that only the paper of model A has: what a penalty saves in carbon against what it costs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from matplotlib.figure import Figure

from gridarium.experiments.figures.style import BLUE, GREY, PAGE_WIDTH, in_paper_style
from gridarium.experiments.names.formatting import label
from gridarium.experiments.reading.field_paths import swept_parameter
from gridarium.experiments.results.records import Drawing
from gridarium.experiments.results.result import Result

_NEEDED = ("purchase_money", "turbine_cost_money", "emission_tco2")


def drawings(result: Result) -> Iterator[Drawing]:
    """Yield the trade-off of a run that sweeps one number on one grid."""
    swept = swept_parameter(result.scenario, result.summary)
    if swept is None or not all(name in metrics for metrics in result.summary.values() for name in _NEEDED):
        return
    field, values = swept
    points = trade_off(values, result.summary)
    caption = f"Emission saved against cost of power without carbon, by {label(field, result.currency_code)}."
    yield Drawing("trade-off", caption, trade_off_figure(points, values))


def trade_off(
    values: Mapping[str, float], summary: Mapping[str, Mapping[str, float]]
) -> dict[str, tuple[float, float]]:
    """Cost over that of the case of the lowest value, and reduction against its emission, by case.

    Notes
    -----
    Equation A24; costs are those of purchase and gas, so that a penalty counts by what it changes alone.
    """
    cost = {case: summary[case]["purchase_money"] + summary[case]["turbine_cost_money"] for case in values}
    first = min(values, key=lambda case: values[case])
    emission = {case: summary[case]["emission_tco2"] for case in values}
    return {
        case: (cost[case] / cost[first], (emission[first] - emission[case]) / emission[first])
        for case in sorted(values, key=lambda case: values[case])
    }


@in_paper_style
def trade_off_figure(points: Mapping[str, tuple[float, float]], values: Mapping[str, float]) -> Figure:
    """Draw reductions, per cent, over relative costs, with the swept value at each point.

    Parameters
    ----------
    points : mapping of str to (float, float)
        Relative cost and relative reduction of each case.
    values : mapping of str to float
        The swept value of each case.
    """
    figure = Figure(figsize=(0.6 * PAGE_WIDTH, 2.4))
    axes = figure.subplots()
    costs, cuts = zip(*points.values(), strict=True)
    axes.plot(costs, [100.0 * cut for cut in cuts], color=BLUE, marker="o")
    # Beside the line, on the side towards which it does not lean.
    side, align = (-4, "right") if costs[-1] > costs[0] else (4, "left")
    for case, (cost, cut) in points.items():
        text, at = f"{values[case]:g}", (cost, 100.0 * cut)
        axes.annotate(text, at, xytext=(side, 4), textcoords="offset points", ha=align, color=GREY)
    axes.margins(0.12)
    axes.set_xlabel("cost of power, relative")
    axes.set_ylabel("emission saved (%)")
    return figure
