"""Every figure of a run: what each component draws of itself, grid by grid."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from gridarium.experiments.figures.carbon_game import carbon_game_drawings
from gridarium.experiments.figures.dispatch import dispatch_drawings
from gridarium.experiments.figures.edge import edge_drawings
from gridarium.experiments.figures.grid_result import GridResult, grid_results
from gridarium.experiments.figures.heads import head_drawings
from gridarium.experiments.figures.loads import load_drawings
from gridarium.experiments.figures.network_map import network_drawings
from gridarium.experiments.figures.pool import ladder_drawings, pool_drawings, profit_drawings
from gridarium.experiments.figures.rounds import round_drawings
from gridarium.experiments.figures.signals import signal_drawings
from gridarium.experiments.figures.storage_pool import storage_pool_drawings
from gridarium.experiments.figures.storages import storage_drawings
from gridarium.experiments.figures.sweep import sweep_drawings
from gridarium.experiments.figures.system import capture_drawings, cost_drawings, deviation_drawings
from gridarium.experiments.figures.timeline import timeline_drawings
from gridarium.experiments.figures.vpp import vpp_drawings
from gridarium.experiments.figures.world_map import world_drawings
from gridarium.experiments.results.records import Drawing
from gridarium.experiments.results.result import Result

OF_RUN: tuple[Callable[[Result], Iterator[Drawing]], ...] = (
    world_drawings,
    timeline_drawings,
    sweep_drawings,
    head_drawings,
)
"""Figures of a run as a whole."""

DRAWINGS: tuple[Callable[[GridResult], Iterator[Drawing]], ...] = (
    cost_drawings,
    signal_drawings,
    load_drawings,
    dispatch_drawings,
    storage_drawings,
    capture_drawings,
    deviation_drawings,
    round_drawings,
    carbon_game_drawings,
    network_drawings,
    pool_drawings,
    ladder_drawings,
    profit_drawings,
    storage_pool_drawings,
    vpp_drawings,
    edge_drawings,
)
"""Figures of a grid; each yields nothing where the tables of its component are missing."""


Sketch = Callable[[], Iterator[Drawing]]
"""Draws one figure or several, or none where the tables of a run do not allow it."""


def sketches(result: Result) -> list[Sketch]:
    """Return what draws the figures of a run, in their order; each may draw without the others."""
    of_run: list[Sketch] = [partial(draw, result) for draw in OF_RUN]
    grids = list(grid_results(result))
    return of_run + [partial(_of_grid, draw, grid) for grid in grids for draw in DRAWINGS]


def _of_grid(draw: Callable[[GridResult], Iterator[Drawing]], grid: GridResult) -> Iterator[Drawing]:
    return map(grid.named, draw(grid))


def drawings(result: Result) -> Iterator[Drawing]:
    """Yield every figure that the tables of a run allow, one after the other."""
    for sketch in sketches(result):
        yield from sketch()
