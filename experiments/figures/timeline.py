"""One time line of a run: the rounds of the day before, then a day, an hour, a minute and a second of it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MultipleLocator

from gridarium.experiments.figures.day_events import (
    HOUR_S,
    INCIDENTS,
    MINUTE_S,
    SECOND_S,
    TRADES,
    Window,
    events_of,
    windows_of,
)
from gridarium.experiments.figures.stacked_world import grids_from_roots
from gridarium.experiments.figures.style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PAGE_WIDTH,
    PURPLE,
    SHADE,
    SKY,
    VERMILLION,
    YELLOW,
    in_paper_style,
)
from gridarium.experiments.results.outcomes import trees_of
from gridarium.experiments.results.records import Drawing
from gridarium.experiments.results.result import Result

_COLORS = (BLUE, ORANGE, GREEN, VERMILLION, SKY, PURPLE, YELLOW)
_BINS = 400
"""Instants that a panel tells apart."""
_ROW_INCH, _TITLE_INCH, _BETWEEN_INCH = 0.15, 0.2, 0.62
"""Height of a lane, of a title, and of all that is between the lanes of two panels."""
_TOP_INCH, _RIGHT_INCH, _LETTER_INCH = 0.22, 0.46, 0.062
"""Room for the legend and for the counts, and the width of a letter of a lane's name."""
_MOST_LANES, _MOST_AGENTS, _MOST_CASES = 9, 8, 2
_LEAD_SHARE = 0.006
_FEW = 2
"""Messages of a type whose name stands at its arrow."""
_REST = "others"
_ARROW: Any = {"arrowstyle": "-|>", "linewidth": 0.9, "mutation_scale": 6, "shrinkA": 0, "shrinkB": 0}


def timeline_drawings(result: Result) -> Iterator[Drawing]:
    """Yield a time line of each case, of many of the first, where grids hang on grids or units fail."""
    cases, trees = list(result.summary), trees_of(result)
    for case in cases if len(cases) <= _MOST_CASES else cases[:1]:
        tables = {name: rows[rows["case"] == case] for name, rows in result.tables.items()}
        tables = {name: rows for name, rows in tables.items() if not rows.empty}
        grids = grids_from_roots(trees[case])
        is_told = {"messages", "dispatch"} <= set(tables) and "delivery_s" in tables["traffic"]
        if not is_told or (len(grids) < 2 and "failovers" not in tables):
            continue
        caption = (
            f"Everything that was sent in case {case}, by who sent it: before the first period in the order "
            "of sending, then in time, each panel a stretch of the one above it (shaded there). Numbers are "
            "those of messages in a panel."
        )
        n_period, period_h = float(tables["dispatch"]["period"].max() + 1), float(trees[case]["period_h"])
        drawn = timeline_figure(events_of(tables, grids), grids, n_period * period_h * HOUR_S)
        yield Drawing(f"timeline-{case}", caption, drawn)


@in_paper_style
def timeline_figure(events: pd.DataFrame, grids: Sequence[str], horizon_s: float) -> Figure:
    """Draw the events of a case.

    Parameters
    ----------
    events : DataFrame
        See `events_of`.
    grids : sequence of str
        Those above before those below.
    horizon_s : float
        Time of delivery, s.
    """
    events = events.assign(lane=_few_lanes(events, grids))
    colors = _colors(events)
    before = events[events["time_s"] < 0.0]
    windows = windows_of(events, horizon_s)
    zoomed = windows[-1] if windows[-1].length_s <= SECOND_S else None
    shown = [before.assign(x=np.arange(len(before), dtype=float)), *(one.of(events) for one in windows)]
    order = _order(events, grids)
    lanes = [_lanes(rows, order) for rows in shown]
    if zoomed is not None:
        lanes[-1] = _agents(shown[-1])
    figure, panels = _panels(lanes)
    _raster(panels[0], shown[0], lanes[0], colors, (0.0, float(max(len(before), 1))))
    panels[0].set_title(_title_before(before))
    panels[0].set_xlabel("messages in the order of sending")
    for axes, window, rows, of_rows, inner in zip(
        panels[1:], windows, shown[1:], lanes[1:], [*windows[1:], None], strict=True
    ):
        scale, unit = _scale(window)
        moved = rows.assign(x=(rows["time_s"] - window.start_s) / scale)
        if window is zoomed:
            _arrows(axes, moved, of_rows, colors, (window, scale))
        else:
            _raster(axes, moved, of_rows, colors, (0.0, window.length_s / scale))
        axes.set_title(_title(window))
        axes.set_xlabel(f"time ({unit})")
        axes.xaxis.set_major_locator(MultipleLocator(_tick(window)))
        if inner is not None:
            edges = (np.array(inner) - window.start_s) / scale
            axes.axvspan(*edges, color=SHADE, zorder=0)
            axes.axvline(edges[0], color=GREY, linewidth=0.6, zorder=0.5)
    handles = [Patch(color=color, label=name) for name, color in colors.items()]
    place = (0.5, 1.0 - 0.04 / figure.get_figheight())
    figure.legend(
        handles=handles, loc="upper center", bbox_to_anchor=place, ncols=len(handles), handlelength=1.0
    )
    return figure


