"""How figures look: sizes of a two-column paper, colours for every eye, the same bytes every time."""

from __future__ import annotations

import functools
import io
import logging
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import takewhile
from typing import Any, NamedTuple, ParamSpec

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backend_bases import GraphicsContextBase, RendererBase
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator
from numpy.typing import NDArray

P = ParamSpec("P")
Floats = NDArray[np.float64]

PAGE_WIDTH = 7.16
"""Width of two columns, inches."""

BLACK, GREY, PALE, SHADE = "#000000", "#8c8c8c", "#c8c8c8", "#e9e9e9"
ORANGE, SKY, GREEN = "#e69f00", "#56b4e9", "#009e73"
BLUE, VERMILLION, PURPLE, YELLOW = "#0072b2", "#d55e00", "#cc79a7", "#f0e442"

_STYLE: Any = {
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.labelsize": 8,
    "axes.linewidth": 0.6,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 8,
    "figure.constrained_layout.use": True,
    "font.family": "DejaVu Sans",
    "font.size": 7.5,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.5,
    "hatch.linewidth": 0.5,
    "legend.borderaxespad": 0.0,
    "legend.columnspacing": 1.2,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "legend.handlelength": 2.2,
    "lines.linewidth": 1.3,
    "lines.markersize": 3.5,
    "svg.fonttype": "path",
    "svg.hashsalt": "gridarium",
    "xtick.labelsize": 7,
    "xtick.major.width": 0.6,
    "ytick.labelsize": 7,
    "ytick.major.width": 0.6,
}

_CASES_PER_PANEL = 4
_NO_METADATA: Any = dict.fromkeys(("Creator", "Date", "Format", "Type"))
_LETTER_INCH, _HANDLE_INCH = 0.055, 0.38
"""Width of a letter and of a line sample in a legend."""


class Look(NamedTuple):
    """A colour, width and dash pattern that stay apart in grey print too."""

    color: str
    width: float
    dashes: Any
    marker: str

    @property
    def line(self) -> dict[str, Any]:
        """Return the look as keywords of a line."""
        return {"color": self.color, "linewidth": self.width, "linestyle": self.dashes}


LOOKS = (
    Look(SKY, 2.8, "solid", "s"),
    Look(VERMILLION, 1.9, (0, (3.2, 1.4)), "^"),
    Look(BLACK, 1.0, "solid", "o"),
    Look(PURPLE, 1.6, (0, (1, 1.2)), "D"),
)
"""Looks of the cases of one panel, in their order: a later line never hides an earlier one."""

ONLY_LOOK = (Look(BLUE, 1.4, "solid", "o"),)
"""Look of a case that is alone."""


