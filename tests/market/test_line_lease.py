from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridarium.market.line_lease import MinuteTrade, TradeBook
from gridarium.market.residual import residual
from gridarium.market.utility import LogUtility, QuadraticUtility

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


@given(
    utility=st.one_of(
        st.builds(LogUtility, st.floats(0.1, 100.0), st.floats(1e-4, 0.1)),
        st.builds(QuadraticUtility, st.floats(10.0, 500.0), st.floats(100.0, 1e5)),
    ),
    held=st.floats(0.0, 0.05),
    more=st.floats(0.0, 0.05),
    share=st.floats(0.01, 1.0),
)
def test_a_residual_utility_is_the_rest_of_the_whole(
    utility: LogUtility | QuadraticUtility, held: float, more: float, share: float
) -> None:
    rest = residual(utility, held, share)
    whole = share * (utility.value(held + more) - utility.value(held))
    assert rest.value(more) == pytest.approx(whole, rel=1e-9, abs=1e-9)
    assert rest.marginal(more) == pytest.approx(share * utility.marginal(held + more), rel=1e-9, abs=1e-9)


def test_only_known_families_have_a_residual() -> None:
    with pytest.raises(TypeError, match="LogUtility or QuadraticUtility, got object"):
        residual(object(), 1.0)  # type: ignore[arg-type]
