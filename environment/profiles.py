"""Time series from CSV files: read, checked in full, and kept until the file changes."""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridarium.environment.errors import Fault, ProfileError

TIME_COLUMN = "time"
_DAY_S = 86400.0
_NON_NEGATIVE = {"_tco2_per_mwh": "tCO2/MWh", "_mwh": "MWh", "_mw": "MW"}
_TIME_FORM = "must be an ISO 8601 time with a time zone, such as 2026-01-15T00:00:00+08:00"


@dataclass(frozen=True, slots=True)
class Profiles:
    """Time series over whole days in even steps.

    Parameters
    ----------
    index : pandas.DatetimeIndex, length n_period
        Start of each period, with a time zone.
    period_h : float
        Length of a period, h.
    columns : mapping of str to ndarray, shape (n_period,)
        Series by name; the name ends with the unit. The arrays are read-only.
    source : str
        File that they came from.
    """

    index: pd.DatetimeIndex
    period_h: float
    columns: Mapping[str, NDArray[np.float64]]
    source: str = "profiles"

    def column(self, name: str) -> NDArray[np.float64]:
        """Return one series, shape (n_period,).

        Raises
        ------
        ProfileError
            If there is no such column.
        """
        if name not in self.columns:
            raise ProfileError(self.source, [_missing_column(self.source, name, self.columns)])
        return self.columns[name]


def read_profiles(path: str | os.PathLike[str], required_columns: Iterable[str] = ()) -> Profiles:
    """Read a profile file.

    Parameters
    ----------
    path : path-like
        CSV file in UTF-8 with a column `time` (ISO 8601 with a time zone, start of the period) and columns
        of numbers; lines that begin with ``#`` are comments.
    required_columns : iterable of str
        Columns that have to be there.

    Returns
    -------
    Profiles
        One object for all readers of the same unchanged file, in the UTC offset of its first row.

    Raises
    ------
    ProfileError
        With every fault of the file.
    """
    reading = _read(path)
    faults = reading.all_faults(path, required_columns)
    if reading.profiles is None or faults:
        raise ProfileError(str(path), faults)
    return reading.profiles


def check_profiles(path: str | os.PathLike[str], required_columns: Iterable[str] = ()) -> list[Fault]:
    """Return every fault that `read_profiles` would raise, none if the file is in order; never raises.

    A place such as ``data.csv: column pv_mw, row 7`` counts the rows of numbers from 1, without header and
    comments.
    """
    return _read(path).all_faults(path, required_columns)


def column_names(path: str | os.PathLike[str]) -> tuple[str, ...]:
    """Return the header of a profile file as it stands there; nothing if there is no usable one."""
    return _read(path).names


class _Reading(NamedTuple):
    """What came out of a file: profiles, or faults; names are empty when there is no usable header."""

    profiles: Profiles | None
    names: tuple[str, ...]
    faults: tuple[Fault, ...]

    def all_faults(self, path: str | os.PathLike[str], required: Iterable[str]) -> list[Fault]:
        missing = [name for name in required if name not in self.names] if self.names else []
        return [*self.faults, *(_missing_column(path, name, self.names) for name in missing)]


def _missing_column(path: str | os.PathLike[str], name: str, present: Iterable[str]) -> Fault:
    others = ", ".join(column for column in present if column != TIME_COLUMN)
    return Fault(f"{Path(path).name}: column {name}", None, f"must be there; the file has {others}")


def _read(path: str | os.PathLike[str]) -> _Reading:
    try:
        status = os.stat(path)
    except (OSError, ValueError) as error:
        return _unreadable(Path(path).name, error)
    return _parse(os.path.abspath(path), status.st_mtime_ns, status.st_size)


def _unreadable(file: str, found: object) -> _Reading:
    return _Reading(None, (), (Fault(file, str(found), "must be a readable UTF-8 CSV file with a header"),))


