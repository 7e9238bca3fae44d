"""The figure that only the paper of model B has: its indicator LCR, beside what a plant saves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from matplotlib.figure import Figure

from gridarium.experiments.figures.style import BLUE, GREY, PAGE_WIDTH, VERMILLION, in_paper_style
from gridarium.experiments.results.records import Drawing
from gridarium.experiments.results.result import Result

_NEEDED = ("lcr_vpp_share", "lcr_share", "lcr_idle_share")


def drawings(result: Result) -> Iterator[Drawing]:
    """Yield the indicator of every case, where there are several."""
    known = {
        case: metrics for case, metrics in result.summary.items() if all(name in metrics for name in _NEEDED)
    }
    if len(known) > 1:
        caption = (
            "What cleanness saves a plant, of its cost without pay for it, and the indicator LCR, by case, "
            "mean of days. LCR falls as a plant saves more: who does nothing for cleanness scores the mark."
        )
        yield Drawing("lcr", caption, lcr_figure(known))


@in_paper_style
def lcr_figure(summary: Mapping[str, Mapping[str, float]]) -> Figure:
    """Draw the plant's side of LCR and LCR itself, per cent, with that of doing nothing marked.

    Parameters
    ----------
    summary : mapping
        Metrics by case.
    """
    figure = Figure(figsize=(PAGE_WIDTH, 0.17 * len(summary) + 0.95))
    panels = figure.subplots(1, 2, sharey=True)
    places = np.arange(len(summary), dtype=float)
    saved, total, idle = (100.0 * np.array([one[name] for one in summary.values()]) for name in _NEEDED)
    for axes, values, colour, what in (
        (panels[0], saved, BLUE, "saved (%)"),
        (panels[1], total, GREY, "LCR (%)"),
    ):
        axes.barh(places, values, height=0.6, color=colour)
        axes.set_xlabel(what)
        axes.grid(axis="y", visible=False)
        axes.tick_params(axis="y", length=0)
    panels[1].plot(idle, places, color=VERMILLION, linestyle="none", marker="|", markersize=8, label="idle")
    panels[0].set_yticks(places, list(summary))
    panels[0].set_ylim(len(summary) - 0.5, -0.5)
    figure.legend(loc="outside upper right")
    return figure
