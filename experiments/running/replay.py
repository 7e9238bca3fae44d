"""A grid of a finished stacked run, alone on what the run has recorded at its seams, against the stack."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gridarium.agents.letters import Letter
from gridarium.agents.recorded_neighbours import OperatorRecord, RecordedOperator, RecordedSupplier
from gridarium.environment.arrays import Array, series
from gridarium.environment.collector import rare_collections
from gridarium.environment.errors import Fault
from gridarium.environment.grids import Grid
from gridarium.environment.horizon import Horizon
from gridarium.experiments.checking.grid_tree import entries_of
from gridarium.experiments.evidence.grid_evidence import ledger_of_grid, tables_of_grid
from gridarium.experiments.evidence.metrics import METRICS
from gridarium.experiments.evidence.tables import collect
from gridarium.experiments.names.message_types import message_types
from gridarium.experiments.parts.ties import TIES
from gridarium.experiments.reading.plain_yaml import dump_yaml
from gridarium.experiments.reading.scenario_files import anchored
from gridarium.experiments.results.result import Result, RunFolderError
from gridarium.experiments.running.world_build import Alone, StandIn, build
from gridarium.experiments.scenario import load_scenario
from gridarium.experiments.schema.scenario import Scenario
from gridarium.market.message_text import message_of

SAME = 1e-6
"""By how much a quantity may differ, relative to it or to 1 of its unit."""
_OF_ALL_GRIDS = "central_bounds"
"""Table of a stack that no grid alone has."""
_SERVICES = ("wear", "energy", "call")


def replay(run: Result, grid: str, case: str | None = None) -> pd.DataFrame:
    """Run one grid of a stacked run alone, and hold it against the stack.

    Above it stands who says what its supplier has said, and when; below it those who answer and take what
    the grids there have answered and taken. Everything on the grid itself decides anew.

    Parameters
    ----------
    run : Result
        With a table `letters`.
    grid : str
    case : str, optional
        The first of the run by default.

    Returns
    -------
    DataFrame
        A row for each metric of the grid and each sum of payments that one of its accounts has made. Columns
        quantity, stacked, alone, difference (relative to the larger of the stacked amount and 1 of the unit).

    Raises
    ------
    RunFolderError
        If the run has no such case or grid, or no letters.
    GridariumError
        If the grid cannot be run.
    """
    known = case or next(iter(run.summary))
    if known not in run.summary:
        _refuse(run, "case", known, f"must be one of {', '.join(run.summary)}")
    scenario = _scenario(run, known)
    names = list(entries_of(scenario))
    if grid not in names or len(names) < 2:
        _refuse(run, "grid", grid, f"must be one of {', '.join(names)}, and not the only one")
    if "letters" not in run.tables:
        _refuse(run, "tables", "no letters", "must hold the table letters, which stacked runs leave")
    stacked = {
        name: table[table["case"] == known] for name, table in run.tables.items() if name != _OF_ALL_GRIDS
    }
    alone = Alone(grid, _stand_ins(scenario, grid, stacked))
    built = build(_without_yardstick(scenario), alone)
    with rare_collections():
        while built.world.running:
            built.world.step()
    found = collect(known, built.world, built.sections)
    return _differences(*(_quantities(tables, grid, scenario.period_h) for tables in (stacked, found)))


def _refuse(run: Result, place: str, value: object, allowed: str) -> None:
    raise RunFolderError(str(run.path or "run"), [Fault(place, value, allowed)])


def _scenario(run: Result, case: str) -> Scenario:
    """The case of a run, with every default as it was then."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "scenario.yaml"
        own = anchored(run.scenario, Path.cwd() if run.path is None else run.path.absolute())
        file.write_text(dump_yaml(own), encoding="utf-8")
        return load_scenario(file).cases[case]


def _without_yardstick(scenario: Scenario) -> Scenario:
    """The case without the bound of its central optimum, which takes all grids."""
    entries = dict(entries_of(scenario))
    for name, entry in entries.items():
        ties = TIES.of(entry.scenario)
        if ties is not None:
            off = {TIES.field: ties.model_copy(update={"central_bound": False})}
            entries[name] = replace(entry, scenario=entry.scenario.model_copy(update=off))
    return scenario.model_copy(update={"grids": entries})


