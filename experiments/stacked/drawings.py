"""Which figures a run of several grids gets: the seams, then those of each grid."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pandas as pd

from gridarium.experiments.evidence.grid_evidence import tables_of_grid
from gridarium.experiments.models import drawings_of
from gridarium.experiments.records import Drawing
from gridarium.experiments.results import Result
from gridarium.experiments.stacked.figures import heads_figure


def drawings(result: Result) -> Iterator[Drawing]:
    """Yield every figure that the tables of a run allow, one after the other."""
    heads = result.tables.get("heads", pd.DataFrame({"case": []}))
    caption = (
        "What passes the heads of the grids: exchange of one grid as planned (dashed) and metered, the price "
        "told, and the carbon factor as told (dashed) and metered."
    )
    for case in heads["case"].unique():
        figure = heads_figure(heads[heads["case"] == case], result.currency_code)
        yield Drawing("heads" if len(result.summary) == 1 else f"heads-{case}", caption, figure)
    for grid, section in result.scenario.get("grids", {}).items():
        part = _of_grid(result, grid)
        for drawing in drawings_of(part, section):
            yield Drawing(f"{grid}-{drawing.name}", f"{grid}. {drawing.caption}", drawing.figure)


def _of_grid(result: Result, grid: str) -> Result:
    """What a run left of one grid."""
    start = f"{grid}."
    summary = {
        case: {name.removeprefix(start): value for name, value in metrics.items() if name.startswith(start)}
        for case, metrics in result.summary.items()
    }
    shared = {key: value for key, value in result.scenario.items() if key not in ("grids", "cases")}
    scenario = shared | result.scenario["grids"][grid]
    scenario["currency"] = result.scenario["currency"]
    tables = tables_of_grid(result.tables, grid)
    return replace(result, summary=summary, scenario=scenario, tables=tables)
