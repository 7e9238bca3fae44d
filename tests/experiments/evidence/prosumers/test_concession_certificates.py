"""Certificates of bargaining under private information: they hold, and each sees what it is there for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pandas as pd
import pytest

from gridarium.agents.prosumers.conceding_manner import ConcedingManner
from gridarium.agents.prosumers.purchases import Purchase
from gridarium.agents.prosumers.trading import Answer
from gridarium.experiments.evidence.grid_evidence import GridEvidence, evidence_of
from gridarium.experiments.evidence.prosumers.concession_certificates import concessions
from gridarium.experiments.evidence.tables import collect
from gridarium.experiments.running.world_build import build
from gridarium.experiments.scenario import load_scenario
from gridarium.market.messages.leasing import Counter, PriceOffer
from gridarium.market.utility import Utility

ALL = {
    "deals within both limits",
    "concessions one way",
    "concessions as stated",
    "deals where offers cross",
    "bids as stated",
    "volumes as stated",
}


def lived(from_eight: tuple[str, ...], *changes: str) -> GridEvidence:
    """Two hours of the pool alone, from 8 h on."""
    settings = [*from_eight, "horizon_h=2", *changes]
    case = load_scenario("net-zero-bargaining", settings).cases["concession-log"]
    built = build(case)
    built.world.bus.record = True
    while built.world.running:
        built.world.step()
    tables = collect("concession-log", built.world, built.sections)
    return evidence_of("concession-log", built.world.grid, built.sections, tables)


@pytest.fixture(scope="module")
def known(from_eight: tuple[str, ...]) -> GridEvidence:
    return lived(from_eight)


def failed(known: GridEvidence) -> set[str]:
    readings = list(concessions(known))
    assert {reading.name for reading in readings} == ALL
    return {reading.name for reading in readings if reading.value > reading.tolerance}


def told(known: GridEvidence, change: Callable[[pd.DataFrame], pd.DataFrame]) -> set[str]:
    """What fails if the offers had been others."""
    offers = change(known.tables["offers"].copy())
    return failed(replace(known, tables={**known.tables, "offers": offers}))


@pytest.mark.parametrize(
    "settings",
    [
        (),
        ("trading.rounds=1",),
        ("trading.rounds=7", "trading.params={concession_ep: 0.4, concession_ip: 3}"),
        ("trading.band_low_price_per_mwh=60", "lines.loss_per_km=0.001"),
        ("prosumers.prosumer_1.reservation_price_per_mwh=120",),
    ],
)
def test_they_hold_whatever_the_parameters(from_eight: tuple[str, ...], settings: tuple[str, ...]) -> None:
    known = lived(from_eight, *settings)
    assert failed(known) == set()
    assert (known.tables["offers"]["move"] == "accept").sum() > 50


def test_they_say_nothing_of_other_rules(from_eight: tuple[str, ...]) -> None:
    assert list(concessions(lived(from_eight, "trading.rule=zip", "horizon_h=1"))) == []


def at(rows: pd.DataFrame, move: str, round_: int) -> pd.Series:
    return (rows["move"] == move) & (rows["round"] == round_)


def test_a_deal_below_cost_is_seen(known: GridEvidence) -> None:
    def dumped(rows: pd.DataFrame) -> pd.DataFrame:
        rows.loc[rows["move"] == "accept", "price_per_mwh"] = 1.0
        return rows

    assert "deals within both limits" in told(known, dumped)


def test_a_deal_that_the_buyer_would_regret_is_seen(known: GridEvidence) -> None:
    def crammed(rows: pd.DataFrame) -> pd.DataFrame:
        rows.loc[rows["move"] == "accept", "volume_mwh"] = 1.0
        return rows

    assert "deals within both limits" in told(known, crammed)


def test_an_ask_that_does_not_follow_the_rule_is_seen(known: GridEvidence) -> None:
    def stiff(rows: pd.DataFrame) -> pd.DataFrame:
        rows.loc[at(rows, "offer", 1), "price_per_mwh"] += 0.01
        return rows

    assert "concessions as stated" in told(known, stiff)


def test_an_ask_that_rises_is_seen(known: GridEvidence) -> None:
    def greedy(rows: pd.DataFrame) -> pd.DataFrame:
        rows.loc[at(rows, "offer", 1), "price_per_mwh"] += 500.0
        return rows

    assert "concessions one way" in told(known, greedy)


def test_a_bid_above_the_ask_that_is_no_deal_is_seen(known: GridEvidence) -> None:
    def blind(rows: pd.DataFrame) -> pd.DataFrame:
        rows.loc[at(rows, "counter", 0), "price_per_mwh"] += 500.0
        return rows

    assert "deals where offers cross" in told(known, blind)


def test_a_bid_that_does_not_follow_the_rule_is_seen(known: GridEvidence) -> None:
    def timid(rows: pd.DataFrame) -> pd.DataFrame:
        rows.loc[at(rows, "counter", 0), "price_per_mwh"] *= 0.99
        return rows

    assert "bids as stated" in told(known, timid)


def test_a_volume_that_is_not_wanted_at_the_price_is_seen(known: GridEvidence) -> None:
    def modest(rows: pd.DataFrame) -> pd.DataFrame:
        rows.loc[rows["move"] == "accept", "volume_mwh"] *= 0.99
        return rows

    assert "volumes as stated" in told(known, modest)


def test_a_buyer_that_walks_away_from_a_gain_is_seen(
    from_eight: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = ConcedingManner.answer

    def moody(
        self: ConcedingManner,
        seller: str,
        offer: PriceOffer,
        purchase: Purchase | None,
        value: Callable[[], Utility],
        room_mwh: float,
        last: Counter | None,
    ) -> Answer:
        if offer.round > 0 and offer.minute_s % 300.0 == 0.0:
            return Counter(offer.minute_s, offer.round, offer.price_per_mwh, 0.0)
        return answer(self, seller, offer, purchase, value, room_mwh, last)

    monkeypatch.setattr(ConcedingManner, "answer", moody)
    assert failed(lived(from_eight)) == {"deals where offers cross"}
