"""Certificates of purchases: they hold where batteries are charged, and each sees what it is there for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from gridarium.experiments.evidence.grid_evidence import GridEvidence, evidence_of
from gridarium.experiments.evidence.prosumers.purchase_certificates import purchases
from gridarium.experiments.evidence.tables import collect
from gridarium.experiments.parts.prosumers import prosumers_of
from gridarium.experiments.running.world_build import build
from gridarium.experiments.scenario import load_scenario

ALL = {"requests", "trading window", "charging total", "charging price"}
CASE = "concession-log"


@pytest.fixture(scope="module")
def known(from_eight: tuple[str, ...]) -> GridEvidence:
    """Two hours of the pool alone, from 8 h on."""
    built = build(load_scenario("net-zero-bargaining", [*from_eight, "horizon_h=2"]).cases[CASE])
    while built.world.running:
        built.world.step()
    return evidence_of(CASE, built.world.grid, built.sections, collect(CASE, built.world, built.sections))


def failed(
    known: GridEvidence, table: str = "trades", change: Callable[[pd.DataFrame], None] | None = None
) -> set[str]:
    """What fails if a table had been another."""
    told = known.tables[table].copy()
    if change is not None:
        change(told)
    readings = list(purchases(replace(known, tables={**known.tables, table: told})))
    assert {reading.name for reading in readings} == ALL
    return {reading.name for reading in readings if reading.value > reading.tolerance}


def test_they_hold_and_batteries_are_charged(known: GridEvidence) -> None:
    assert failed(known) == set()
    assert known.tables["prosumers"]["for_battery_mwh"].sum() > 0.01


def test_more_than_is_needed_is_seen(known: GridEvidence) -> None:
    def more(trades: pd.DataFrame) -> None:
        trades.loc[trades.index[0], "contracted_mwh"] += 0.1

    assert failed(known, "trades", more) == {"requests"}


def test_trade_before_it_opens_is_seen(known: GridEvidence) -> None:
    case = known.scenario.model_copy(
        update={"trading": known.scenario.trading.model_copy(update={"opens_h": 9.0})}
    )
    readings = {one.name: one for one in purchases(replace(known, scenario=case))}
    early = known.tables["trades"]
    sent = early.loc[early["time"].dt.hour < 9, "sent_mwh"].sum()
    assert readings["trading window"].value == pytest.approx(sent) and sent > 0.0


def test_a_battery_that_is_charged_beyond_its_share_is_seen(known: GridEvidence) -> None:
    def more(own: pd.DataFrame) -> None:
        own.loc[own["agent"] == "prosumer_2", "for_battery_mwh"] += 1.0

    assert failed(known, "prosumers", more) == {"charging total"}


def test_a_sale_below_what_charging_cost_is_seen(known: GridEvidence) -> None:
    trades = known.tables["trades"]
    seller, last = trades["seller"].iloc[-1], trades["period"].max()
    dear = float(trades["price_per_mwh"].max()) + 50.0

    def bought(own: pd.DataFrame) -> None:
        first = (own["agent"] == seller) & (own["period"] == last - 3)
        own.loc[first, ["for_battery_mwh", "received_mwh", "payments_money"]] = [0.01, 0.01, 0.01 * dear]

    assert failed(known, "prosumers", bought) == {"charging price"}


def test_reputation_is_counted_for_each_purchase(known: GridEvidence) -> None:
    own, trades = known.tables["prosumers"], known.tables["trades"]
    section = prosumers_of(known.scenario)["prosumer_3"].utility
    each = section.reputation_weight / section.payment_weight * section.scale_money
    bought = trades[(trades["buyer"] == "prosumer_3") & (trades["delivered_mwh"] > 0.0)]
    mine = own[own["agent"] == "prosumer_3"]
    assert np.isclose(mine["trust_money"].sum(), each * len(bought))
    assert each == pytest.approx(0.1 / 0.45 * 2.6)
