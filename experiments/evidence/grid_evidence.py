"""What is known of one grid of a finished case, for whoever measures or judges it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import pandas as pd

from gridarium.agents.base import GridAgent
from gridarium.agents.following import HeadCustomer
from gridarium.environment.arrays import Array
from gridarium.environment.commons import Commons
from gridarium.environment.grids import Grid
from gridarium.environment.horizon import Horizon
from gridarium.experiments.names.formatting import is_money
from gridarium.experiments.parts.part import GridScenario
from gridarium.experiments.reading.profiles import profiles_of

Tables = Mapping[str, pd.DataFrame]
AgentT = TypeVar("AgentT", bound=GridAgent)

OF_WORLD = ("messages", "intrusions", "traffic", "ledger", "records")
"""Tables that are not told by grids or their agents."""


@dataclass(frozen=True)
class GridEvidence:
    """One grid after its last period.

    Parameters
    ----------
    case : str
    scenario : GridScenario
        The grid's section of the scenario: private data of everybody as the scenario states them.
    grid : Grid
    agents : tuple of GridAgent
        Who stands on it.
    tables : mapping of str to DataFrame
        Its tables, names relative to it; see `tables_of_grid`.
    above : GridEvidence, optional
        What is known of the grid that it hangs on.
    """

    case: str
    scenario: GridScenario
    grid: Grid
    agents: tuple[GridAgent, ...]
    tables: Tables
    above: GridEvidence | None = None

    @property
    def world(self) -> Commons:
        """The world that the grid is part of."""
        return self.grid.world

    def of(self, kind: type[AgentT]) -> tuple[AgentT, ...]:
        """Agents of a class and its subclasses."""
        return tuple(agent for agent in self.agents if isinstance(agent, kind))

    @property
    def head_customers(self) -> tuple[HeadCustomer, ...]:
        """Who operates the grid and pays for what passes its head."""
        return tuple(agent for agent in self.agents if isinstance(agent, HeadCustomer))


def column_of(known: GridEvidence, name: str, horizon: Horizon) -> Array:
    """A profile column in steps of all days, cut off or repeated, shape (n_day * n_step,).

    Money is in the currency of the world.
    """
    rate = known.scenario.money_rate if is_money(name) else 1.0
    return rate * np.resize(profiles_of(known.scenario).column(name), horizon.n_day * horizon.n_step)


def agents_of(grid: Grid) -> tuple[GridAgent, ...]:
    """Everybody who stands on a grid, in the order in which they came."""
    return tuple(agent for agent in grid.world.agents if isinstance(agent, GridAgent) and agent.grid is grid)


def evidence_of(case: str, grid: Grid, sections: Mapping[str, GridScenario], tables: Tables) -> GridEvidence:
    """What is known of one grid, from the sections and the tables of all."""
    above = None if grid.above is None else evidence_of(case, grid.above.grid, sections, tables)
    own = tables_of_grid(tables, grid.name)
    return GridEvidence(case, sections[grid.name], grid, agents_of(grid), own, above)


def tables_of_grid(tables: Tables, grid: str) -> dict[str, pd.DataFrame]:
    """The tables of one grid, as if it were alone; those that hold nothing of it are left out.

    Its part of the ledger is every payment to or by one of its accounts, its part of the records are those of
    its agents. A grid without a name is alone.
    """
    if not grid:
        return {
            name: table for name, table in tables.items() if name not in ("messages", "intrusions", "traffic")
        }
    own: dict[str, pd.DataFrame] = {}
    for name, table in tables.items():
        if name not in OF_WORLD:
            mine = table[table["grid"] == grid]
            if len(mine):
                own[name] = mine
    if "ledger" in tables:
        own["ledger"] = ledger_of_grid(tables["ledger"], grid)
    if "records" in tables and len(mine := _records_of_grid(tables["records"], grid)):
        own["records"] = mine
    return own


def _records_of_grid(records: pd.DataFrame, grid: str) -> pd.DataFrame:
    """Records of owners who stand on a grid, names as within it."""
    scope = f"{grid}/"
    mine = records[records["owner"].str.startswith(scope)]
    return mine.assign(**{side: mine[side].str.removeprefix(scope) for side in ("writer", "owner")})


def ledger_of_grid(ledger: pd.DataFrame, grid: str) -> pd.DataFrame:
    """Payments to or by the accounts of a grid, these named as within it."""
    if not grid:
        return ledger
    scope, sides = f"{grid}/", ("account", "counterparty")
    # Accounts are few, payments many.
    names = {name for side in sides for name in ledger[side].unique()}
    within = {name: name.removeprefix(scope) for name in names}
    own = {name for name in names if name.startswith(scope)}
    mine = ledger[ledger["account"].isin(own) | ledger["counterparty"].isin(own)]
    return mine.assign(**{side: mine[side].map(within) for side in sides})


def by_period(table: pd.DataFrame, column: str, n_period: int) -> Array:
    """Sum of a column in each period, shape (n_period,); 0 where it has no rows."""
    sums = table.groupby("period")[column].sum().reindex(range(n_period), fill_value=0.0)
    return sums.to_numpy(dtype=float)


def has_prices_by_bus(tables: Tables) -> bool:
    """Whether a grid's operator has posted a price for each bus; of several grids some may have."""
    buses = tables.get("buses")
    name = "price_posted_per_mwh"
    return buses is not None and name in buses and bool(buses[name].notna().any())


def rows_of(tables: Tables, name: str, *kinds: str) -> pd.DataFrame:
    """The rows of a table that agents of some kinds have told; none where there is no such table."""
    table = tables.get(name)
    return pd.DataFrame(columns=["agent", "kind"]) if table is None else table[table["kind"].isin(kinds)]
