"""Metrics of a whole world against sums over its ledger and meters, replicas of all levels by hand."""

from __future__ import annotations

from typing import Any, NamedTuple

import pandas as pd
import pytest

from gridarium.experiments.commands.console import summary_tables
from gridarium.experiments.evidence.world.world_metrics import WORLD_METRICS
from gridarium.experiments.results.outcomes import trees_of
from gridarium.experiments.results.result import Result
from gridarium.experiments.running.runner import run
from gridarium.experiments.scenario import load_scenario
from gridarium.experiments.sweeps.bounded_price import EFFICIENCY_LOSS, with_efficiency_loss

OUTSIDE = ("upstream-market", "real-time-market", "fuel-suppliers", "maintenance")


class World(NamedTuple):
    """A finished world: how many of each grid there are, what money of its section is worth, its top."""

    result: Result
    copies: dict[str, int]
    rates: dict[str, float]
    top: str

    @property
    def found(self) -> dict[str, float]:
        (summary,) = self.result.summary.values()
        return summary

    @property
    def consumers(self) -> pd.DataFrame:
        """What consumers drew and would have drawn."""
        return self.result.table("loads").query("kind == 'consumer'")

    @property
    def regions(self) -> pd.DataFrame:
        """Accounts of regional systems at the top; none below it."""
        columns = ["agent", "response_money", "discomfort_money"]
        return self.result.tables.get("region_accounts", pd.DataFrame(columns=columns))[columns]

    def paid(self, *to: str) -> float:
        """What agents of all copies of their grids have paid to outsiders, by the ledger."""
        ledger = self.result.table("ledger")
        rows = ledger[ledger["account"].str.split("/").str[-1].isin(to)]
        copies = rows["counterparty"].str.split("/").str[0].map(self.copies)
        return float((copies * rows["amount_money"]).sum())


@pytest.fixture(scope="module")
def levels(tmp_path_factory: pytest.TempPathFactory, trees: Any, write_in: Any) -> World:
    """A town, three equal villages below it and two equal hamlets below each of these, in dollars."""
    tree = trees.two_feeders(currency="usd", exchange_rates={"cny": 0.125})
    tree["grids"]["hamlet"] = trees.village(under="village", at=2, replicas=2)
    for own in tree["grids"].values():
        own["currency"] = "cny"
    # Some of the sun is lost where nothing may be fed back.
    tree["grids"]["hamlet"]["renewables"] = {"pv": {"column": "pv_mw", "scale": 2.0}}
    tree["grids"]["hamlet"]["prices"]["export_limit_mw"] = 0.0
    tree["horizon_h"] = 14
    result = run(load_scenario(write_in(tmp_path_factory.mktemp("levels"), tree)))
    copies = {"town": 1, "village": 3, "hamlet": 6}
    return World(result, copies, dict.fromkeys(copies, 0.125), "town")


@pytest.fixture(scope="module")
def system() -> World:
    """A TIES with units and feeders with turbines, all of which trade with a carbon market."""
    settings = ("horizon_h=4", "grids.bulk.ties.rounds.tolerance=0.05")
    study = load_scenario("ties-feeders-small", settings)
    result = run(study, cases=["market"])
    copies = {name: int(own.get("replicas", 1)) for name, own in result.scenario["grids"].items()}
    return World(result, copies, {"r1": 1.0, "r2": 7.8}, "bulk")


@pytest.fixture(scope="module", params=["levels", "system"])
def world(request: pytest.FixtureRequest) -> World:
    found: World = request.getfixturevalue(request.param)
    return found


def test_emission_is_that_of_all_units_and_of_what_came_in_at_the_top(world: World) -> None:
    units, heads = world.result.table("units"), world.result.table("heads")
    net = units["emission_gross_tco2_per_h"] - units["absorbed_tco2_per_h"].fillna(0.0)
    own = (units["grid"].map(world.copies) * net).sum()
    came_in = heads.loc[heads["grid"] == world.top, "carbon_t_per_h"].clip(lower=0.0).sum()
    assert own + came_in > 1.0
    assert world.found["world_emission_tco2"] == pytest.approx(own + came_in, rel=1e-12)


