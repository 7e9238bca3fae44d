"""Append-only double-entry ledger: every payment is booked twice and chained by hashes."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from gridarium.environment.errors import LedgerError

TABLE_COLUMNS = ["entry", "period", "time", "account", "counterparty", "purpose", "amount_cny"]
_EPOCH = pd.Timestamp(0, tz="UTC")
_GENESIS = hashlib.sha256(b"gridarium ledger").digest()


class Entry(NamedTuple):
    """One payment: `amount_cny`, never negative, goes from `payer` to `payee` at clock time `time_s`."""

    entry: int
    period: int | None
    time_s: float
    payer: str
    payee: str
    purpose: str
    amount_cny: float


class Ledger:
    """All payments of a run, positive to the receiver and negative to the payer.

    - `book`, `book_series`: append payments
    - `balance`, `total`, `entries`, `table`: read them
    - `verify`, `head`: detect alterations

    A negative amount is booked as the reverse payment of its absolute value, because a negative price or
    carbon factor really turns the flow of money round. No entry can be changed or taken back; a correction
    is a further payment.

    Parameters
    ----------
    start : pandas.Timestamp, optional
        Calendar time of clock time 0 with a time zone, for the table; the Unix epoch if left out.
    """

    def __init__(self, start: pd.Timestamp = _EPOCH) -> None:
        self._start = start
        self._entries: list[Entry] = []
        self._hashes: list[bytes] = []
        self._amounts: dict[str, list[float]] = {}

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Every payment, oldest first."""
        return tuple(self._entries)

    @property
    def head(self) -> str:
        """Hash of the newest entry, hexadecimal; stands for the whole ledger when kept elsewhere."""
        return (self._hashes[-1] if self._hashes else _GENESIS).hex()

    def book(
        self,
        time_s: float,
        payer: str,
        payee: str,
        amount_cny: float,
        purpose: str,
        period: int | None = None,
    ) -> None:
        """Book one payment.

        Parameters
        ----------
        time_s : float
            Clock time, s.
        payer, payee : str
            Two different accounts; an account exists from its first payment.
        amount_cny : float
            CNY; negative books the reverse payment.
        purpose : str
            What is paid for.
        period : int, optional
            Settlement period that the payment belongs to.

        Raises
        ------
        LedgerError
            If the amount or time is not finite, or both accounts are one.
        """
        _check(payer, payee, purpose, [time_s], [amount_cny])
        self._append(float(time_s), payer, payee, float(amount_cny), purpose, period)

    def book_series(
        self,
        payer: str,
        payee: str,
        amounts_cny: ArrayLike,
        purpose: str,
        times_s: ArrayLike,
        periods: Sequence[int] | None = None,
    ) -> None:
        """Book a payment for each period; all of them or, after an error, none.

        Parameters
        ----------
        payer, payee, purpose : str
            As in `book`.
        amounts_cny : array_like, shape (n_period,)
            CNY; negative values book the reverse payment.
        times_s : array_like, shape (n_period,) or ()
            Clock times, s, or one time for all.
        periods : sequence of int, length n_period, optional
            Settlement periods; 0, 1, 2, ... if left out.

        Raises
        ------
        LedgerError
            As in `book`, or if the lengths differ.
        """
        amounts = np.asarray(amounts_cny, dtype=float)
        numbers = range(amounts.size) if periods is None else [int(period) for period in periods]
        times = np.asarray(times_s, dtype=float)
        if amounts.ndim != 1 or len(numbers) != amounts.size or times.shape not in ((), amounts.shape):
            lengths = f"amounts_cny {amounts.shape}, times_s {times.shape}, periods ({len(numbers)},)"
            raise LedgerError(
                f"ledger, {payer} -> {payee} for {purpose}: one length is needed, got {lengths}"
            )
        series = amounts.tolist()
        clock_times = np.broadcast_to(times, amounts.shape).tolist()
        _check(payer, payee, purpose, clock_times, series)
        for time_s, amount, period in zip(clock_times, series, numbers, strict=True):
            self._append(time_s, payer, payee, amount, purpose, period)

    def balance(self, account: str) -> float:
        """Return what an account has received less what it has paid, CNY; 0 if it never took part."""
        return math.fsum(self._amounts.get(account, ()))

    def total(self) -> float:
        """Return the sum over all accounts, CNY: exactly zero, as the sum is free of rounding."""
        return math.fsum(chain.from_iterable(self._amounts.values()))

    def verify(self) -> None:
        """Recompute every hash and every account from the entries.

        Raises
        ------
        LedgerError
            If an entry was altered, inserted, removed or moved, or an account differs from its entries.

        Notes
        -----
        Someone who rewrites all hashes as well is found out by comparing `head` with a copy kept elsewhere.
        """
        previous = _GENESIS
        amounts: dict[str, list[float]] = {}
        if len(self._entries) != len(self._hashes):
            raise LedgerError(f"ledger: {len(self._hashes)} hashes for {len(self._entries)} entries")
        for number, (entry, booked) in enumerate(zip(self._entries, self._hashes, strict=True)):
            previous = _digest(previous, entry)
            if previous != booked or entry.entry != number:
                raise LedgerError(f"ledger, entry {number}: altered after it was booked, now {entry}")
            _post(amounts, entry)
        if amounts != self._amounts:
            raise LedgerError("ledger: accounts do not follow from the entries")

    def table(self) -> pd.DataFrame:
        """Return two rows for each payment, the payer's (negative) before the payee's.

        Returns
        -------
        DataFrame, 2 * n_entry rows
            Columns entry, period (missing where none was given), time (calendar), account, counterparty,
            purpose, amount_cny.
        """
        numbers, periods, times_s, payers, payees, purposes, amounts = (
            zip(*self._entries, strict=True) if self._entries else ((),) * 7
        )
        both = np.array([payers, payees], dtype=object)
        columns = [
            np.repeat(np.array(numbers, dtype=np.int64), 2),
            pd.array(periods, dtype="Int64").repeat(2),
            self._start + pd.to_timedelta(np.repeat(np.array(times_s, dtype=float), 2), unit="s"),
            both.T.ravel(),
            both[::-1].T.ravel(),
            np.repeat(np.array(purposes, dtype=object), 2),
            np.outer(amounts, [-1.0, 1.0]).ravel(),
        ]
        return pd.DataFrame(dict(zip(TABLE_COLUMNS, columns, strict=True)))

    def _append(
        self, time_s: float, payer: str, payee: str, amount_cny: float, purpose: str, period: int | None
    ) -> None:
        if amount_cny < 0.0:
            payer, payee = payee, payer
        entry = Entry(len(self._entries), period, time_s, payer, payee, purpose, abs(amount_cny))
        self._hashes.append(_digest(self._hashes[-1] if self._hashes else _GENESIS, entry))
        self._entries.append(entry)
        _post(self._amounts, entry)


def _place(payer: str, payee: str, purpose: str) -> str:
    return f"ledger, {payer} -> {payee} for {purpose}"


def _check(payer: str, payee: str, purpose: str, times_s: Sequence[float], amounts: Sequence[float]) -> None:
    place = _place(payer, payee, purpose)
    if not payer or not payee or payer == payee:
        raise LedgerError(f"{place}: payer and payee must be two named accounts")
    for name, unit, values in (("time_s", "s", times_s), ("amount_cny", "CNY", amounts)):
        for index, value in enumerate(values):
            if not math.isfinite(value):
                raise LedgerError(f"{place}, payment {index}: {name} must be finite, got {value} {unit}")


def _digest(previous: bytes, entry: Entry) -> bytes:
    # The text of a tuple is unambiguous: names are quoted, and floats keep every digit.
    return hashlib.sha256(previous + repr(tuple(entry)).encode()).digest()


def _post(amounts: dict[str, list[float]], entry: Entry) -> None:
    amounts.setdefault(entry.payer, []).append(-entry.amount_cny)
    amounts.setdefault(entry.payee, []).append(entry.amount_cny)
