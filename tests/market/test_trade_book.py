from __future__ import annotations

import pytest

from gridarium.market.trade_book import MinuteTrade, TradeBook

TRADES = [
    MinuteTrade(3600.0, "p1", "p3", 110.0, 0.06, 0.0625, 0.06, 2.5, "delivered"),
    MinuteTrade(3660.0, "p2", "p3", 90.0, 0.067, 0.0, 0.0, 0.0, "default"),
]


def test_a_trade_book_returns_what_was_recorded() -> None:
    book = TradeBook()
    for trade in TRADES:
        book.record(trade)
    assert (len(book), book.trades()) == (2, TRADES)
    table = book.table()
    assert list(table.columns) == list(MinuteTrade._fields)
    assert list(table.itertuples(index=False, name=None)) == [tuple(trade) for trade in TRADES]


def test_an_empty_book_has_an_empty_table() -> None:
    assert TradeBook().table().shape == (0, len(MinuteTrade._fields))


def test_an_unknown_outcome_is_refused() -> None:
    with pytest.raises(ValueError):
        TradeBook().record(TRADES[0]._replace(outcome="vanished"))
