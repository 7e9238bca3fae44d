"""Tables of a finished case, collected from its agents, grids and world; `docs/tables.md` lists them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

import pandas as pd
from numpy.typing import ArrayLike

from gridarium.agents.base import GridAgent
from gridarium.agents.rows import Rows
from gridarium.environment.grids import Grid
from gridarium.environment.world import World
from gridarium.experiments.evidence.grid_evidence import GridEvidence, agents_of, ledger_of_grid
from gridarium.experiments.evidence.guarded import STRICT, Steps
from gridarium.experiments.evidence.prosumers.pool import pool_table, prosumers_table
from gridarium.experiments.evidence.region.region_accounts import region_accounts_table
from gridarium.experiments.evidence.storage.coalition_games import sub_pools_table
from gridarium.experiments.evidence.storage.equal_schedules import equal_schedules_table
from gridarium.experiments.evidence.transmission.exchange_gaps import exchange_gaps_table
from gridarium.experiments.evidence.transmission.ties_gaps import game_gaps_table
from gridarium.experiments.evidence.vpp.vpp_tables import vpp_lcr_table, vpp_region_days_table
from gridarium.experiments.evidence.world.central_bound import central_bounds_table
from gridarium.experiments.evidence.world.grid_accounts import grid_accounts_table
from gridarium.experiments.evidence.world.grid_tables import branch_table, bus_table, grid_rows
from gridarium.experiments.evidence.world.perfect_information import benchmark_table
from gridarium.experiments.evidence.world.responsibilities import responsibilities_table
from gridarium.experiments.evidence.world.row_tables import Part, part_of, table_of
from gridarium.experiments.parts.part import GridScenario

_COUNTERPARTY = "counterparty"


def collect(
    case: str, world: World, sections: Mapping[str, GridScenario], steps: Steps = STRICT
) -> dict[str, pd.DataFrame]:
    """All tables of a case that have rows, and its ledger.

    Parameters
    ----------
    case : str
    world : World
        After its last period.
    sections : mapping of str to GridScenario
        The section of the scenario for each grid, by its name.
    steps : Steps, optional
        Takes what each agent tells, and one table after the other that nobody tells.
    """
    ledger = world.ledger.table()
    found: dict[str, list[pd.DataFrame]] = {}
    for grid in world.grids:
        own = _told(grid, ledger_of_grid(ledger, grid.name), steps)
        known = GridEvidence(case, sections[grid.name], grid, agents_of(grid), own)
        for name, table in {**own, **_beside(known, steps)}.items():
            if len(table):
                found.setdefault(name, []).append(table)
    tables = {name: pd.concat(parts, ignore_index=True) for name, parts in found.items()}
    tables |= steps.all_of(
        "table central_bounds",
        lambda: [("central_bounds", central_bounds_table(world, sections, tables))],
    )
    tables["messages"] = world.bus.log()
    tables["intrusions"] = world.bus.intrusions()
    tables["traffic"] = pd.DataFrame({"messages": [world.bus.sent], "delivery_s": [world.delivery_s]})
    tables["ledger"], tables["records"] = ledger, world.records.table()
    # A ledger in which nothing was booked is a result as well.
    kept = {name: table for name, table in tables.items() if len(table) or name == "ledger"}
    return {name: _of_case(case, table) for name, table in kept.items()}


_BESIDE: dict[str, Callable[[GridEvidence], pd.DataFrame]] = {
    "prosumers": prosumers_table,
    "pool": pool_table,
    "benchmarks": benchmark_table,
    "equal_schedules": equal_schedules_table,
    "region_accounts": region_accounts_table,
    "responsibilities": responsibilities_table,
    "game_gaps": game_gaps_table,
    "exchange_gaps": exchange_gaps_table,
    "sub_pools": sub_pools_table,
    "vpp_region_days": vpp_region_days_table,
    "vpp_lcr": vpp_lcr_table,
    "grid_accounts": grid_accounts_table,
}
"""What nobody tells, but follows from what everybody knows."""


def _beside(known: GridEvidence, steps: Steps) -> dict[str, pd.DataFrame]:
    return {
        name: table
        for name, make in _BESIDE.items()
        for table in steps.all_of(f"table {name}", lambda make=make: [make(known)])  # type: ignore[misc]
    }


def _of_case(case: str, table: pd.DataFrame) -> pd.DataFrame:
    table.insert(0, "case", case)
    return table


def _told(grid: Grid, ledger: pd.DataFrame, steps: Steps) -> dict[str, pd.DataFrame]:
    """What a grid, its agents and its part of the ledger tell."""
    agents, parts = agents_of(grid), dict[str, list[Part]]()
    beside: dict[str, dict[str, ArrayLike]] = {"bus": {}, "branch": {}}
    for name, kind, rows in _all_rows(grid, agents, ledger, steps):
        if rows.by in ("bus", "branch"):
            beside[rows.by] |= rows.values
            continue
        first = {"grid": grid.name, "agent": rows.agent or name, "kind": rows.kind or kind}
        part = part_of(grid.world, first, rows)
        if part.length:
            parts.setdefault(rows.table, []).append(part)
    tables = {name: table_of(some) for name, some in parts.items()}
    tables["buses"] = bus_table(grid, beside["bus"])
    if grid.feeder.n_bus > 1:
        tables["branches"] = branch_table(grid, beside["branch"])
    return tables


def _all_rows(
    grid: Grid, agents: Iterable[GridAgent], ledger: pd.DataFrame, steps: Steps
) -> Iterator[tuple[str, str, Rows]]:
    """Everything that is told of a grid, and by whom."""
    for rows in grid_rows(grid):
        yield "", "", rows
    for agent in agents:
        for rows in steps.all_of(f"what {agent.name} tells", agent.rows):
            yield grid.local(agent.name), agent.kind, rows
    kinds = {grid.local(agent.name): agent.kind for agent in agents}
    paid = ledger.groupby(["account", "purpose"], sort=True)["amount_money"].sum()
    for account, amounts in paid.groupby(level="account", sort=True):
        items = [str(item) for item in amounts.index.get_level_values("purpose")]
        values: dict[str, ArrayLike] = {"item": items, "amount_money": amounts.to_numpy()}
        yield str(account), kinds.get(str(account), _COUNTERPARTY), Rows("payoffs", values, by="row")
