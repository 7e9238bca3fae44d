"""Settlement: a day's bill by hand, and every payment booked twice."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridarium.environment.ledger import Ledger
from gridarium.market.accounts import (
    CARBON,
    CARBON_MARKET,
    DEFAULT,
    EXPORT,
    FUEL,
    FUEL_SUPPLIERS,
    GENERATION,
    LINE_ENERGY,
    LINE_FEE,
    MAINTENANCE,
    PURCHASE,
    REPLICAS,
    RETAIL,
    TRUE_UP,
    UPSTREAM,
    WEAR,
)
from gridarium.market.settlement import (
    HeadAccount,
    PeriodAccount,
    UnitAccount,
    settle_head,
    settle_period,
    settle_trade,
    settle_true_up,
    settle_unit,
)
from gridarium.market.trade_book import MinuteTrade

HOUR = PeriodAccount(
    time_s=3600.0,
    period=4,
    load_mwh={"homes": 0.5, "works": 1.5},
    price_per_mwh={"homes": 700.0, "works": 700.0},
    wear_money=7.0,
    carbon_money=11.0,
    carbon_market=CARBON_MARKET,
)
HEAD = HeadAccount(
    time_s=3600.0,
    period=4,
    buyer="dso",
    supplier=UPSTREAM,
    replicas_account=REPLICAS,
    replicas=1,
    taken_mwh=1.2,
    import_price_per_mwh=400.0,
    export_price_per_mwh=100.0,
)


def test_one_period_by_hand() -> None:
    ledger = Ledger()
    settle_period(ledger, "dso", HOUR)
    settle_head(ledger, HEAD)
    booked = {(entry.payer, entry.payee, entry.purpose): entry.amount for entry in ledger.entries}
    assert booked == {
        ("homes", "dso", RETAIL): 350.0,
        ("works", "dso", RETAIL): 1050.0,
        ("dso", UPSTREAM, PURCHASE): pytest.approx(480.0),
        ("dso", MAINTENANCE, WEAR): 7.0,
        (CARBON_MARKET, "dso", CARBON): 11.0,
    }
    assert ledger.balance("dso") == pytest.approx(350.0 + 1050.0 - 480.0 - 7.0 + 11.0)
    assert {entry.period for entry in ledger.entries} == {4}
    assert {entry.time_s for entry in ledger.entries} == {3600.0}


def test_export_and_carbon_above_the_quota() -> None:
    ledger = Ledger()
    settle_period(ledger, "dso", replace(HOUR, carbon_money=-30.0))
    settle_head(ledger, replace(HEAD, taken_mwh=-0.4))
    purposes = {entry.purpose: entry for entry in ledger.entries}
    assert PURCHASE not in purposes
    assert (purposes[EXPORT].payer, purposes[EXPORT].payee) == (UPSTREAM, "dso")
    assert purposes[EXPORT].amount == pytest.approx(40.0)
    assert (purposes[CARBON].payer, purposes[CARBON].payee) == ("dso", CARBON_MARKET)
    assert purposes[CARBON].amount == 30.0


def test_equal_grids_behind_one_place_pay_what_the_first_one_pays() -> None:
    ledger = Ledger()
    for taken_mwh in (1.2, -0.4):
        settle_head(ledger, replace(HEAD, replicas=18, taken_mwh=taken_mwh))
    booked = {(entry.payer, entry.payee, entry.purpose): entry.amount for entry in ledger.entries}
    assert booked == {
        ("dso", UPSTREAM, PURCHASE): pytest.approx(480.0),
        (UPSTREAM, "dso", EXPORT): pytest.approx(40.0),
        (REPLICAS, UPSTREAM, PURCHASE): pytest.approx(17 * 480.0),
        (UPSTREAM, REPLICAS, EXPORT): pytest.approx(17 * 40.0),
    }
    assert ledger.balance(UPSTREAM) == pytest.approx(18 * (480.0 - 40.0))


def test_true_up_is_shared_by_energy() -> None:
    ledger = Ledger()
    settle_true_up(
        ledger,
        "dso",
        CARBON_MARKET,
        9.0,
        23,
        {"homes": 10.0, "works": 30.0},
        excess_money=8.0,
        carbon_money=-3.0,
    )
    booked = {(entry.payer, entry.payee, entry.purpose): entry.amount for entry in ledger.entries}
    assert booked == {
        ("dso", CARBON_MARKET, CARBON): 3.0,
        ("homes", "dso", TRUE_UP): 2.0,
        ("works", "dso", TRUE_UP): 6.0,
    }


@pytest.mark.parametrize(("energy", "excess"), [(10.0, 0.0), (10.0, -5.0), (0.0, 5.0)])
def test_no_true_up_without_excess_or_energy(energy: float, excess: float) -> None:
    ledger = Ledger()
    settle_true_up(
        ledger, "dso", CARBON_MARKET, 9.0, 23, {"homes": energy}, excess_money=excess, carbon_money=0.0
    )
    assert ledger.entries == ()


TRADE = MinuteTrade(3600.0, "ann", "bob", 100.0, 0.06, 0.05, 0.048, 2.5, "short")


@pytest.mark.parametrize(
    ("missing_mwh", "cap", "owed"), [(0.012, 300.0, 0.012 * 200.0), (0.0, 300.0, None), (0.012, 90.0, None)]
)
def test_a_trade_is_paid_as_delivered_and_made_good_as_missing(
    missing_mwh: float, cap: float, owed: float | None
) -> None:
    ledger = Ledger()
    settle_trade(ledger, TRADE, 3660.0, 2, "esp", missing_mwh, cap)
    booked = {(entry.payer, entry.payee, entry.purpose): entry.amount for entry in ledger.entries}
    expected = {("bob", "ann", LINE_ENERGY): pytest.approx(4.8), ("ann", "esp", LINE_FEE): 2.5}
    if owed is not None:
        expected["ann", "bob", DEFAULT] = pytest.approx(owed)
    assert booked == expected
    assert {(entry.time_s, entry.period) for entry in ledger.entries} == {(3660.0, 2)}


def test_a_trade_of_which_nothing_arrives_pays_only_what_is_owed() -> None:
    ledger = Ledger()
    default = TRADE._replace(sent_mwh=0.0, delivered_mwh=0.0, fee_money=0.0, outcome="default")
    settle_trade(ledger, default, 3660.0, 2, "esp", 0.06, 300.0)
    assert [(entry.payer, entry.payee, entry.purpose) for entry in ledger.entries] == [
        ("ann", "bob", DEFAULT)
    ]


energies = st.just(0.0) | st.floats(1e-6, 5.0)
amounts = st.floats(-1e4, 1e4).filter(lambda value: value == 0.0 or abs(value) > 1e-9)


@given(
    energy=st.dictionaries(st.sampled_from(["a", "b", "c"]), energies, min_size=1),
    price=st.floats(-200.0, 2000.0),
    taken=st.floats(-9.0, 9.0),
    carbon=amounts,
    excess=amounts,
)
def test_every_payment_is_booked_twice(
    energy: dict[str, float], price: float, taken: float, carbon: float, excess: float
) -> None:
    ledger = Ledger()
    prices = dict.fromkeys(energy, price)
    account = replace(HOUR, load_mwh=energy, price_per_mwh=prices, carbon_money=carbon)
    settle_period(ledger, "dso", account)
    settle_head(ledger, replace(HEAD, taken_mwh=taken))
    settle_true_up(ledger, "dso", CARBON_MARKET, 2.0, 4, energy, excess, carbon)
    ledger.verify()
    assert ledger.total() == 0.0
    table = ledger.table()
    assert (table.groupby("entry")["amount_money"].sum() == 0.0).all()
    assert (table.groupby("entry").size() == 2).all()
    used = sum(energy.values())
    due = price * used + (max(excess, 0.0) if used > 0.0 else 0.0)
    assert -sum(ledger.balance(name) for name in energy) == pytest.approx(due, abs=1e-6)


def test_a_unit_pays_for_its_fuel_and_is_paid_for_it() -> None:
    ledger = Ledger()
    settle_unit(ledger, UnitAccount(3600.0, 4, "turbine", "dso", fuel_money=90.0))
    booked = [(each.payer, each.payee, each.purpose, each.amount) for each in ledger.entries]
    assert booked == [("turbine", FUEL_SUPPLIERS, FUEL, 90.0), ("dso", "turbine", GENERATION, 90.0)]
    assert ledger.balance("turbine") == 0.0
