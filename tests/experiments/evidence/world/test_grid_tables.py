"""Buses and branches of a feeder of two buses, by hand: loads, charging and their AC flow in closed form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
import pytest
from numpy.typing import ArrayLike

from gridarium.agents.base import GridAgent
from gridarium.agents.rows import Rows
from gridarium.environment.clock import Clock
from gridarium.environment.grids import Grid, Site
from gridarium.environment.network import Feeder
from gridarium.environment.world import World
from gridarium.experiments.evidence.tables import collect
from gridarium.experiments.parts.house import grid_schema

START = pd.Timestamp("2026-01-15", tz="UTC")
LOAD_MW, CHARGE_MW = (3.0, 2.0), (1.0, 0.0)


class Load(GridAgent):
    """Draws what it is given."""

    kind = "load"

    def operate(self, period: int) -> None:
        Site(self.grid, 1).draw(self.name, LOAD_MW[period])


class Battery(GridAgent):
    """Charges, and tells what it has."""

    kind = "battery"

    def operate(self, period: int) -> None:
        Site(self.grid, 1).charge(self.name, CHARGE_MW[period])

    def rows(self) -> Iterator[Rows]:
        full: Mapping[str, ArrayLike] = {"e_mwh": np.cumsum(CHARGE_MW), "maker": "home made"}
        yield Rows("storages", full)
        yield Rows("buses", {"wear": np.array([[0.0, 0.0], [7.0, 8.0]])}, by="bus")
        yield Rows("cells", {"cell": ["a", "b", "c"], "e_mwh": 0.1}, by="row")


@pytest.fixture(scope="module")
def feeder() -> Feeder:
    return Feeder(
        name="one line",
        base_mva=10.0,
        bus_labels=("head", "far"),
        base_kv=np.full(2, 10.0),
        parent=np.array([0]),
        branch_labels=("line",),
        r_pu=np.array([0.05]),
        x_pu=np.array([0.08]),
        ratio=np.ones(1),
        shift_degree=np.zeros(1),
        g_bus_pu=np.zeros(2),
        b_bus_pu=np.zeros(2),
        i_max_pu=np.array([1.0]),
        p_load_mw=np.array([0.0, 1.0]),
        q_load_mvar=np.zeros(2),
        slack_vm_pu=1.02,
        x=np.arange(2.0),
        y=np.zeros(2),
    )


@pytest.fixture(scope="module")
def tables(feeder: Feeder) -> Mapping[str, pd.DataFrame]:
    world = World(Grid(feeder, np.full(2, 0.5)), Clock(START, 3600.0), 2, 0.0)
    Load(world.grid.head, "homes")
    Battery(world.grid.head, "battery")
    while world.running:
        world.step()
    return collect("only", world, {"": grid_schema()()})


def test_load_and_charging_are_two_columns_of_a_bus(tables: Mapping[str, pd.DataFrame]) -> None:
    buses = tables["buses"].set_index(["bus", "period"]).sort_index()
    assert buses.loc["far", "p_load_mw"].tolist() == [*LOAD_MW]
    assert buses.loc["far", "p_charge_mw"].tolist() == [*CHARGE_MW]
    assert buses.loc["far", "p_below_mw"].tolist() == [0.0, 0.0]
    assert buses.loc["far", "wear"].tolist() == [7.0, 8.0]
    assert not buses.loc["head", ["p_load_mw", "p_charge_mw"]].to_numpy().any()


def test_the_ac_flow_carries_load_and_charging(tables: Mapping[str, pd.DataFrame], feeder: Feeder) -> None:
    buses, branches = tables["buses"], tables["branches"]
    drawn = np.array(LOAD_MW) + np.array(CHARGE_MW)
    assert branches["p_to_mw"].tolist() == pytest.approx(drawn.tolist(), abs=1e-9)
    # One line with a load of P at its end: V is the greater root of V^4 + (2 r P - U^2) V^2 + |z|^2 P^2 = 0.
    r, x, p = feeder.r_pu[0], feeder.x_pu[0], drawn / feeder.base_mva
    half = feeder.slack_vm_pu**2 / 2.0 - r * p
    expected = np.sqrt(half + np.sqrt(half**2 - (r**2 + x**2) * p**2))
    at_end = buses[buses["bus"] == branches["to_bus"].iloc[0]]
    assert at_end["vm_pu"].tolist() == pytest.approx(expected.tolist(), abs=1e-9)
    lost = r * (p / expected) ** 2 * feeder.base_mva
    assert branches["p_from_mw"].tolist() == pytest.approx((drawn + lost).tolist(), abs=1e-9)
    head = tables["dispatch"].query("kind == 'head'")
    assert head["p_supply_mw"].tolist() == pytest.approx((drawn + lost).tolist(), abs=1e-9)


def test_an_agent_may_tell_columns_and_tables_of_its_own(tables: Mapping[str, pd.DataFrame]) -> None:
    storages, cells = tables["storages"], tables["cells"]
    assert storages["maker"].tolist() == ["home made"] * 2
    assert storages[["agent", "kind"]].drop_duplicates().to_numpy().tolist() == [["battery", "battery"]]
    assert list(cells.columns) == ["case", "grid", "agent", "kind", "cell", "e_mwh"]
    assert cells["cell"].tolist() == ["a", "b", "c"]