def _stand_ins(scenario: Scenario, grid: str, tables: Mapping[str, pd.DataFrame]) -> dict[str, StandIn]:
    entries, found = entries_of(scenario), dict[str, StandIn]()
    above = entries[grid].place.under
    if above is not None:
        head = _of_grid(tables["heads"], grid)
        metered = head["factor_metered_tco2_per_mwh"].to_numpy(dtype=float)
        told = head["factor_told_tco2_per_mwh"].to_numpy(dtype=float)
        factor = series(np.where(np.isnan(metered), told, metered))
        customer = f"{grid}/{head['agent'].iloc[0]}"
        found[above] = StandIn(partial(_put_supplier, customer, _letters(tables, grid)), factor)
    for name, entry in entries.items():
        if entry.place.under == grid:
            found[name] = StandIn(partial(_put_operator, _record(tables, name)))
    return found


def _put_supplier(
    customer: str, letters: list[Letter], grid: Grid, horizon: Horizon, name: str, supplier: str
) -> None:
    RecordedSupplier(grid.head, name, customer, letters)


def _put_operator(record: OperatorRecord, grid: Grid, horizon: Horizon, name: str, supplier: str) -> None:
    RecordedOperator(grid.head, name, supplier, record, horizon)


def _record(tables: Mapping[str, pd.DataFrame], grid: str) -> OperatorRecord:
    head = _of_grid(tables["heads"], grid)
    relayed = _of_grid(tables["relayed_services"], grid) if "relayed_services" in tables else pd.DataFrame()
    billed: dict[str, Array] = {}
    if len(relayed):
        billed = {one: relayed[f"{one}_money"].to_numpy(dtype=float) for one in _SERVICES}
    factor = np.nan_to_num(head["factor_metered_tco2_per_mwh"].to_numpy(dtype=float))
    metered = head["p_metered_mw"].to_numpy(dtype=float)
    return OperatorRecord(_letters(tables, grid), metered, factor, billed)


def _letters(tables: Mapping[str, pd.DataFrame], grid: str) -> list[Letter]:
    kinds, told = message_types(), _of_grid(tables["letters"], grid)
    columns = (told[name].tolist() for name in ("question", "is_answer", "sent_s", "topic", "content"))
    return [
        Letter(int(number), bool(is_answer), float(sent_s), message_of(kinds[topic], content))
        for number, is_answer, sent_s, topic, content in zip(*columns, strict=True)
    ]


def _of_grid(table: pd.DataFrame, grid: str) -> pd.DataFrame:
    return table[table["grid"] == grid]


def _quantities(tables: Mapping[str, pd.DataFrame], grid: str, period_h: float) -> dict[str, float]:
    """Metrics of a grid, and what its accounts have paid, by account, counterparty and purpose."""
    own = tables_of_grid(tables, grid)
    metrics: list[Callable[[Any, float], Any]] = list(METRICS)
    found = {name: float(value) for metric in metrics for name, value in metric(own, period_h)}
    paid = ledger_of_grid(tables["ledger"], grid)
    named = paid["account"] + " / " + paid["counterparty"] + ": " + paid["purpose"]
    sums = paid["amount_money"].groupby(named).sum()
    return found | {str(name): float(money) for name, money in sums.items()}


def _differences(stacked: Mapping[str, float], alone: Mapping[str, float]) -> pd.DataFrame:
    """Both side by side; what only one of them has differs by all of it."""
    names = list(dict.fromkeys([*stacked, *alone]))
    first = np.array([stacked.get(name, 0.0) for name in names])
    second = np.array([alone.get(name, 0.0) for name in names])
    both = np.isnan(first) & np.isnan(second)
    apart = np.where(both, 0.0, np.abs(first - second) / np.maximum(np.abs(first), 1.0))
    return pd.DataFrame({"quantity": names, "stacked": first, "alone": second, "difference": apart})
