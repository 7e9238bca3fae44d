"""The record of trades over leased lines: what was agreed for a minute, and what came of it."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from gridarium.environment.arrays import Array, Index

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
    premium_money : float
        That an operator pays the seller for having called the pool.
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
    premium_money: float = 0.0


class TradeColumns(NamedTuple):
    """Trades in columns of one length; fields as in `MinuteTrade`."""

    minute_s: Array
    seller: list[str]
    buyer: list[str]
    price_per_mwh: Array
    contracted_mwh: Array
    sent_mwh: Array
    delivered_mwh: Array
    fee_money: Array
    outcome: list[str]
    premium_money: Array


class _Side:
    """Who sold, or who bought, trade by trade."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._places: dict[str, list[int]] = {}
        self._sorted = 0

    def places_of(self, name: str) -> Index:
        """Numbers of the trades of one name; what was recorded since the last question is sorted in first."""
        for place in range(self._sorted, len(self.names)):
            self._places.setdefault(self.names[place], []).append(place)
        self._sorted = len(self.names)
        return np.array(self._places.get(name, ()), dtype=np.int64)


class TradeBook:
    """All trades of a world, in columns; a day of many prosumers has millions of them.

    - `record`: append one
    - `trades`, `table`: read them, oldest first
    - `sold_by`, `bought_by`: those of one trader
    """

    def __init__(self) -> None:
        self._sellers, self._buyers = _Side(), _Side()
        self._outcomes = array("b")
        self._numbers = tuple(array("d") for _ in range(7))

    def __len__(self) -> int:
        return len(self._sellers.names)

    def record(self, trade: MinuteTrade) -> None:
        """Append a trade."""
        minute_s, seller, buyer, price, contracted, sent, delivered, fee, outcome, premium = trade
        self._sellers.names.append(seller)
        self._buyers.names.append(buyer)
        self._outcomes.append(OUTCOMES.index(outcome))
        for column, value in zip(
            self._numbers, (minute_s, price, contracted, sent, delivered, fee, premium), strict=True
        ):
            column.append(value)

    def trades(self) -> list[MinuteTrade]:
        """Every trade as a record."""
        return [MinuteTrade(*row) for row in zip(*self._columns(), strict=True)]

    def sold_by(self, seller: str) -> TradeColumns:
        """What one seller has sold, oldest first."""
        return self._at(self._sellers.places_of(seller))

    def bought_by(self, buyer: str) -> TradeColumns:
        """What one buyer has bought, oldest first."""
        return self._at(self._buyers.places_of(buyer))

    def _at(self, places: Index) -> TradeColumns:
        minute_s, price, contracted, sent, delivered, fee, premium = (
            np.frombuffer(column)[places] for column in self._numbers
        )
        sellers, buyers = ([side.names[place] for place in places] for side in (self._sellers, self._buyers))
        outcomes = [OUTCOMES[self._outcomes[place]] for place in places]
        return TradeColumns(
            minute_s, sellers, buyers, price, contracted, sent, delivered, fee, outcomes, premium
        )

    def table(self) -> pd.DataFrame:
        """Every trade as a row; columns as the fields of `MinuteTrade`."""
        return pd.DataFrame(dict(zip(MinuteTrade._fields, self._columns(), strict=True)))

    def _columns(self) -> tuple[Sequence[Any], ...]:
        """All trades by field, in the order of `MinuteTrade`."""
        minute_s, price, contracted, sent, delivered, fee, premium = (list(one) for one in self._numbers)
        outcomes = [OUTCOMES[number] for number in self._outcomes]
        names = self._sellers.names, self._buyers.names
        return (minute_s, *names, price, contracted, sent, delivered, fee, outcomes, premium)
