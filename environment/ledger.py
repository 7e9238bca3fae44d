"""Append-only double-entry ledger: every payment is booked twice and chained by hashes."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from itertools import chain
from struct import Struct
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from gridarium.environment.arrays import Array
from gridarium.environment.errors import LedgerError
from gridarium.environment.hash_chain import EPOCH, NO_PERIOD, AppendOnly, texts

PAYMENTS = "ledger"
"""Name of the ledger of payments."""

_NUMBERS = Struct(">qqqd")


class Booking(NamedTuple):
    """One payment: `amount`, never negative, goes from `payer` to `payee` at clock time `time_s`."""

    entry: int
    period: int | None
    time_s: float
    payer: str
    payee: str
    purpose: str
    amount: float


def payment_data(number: int, period: int, time_ns: int, amount: float, names: bytes) -> bytes:
    """The bytes of a payment that hashes are over.

    Parameters
    ----------
    number : int
    period : int
        `NO_PERIOD` where it belongs to none.
    time_ns : int
        Since 1970 in UTC, ns.
    amount : float
        Never negative.
    names : bytes
        Payer, payee and purpose as `texts` encodes them.
    """
    return _NUMBERS.pack(number, period, time_ns, amount) + names


class Ledger(AppendOnly):
    """All payments of a run, positive to the receiver and negative to the payer.

    - `book`, `book_series`: append payments
    - `balance`, `by_period`, `paid`, `total`, `entries`, `table`: read them
    - `verify`, `head`, `tree`: detect alterations, as in `AppendOnly`

    A negative amount is booked as the reverse payment of its absolute value, because a negative price or
    carbon factor really turns the flow of money round. No entry can be changed or taken back; a correction
    is a further payment. Entries are kept in columns, about 70 bytes each: minute markets book millions.

    Parameters
    ----------
    start : pandas.Timestamp, optional
        Calendar time of clock time 0 with a time zone, for the table; the Unix epoch if left out.
    """

    def __init__(self, start: pd.Timestamp = EPOCH) -> None:
        super().__init__(PAYMENTS, start)
        self._periods, self._times, self._amounts = array("q"), array("d"), array("d")
        self._payers, self._payees, self._purposes = array("l"), array("l"), array("l")
        self._texts: dict[tuple[str, str, str], bytes] = {}

    @property
    def entries(self) -> tuple[Booking, ...]:
        """Every payment, oldest first."""
        return tuple(self._entry(number) for number in range(len(self)))

    def book(
        self,
        time_s: float,
        payer: str,
        payee: str,
        amount: float,
        purpose: str,
        period: int | None = None,
    ) -> None:
        """Book one payment.

        Parameters
        ----------
        time_s : float
            Clock time, s.
        payer, payee : str
            Accounts; they come into being when first named.
        amount : float
            In the world's unit of account; negative books the reverse payment.
        purpose : str
            What is paid for.
        period : int, optional
            Settlement period that the payment belongs to.

        Raises
        ------
        LedgerError
            If the amount or time is not finite, or both accounts are one.
        """
        self._check(payer, payee, purpose, (time_s,), (amount,))
        self._append(float(time_s), payer, payee, float(amount), purpose, period)

    def book_series(
        self,
        payer: str,
        payee: str,
        amounts: ArrayLike,
        purpose: str,
        times_s: ArrayLike,
        periods: Sequence[int] | None = None,
    ) -> None:
        """Book a payment for each period; all of them or, after an error, none.

        Parameters
        ----------
        payer, payee, purpose : str
            As in `book`.
        amounts : array_like, shape (n_period,)
            In the world's unit of account; negative values book the reverse payment.
        times_s : array_like, shape (n_period,) or ()
            Clock times, s, or one time for all.
        periods : sequence of int, length n_period, optional
            Settlement periods; 0, 1, 2, ... if left out.

        Raises
        ------
        LedgerError
            As in `book`, or if the lengths differ.
        """
        values = np.asarray(amounts, dtype=float)
        numbers = range(values.size) if periods is None else [int(period) for period in periods]
        times = np.asarray(times_s, dtype=float)
        if values.ndim != 1 or len(numbers) != values.size or times.shape not in ((), values.shape):
            lengths = f"amounts {values.shape}, times_s {times.shape}, periods ({len(numbers)},)"
            raise LedgerError(
                f"ledger, {payer} -> {payee} for {purpose}: one length is needed, got {lengths}"
            )
        series = values.tolist()
        clock_times = np.broadcast_to(times, values.shape).tolist()
        self._check(payer, payee, purpose, clock_times, series)
        for time_s, amount, period in zip(clock_times, series, numbers, strict=True):
            self._append(time_s, payer, payee, amount, purpose, period)

    def balance(self, account: str) -> float:
        """Return what an account has received less what it has paid; 0 if it never took part."""
        if account not in self._ids:
            return 0.0
        number, amounts = self._ids[account], np.frombuffer(self._amounts)
        received = amounts[np.frombuffer(self._payees, dtype="l") == number]
        paid = amounts[np.frombuffer(self._payers, dtype="l") == number]
        return math.fsum(chain(received, -paid))

    def by_period(self, account: str, n_period: int) -> dict[str, Array]:
        """Return what an account has received less what it has paid, by purpose; shape (n_period,) each.

        Only payments that belong to one of the periods count.
        """
        number = self._ids.get(account, -1)
        periods, amounts = np.frombuffer(self._periods, dtype=np.int64), np.frombuffer(self._amounts)
        purposes, within = np.frombuffer(self._purposes, dtype="l"), (periods >= 0) & (periods < n_period)
        booked: dict[str, Array] = {}
        for column, sign in ((self._payees, 1.0), (self._payers, -1.0)):
            mine = (np.frombuffer(column, dtype="l") == number) & within
            for purpose in np.unique(purposes[mine]).tolist():
                own = mine & (purposes == purpose)
                found = sign * np.bincount(periods[own], amounts[own], n_period)
                booked[self._names[purpose]] = booked.get(self._names[purpose], np.zeros(n_period)) + found
        return booked

    def paid(self, payer: str, purpose: str, since: int = 0) -> float:
        """Return what an account has paid for a purpose, in the entries from a number on."""
        by, of = self._ids.get(payer, -1), self._ids.get(purpose, -1)
        payers, purposes = (np.frombuffer(one, "l")[since:] for one in (self._payers, self._purposes))
        return float(np.frombuffer(self._amounts)[since:][(payers == by) & (purposes == of)].sum())

    def total(self) -> float:
        """Return the sum over all accounts: exactly zero, as the sum is free of rounding."""
        amounts = np.frombuffer(self._amounts)
        return math.fsum(chain(amounts, -amounts))

    def data(self, number: int) -> bytes:
        """The bytes of a payment that its hashes are over, from what is stored of it now."""
        entry = self._entry(number)
        names = self._text(entry.payer, entry.payee, entry.purpose)
        return payment_data(number, self._periods[number], self._time_ns(entry.time_s), entry.amount, names)

    def table(self) -> pd.DataFrame:
        """Return two rows for each payment, the payer's (negative) before the payee's.

        Returns
        -------
        DataFrame, 2 * n_entry rows
            Columns entry, period (missing where none was given), time (calendar), account, counterparty,
            purpose, amount_money, in the world's unit of account, and hash, of the entry and all before it.
        """
        names = np.array([*self._names, ""], dtype=object)
        payers, payees, purposes = (
            names[np.frombuffer(column, dtype="l")] for column in (self._payers, self._payees, self._purposes)
        )
        periods = np.frombuffer(self._periods, dtype=np.int64)
        both = np.array([payers, payees], dtype=object)
        columns = {
            "entry": np.repeat(np.arange(len(self), dtype=np.int64), 2),
            "period": pd.Series(periods, dtype="Int64").mask(periods == NO_PERIOD).array.repeat(2),
            "time": self._calendar(np.repeat(np.frombuffer(self._times), 2)),
            "account": both.T.ravel(),
            "counterparty": both[::-1].T.ravel(),
            "purpose": np.repeat(purposes, 2),
            "amount_money": np.outer(np.frombuffer(self._amounts), [-1.0, 1.0]).ravel(),
            "hash": np.repeat(np.array(self.hashes, dtype=object), 2),
        }
        return pd.DataFrame(columns)

    def _append(
        self, time_s: float, payer: str, payee: str, amount: float, purpose: str, period: int | None
    ) -> None:
        if amount < 0.0:
            payer, payee, amount = payee, payer, -amount
        amount, number = abs(amount), len(self._amounts)
        held = NO_PERIOD if period is None else period
        names = self._text(payer, payee, purpose)
        self._seal(payment_data(number, held, self._time_ns(time_s), amount, names))
        self._periods.append(held)
        self._times.append(time_s)
        self._payers.append(self._id(payer))
        self._payees.append(self._id(payee))
        self._purposes.append(self._id(purpose))
        self._amounts.append(amount)

    def _entry(self, number: int) -> Booking:
        period, names = self._periods[number], self._names
        return Booking(
            number,
            None if period == NO_PERIOD else period,
            self._times[number],
            names[self._payers[number]],
            names[self._payees[number]],
            names[self._purposes[number]],
            self._amounts[number],
        )

    def _lengths(self) -> set[int]:
        columns = (self._periods, self._times, self._payers, self._payees, self._purposes, self._amounts)
        return {len(column) for column in columns}

    def _text(self, payer: str, payee: str, purpose: str) -> bytes:
        names = (payer, payee, purpose)
        known = self._texts.get(names)
        if known is None:
            known = self._texts[names] = texts(*names)
        return known

    def _check(
        self, payer: str, payee: str, purpose: str, times_s: Sequence[float], amounts: Sequence[float]
    ) -> None:
        if not payer or not payee or payer == payee:
            place = _place(payer, payee, purpose)
            raise LedgerError(f"{place}: payer and payee must be two named accounts")
        for index, (time_s, amount) in enumerate(zip(times_s, amounts, strict=True)):
            if math.isfinite(time_s) and math.isfinite(amount):
                continue
            name, unit, value = ("time_s", "s", time_s)
            if math.isfinite(time_s):
                name, unit, value = ("amount_money", "of money", amount)
            place = _place(payer, payee, purpose)
            raise LedgerError(f"{place}, payment {index}: {name} must be finite, got {value} {unit}")


def _place(payer: str, payee: str, purpose: str) -> str:
    return f"ledger, {payer} -> {payee} for {purpose}"
