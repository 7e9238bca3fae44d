"""Certificates of virtual power plants: what is in order passes, and each finds what it is about."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gridarium.environment.records import Records
from gridarium.experiments.evidence.grid_evidence import GridEvidence
from gridarium.experiments.evidence.vpp import vpp_regret
from gridarium.experiments.evidence.vpp.vpp_certificates import (
    carbon,
    certificates,
    energy,
    money,
    nodal_prices,
    rest,
)
from gridarium.experiments.evidence.vpp.vpp_label_certificates import labels, plans
from gridarium.experiments.evidence.vpp.vpp_regret import regret
from gridarium.experiments.results.records import Reading
from gridarium.market.accounts import ENVIRONMENTAL_PAYMENT, REGION_PURCHASE, RETAIL
from gridarium.market.green_certificates import GreenCertificates
from tests.support.vpp_tables import START, altered, evidence

OF_TABLES = (energy, money, nodal_prices, rest, carbon, certificates, labels, plans)
SOURCE = {
    **dict.fromkeys(("meters of regions", "regions and head"), energy),
    **dict.fromkeys(
        ("regional energy paid", "environmental payments", "retail passed on", "bills told"), money
    ),
    "nodal carbon price": nodal_prices,
    "rest of plants": rest,
    **dict.fromkeys(("emission of regions", "carbon potential", "potential and flow"), carbon),
    **dict.fromkeys(
        (
            "double counting",
            "unfounded certificates",
            "certificates in use",
            "green energy used",
            "certified green energy",
        ),
        certificates,
    ),
    **dict.fromkeys(
        ("green balance", "green share inside", "green energy charged", "green energy discharged"), labels
    ),
    **dict.fromkeys(
        ("bound of plans", "gap of plans", "relaxed optimum", "benchmark of plans", "label overstated"), plans
    ),
}
"""Who yields which certificate."""
Change = Callable[[pd.DataFrame], object]


@pytest.fixture(scope="module")
def by_hand() -> GridEvidence:
    """Tables of schedules that nobody optimised."""
    return evidence(rules={"south": "fifo"})


@pytest.fixture(scope="module")
def intact(two_plants: GridEvidence) -> dict[str, Reading]:
    return readings(two_plants)


def readings(known: GridEvidence) -> dict[str, Reading]:
    return {reading.name: reading for one in OF_TABLES for reading in one(known)}


def failed(known: GridEvidence) -> set[str]:
    return {name for name, reading in readings(known).items() if not reading.value <= reading.tolerance}


def at(column: str, period: int, off: float) -> Change:
    """Move a column in the first row of a period."""

    def change(table: pd.DataFrame) -> None:
        values = table[column].to_numpy(dtype=float, copy=True)
        values[np.flatnonzero(table["period"] == period)[0]] += off
        table[column] = values

    return change


def everywhere(column: str, factor: float, off: float = 0.0) -> Change:
    def change(table: pd.DataFrame) -> None:
        table[column] = factor * table[column] + off

    return change


def of_purpose(purpose: str, factor: float) -> Change:
    def change(table: pd.DataFrame) -> None:
        table.loc[table["purpose"] == purpose, "amount_money"] *= factor

    return change


def cancelled_less(table: pd.DataFrame) -> None:
    table.loc[table["what"].str.endswith("cancelled"), "discharge_mwh"] *= 0.5


def issued_more(table: pd.DataFrame) -> None:
    table.loc[table["what"].str.endswith("issued"), "discharge_mwh"] *= 1.5


def cancelled_again(table: pd.DataFrame) -> None:
    row = table.index[table["what"].str.endswith("cancelled")][0]
    table.loc[row, "discharge_mwh"] *= 2.0


def rising_bound(table: pd.DataFrame) -> None:
    table["bound_money"] = table["cost_money"] + 1.0


def dearer_relaxation(table: pd.DataFrame) -> None:
    table["relaxed_money"] = table["cost_money"] + 1e-3 * table["idle_money"]


def bound_of(share_of_bill: float) -> Change:
    def change(table: pd.DataFrame) -> None:
        table["bound_money"] = table["cost_money"] - share_of_bill * table["idle_money"]

    return change


@pytest.mark.parametrize(
    ("pricing", "rule"), [("nodal", "proportional"), ("uniform", "fifo"), ("none", "load-generator")]
)
def test_a_day_in_order_passes_by_every_rule(pricing: Any, rule: str) -> None:
    found = evidence(pricing, {"north": rule, "south": "fifo"})
    assert failed(found) == set()
    assert ("nothing paid" in readings(found)) == (pricing == "none")


@pytest.mark.parametrize(
    ("name", "table", "change"),
    [
        ("meters of regions", "vpp_regions", at("load_mw", 3, 1e-4)),
        ("meters of regions", "dispatch", everywhere("p_demand_mw", 1.0001)),
        ("meters of regions", "price_regions", at("discharge_mw", 3, 1e-4)),
        ("regions and head", "heads", at("p_metered_mw", 5, 1e-4)),
        ("regions and head", "branches", at("p_to_mw", 5, 1e-4)),
        ("regional energy paid", "ledger", of_purpose(REGION_PURCHASE, 1.0 + 1e-6)),
        ("environmental payments", "ledger", of_purpose(ENVIRONMENTAL_PAYMENT, 1.001)),
        ("retail passed on", "ledger", of_purpose(RETAIL, 1.0 + 1e-6)),
        ("bills told", "vpp_regions", at("purchase_money", 4, 0.01)),
        ("nodal carbon price", "price_regions", at("nodal_price_per_mwh", 18, 0.1)),
        ("emission of regions", "price_regions", at("potential_tco2_per_mwh", 18, -1e-3)),
        ("carbon potential", "price_regions", at("potential_tco2_per_mwh", 0, 1e-3)),
        ("potential and flow", "price_regions", everywhere("traced_tco2_per_mwh", 0.8)),
        ("double counting", "records", cancelled_again),
        ("unfounded certificates", "records", issued_more),
        ("certificates in use", "records", cancelled_less),
        ("certified green energy", "records", issued_more),
        ("green balance", "storages", at("green_mwh", 10, 1e-4)),
        ("green share inside", "storages", everywhere("green_mwh", 4.0)),
        ("green energy charged", "storages", at("green_in_mwh", 2, 1e-4)),
        ("green energy discharged", "storages", at("green_out_mwh", 19, 1e-4)),
        ("bound of plans", "vpp_days", rising_bound),
        ("gap of plans", "vpp_days", bound_of(6e-4)),
        ("relaxed optimum", "vpp_days", dearer_relaxation),
        ("benchmark of plans", "vpp_days", everywhere("benchmark_money", 1.001)),
        ("rest of plants", "rounds", everywhere("price_change_per_mwh", 1.0, 0.1)),
        ("green energy used", "price_regions", at("green_discharge_mw", 18, -1e-4)),
        ("label overstated", "vpp_days", everywhere("overstated_money", 10.0)),
    ],
)  # fmt: skip
def test_each_certificate_fails_on_a_table_that_is_wrong(
    two_plants: GridEvidence, intact: dict[str, Reading], name: str, table: str, change: Change
) -> None:
    assert intact[name].value <= intact[name].tolerance
    (wrong,) = (one for one in SOURCE[name](altered(two_plants, table, change)) if one.name == name)
    assert not wrong.value <= wrong.tolerance


@pytest.mark.parametrize(("gap_share", "is_small"), [(0.01, True), (0.03, False)])
def test_gaps_count_as_shares_of_savings_where_these_are_large(
    by_hand: GridEvidence, gap_share: float, is_small: bool
) -> None:
    def saves(days: pd.DataFrame) -> None:
        days["cost_money"] = days["benchmark_money"] - 0.01 * days["idle_money"]
        days["bound_money"] = days["cost_money"] - gap_share * 0.01 * days["idle_money"]

    found = readings(altered(by_hand, "vpp_days", saves))["gap of savings"]
    assert found.value == pytest.approx(gap_share) and (found.value <= found.tolerance) == is_small


def test_what_loads_cannot_use_is_neither_paid_nor_cancelled(by_hand: GridEvidence) -> None:
    def double(table: pd.DataFrame) -> None:
        table.loc[table["period"] == 18, "green_mw"] += 0.4

    told = altered(by_hand, "vpp_regions", double)
    found = readings(told)["certificates in use"]
    # 0.4 MW more in each of four rows, of which loads of 0.3 and 0.2 MW leave most unused.
    assert found.value == pytest.approx(0.5 - float(_green_at(by_hand, 18)), abs=1e-9)


def _green_at(known: GridEvidence, period: int) -> float:
    told = known.tables["vpp_regions"]
    return float(told.loc[told["period"] == period, "green_mw"].sum())


def test_labels_by_another_rule_than_the_plants_are_found() -> None:
    told = evidence(rules={"north": "fifo"})
    assert "green energy discharged" in failed(replace(told, scenario=evidence().scenario))


def test_a_payment_where_nothing_is_to_be_paid_is_found() -> None:
    unpaid, paid = evidence("none"), evidence("nodal")
    found = failed(replace(unpaid, tables={**unpaid.tables, "ledger": paid.tables["ledger"]}))
    assert found == {"nothing paid", "environmental payments"}


def test_a_certificate_of_a_stranger_is_found(by_hand: GridEvidence) -> None:
    records = Records(START)
    issued = GreenCertificates(records)
    number = issued.issue(0.0, "stranger", "north", 3, 0.1)
    issued.cancel(0.0, number, "north", 0.1)
    found = failed(replace(by_hand, tables={**by_hand.tables, "records": records.table()}))
    assert found == {"unfounded certificates", "certified green energy", "certificates in use"}


def test_green_energy_that_was_not_planned_makes_prices_soft(by_hand: GridEvidence) -> None:
    moved = altered(by_hand, "vpp_regions", at("green_plan_mw", 18, 0.01))
    assert readings(by_hand)["nodal carbon price"].hard
    assert not readings(moved)["nodal carbon price"].hard


def test_a_played_day_is_in_order_and_near_a_best_response_of_each(
    two_plants: GridEvidence, intact: dict[str, Reading], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [one.name for one in intact.values() if one.hard and not one.value <= one.tolerance] == []
    monkeypatch.setattr(vpp_regret, "_POINTS", (33, 21))
    (found,) = regret(two_plants)
    assert found.value <= found.tolerance and "regions, days and plants" in found.detail


def test_who_rests_could_gain_and_who_does_best_could_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vpp_regret, "_POINTS", (17, 9))
    known = evidence()
    (found,) = regret(known)
    assert found.value > found.tolerance and "hill on day 0" in found.detail
    # As if dynamic programming had found no better plan than the one in the tables.
    costs = iter(_plan_costs(known))
    monkeypatch.setattr(vpp_regret, "grid_optimum", lambda *_: next(costs))
    (found,) = regret(known)
    assert found.value == pytest.approx(0.0, abs=1e-12)


def test_a_plan_of_which_nothing_is_proven_is_held_against_a_best_one(
    by_hand: GridEvidence, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vpp_regret, "_POINTS", (17, 9))
    uniform = evidence("uniform")
    assert list(regret(uniform)) == []

    def unproven(days: pd.DataFrame) -> None:
        days["bound_money"] = np.nan

    (found,) = regret(altered(uniform, "vpp_days", unproven))
    assert found.value > found.tolerance


def _plan_costs(known: GridEvidence) -> Iterator[float]:
    """Costs of the plans by the bills that plants told, in the order of their rows."""
    days = known.tables["vpp_days"]
    yield from days.loc[days["region"].isin(("hill", "dale")), "cost_money"].iloc[:3]


def test_a_world_without_plants_has_no_such_certificate(by_hand: GridEvidence) -> None:
    assert readings(replace(by_hand, tables={"ledger": by_hand.tables["ledger"]})) == {}