def _panels(lanes: Sequence[Sequence[str]]) -> tuple[Figure, list[Axes]]:
    """A figure with one panel above the other, each as high as its lanes need."""
    heights = [_ROW_INCH * len(each) + (_ROW_INCH if each is lanes[-1] else 0.0) for each in lanes]
    height = sum(heights) + _BETWEEN_INCH * len(lanes) + _TOP_INCH
    left = _LETTER_INCH * max(len(name) for each in lanes for name in each) + 0.12
    figure = Figure(figsize=(PAGE_WIDTH, height))
    figure.set_layout_engine("none")
    panels, top = [], height - _TOP_INCH
    for each in heights:
        box = (left, top - _TITLE_INCH - each, PAGE_WIDTH - left - _RIGHT_INCH, each)
        sizes = (PAGE_WIDTH, height, PAGE_WIDTH, height)
        panels.append(figure.add_axes(tuple(np.array(box) / sizes)))
        top -= each + _BETWEEN_INCH
    return figure, panels


def _few_lanes(events: pd.DataFrame, grids: Sequence[str]) -> pd.Series[Any]:
    """Lanes of which the smallest are one where there are too many."""
    counts = events["lane"].value_counts()
    kept = {*counts.index[:_MOST_LANES], *grids, TRADES, INCIDENTS}
    return events["lane"].where(events["lane"].isin(kept), _REST)


def _lanes(rows: pd.DataFrame, order: Sequence[str]) -> list[str]:
    """Lanes of a panel from the top."""
    present = set(rows["lane"])
    return [name for name in order if name in present]


def _order(events: pd.DataFrame, grids: Sequence[str]) -> list[str]:
    """All lanes: grids from the root, kinds of agents by what they send, then what is no message."""
    last = [_REST, TRADES, INCIDENTS]
    rest = [str(name) for name in events["lane"].value_counts().index if name not in (*grids, *last)]
    return [*grids, *rest, *last]


def _agents(rows: pd.DataFrame) -> list[str]:
    """Who sends and hears most in a panel."""
    sent = rows.dropna(subset=["sender"])
    names = pd.concat([sent["sender"], sent["recipient"]]).value_counts()
    return sorted(str(name) for name in names.index[:_MOST_AGENTS])


def _colors(events: pd.DataFrame) -> dict[str, str]:
    """Colours of what messages are about; the rarest share one."""
    counts = events.loc[~events["what"].isin((TRADES, INCIDENTS)), "what"].value_counts()
    usual = sorted(str(name) for name in counts.index[: len(_COLORS)])
    found = dict(zip(usual, _COLORS, strict=False))
    return found | {str(name): GREY for name in counts.index[len(_COLORS) :]}


def _raster(
    axes: Axes, rows: pd.DataFrame, lanes: Sequence[str], colors: Mapping[str, str], span: tuple[float, float]
) -> None:
    """One row for each lane, in it one for each thing that messages are about; a mark where there are any."""
    start, end = span
    for place, lane in enumerate(lanes):
        own = rows[rows["lane"] == lane]
        about = [name for name in (*colors, TRADES, INCIDENTS) if name in set(own["what"])]
        height = 0.84 / len(about)
        for number, name in enumerate(about):
            times = own.loc[own["what"] == name, "x"].to_numpy(dtype=float)
            bins = (
                np.unique(np.floor((times - start) / (end - start) * _BINS)) / _BINS * (end - start) + start
            )
            top = place - 0.42 + number * height
            axes.vlines(bins, top, top + 0.9 * height, color=colors.get(name, BLACK), linewidth=1.0)
        count = f"{len(own):,}"
        axes.text(
            1.005, place, count, transform=axes.get_yaxis_transform(), va="center", fontsize=6.5, color=GREY
        )
    _finish(axes, lanes, span)