def test_social_cost_is_what_outsiders_were_paid_and_what_shifting_was_worth(world: World) -> None:
    regions = world.regions
    used, carbon = world.paid(*OUTSIDE) + regions["response_money"].sum(), world.paid("carbon-market")
    assert used > 0.0
    assert bool(carbon) == (world.top == "bulk")
    assert world.found["world_resource_cost_money"] == pytest.approx(used, rel=1e-12)
    (tree,) = trees_of(world.result).values()
    loads = world.consumers
    moved = (loads["p_metered_mw"] - loads["p_base_mw"]) ** 2

    def slope(grid: str, name: str) -> float:
        # That of a section belongs to the load of the whole feeder.
        group = tree["grids"][grid]["consumers"][name]
        return world.rates[grid] * float(group["beta_per_mwh_per_mw"] / group["share"])

    slopes = pd.Series(map(slope, loads["grid"], loads["agent"]), loads.index)
    discomfort = float((loads["grid"].map(world.copies) * slopes * moved).sum()) / 2.0
    assert discomfort > 0.0
    expected = used + carbon + discomfort + regions["discomfort_money"].sum()
    assert world.found["world_social_cost_money"] == pytest.approx(expected, rel=1e-9)


def test_bills_are_what_consumers_of_all_copies_paid(world: World) -> None:
    ledger, found = world.result.table("ledger"), world.found
    parts = ledger["account"].str.split("/")
    rows = ledger[parts.str[1].isin([*world.consumers["agent"], *world.regions["agent"]])]
    bills = -float((parts.str[0].map(world.copies)[rows.index] * rows["amount_money"]).sum())
    assert found["world_user_cost_money"] == pytest.approx(bills, rel=1e-12)
    names = [grid for grid in world.copies if f"{grid}.user_cost_money" in found]
    assert len(names) >= 2
    of_grids = sum(world.copies[grid] * found[f"{grid}.user_cost_money"] for grid in names)
    at_the_top = world.regions["agent"].size > 0
    assert bills > of_grids if at_the_top else bills == pytest.approx(of_grids, rel=1e-12)


def test_what_sun_and_wind_had_left_is_counted_in_each_copy(world: World) -> None:
    plants = world.result.table("dispatch").query("kind == 'renewable'")
    left = plants["grid"].map(world.copies) * (plants["p_available_mw"] - plants["p_supply_mw"])
    if world.top == "town":
        assert left[plants["grid"] == "hamlet"].sum() > 1e-3
    assert world.found["world_curtailed_mwh"] == pytest.approx(float(left.sum()), abs=1e-6)


def test_the_world_stands_under_its_grids_in_one_unit_each(levels: World) -> None:
    *_, last = summary_tables({"base": levels.found}, "USD")
    labels = {str(cell) for cell in last.columns[0].cells}
    assert {"world emission (tCO2)", "world social cost (USD)", "world curtailed (MWh)"} <= labels


def test_a_world_of_one_grid_says_nothing_twice(write: Any, trees: Any) -> None:
    result = run(load_scenario(write(trees.feeder() | {"horizon_h": 1})))
    (summary,) = result.summary.values()
    assert "emission_tco2" in summary
    assert not {*WORLD_METRICS} & summary.keys()
    assert "grid_accounts" not in result.tables


def test_efficiency_loss_of_a_world_is_what_its_social_cost_rises_by() -> None:
    rows = [(0, 0.0, 50.0, 10.0), (0, 1.0, 52.0, 30.0)]
    columns = ["replication", "share", "world_social_cost_money", "bulk.social_cost_money"]
    results = with_efficiency_loss(pd.DataFrame(rows, columns=columns).assign(case="base"), ["share"])
    assert results[EFFICIENCY_LOSS].tolist() == pytest.approx([0.0, 4.0])
