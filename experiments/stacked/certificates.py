"""Certificates of a case of several grids: those of each grid, and of every seam between two."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from gridarium.environment.arrays import Array
from gridarium.environment.grids import Grid, PeriodState
from gridarium.experiments.models import MODELS
from gridarium.experiments.records import Certificate, Reading
from gridarium.experiments.stacked.build import Built
from gridarium.experiments.stacked.metrics import Tables
from gridarium.experiments.stacked.tables import grid_tables, operator_of
from gridarium.market.accounts import EXPORT, PURCHASE, REAL_TIME

if TYPE_CHECKING:
    from gridarium.experiments.stacked.schema import StackedScenario

_HEAD_PURPOSES = (PURCHASE, EXPORT, REAL_TIME)


def tables_of_grid(tables: Tables, grid: str) -> dict[str, pd.DataFrame]:
    """What the tables of a case hold of one grid, as if it were alone; columns of others are empty."""
    own: dict[str, pd.DataFrame] = {}
    for name, table in tables.items():
        if "grid" in table.columns:
            own[name] = table[table["grid"] == grid].drop(columns="grid")
    scope, ledger = f"{grid}/", tables["ledger"]
    is_mine = ledger["account"].str.startswith(scope) | ledger["counterparty"].str.startswith(scope)
    sides = {side: ledger.loc[is_mine, side].str.removeprefix(scope) for side in ("account", "counterparty")}
    own["ledger"] = ledger[is_mine].assign(**sides)
    return own


def certify(case: str, scenario: StackedScenario, built: Built, tables: Tables) -> list[Certificate]:
    """All certificates of one case; those of a grid carry its name."""
    found: list[Certificate] = []
    for name, part in built.parts.items():
        own, alone = grid_tables(case, built, name), built.scenarios[name]
        found += [item.of_grid(name) for item in MODELS[alone.model].certify(case, alone, part, own)]
    measured = [*_carbon_of_tree(built), *_seams(built, tables)]
    return found + [item.certificate(case, scenario.currency_code) for item in measured]


def _carbon_of_tree(built: Built) -> Iterator[Reading]:
    """Carbon that sources put into all grids against what loads and losses carry away."""
    grids = built.world.grids
    put_in = sum(grid.copies * sum(float(s.source_t_per_h.sum()) for s in grid.states) for grid in grids)
    taken = sum(grid.copies * sum(_carried(grid, state) for state in grid.states) for grid in grids)
    exported = sum(
        grid.copies * max(0.0, -state.exchange_mw) * _bus_intensity(state, 0)
        for grid in grids
        if grid.above is None
        for state in grid.states
    )
    yield Reading(
        "carbon of the tree", abs(put_in - taken - exported) / max(abs(put_in), 1e-9), 1e-6, "", True,
        "carbon of the sources of all grids against intensity times what is drawn or lost at every bus, "
        "from the AC flows, relative to the sources",
    )  # fmt: skip


def _carried(grid: Grid, state: PeriodState) -> float:
    """Carbon of everything that is drawn at the buses of a grid, t/h; losses are carried by who receives."""
    return float(np.nan_to_num(state.intensity_tco2_per_mwh) @ (state.load_mw + _shunt_mw(grid, state)))


def _shunt_mw(grid: Grid, state: PeriodState) -> Array:
    """What shunt conductances draw at each bus, MW."""
    return np.asarray(state.flow.vm_pu[0] ** 2 * grid.feeder.g_bus_pu * grid.feeder.base_mva)


def _bus_intensity(state: PeriodState, bus: int) -> float:
    return float(np.nan_to_num(state.intensity_tco2_per_mwh[bus]))


def _seams(built: Built, tables: Tables) -> Iterator[Reading]:
    heads = tables["heads"]
    hours = built.world.period_h
    for name, part in built.parts.items():
        if operator_of(part) is None:
            continue
        head = heads[heads["grid"] == name]
        yield _money_at_head(built, name, head, tables["ledger"], hours)
        if part.grid.above is not None:
            yield _energy_at_seam(part, name)
            yield _carbon_at_seam(part, name, head)


def _energy_at_seam(part: Any, name: str) -> Reading:
    """What the branches and loads at a grid's head bus draw, times replicas, against what stands above."""
    grid, above = part.grid, part.grid.above
    others = [one for one in grid.world.grids if one.above and one.above.grid is above.grid]
    together = [one for one in others if one.above and one.above.bus == above.bus]
    gap = 0.0
    for period in range(grid.world.periods_done):
        drawn = sum(one.replicas * _drawn_from_head(one, period) for one in together)
        gap = max(gap, abs(drawn - float(above.grid.states[period].below_mw[above.bus])))
    return Reading(
        f"{name}: seam energy", gap, 1e-6, "MW", True,
        "largest difference between the power that enters the branches and loads at the head, times "
        "replicas, and the power drawn at the place above",
    )  # fmt: skip


