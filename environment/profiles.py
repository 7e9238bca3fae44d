"""Time series from CSV files: read, checked in full, and kept until the file changes."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridarium.environment.arrays import series
from gridarium.environment.errors import Fault, ProfileError
from gridarium.environment.profile_cells import TIME_COLUMN, numbers, read_cells, unreadable
from gridarium.environment.profile_times import row_times


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
    times : tuple of datetime, length n_period
        The index as the file gives it, each time with its own UTC offset.
    day_lengths : tuple of int, length n_day
        Periods of each day: of 23 or 25 h where the clock was changed, of 24 h otherwise.
    """

    index: pd.DatetimeIndex
    period_h: float
    columns: Mapping[str, NDArray[np.float64]]
    source: str = "profiles"
    times: tuple[datetime, ...] = ()
    day_lengths: tuple[int, ...] = ()

    @property
    def first_rows(self) -> tuple[int, ...]:
        """Row at which each day begins."""
        return (0, *np.cumsum(self.day_lengths[:-1]).tolist())

    def since(self, row: int) -> Profiles:
        """Return the same from a row on at which a day begins."""
        if row == 0:
            return self
        columns = {name: series(values[row:]) for name, values in self.columns.items()}
        lengths = self.day_lengths[self.first_rows.index(row) :]
        index = self.index[row:].tz_convert(self.times[row].tzinfo)
        return replace(
            self, index=index, columns=MappingProxyType(columns), times=self.times[row:], day_lengths=lengths
        )

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
        of numbers; lines that begin with ``#`` are comments. Cells are separated by commas, or by semicolons
        or tabs, and then numbers may have a decimal comma.
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
        return _Reading(None, (), (unreadable(Path(path).name, error),))
    return _parse(os.path.abspath(path), status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=32)
def _parse(path: str, _mtime_ns: int, _size: int) -> _Reading:
    file = Path(path).name
    names, cells, decimal_comma, found = read_cells(Path(path))
    if found:
        return _Reading(None, names, found)
    rows, faults = row_times(file, cells.pop(TIME_COLUMN))
    columns = {}
    for name, texts in cells.items():
        columns[name], more = numbers(file, name, texts, decimal_comma)
        faults += more
    if faults or rows is None:
        return _Reading(None, names, tuple(faults))
    times = rows.times
    index = pd.DatetimeIndex(pd.to_datetime(times, utc=True), name=TIME_COLUMN).tz_convert(times[0].tzinfo)
    profiles = Profiles(index, rows.period_h, MappingProxyType(columns), path, tuple(times), rows.day_lengths)
    return _Reading(profiles, names, ())
