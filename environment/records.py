"""Append-only records of what was allocated to whom, and of what was done: no money moves here."""

from __future__ import annotations

import math
from array import array
from struct import Struct
from typing import NamedTuple

import numpy as np
import pandas as pd

from gridarium.environment.errors import LedgerError
from gridarium.environment.hash_chain import EPOCH, NO_PERIOD, AppendOnly, texts

RECORDS = "records"
"""Name of the ledger of records."""

ALLOCATED, EXECUTED = "allocated", "executed"
"""What is recorded of a task: what somebody was told to do in a period, and what its meter read."""

VALUES = ("charge_mwh", "discharge_mwh", "q_mvarh", "amount_money")
"""Values of a record by their names."""

_NUMBERS = Struct(">qqq4d")


class TaskEnergies(NamedTuple):
    """What somebody was to take and give in a period, or has: MWh, and reactive energy given, Mvarh."""

    charge_mwh: float
    discharge_mwh: float
    q_mvarh: float


class Record(NamedTuple):
    """One record; values that do not apply are nan.

    Parameters
    ----------
    entry : int
        Its number, from 0.
    period : int or None
        Settlement period that it belongs to.
    time_ns : int
        When it was written, since 1970 in UTC, ns.
    writer, owner, what : str
        Who wrote it, whose it is, and what it says, such as "allocated" or "executed".
    charge_mwh, discharge_mwh, q_mvarh : float
        Energy taken from and given to the grid, MWh, and reactive energy given, Mvarh.
    amount_money : float
    """

    entry: int
    period: int | None
    time_ns: int
    writer: str
    owner: str
    what: str
    charge_mwh: float = math.nan
    discharge_mwh: float = math.nan
    q_mvarh: float = math.nan
    amount_money: float = math.nan

    @property
    def values(self) -> tuple[float, float, float, float]:
        """Its values in the order of `VALUES`."""
        return self[-4:]


def record_data(record: Record) -> bytes:
    """The bytes of a record that hashes are over."""
    period = NO_PERIOD if record.period is None else record.period
    numbers = _NUMBERS.pack(record.entry, period, record.time_ns, *record.values)
    return numbers + texts(record.writer, record.owner, record.what)


class Records(AppendOnly):
    """All records of a run: allocations, executed tasks, and whatever else somebody is held to.

    - `write`: append a record
    - `of`, `record`, `table`: read them
    - `verify`, `head`, `tree`: detect alterations, as in `AppendOnly`

    Who is dispatched anew gets a further record; none is taken back.

    Parameters
    ----------
    start : pandas.Timestamp, optional
        Calendar time of clock time 0 with a time zone; the Unix epoch if left out.
    """

    def __init__(self, start: pd.Timestamp = EPOCH) -> None:
        super().__init__(RECORDS, start)
        self._periods, self._times = array("q"), array("d")
        self._writers, self._owners, self._whats = array("l"), array("l"), array("l")
        self._values = array("d")
        self._of: dict[str, list[int]] = {}

    def write(
        self,
        time_s: float,
        writer: str,
        owner: str,
        what: str,
        period: int | None = None,
        *,
        charge_mwh: float = math.nan,
        discharge_mwh: float = math.nan,
        q_mvarh: float = math.nan,
        amount_money: float = math.nan,
    ) -> int:
        """Write a record, and return its number.

        Parameters
        ----------
        time_s : float
            Clock time, s.
        writer, owner, what : str
            As in `Record`.
        period : int, optional
            Settlement period that it belongs to.
        charge_mwh, discharge_mwh, q_mvarh, amount_money : float
            What applies.

        Raises
        ------
        LedgerError
            If a name is missing, the time is not finite or a value infinite.
        """
        place = f"records, {owner}, {what} by {writer}"
        if not (writer and owner and what):
            raise LedgerError(f"{place}: writer, owner and what must be named")
        if not math.isfinite(time_s):
            raise LedgerError(f"{place}: time_s must be finite, got {time_s} s")
        values = tuple(map(float, (charge_mwh, discharge_mwh, q_mvarh, amount_money)))
        for name, value in zip(VALUES, values, strict=True):
            if math.isinf(value):
                raise LedgerError(
                    f"{place}: {name} must be finite, or nan where it does not apply, got {value}"
                )
        number = len(self._periods)
        record = Record(number, period, self._time_ns(time_s), writer, owner, what, *values)
        self._seal(record_data(record))
        self._periods.append(NO_PERIOD if period is None else period)
        self._times.append(float(time_s))
        for column, name in ((self._writers, writer), (self._owners, owner), (self._whats, what)):
            column.append(self._id(name))
        self._values.extend(values)
        self._of.setdefault(owner, []).append(number)
        return number

    def of(self, owner: str, since: int = 0, until: int | None = None) -> list[Record]:
        """Records of an owner, by their numbers from `since` on and before `until`."""
        end = len(self) if until is None else until
        return [self.record(number) for number in self._of.get(owner, ()) if since <= number < end]

    def record(self, number: int) -> Record:
        """One record as it is stored now."""
        period, names = self._periods[number], self._names
        return Record(
            number,
            None if period == NO_PERIOD else period,
            self._time_ns(self._times[number]),
            names[self._writers[number]],
            names[self._owners[number]],
            names[self._whats[number]],
            *self._values[4 * number : 4 * number + 4],
        )

    def data(self, number: int) -> bytes:
        """The bytes of a record that its hashes are over, from what is stored of it now."""
        return record_data(self.record(number))

    def table(self) -> pd.DataFrame:
        """Return a row for each record.

        Returns
        -------
        DataFrame, n_entry rows
            Columns entry, period (missing where it belongs to none), time (calendar), writer, owner, what,
            the values by their names, and hash, of the record and all before it.
        """
        names = np.array([*self._names, ""], dtype=object)
        periods = np.frombuffer(self._periods, dtype=np.int64)
        columns = (("writer", self._writers), ("owner", self._owners), ("what", self._whats))
        values = np.frombuffer(self._values).reshape(-1, len(VALUES))
        return pd.DataFrame(
            {
                "entry": np.arange(len(self), dtype=np.int64),
                "period": pd.Series(periods, dtype="Int64").mask(periods == NO_PERIOD),
                "time": self._calendar(np.frombuffer(self._times)),
                **{name: names[np.frombuffer(column, dtype="l")] for name, column in columns},
                **dict(zip(VALUES, values.T, strict=True)),
                "hash": np.array(self.hashes, dtype=object),
            }
        )

    def _lengths(self) -> set[int]:
        columns = (self._periods, self._times, self._writers, self._owners, self._whats)
        return {len(column) for column in columns} | {len(self._values) // len(VALUES)}