def _drawn_from_head(grid: Grid, period: int) -> float:
    """What branches, loads and grids below take at the head bus beyond what agents feed in there, MW."""
    state = grid.states[period]
    branches = state.flow.p_from_mw[0][grid.feeder.parent == 0].sum()
    taken = state.load_mw[0] + state.below_mw[0] + _shunt_mw(grid, state)[0] - state.source_mw[0]
    return float(branches + taken)


def _carbon_at_seam(part: Any, name: str, head: pd.DataFrame) -> Reading:
    """Intensity on both sides of a head, which is a lossless branch."""
    grid, above = part.grid, part.grid.above
    below_side = np.array([_bus_intensity(state, 0) for state in grid.states])
    above_side = np.array([_bus_intensity(state, above.bus) for state in above.grid.states])
    taken = head["p_metered_mw"].to_numpy()
    sender = np.where(taken >= 0.0, above_side, below_side)
    gap = float(np.abs(head["carbon_t_per_h"].to_numpy() - sender * taken).max())
    scale = max(float(np.abs(head["carbon_t_per_h"]).max()), 1e-9)
    return Reading(
        f"{name}: seam carbon", gap / scale, 1e-9, "", True,
        "carbon that passes the head against its power times the nodal intensity of the sending side, "
        "relative to the largest flow",
    )  # fmt: skip


def _money_at_head(
    built: Built, name: str, head: pd.DataFrame, ledger: pd.DataFrame, hours: float
) -> Reading:
    """What the scope of a grid has paid its supplier, against the price told times the energy metered."""
    supplier = operator_of(built.parts[name]).supplier
    scope = f"{name}/"
    received = ledger[
        (ledger["account"] == supplier)
        & ledger["counterparty"].str.startswith(scope)
        & ledger["purpose"].isin(_HEAD_PURPOSES)
    ]
    paid = received.groupby("period")["amount_money"].sum().reindex(head["period"], fill_value=0.0).to_numpy()
    told = _told_by_supplier(built, name)
    taken = head["p_metered_mw"].to_numpy() * head["replicas"].to_numpy() * hours
    owed = np.where(taken >= 0.0, told[0], told[1]) * taken
    scale = max(float(np.abs(owed).max()), 1e-9)
    return Reading(
        f"{name}: head paid once", float(np.abs(paid.astype(float) - owed).max()) / scale, 1e-6, "", True,
        "largest difference in a period between what was paid to the supplier of the head and energy metered "
        "there times the price that the supplier told, replicas included, relative to the largest payment",
    )  # fmt: skip


def _told_by_supplier(built: Built, name: str) -> tuple[Array, Array]:
    """Price for energy taken and fed back in each settlement period, as the supplier keeps it."""
    grid = built.parts[name].grid
    if grid.above is None:
        return built.markets[name].told_per_mwh
    above = operator_of(built.parts[grid.above.grid.name])
    told = [signal.price_per_mwh for signal in above.told_below]
    price = np.concatenate([above.horizon.over_day(each) for each in told])
    return price, np.zeros_like(price)
