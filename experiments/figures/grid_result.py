"""What a run left of each of its grids, for whoever draws it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pandas as pd

from gridarium.experiments.evidence.grid_evidence import tables_of_grid
from gridarium.experiments.reading.plain_yaml import Tree
from gridarium.experiments.reading.scenario_files import merge, without_cases
from gridarium.experiments.results.records import Drawing
from gridarium.experiments.results.result import Result


@dataclass(frozen=True)
class GridResult:
    """What a run left of one grid.

    Parameters
    ----------
    name : str
        Of the grid, "" for one that is alone.
    tables : mapping of str to DataFrame
        Its tables of all cases, without those that have no rows.
    summary : mapping
        Its metrics by case, as they are called where it is alone.
    sections : mapping
        Its resolved section of the scenario by case.
    currency : str
        Code of the currency of all its money.
    period_h : float
        Length of a period of its tables, h.
    """

    name: str
    tables: Mapping[str, pd.DataFrame]
    summary: Mapping[str, Mapping[str, float]]
    sections: Mapping[str, Tree]
    currency: str
    period_h: float

    def rows(self, table: str, *kinds: str) -> pd.DataFrame | None:
        """Rows of a table, of agents of some kinds or of all; None where there are none."""
        found = self.tables.get(table)
        if found is not None and kinds:
            found = found[found["kind"].isin(kinds)]
        return None if found is None or found.empty else found

    def named(self, drawing: Drawing) -> Drawing:
        """Return a figure under the name of the grid, if it has one."""
        if not self.name:
            return drawing
        return Drawing(f"{self.name}-{drawing.name}", f"{self.name}. {drawing.caption}", drawing.figure)


def grid_results(result: Result) -> Iterator[GridResult]:
    """Yield what a run left of each grid."""
    base = without_cases(result.scenario)
    own = result.scenario.get("cases", {})
    trees = {case: merge(base, own.get(case, {})) for case in result.summary}
    # A scenario of one grid has its sections at the top.
    grids = {case: tree.get("grids", {"": tree}) for case, tree in trees.items()}
    for name in dict.fromkeys(name for sections in grids.values() for name in sections):
        tables = tables_of_grid(result.tables, name) if name else result.tables
        yield GridResult(
            name,
            {table: rows for table, rows in tables.items() if not rows.empty},
            {case: _of_grid(metrics, name) for case, metrics in result.summary.items()},
            {case: sections[name] for case, sections in grids.items() if name in sections},
            result.currency_code,
            float(base["period_h"]),
        )


def _of_grid(metrics: Mapping[str, float], grid: str) -> Mapping[str, float]:
    if not grid:
        return metrics
    start = f"{grid}."
    return {name.removeprefix(start): value for name, value in metrics.items() if name.startswith(start)}
