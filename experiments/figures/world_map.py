"""A world of several grids as a tree: levels, who stands where, and what passed between them."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from gridarium.experiments.figures.stacked_world import GridNode, nodes_of
from gridarium.experiments.figures.style import BLACK, GREY, PAGE_WIDTH, SKY, in_paper_style
from gridarium.experiments.names.formatting import MONEY, number
from gridarium.experiments.results.records import Drawing
from gridarium.experiments.results.result import Result

_GAP, _MARGIN, _EDGE = 0.16, 0.06, 0.74
"""Inches between boxes, around them, and from one level to the next."""
_LINE, _LETTER, _PAD = 0.132, 0.0565, 0.07
"""Height of a line and width of a letter of the small print, and what is kept free within a box, inches."""
_WIDEST = 9.0
"""Line of the largest flow, points."""
_NARROW = 3.4
"""Widest box with at most one below it, inches."""
_MOST_CASES = 2
_LEAST_MWH = 1e-3
"""Least energy that is told."""


def world_drawings(result: Result) -> Iterator[Drawing]:
    """Yield the world of each case; of many cases that of the first."""
    cases = list(result.summary)
    for case in cases if len(cases) <= _MOST_CASES else cases[:1]:
        if nodes := nodes_of(result, case):
            caption = (
                f"The world of case {case}: its grids, who stands on one of each, what its units emit, and "
                "what passed between levels over the whole run, for all equal grids there. Lines are as wide "
                "as the energy; messages are those of one of the equal grids."
            )
            yield Drawing(f"world-{case}", caption, world_figure(nodes, result.currency_code))


@in_paper_style
def world_figure(nodes: Sequence[GridNode], currency: str = MONEY) -> Figure:
    """Draw a tree of grids.

    Parameters
    ----------
    nodes : sequence of GridNode
        Those above before those below.
    currency : str
        Code of the currency.
    """
    slot = (PAGE_WIDTH - 2 * _MARGIN) / sum(_leaves(node, nodes) for node in nodes if not node.above)
    lefts, rows = _lefts(nodes), {node.name: _row(node, nodes) for node in nodes}
    widths = {node.name: _width(slot, _leaves(node, nodes)) for node in nodes}
    texts = {node.name: _lines(node, widths[node.name]) for node in nodes}
    heights = [
        max(len(texts[name]) * _LINE + 2 * _PAD + _LINE for name, each in rows.items() if each == row)
        for row in range(max(rows.values()) + 1)
    ]
    figure = Figure(figsize=(PAGE_WIDTH, sum(heights) + _EDGE * len(heights) + _MARGIN))
    figure.set_layout_engine("none")
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_axis_off()
    axes.set_xlim(0.0, PAGE_WIDTH)
    axes.set_ylim(0.0, figure.get_figheight())
    most = max(max(node.seam.import_mwh, node.seam.export_mwh) for node in nodes)
    for node in nodes:
        row = rows[node.name]
        top = figure.get_figheight() - _EDGE * (row + 1) - sum(heights[:row])
        middle = _MARGIN + slot * (lefts[node.name] + _leaves(node, nodes) / 2)
        _edge(axes, node, middle, top, most, currency)
        corner = middle - widths[node.name] / 2, top
        _box(axes, node, corner, (widths[node.name], heights[row]), texts[node.name])
    return figure


def _width(slot: float, leaves: int) -> float:
    """Width of a box, which covers all that hangs on it."""
    return slot * leaves - _GAP if leaves > 1 else min(slot - _GAP, _NARROW)


def _below(node: GridNode, nodes: Sequence[GridNode]) -> list[GridNode]:
    return [one for one in nodes if one.above == node.name]


def _leaves(node: GridNode, nodes: Sequence[GridNode]) -> int:
    return sum(_leaves(one, nodes) for one in _below(node, nodes)) or 1


def _row(node: GridNode, nodes: Sequence[GridNode]) -> int:
    above = next((one for one in nodes if one.name == node.above), None)
    return 0 if above is None else 1 + _row(above, nodes)


def _lefts(nodes: Sequence[GridNode]) -> dict[str, int]:
    """How many leaves stand to the left of each grid."""
    found: dict[str, int] = {}

    def place(level: Sequence[GridNode], left: int) -> None:
        for node in level:
            found[node.name] = left
            place(_below(node, nodes), left)
            left += _leaves(node, nodes)

    place([node for node in nodes if not node.above], 0)
    return found


def _lines(node: GridNode, width: float) -> list[str]:
    """What stands in a box: agents by kind, own emission, messages among the agents."""
    agents = ", ".join(
        kind if count == 1 else f"{kind}\u00a0x\u00a0{count}" for kind, count in node.kinds.items()
    )
    said = [agents, f"own units: {number(node.own_tco2)} tCO₂", f"{_messages(node.messages)} within"]
    letters = max(int((width - 2 * _PAD) / _LETTER), 12)
    return [line for text in said for line in textwrap.wrap(text, letters)]


def _messages(count: int) -> str:
    return "1 message" if count == 1 else f"{count:,} messages"


def _box(
    axes: Axes, node: GridNode, corner: tuple[float, float], size: tuple[float, float], lines: Sequence[str]
) -> None:
    (left, top), (width, height) = corner, size
    shape = FancyBboxPatch(
        (left + 0.03, top - height + 0.03),
        width - 0.06,
        height - 0.06,
        boxstyle="round,pad=0.03",
        facecolor="#f6f6f6",
        edgecolor=BLACK,
        linewidth=0.7,
        zorder=2,
    )
    axes.add_patch(shape)
    title = node.name if node.replicas == 1 else f"{node.name}: {node.replicas} equal grids"
    axes.text(left + _PAD, top - _PAD, title, va="top", fontsize=8, fontweight="bold", zorder=3)
    for count, line in enumerate(lines, start=1):
        axes.text(left + _PAD, top - _PAD - count * _LINE - 0.02, line, va="top", fontsize=6.5, zorder=3)


def _edge(axes: Axes, node: GridNode, middle: float, top: float, most: float, currency: str) -> None:
    """What passes between a grid and the level above, beside a line as wide as the energy."""
    seam = node.seam
    energy = max(seam.import_mwh, seam.export_mwh)
    width = 0.8 + (_WIDEST - 0.8) * energy / most if most else 0.8
    end = top + _EDGE - (0.0 if node.above else 1.4 * _LINE)
    axes.plot([middle, middle], [top, end], color=SKY, linewidth=width, solid_capstyle="butt", zorder=1)
    down = [f"↓ {number(seam.import_mwh)} MWh", f"   {number(seam.carbon_tco2)} tCO₂"]
    up = [f"↑ {number(seam.money)} {currency}"]
    if seam.export_mwh >= _LEAST_MWH:
        up.append(f"↑ {number(seam.export_mwh)} MWh")
    if node.above:
        down.append(f"↓ {_messages(seam.signals)}")
        up.append(f"↑ {_messages(seam.answers)}")
    else:
        axes.text(middle, top + _EDGE - 0.03, "outside", ha="center", va="top", fontsize=6.5, color=GREY)
    for side, lines, align in ((-1, down, "right"), (1, up, "left")):
        axes.text(
            middle + side * (0.06 + width / 144),
            (top + end) / 2,
            "\n".join(lines),
            ha=align,
            va="center",
            fontsize=6.5,
            linespacing=1.25,
            zorder=3,
        )
