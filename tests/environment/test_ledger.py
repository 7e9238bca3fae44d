from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridarium.environment.errors import LedgerError
from gridarium.environment.ledger import Ledger

START = pd.Timestamp("2026-01-15", tz="Asia/Shanghai")


def small_ledger() -> Ledger:
    ledger = Ledger(START)
    ledger.book(0.0, "user", "dso", 30.0, "energy", period=0)
    ledger.book(3600.0, "user", "dso", -10.0, "energy", period=1)
    ledger.book(86400.0, "dso", "grid", 15.0, "purchase")
    return ledger


def test_balances_by_hand() -> None:
    ledger = small_ledger()
    assert [ledger.balance(name) for name in ("user", "dso", "grid", "nobody")] == [-20.0, 5.0, 15.0, 0.0]
    assert ledger.total() == 0.0


def test_table_has_two_rows_for_each_payment() -> None:
    table = small_ledger().table()
    assert list(table.columns) == [
        "entry",
        "period",
        "time",
        "account",
        "counterparty",
        "purpose",
        "amount_money",
        "hash",
    ]
    assert table["account"].tolist() == ["user", "dso", "dso", "user", "dso", "grid"]
    assert table["counterparty"].tolist() == ["dso", "user", "user", "dso", "grid", "dso"]
    assert table["amount_money"].tolist() == [-30.0, 30.0, -10.0, 10.0, -15.0, 15.0]
    assert table["entry"].tolist() == [0, 0, 1, 1, 2, 2]
    assert table["period"].isna().tolist() == [False] * 4 + [True] * 2
    assert table["time"].iloc[-1] == START + pd.Timedelta(days=1)
    assert table["hash"].tolist() == [one for one in small_ledger().hashes for _ in range(2)]
    assert table["hash"].iloc[-1] == small_ledger().head


def test_empty_table_has_the_columns_of_a_full_one() -> None:
    full, empty = small_ledger().table(), Ledger(START).table()
    assert (full.dtypes == empty.dtypes).all()
    assert len(empty) == 0


payments = st.lists(
    st.tuples(st.sampled_from("abcd"), st.sampled_from("efgh"), st.floats(-1e9, 1e9)), max_size=40
)


@given(payments)
def test_money_is_neither_made_nor_lost(booked: list[tuple[str, str, float]]) -> None:
    ledger = Ledger()
    for payer, payee, amount in booked:
        ledger.book(0.0, payer, payee, amount, "test")
    assert ledger.total() == 0.0
    assert all(entry.amount >= 0.0 for entry in ledger.entries)
    table = ledger.table()
    for account, amounts in table.groupby("account")["amount_money"]:
        assert ledger.balance(str(account)) == pytest.approx(amounts.sum(), abs=1e-5)
    assert math.fsum(table["amount_money"]) == 0.0
    ledger.verify()


def test_a_series_books_what_single_payments_book() -> None:
    amounts = np.array([1.5, -2.0, 0.0])
    series, single = Ledger(START), Ledger(START)
    series.book_series("user", "dso", amounts, "energy", np.arange(3) * 3600.0)
    for period, amount in enumerate(amounts):
        single.book(period * 3600.0, "user", "dso", amount, "energy", period)
    assert series.entries == single.entries
    assert series.head == single.head
    series.book_series("user", "dso", [1.0], "fee", 86400.0, periods=[23])
    assert (series.entries[-1].period, series.entries[-1].time_s) == (23, 86400.0)


def test_a_series_is_booked_whole_or_not_at_all() -> None:
    ledger = Ledger()
    with pytest.raises(LedgerError, match="payment 1: amount_money must be finite, got nan of money"):
        ledger.book_series("user", "dso", [1.0, math.nan], "energy", 0.0)
    with pytest.raises(LedgerError, match="one length"):
        ledger.book_series("user", "dso", [1.0, 2.0], "energy", [0.0])
    assert ledger.entries == ()


@pytest.mark.parametrize("amount", [math.nan, math.inf, -math.inf])
def test_amounts_that_are_no_money_are_refused(amount: float) -> None:
    with pytest.raises(LedgerError, match="ledger, user -> dso for energy, payment 0: amount_money"):
        Ledger().book(0.0, "user", "dso", amount, "energy")


def test_payments_to_oneself_and_without_a_name_are_refused() -> None:
    for payer, payee in (("dso", "dso"), ("", "dso"), ("user", "")):
        with pytest.raises(LedgerError, match="two named accounts"):
            Ledger().book(0.0, payer, payee, 1.0, "energy")


@pytest.mark.parametrize("number", [0, 1, 2])
@pytest.mark.parametrize(
    ("column", "value"), [("_amounts", 10.000001), ("_payees", 0), ("_periods", 7), ("_times", 1.0)]
)
def test_tampering_with_an_entry_is_found(number: int, column: str, value: float) -> None:
    ledger = small_ledger()
    if getattr(ledger, column)[number] == value:
        value += 1
    getattr(ledger, column)[number] = value
    with pytest.raises(LedgerError, match=f"entry {number}"):
        ledger.verify()


def test_removed_and_moved_entries_are_found() -> None:
    removed, moved, cut = small_ledger(), small_ledger(), small_ledger()
    columns = ("_periods", "_times", "_payers", "_payees", "_purposes", "_amounts")
    for name in columns:
        del getattr(removed, name)[1]
        column = getattr(moved, name)
        column[0], column[1] = column[1], column[0]
    del removed._hashes[32:64], cut._amounts[-1]
    for ledger in (removed, moved, cut):
        with pytest.raises(LedgerError):
            ledger.verify()


def test_an_amount_that_is_no_number_is_refused() -> None:
    ledger = Ledger(START)
    with pytest.raises(LedgerError, match="amount_money must be finite, got nan"):
        ledger.book(0.0, "user", "dso", math.nan, "energy")
    ledger.book(0.0, "user", "dso", 1.0, "energy")
    assert ledger.table()["amount_money"].tolist() == [-1.0, 1.0]


def test_head_follows_the_content() -> None:
    assert small_ledger().head == small_ledger().head
    longer = small_ledger()
    longer.book(0.0, "user", "dso", 0.0, "energy")
    assert longer.head != small_ledger().head


def test_payments_for_a_purpose_from_an_entry_on() -> None:
    ledger = Ledger(START)
    for payer, purpose, amount in (("dso", "call", 1.0), ("user", "call", 2.0), ("dso", "energy", 4.0)):
        ledger.book(0.0, payer, "pool", amount, purpose)
    ledger.book(0.0, "dso", "pool", 8.0, "call")
    assert ledger.paid("dso", "call") == 9.0
    assert ledger.paid("dso", "call", since=1) == 8.0
    assert ledger.paid("dso", "call", since=4) == ledger.paid("nobody", "call") == 0.0
