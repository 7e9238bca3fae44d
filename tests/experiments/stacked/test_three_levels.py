"""A village under a town under a system: who supplies whom, at which price, and the same bytes again."""

import hashlib

import numpy as np
import pandas as pd
import pytest

from gridarium.experiments import load_scenario, run
from gridarium.experiments.results.result import Result

SETTINGS = ("horizon_h=4", "grids.bulk.operator.benchmark_nodes=0")


@pytest.fixture(scope="module")
def stacked() -> Result:
    return run(load_scenario("three-levels", SETTINGS))


def head(result: Result, grid: str) -> pd.DataFrame:
    heads = result.table("heads")
    return heads[heads["grid"] == grid].reset_index(drop=True)


def test_every_hard_certificate_passes(stacked: Result) -> None:
    failed = [item.name for item in stacked.certificates if item.hard and not item.passed]
    assert failed == []
    names = {item.name for item in stacked.certificates}
    for grid in ("town", "village"):
        assert {f"{grid}: seam energy", f"{grid}: seam carbon", f"{grid}: head paid once"} <= names


def test_the_town_supplies_the_village_at_its_own_tariff(stacked: Result) -> None:
    signals = stacked.table("signals").set_index(["grid", "kind"]).sort_index()["price_per_mwh"]
    posted, system = (signals.loc[who].to_numpy() for who in (("town", "dso"), ("bulk", "operator")))
    assert head(stacked, "village")["price_per_mwh"].to_numpy() == pytest.approx(posted)
    assert not np.allclose(posted, system)


def test_what_is_paid_at_a_head_is_that_of_all_replicas(stacked: Result) -> None:
    ledger = stacked.table("ledger")
    village = head(stacked, "village")
    energy_mwh = village["p_metered_mw"] * 0.25
    owed = float((village["price_per_mwh"] * energy_mwh).sum())
    is_paid = (ledger["counterparty"] == "town/dso") & ledger["account"].str.startswith("village/")
    paid = ledger[is_paid & (ledger["purpose"] == "head energy")]
    by_account = -paid.groupby("account")["amount_money"].sum()
    # Two villages stand there: one pays for itself, the account of its replicas for the other.
    assert by_account.to_dict() == pytest.approx({"village/dso": owed, "village/replicas": owed})


def test_the_village_is_a_load_of_the_town_and_the_town_one_of_the_system(stacked: Result) -> None:
    dispatch = stacked.table("dispatch")
    for above, below in (("town", "village"), ("bulk", "town")):
        rows = dispatch[(dispatch["grid"] == above) & (dispatch["agent"] == below)]
        heads = head(stacked, below)
        assert rows["p_demand_mw"].to_numpy() == pytest.approx(
            (heads["p_metered_mw"] * heads["replicas"]).to_numpy()
        )


def test_the_inner_negotiation_runs_within_each_round_of_the_outer_one(stacked: Result) -> None:
    rounds = stacked.table("rounds").groupby("grid")["round"].max()
    assert rounds["village"] > rounds["town"]


def test_the_same_seed_gives_the_same_tables(stacked: Result) -> None:
    again = run(load_scenario("three-levels", SETTINGS))
    assert again.summary == stacked.summary
    for name, table in stacked.tables.items():
        assert digest(again.table(name)) == digest(table), name


def digest(table: pd.DataFrame) -> str:
    return hashlib.sha256(table.to_csv(index=False).encode()).hexdigest()
