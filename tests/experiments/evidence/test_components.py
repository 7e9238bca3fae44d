"""Metrics and certificates follow what stands in a world: what is absent yields none."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from gridarium.agents.base import GridAgent
from gridarium.environment.clock import Clock
from gridarium.environment.grids import Grid
from gridarium.environment.network import Feeder
from gridarium.environment.world import World
from gridarium.experiments.evidence.certificates import certify
from gridarium.experiments.evidence.grid_evidence import tables_of_grid
from gridarium.experiments.evidence.metrics import METRICS, summarise
from gridarium.experiments.evidence.tables import collect
from gridarium.experiments.parts.house import grid_schema
from gridarium.experiments.results.records import Certificate


class Town(GridAgent):
    """Draws 2 MW, and pays somebody for it."""

    kind = "town"

    def operate(self, period: int) -> None:
        self.grid.head.draw(self.name, 2.0)

    def settle(self, period: int) -> None:
        self.world.ledger.book(self.world.clock.now_s, self.name, "mint", 5.0, "coins", period)


@pytest.fixture
def world() -> World:
    grids = [Grid(Feeder.copper_plate(), np.full(3, 0.5), name=name) for name in ("north", "south")]
    made = World(grids, Clock(pd.Timestamp("2026-01-15", tz="UTC"), 900.0), 3, 0.0)
    for grid in grids:
        Town(grid.head, "town")
    while made.running:
        made.step()
    return made


def certified(world: World, tables: dict[str, pd.DataFrame] | None = None) -> dict[str, Certificate]:
    sections = dict.fromkeys(("north", "south"), grid_schema()())
    tables = tables or collect("only", world, sections)
    return {one.name: one for one in certify("only", world, sections, tables, "EUR")}


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.__name__)
def test_a_metric_of_what_is_absent_is_none(metric: Callable[..., object]) -> None:
    assert list(metric({}, 0.25)) == []  # type: ignore[call-overload]


def test_a_world_of_strangers_has_only_what_everybody_has(world: World) -> None:
    tables = collect("only", world, dict.fromkeys(("north", "south"), grid_schema()()))
    assert set(tables) == {"dispatch", "buses", "payoffs", "traffic", "ledger"}
    assert summarise(tables, ["north", "south"], 0.25) == {"messages": 0.0}
    balances = (
        "energy balance",
        "carbon flow",
        "money balance",
        "money each minute",
        "payments in time",
    )
    expected = {f"{grid}: {name}" for grid in ("north", "south") for name in balances}
    found = certified(world)
    assert set(found) == expected | {"ledger chain", "carbon of the tree"}
    # Nobody tells the table of dispatch what the towns draw: the balance says so.
    failed = {name for name, one in found.items() if not one.passed}
    assert failed == {"north: energy balance", "south: energy balance"}
    assert found["north: energy balance"].value == pytest.approx(2.0)


def test_a_grid_has_its_own_part_of_every_table(world: World) -> None:
    tables = collect("only", world, dict.fromkeys(("north", "south"), grid_schema()()))
    own = tables_of_grid(tables, "north")
    assert {name: len(rows) for name, rows in own.items()} == {
        "dispatch": 3, "buses": 3, "payoffs": 2, "ledger": 6,
    }  # fmt: skip
    assert set(own["ledger"]["account"]) == {"town", "mint"}
    payoffs = own["payoffs"].set_index("agent")
    assert payoffs["kind"].to_dict() == {"mint": "counterparty", "town": "town"}
    assert payoffs["amount_money"].to_dict() == {"mint": 15.0, "town": -15.0}


def test_money_that_comes_from_nowhere_and_an_altered_entry_are_found(world: World) -> None:
    tables = collect("only", world, dict.fromkeys(("north", "south"), grid_schema()()))
    ledger = tables["ledger"].copy()
    ledger.loc[0, "amount_money"] -= 1.0
    found = certified(world, {**tables, "ledger": ledger})
    assert not found["north: money balance"].passed
    assert found["south: money balance"].passed
    assert found["ledger chain"].value == 1.0
    assert certified(world, tables)["ledger chain"].passed
    world.ledger._amounts[0] = 4.0
    assert not certified(world, tables)["ledger chain"].passed