def in_paper_style(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Draw a figure with the project's style, without touching the caller's settings."""

    @functools.wraps(draw)
    def styled(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with mpl.rc_context(_STYLE), _quiet_fonts():
            return draw(*args, **kwargs)

    return styled


def svg_bytes(figure: Figure) -> bytes:
    """Return a figure as SVG without date; the same figure gives the same bytes."""
    sink = io.BytesIO()
    with mpl.rc_context(_STYLE), _plain_line_ends(), _quiet_fonts():
        # Figure.savefig would draw everything once more beforehand.
        canvas: Any = FigureCanvasSVG(figure)
        canvas.print_svg(sink, metadata=_NO_METADATA)
    return sink.getvalue()


@contextmanager
def _quiet_fonts() -> Iterator[None]:
    """Draw without a word on fonts that matplotlib looks for beside that of the figures, and may not find."""
    logger = logging.getLogger("matplotlib.font_manager")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


@contextmanager
def _plain_line_ends() -> Iterator[None]:
    """Draw with matplotlib's own defaults: pandapower replaces them for good when it is imported."""
    patched = RendererBase.new_gc
    setattr(RendererBase, "new_gc", lambda renderer: GraphicsContextBase())  # noqa: B010
    try:
        yield
    finally:
        setattr(RendererBase, "new_gc", patched)  # noqa: B010


def cases_of(table: pd.DataFrame) -> list[str]:
    """Return the cases of a table in their order."""
    return [str(case) for case in table["case"].drop_duplicates()]


def looks_of(cases: Sequence[str]) -> Sequence[Look]:
    """Return the looks in which the cases of a panel are drawn."""
    return LOOKS if len(cases) > 1 else ONLY_LOOK


def panels_of(cases: Sequence[str]) -> list[list[str]]:
    """Divide cases evenly into panels of at most four, in their order."""
    count = -(-len(cases) // _CASES_PER_PANEL)
    size = -(-len(cases) // count)
    return [list(cases[start : start + size]) for start in range(0, len(cases), size)]


def short_names(cases: Sequence[str], columns: int, reserved: int = 0) -> dict[str, str]:
    """Return names that fit the legend of one of several columns: without what they share, and cut.

    `reserved` letters are kept free for what is written behind the name.
    """
    room = int((PAGE_WIDTH / columns - 0.5 - _HANDLE_INCH) / _LETTER_INCH) - reserved
    if max(map(len, cases)) <= room:
        return {case: case for case in cases}
    alike = takewhile(lambda letters: len(set(letters)) == 1, zip(*cases, strict=False))
    shared = len(list(alike)) if len(cases) > 1 else 0
    names = {case: f"…{case[shared:]}" if shared else case for case in cases}
    return {case: name if len(name) <= room else f"{name[: room - 1]}…" for case, name in names.items()}


class Hours(NamedTuple):
    """The time axis of one case: edges of its periods in hours since its start, shape (n_period + 1,)."""

    edges: Floats

    @classmethod
    def of(cls, table: pd.DataFrame) -> Hours:
        """Read the periods of a table's rows of one case; periods are equally long."""
        times = pd.DatetimeIndex(np.sort(table["time"].unique()))
        starts = (times - times[0]).total_seconds().to_numpy(dtype=float) / 3600.0
        length = starts[1] if len(starts) > 1 else 24.0
        return cls(np.append(starts, starts[-1] + length))

    @property
    def ends(self) -> Floats:
        """Ends of the periods, h, shape (n_period,)."""
        return self.edges[1:]


def time_axis(axes: Axes, hours: Hours) -> None:
    """Give a panel a time axis from midnight to midnight."""
    horizon = float(hours.edges[-1])
    axes.set_xlim(0.0, horizon)
    axes.xaxis.set_major_locator(MultipleLocator(_tick(horizon)))


def _tick(horizon_h: float) -> float:
    if horizon_h <= 24:
        return 6.0 if horizon_h > 12 else 2.0 if horizon_h > 6 else max(horizon_h / 4, 0.25)
    return 24.0 * math.ceil(horizon_h / (24.0 * 7))


def shared_panels(rows: int, columns: int, height: float, ratios: Sequence[float]) -> tuple[Figure, Any]:
    """Return a figure over two columns of a page, whose panels share their axes.

    Returns
    -------
    Figure
        Empty figure.
    ndarray of Axes, shape (rows, columns)
        Panels; those of one row share the vertical axis.
    """
    figure = Figure(figsize=(PAGE_WIDTH, height))
    panels = figure.subplots(
        rows, columns, sharex=True, sharey="row", squeeze=False, gridspec_kw={"height_ratios": list(ratios)}
    )
    return figure, panels


def legend_above(axes: Axes, columns: int) -> None:
    """Put the legend of a panel above it, in as many columns as its names need."""
    handles, names = axes.get_legend_handles_labels()
    axes.legend(
        handles,
        names,
        loc="lower left",
        bbox_to_anchor=(0.0, 1.03),
        ncols=side_by_side(names, PAGE_WIDTH / columns),
    )


def legend_of_panels(figure: Figure, panels: Iterable[Axes]) -> None:
    """Name above a figure what its panels show, each name once."""
    named: dict[str, Any] = {}
    for axes in panels:
        handles, names = axes.get_legend_handles_labels()
        named |= dict(zip(names, handles, strict=True))
    columns = side_by_side(list(named), PAGE_WIDTH)
    figure.legend(named.values(), named.keys(), loc="outside upper center", ncols=columns)


def side_by_side(names: Sequence[str], width: float) -> int:
    """Return how many entries of a legend fit beside each other in a width in inches, at least one."""
    fitting = int((width - 0.4) / (_HANDLE_INCH + _LETTER_INCH * max(map(len, names), default=1)))
    return max(min(fitting, len(names)), 1)