def _arrows(
    axes: Axes,
    rows: pd.DataFrame,
    agents: Sequence[str],
    colors: Mapping[str, str],
    within: tuple[Window, float],
) -> None:
    """One row for each agent, and an arrow for each message, from when it is sent to when it arrives."""
    window, scale = within
    places = {name: place for place, name in enumerate(agents)}
    for one in rows.to_dict("records"):
        if one["sender"] in places and one["recipient"] in places:
            arrival = (one["arrival_s"] - window.start_s) / scale
            axes.annotate(
                "",
                (arrival, places[one["recipient"]]),
                (one["x"], places[one["sender"]]),
                arrowprops={**_ARROW, "color": colors[one["what"]]},
            )
        elif one["what"] == INCIDENTS:
            axes.axvline(one["x"], color=BLACK, linewidth=0.8, linestyle=(0, (2, 1.5)))
            axes.text(one["x"], -0.75, f" {one['topic']}", fontsize=6.5, va="center")
    _name_arrows(axes, rows, places, within)
    _finish(axes, agents, (0.0, window.length_s / scale))
    axes.set_ylim(len(agents) - 0.4, -1.1)


def _name_arrows(
    axes: Axes, rows: pd.DataFrame, places: Mapping[str, int], within: tuple[Window, float]
) -> None:
    """The types of messages of which there are few."""
    window, scale = within
    drawn = rows[rows["sender"].isin(places) & rows["recipient"].isin(places)]
    for topic, ones in drawn.groupby("topic", sort=False):
        one = ones.iloc[0]
        if len(ones) <= _FEW:
            middle = (places[str(one["sender"])] + places[str(one["recipient"])]) / 2
            end = (max(float(one["arrival_s"]), float(one["time_s"])) - window.start_s) / scale
            axes.annotate(
                str(topic), (end, middle), (7, 0), textcoords="offset points", fontsize=6, va="center"
            )


def _finish(axes: Axes, lanes: Sequence[str], span: tuple[float, float]) -> None:
    axes.set_yticks(range(len(lanes)), list(lanes))
    axes.set_ylim(len(lanes) - 0.5, -0.5)
    # What happens at the beginning is not hidden behind the axis.
    axes.set_xlim(span[0] - _LEAD_SHARE * (span[1] - span[0]), span[1])
    axes.grid(visible=False, axis="y")
    axes.hlines(np.arange(len(lanes) - 1) + 0.5, *span, color=SHADE, linewidth=0.5, zorder=0.4)
    axes.tick_params(axis="y", length=0)


def _scale(window: Window) -> tuple[float, str]:
    """Seconds in the unit of a panel's axis, and the unit."""
    if window.length_s > HOUR_S:
        return HOUR_S, "h"
    if window.length_s > MINUTE_S:
        return MINUTE_S, "min"
    return (1.0, "s") if window.length_s > SECOND_S else (1e-3, "ms")


def _tick(window: Window) -> float:
    """Distance of ticks in the unit of a panel's axis."""
    if window.length_s <= SECOND_S:
        return 100.0
    return 15.0 if window.length_s <= HOUR_S else 3.0 * math.ceil(window.length_s / (24.0 * HOUR_S))


def _title(window: Window) -> str:
    if window.length_s > HOUR_S:
        return "delivery"
    name = {HOUR_S: "an hour", MINUTE_S: "a minute", SECOND_S: "a second"}[window.length_s]
    hours, rest = divmod(window.start_s, HOUR_S)
    minutes, seconds = divmod(rest, MINUTE_S)
    digits = f"{seconds:06.3f}" if window.length_s <= SECOND_S else f"{seconds:02.0f}"
    return f"{name} of it, from {hours:02.0f}:{minutes:02.0f}:{digits} on"


def _title_before(before: pd.DataFrame) -> str:
    if before.empty:
        return "before: nothing"
    return f"before delivery: {len(before):,} messages from {-before['time_s'].min() / HOUR_S:.1f} h ahead on"
