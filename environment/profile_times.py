"""Times of profile rows: one step between them, whole days of 24 h, or of 23 and 25 h where clocks change."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np

from gridarium.environment.errors import Fault
from gridarium.environment.profile_cells import TIME_COLUMN, faults_of_rows, place

_DAY_S = 86400.0
_HOUR_S = 3600.0
_TIME_FORM = "must be an ISO 8601 time with a time zone, such as 2026-01-15T00:00:00+08:00"


class RowTimes(NamedTuple):
    """Starts of periods.

    Parameters
    ----------
    times : list of datetime
        With the UTC offset of each row.
    period_h : float
        Length of a period, h.
    day_lengths : tuple of int
        Periods of each day, the days counted from the first row.
    """

    times: list[datetime]
    period_h: float
    day_lengths: tuple[int, ...]


def row_times(file: str, texts: Sequence[str]) -> tuple[RowTimes | None, list[Fault]]:
    """Read the times of all rows; None and the faults if they are none, uneven or no whole days."""
    times, faults = _parsed(file, texts)
    if faults:
        return None, faults
    steps_s = np.diff([time.timestamp() for time in times])
    lengths_s, counts = np.unique(steps_s[steps_s > 0.0], return_counts=True)
    if not lengths_s.size:
        return None, [Fault(file, f"{len(times)} rows", "must have rows of rising times over whole days")]
    length_s = float(lengths_s[np.argmax(counts)])
    faults = [*_step_faults(file, times, steps_s.tolist(), length_s), *_zone_faults(file, times)]
    # As many rows as whole days have, of which some are at the wrong time, are one cause.
    if times[-1] > times[0] and not (faults and len(times) * length_s % _DAY_S == 0.0):
        faults += _rest_of_day(file, times, length_s)
    if faults:
        return None, faults
    return RowTimes(times, length_s / _HOUR_S, day_lengths(times, length_s)), []


def day_lengths(times: Sequence[datetime], length_s: float) -> tuple[int, ...]:
    """Return the periods of each day, counted from the first time.

    A day ends when the clock on the wall, with the offset of each row, shows the hour of the first row again;
    it has 23 or 25 h where the offset changes. Rows that are no whole days by that clock are days of 24 h of
    elapsed time, the last one as long as they reach.
    """
    civil_s = np.maximum.accumulate(_civil_s(times))
    if (civil_s[-1] + length_s) % _DAY_S == 0.0:
        days = civil_s // _DAY_S
    else:
        days = np.array([(time - times[0]).total_seconds() for time in times]) // _DAY_S
    return tuple(np.bincount(days.astype(np.int64)).tolist())


def _parsed(file: str, texts: Sequence[str]) -> tuple[list[datetime], list[Fault]]:
    times: list[datetime] = []
    wrong = []
    for row, text in enumerate(texts):
        try:
            time = datetime.fromisoformat(text.strip())
        except ValueError:
            time = None
        if time is None or time.tzinfo is None:
            wrong.append(row)
        else:
            times.append(time)
    return times, faults_of_rows(file, TIME_COLUMN, texts, wrong, _TIME_FORM)


def _step_faults(
    file: str, times: Sequence[datetime], steps_s: Sequence[float], length_s: float
) -> list[Fault]:
    """Return a fault for each row that breaks the most frequent step."""
    faults = []
    for row, step_s in enumerate(steps_s, start=2):
        if step_s == length_s:
            continue
        if step_s == 0.0:
            allowed = "must not repeat the time of the row before"
        else:
            allowed = f"must be {length_s / _HOUR_S:g} h after the row before"
        if step_s > length_s and step_s % length_s == 0.0:
            missing = round(step_s / length_s) - 1
            allowed += f"; {_span(times[row - 2] + timedelta(seconds=length_s), missing, length_s)}"
        faults.append(Fault(place(file, TIME_COLUMN, row), times[row - 1].isoformat(), allowed))
    return faults


def _zone_faults(file: str, times: Sequence[datetime]) -> list[Fault]:
    """Return a fault for each row whose offset is that of another zone, not of a clock that was changed."""
    changed = np.flatnonzero(np.abs(np.diff(_offsets_s(times))) > _HOUR_S) + 1
    faults = []
    for row in changed.tolist():
        allowed = f"must have the UTC offset of the row before, {times[row - 1]:%z}, an hour more or less"
        faults.append(Fault(place(file, TIME_COLUMN, row + 1), times[row].isoformat(), allowed))
    return faults


def _rest_of_day(file: str, times: Sequence[datetime], length_s: float) -> list[Fault]:
    """Return a fault if the rows are no whole days, neither by the clock nor in elapsed time."""
    elapsed_s = (times[-1] - times[0]).total_seconds() + length_s
    civil_s = float(_civil_s(times)[-1]) + length_s
    lacking_s = -civil_s % _DAY_S
    if not lacking_s or not elapsed_s % _DAY_S:
        return []
    found, whole = f"{len(times)} rows of {length_s / _HOUR_S:g} h", "must have rows that cover whole days"
    if _DAY_S % length_s:
        return [Fault(file, found, f"{whole}, in steps that divide 24 h")]
    missing = _span(times[-1] + timedelta(seconds=length_s), round(lacking_s / length_s), length_s)
    return [Fault(file, found, f"{whole}; {missing} at the end")]


def _span(first: datetime, n_row: int, length_s: float) -> str:
    """Return which rows are missing."""
    if n_row == 1:
        return f"{first.isoformat()} is missing"
    last = first + timedelta(seconds=(n_row - 1) * length_s)
    return f"{first.isoformat()} to {last.isoformat()} are missing, {n_row} rows"


def _offsets_s(times: Sequence[datetime]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.array([offset.total_seconds() for time in times if (offset := time.utcoffset()) is not None])


def _civil_s(times: Sequence[datetime]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Seconds that the clock on the wall has gone on since the first row, shape (n_row,)."""
    first = times[0].replace(tzinfo=None)
    return np.array([(time.replace(tzinfo=None) - first).total_seconds() for time in times])
