"""Evidence of a pool: metrics by hand from tables, certificates that fail where they must."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pandas as pd
import pytest

from gridarium.experiments.evidence.grid_evidence import GridEvidence, agents_of
from gridarium.experiments.evidence.storage.coalition_certificates import pool_money, stability
from gridarium.experiments.evidence.storage.coalition_games import sub_pools_table, tabulated_games
from gridarium.experiments.evidence.storage.coalition_metrics import (
    pool_formation,
    pool_shares,
    pool_stability,
)
from gridarium.experiments.evidence.storage.coalition_value_certificates import values
from gridarium.experiments.evidence.tables import collect
from gridarium.experiments.figures.storage_pool import storage_pool_figure
from gridarium.experiments.results.records import Reading
from gridarium.experiments.running.world_build import build
from gridarium.experiments.scenario import load_scenario
from gridarium.market.accounts import POOL_SHARE

SETTINGS = (
    "gas_turbines={}",
    "tariff.kind=tou",
    "dso.storage=pooled",
    "storage_pool.split=owen",
    "storage_pool.revisions=together",
    "storages.storage_7.pooling={response_s: 0.1, begins: false}",
    "storages.storage_24.pooling.effort_money=1000",
    "horizon_h=144",
)


@pytest.fixture(scope="module")
def known() -> GridEvidence:
    built = build(load_scenario("adcef-small", SETTINGS).cases["tou"])
    while built.world.running:
        built.world.step()
    grid = built.world.grid
    tables = collect("only", built.world, built.sections)
    return GridEvidence("only", built.sections[""], grid, agents_of(grid), tables)


def readings(known: GridEvidence) -> dict[str, Reading]:
    found = [*pool_money(known), *values(known), *stability(known)]
    return {reading.name: reading for reading in found}


def altered(known: GridEvidence, table: str, change: Callable[[pd.DataFrame], pd.DataFrame]) -> GridEvidence:
    return replace(known, tables={**known.tables, table: change(known.tables[table].copy())})


def test_the_run_is_certified_and_its_core_is_told_to_be_empty(known: GridEvidence) -> None:
    found = readings(known)
    hard = ("shares of the pool", "payments of the pool", "value of the pool")
    assert all(found[name].value <= found[name].tolerance for name in hard)
    assert "is empty" in found["core violation"].detail
    assert found["formation of the pool"].detail.startswith("still changing")


def test_who_begins_outside_joins_and_who_has_more_effort_than_it_gets_leaves(known: GridEvidence) -> None:
    owners = known.tables["storage_pool"].pivot_table(index="day", columns="agent", values="member")
    assert owners["storage_7"].tolist() == [0.0, 0.0, 1.0, 1.0, 1.0, 1.0]
    assert owners["storage_24"].tolist() == [1.0, 1.0, 0.0, 0.0, 0.0, 0.0]
    metrics = dict(pool_shares(known.tables, 1.0)) | dict(pool_formation(known.tables, 1.0))
    assert metrics["pool_member_days_storage_14"] == 6.0
    assert metrics["pool_changes"] == 1.0
    assert metrics["pool_period_days"] == 0.0


def test_shares_that_leave_something_over_are_found(known: GridEvidence) -> None:
    def more(days: pd.DataFrame) -> pd.DataFrame:
        days["shares_money"] += 0.01
        return days

    assert readings(altered(known, "pool_days", more))["shares of the pool"].value == pytest.approx(0.01)


def test_a_payment_that_was_not_made_is_found(known: GridEvidence) -> None:
    def without_one(ledger: pd.DataFrame) -> pd.DataFrame:
        paid = ledger[ledger["purpose"] == POOL_SHARE]
        return ledger.drop(index=paid[paid["entry"] == paid["entry"].iloc[0]].index)

    found = readings(altered(known, "ledger", without_one))["payments of the pool"]
    assert found.value > 1.0 > found.tolerance


def test_a_value_that_no_solve_gives_is_found(known: GridEvidence) -> None:
    def dearer(coalitions: pd.DataFrame) -> pd.DataFrame:
        coalitions.loc[coalitions["size"] == 2.0, "value_money"] += 1.0
        return coalitions

    found = readings(altered(known, "coalitions", dearer))["value of the pool"]
    assert found.value == pytest.approx(1.0, abs=0.01)
    assert found.tolerance < 0.01


def test_least_core_and_violation_of_three_by_hand(known: GridEvidence) -> None:
    worth = {"": 0.0, "a": 0.0, "b": 0.0, "c": 0.0, "a+b": 30.0, "a+c": 30.0, "b+c": 30.0, "a+b+c": 30.0}
    sizes = [0.0 if not name else name.count("+") + 1.0 for name in worth]
    game = pd.DataFrame({"game": 0, "coalition": list(worth), "size": sizes, "value_money": worth.values()})
    owners = pd.DataFrame(
        {"day": 0, "agent": ["a", "b", "c"], "member": 1.0, "share_money": [12.0, 10.0, 8.0]}
    )
    days = pd.DataFrame({"agent": ["pool"], "day": [0], "game": [0], "operator_share_money": [0.0]})
    tables = {"coalitions": game, "storage_pool": owners, "pool_days": days}
    metrics = dict(pool_stability(tables, 1.0))
    assert metrics["pool_least_core_money"] == pytest.approx(10.0)
    assert metrics["pool_core_violation_money"] == pytest.approx(12.0)


def test_games_with_gaps_are_not_judged(known: GridEvidence) -> None:
    fewer = altered(known, "coalitions", lambda rows: rows[rows["size"] != 2.0])
    assert tabulated_games(fewer.tables) == {}
    assert dict(pool_stability(fewer.tables, 1.0)) == {}


def test_sub_pools_of_all_owners_and_of_one_each_give_the_shapley_value(known: GridEvidence) -> None:
    table = sub_pools_table(known)
    assert sorted(table["sub_pools"].unique()) == [1, 2, 3]
    for count in (1, 3):
        rows = table[table["sub_pools"] == count]
        assert rows["owen_money"].to_numpy() == pytest.approx(rows["shapley_money"].to_numpy())
    sums = table.groupby("sub_pools")[["shapley_money", "owen_money", "capacity_money"]].sum()
    assert sums.to_numpy() == pytest.approx(sums.iloc[0, 0])


def test_the_figure_has_a_row_of_panels_for_each_case(known: GridEvidence) -> None:
    owners = known.tables["storage_pool"]
    twice = pd.concat([owners, owners.assign(case="other")])
    figure = storage_pool_figure(twice, "CNY")
    assert len(figure.axes) == 4
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == [
        "storage_7", "storage_14", "storage_24",
    ]  # fmt: skip
