"""The record of trades over leased lines: what was agreed for a minute, and what came of it."""

from __future__ import annotations

from array import array
from typing import NamedTuple

import pandas as pd

OUTCOMES = ("delivered", "short", "default", "outage")
"""What came of a trade: all of it arrived; a part; nothing was sent; the line was out for a while."""


class MinuteTrade(NamedTuple):
    """A binding trade of one minute and what came of it.

    Parameters
    ----------
    minute_s : float
        Clock time at which the minute starts, s.
    seller, buyer : str
    price_per_mwh : float
        For energy delivered.
    contracted_mwh, sent_mwh, delivered_mwh : float
        Agreed at the buyer's end; put on the line; arrived at the buyer's end.
    fee_money : float
        That the seller pays for the line.
    outcome : str
        One of `OUTCOMES`.
    """

    minute_s: float
    seller: str
    buyer: str
    price_per_mwh: float
    contracted_mwh: float
    sent_mwh: float
    delivered_mwh: float
    fee_money: float
    outcome: str


class TradeBook:
    """All trades of a world, in columns; a day of many prosumers has millions of them.

    - `record`: append one
    - `trades`, `table`: read them, oldest first
    """

    def __init__(self) -> None:
        self._sellers: list[str] = []
        self._buyers: list[str] = []
        self._outcomes = array("b")
        self._numbers = tuple(array("d") for _ in range(6))

    def __len__(self) -> int:
        return len(self._sellers)

    def record(self, trade: MinuteTrade) -> None:
        """Append a trade."""
        minute_s, seller, buyer, price, contracted, sent, delivered, fee, outcome = trade
        self._sellers.append(seller)
        self._buyers.append(buyer)
        self._outcomes.append(OUTCOMES.index(outcome))
        for column, value in zip(
            self._numbers, (minute_s, price, contracted, sent, delivered, fee), strict=True
        ):
            column.append(value)

    def trades(self) -> list[MinuteTrade]:
        """Every trade as a record."""
        minute_s, price, contracted, sent, delivered, fee = self._numbers
        outcomes = [OUTCOMES[number] for number in self._outcomes]
        columns = (minute_s, self._sellers, self._buyers, price, contracted, sent, delivered, fee, outcomes)
        return [MinuteTrade(*row) for row in zip(*columns, strict=True)]

    def table(self) -> pd.DataFrame:
        """Every trade as a row; columns as the fields of `MinuteTrade`."""
        minute_s, price, contracted, sent, delivered, fee = (list(column) for column in self._numbers)
        outcomes = [OUTCOMES[number] for number in self._outcomes]
        columns = (minute_s, self._sellers, self._buyers, price, contracted, sent, delivered, fee, outcomes)
        return pd.DataFrame(dict(zip(MinuteTrade._fields, columns, strict=True)))