@lru_cache(maxsize=32)
def _parse(path: str, _mtime_ns: int, _size: int) -> _Reading:
    file = Path(path).name
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
        lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
        rows = list(csv.reader(lines))
    except (OSError, ValueError, csv.Error) as error:
        return _unreadable(file, error)
    if not rows:
        return _unreadable(file, "no lines")
    header, *rows = rows
    names = tuple(name.strip() for name in header)
    faults = _header_faults(file, names)
    faults += [
        Fault(
            f"{file}: row {number}", f"{len(row)} cells", f"must have {len(names)} cells, one for each column"
        )
        for number, row in enumerate(rows, start=1)
        if len(row) != len(names)
    ]
    if not rows:
        faults.append(Fault(file, "no rows", "must have rows that cover whole days"))
    if faults:
        return _Reading(None, names, tuple(faults))

    cells = dict(zip(names, zip(*rows, strict=True), strict=True))
    times, faults = _times(file, cells.pop(TIME_COLUMN))
    period_h = math.nan
    if not faults:
        period_h, faults = _period_h(file, times)
    columns = {}
    for name, texts in cells.items():
        columns[name], more = _numbers(file, name, texts)
        faults += more
    if faults:
        return _Reading(None, names, tuple(faults))
    index = pd.DatetimeIndex(pd.to_datetime(times, utc=True), name=TIME_COLUMN).tz_convert(times[0].tzinfo)
    return _Reading(Profiles(index, period_h, MappingProxyType(columns), path), names, ())


def _header_faults(file: str, names: Sequence[str]) -> list[Fault]:
    faults = []
    if TIME_COLUMN not in names:
        faults.append(Fault(f"{file}: column {TIME_COLUMN}", None, "must be there"))
    for position, name in enumerate(names):
        if not name:
            faults.append(Fault(f"{file}: header, column {position + 1}", name, "must have a name"))
        elif name in names[:position]:
            faults.append(Fault(f"{file}: column {name}", name, "must be there only once"))
    return faults


def _times(file: str, texts: Sequence[str]) -> tuple[list[datetime], list[Fault]]:
    times, faults = [], []
    for row, text in enumerate(texts, start=1):
        try:
            time = datetime.fromisoformat(text.strip())
        except ValueError:
            time = None
        if time is None or time.tzinfo is None:
            faults.append(Fault(_place(file, TIME_COLUMN, row), text, _TIME_FORM))
        else:
            times.append(time)
    return times, faults


def _period_h(file: str, times: Sequence[datetime]) -> tuple[float, list[Fault]]:
    """Return the most frequent time step, h, and a fault for each row that breaks it."""
    steps_s = np.diff([time.timestamp() for time in times])
    lengths_s, counts = np.unique(steps_s[steps_s > 0.0], return_counts=True)
    if not lengths_s.size:
        return math.nan, [Fault(file, f"{len(times)} rows", "must have rows of rising times over whole days")]
    length_s = float(lengths_s[np.argmax(counts)])
    faults = []
    for row, step_s in enumerate(steps_s, start=2):
        if step_s == 0.0:
            allowed = "must not repeat the time of the row before"
        else:
            allowed = f"must be {length_s / 3600.0:g} h after the row before"
        if step_s != length_s:
            faults.append(Fault(_place(file, TIME_COLUMN, row), times[row - 1].isoformat(), allowed))
    if len(times) * length_s % _DAY_S:
        found = f"{len(times)} rows of {length_s / 3600.0:g} h"
        faults.append(Fault(file, found, "must have rows that cover whole days of 24 h"))
    return length_s / 3600.0, faults


def _numbers(file: str, name: str, texts: Sequence[str]) -> tuple[NDArray[np.float64], list[Fault]]:
    values = np.array([_number(text) for text in texts])
    unit = _non_negative_unit(name)
    wrong = ~np.isfinite(values) if unit is None else ~(np.isfinite(values) & (values >= 0.0))
    allowed = "must be a finite number" if unit is None else f"must be a number in [0, inf) {unit}"
    faults = [
        Fault(_place(file, name, row + 1), texts[row], allowed) for row in np.flatnonzero(wrong).tolist()
    ]
    values.flags.writeable = False
    return values, faults


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _non_negative_unit(name: str) -> str | None:
    for suffix, unit in _NON_NEGATIVE.items():
        # A price in _per_mwh ends like an energy, yet may be negative.
        if name.endswith(suffix) and not name.removesuffix(suffix).endswith("_per"):
            return unit
    return None


def _place(file: str, column: str, row: int) -> str:
    return f"{file}: column {column}, row {row}"
