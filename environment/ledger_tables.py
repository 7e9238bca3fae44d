"""From the tables of ledgers back to the chains that their hashes are about."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import Any, NamedTuple

import pandas as pd

from gridarium.environment.hash_chain import NO_PERIOD, Link, texts
from gridarium.environment.ledger import PAYMENTS, payment_data
from gridarium.environment.records import RECORDS, VALUES, Record, record_data

_NEVER_BOOKED = b""
"""Bytes of what no ledger has written: no entry is empty, so that no hash fits."""


class _Side(NamedTuple):
    entry: int
    period: int
    time_ns: int
    account: str
    counterparty: str
    purpose: str
    amount_money: float
    hash: bytes


def payment_links(table: pd.DataFrame) -> list[Link]:
    """Payments of one case as they stand in the table `ledger`; rows that are no whole payment fit no hash.

    Raises
    ------
    KeyError
        If the table lacks a column.
    ValueError, TypeError
        If a column holds something else than it ought to.
    """
    numbers, periods, times_ns = _numbered(table)
    account, counterparty, purpose = (
        table[name].astype(str).tolist() for name in ("account", "counterparty", "purpose")
    )
    amounts = table["amount_money"].astype(float).tolist()
    sides = map(_Side, numbers, periods, times_ns, account, counterparty, purpose, amounts, _hashes(table))
    return list(_paired(list(sides)))


def records_of(table: pd.DataFrame) -> list[Record]:
    """Records of one case as they stand in the table `records`; raises as `payment_links`."""
    names = (table[name].astype(str).tolist() for name in ("writer", "owner", "what"))
    values = (table[name].astype(float).tolist() for name in VALUES)
    numbers, periods, times_ns = _numbered(table)
    apart = (None if period == NO_PERIOD else period for period in periods)
    return list(map(Record, numbers, apart, times_ns, *names, *values))


def record_links(table: pd.DataFrame) -> list[Link]:
    """Records of one case as links of their chain; raises as `payment_links`."""
    return [
        Link(one.entry, record_data(one), stored)
        for one, stored in zip(records_of(table), _hashes(table), strict=True)
    ]


def _paired(sides: list[_Side]) -> Iterator[Link]:
    """One link for each two sides that make a payment, and for each side without another."""
    encoded: dict[tuple[str, str, str], bytes] = {}
    done = False
    for payer, payee in pairwise([*sides, None]):
        assert payer is not None
        if done:
            done = False
        elif payee is not None and _are_one(payer, payee):
            done, names = True, (payer.account, payer.counterparty, payer.purpose)
            if names not in encoded:
                encoded[names] = texts(*names)
            data = payment_data(payer.entry, payer.period, payer.time_ns, payee.amount_money, encoded[names])
            yield Link(payer.entry, data, payer.hash)
        else:
            yield Link(payer.entry, _NEVER_BOOKED, payer.hash)


def _are_one(payer: _Side, payee: _Side) -> bool:
    """Whether two rows are the payer's and the payee's side of one payment."""
    mirrored = payee._replace(
        account=payee.counterparty, counterparty=payee.account, amount_money=-payee.amount_money
    )
    return mirrored == payer and math.copysign(1.0, payer.amount_money) < 0.0


def _numbered(table: pd.DataFrame) -> tuple[list[int], list[int], list[int]]:
    """Numbers, periods and times, ns since 1970 in UTC, of all rows."""
    periods = table["period"].astype("Int64").fillna(NO_PERIOD).astype("int64").tolist()
    times = pd.DatetimeIndex(table["time"]).as_unit("ns").asi8.tolist()
    return table["entry"].astype("int64").tolist(), periods, times


def _hashes(table: pd.DataFrame) -> list[bytes]:
    """Stored hashes; what is no hexadecimal number counts as no hash."""

    def read(text: Any) -> bytes:
        try:
            return bytes.fromhex(str(text))
        except ValueError:
            return b""

    return [read(text) for text in table["hash"]]


LINKS: Mapping[str, Callable[[pd.DataFrame], list[Link]]] = {PAYMENTS: payment_links, RECORDS: record_links}
"""By the name of a ledger, which is also that of its table."""
