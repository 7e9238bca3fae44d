"""The rows of a profile file that a scenario runs on: from which day, how many, and what contradicts it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from gridarium.environment.errors import Fault, ProfileError
from gridarium.experiments.names.renamed import new_name
from gridarium.experiments.reading.scenario_files import profile_path, shipped_profiles

if TYPE_CHECKING:
    from gridarium.environment.arrays import Array
    from gridarium.environment.profiles import Profiles


class WithProfiles(Protocol):
    """A scenario with rows of profiles to run on."""

    @property
    def horizon_h(self) -> float | None:
        """How long it is run, if that is given."""

    @property
    def profiles(self) -> str:
        """A shipped set or the path of a file."""

    @property
    def start(self) -> datetime | None:
        """When the first day begins, if that is given."""


def profiles_of(scenario: WithProfiles) -> Profiles:
    """Return the profiles of a grid from the start of its scenario on.

    Raises
    ------
    ProfileError
        If the file cannot be used.
    """
    from gridarium.environment.profiles import read_profiles

    profiles = read_profiles(profile_path(scenario.profiles))
    row = _row_of(scenario.start, profiles)
    return profiles.since(row) if row and has_dates(scenario) else profiles


def rows_run(scenario: WithProfiles, column: str) -> Array | None:
    """Return a column of profiles in the rows that are run; None where it cannot be read, which is no fault.

    That is told where profiles are checked by themselves.
    """
    try:
        profiles = profiles_of(scenario)
        values = profiles.column(column)
    except ProfileError:
        return None
    hours = scenario.horizon_h
    return values if hours is None else values[: round(hours / profiles.period_h)]


def rows_within(
    scenario: WithProfiles, column: str, low: float, high: float, above_low: bool = False
) -> Iterator[Fault]:
    """Yield the first row that is run whose value in a column is not in an interval, or is its low end."""
    values = rows_run(scenario, column)
    if values is None:
        return
    begins = values > low if above_low else values >= low
    wrong = (~(begins & (values <= high))).nonzero()[0]
    if len(wrong):
        least = f"above {low:g}" if above_low else f"at least {low:g}"
        within = f"in [{low:g}, {high:g}]" if high < float("inf") else least
        allowed = f"must be {within} in column {column}, is not in row {wrong[0] + 1}"
        yield Fault("profiles", float(values[wrong[0]]), allowed)


def has_dates(scenario: WithProfiles) -> bool:
    """Whether the dates of its profiles count: those of one's own file do, shipped sets are typical days."""
    return scenario.profiles not in shipped_profiles()


def begins(scenario: WithProfiles) -> datetime:
    """Return when the first day of a grid begins: at the start of its scenario, or with its first row."""
    if scenario.start is not None:
        return scenario.start
    return profiles_of(scenario).times[0]


def profiles_fit(case: Any) -> Iterator[Fault]:
    """Yield what is wrong with the profiles of a scenario, by themselves and beside its own times."""
    from gridarium.environment.profiles import column_names, read_profiles

    path, columns = profile_path(case.profiles), dict.fromkeys(case.profile_columns)
    present = column_names(path)
    renamed = {new_name(name): name for name in present if new_name(name) not in present}
    for name in [name for name in columns if name in renamed]:
        yield Fault("profiles", renamed[name], f"{path.name}: the column is now called {name}")
    try:
        profiles = read_profiles(path, [name for name in columns if name not in renamed])
    except ProfileError as error:
        for fault in error.faults:
            yield Fault("profiles", fault.value, f"{fault.place} {fault.allowed}")
        return
    if abs(profiles.period_h - case.period_h) > 1e-9:
        allowed = f"must be the step of {case.profiles}, {profiles.period_h:g} h"
        yield Fault("period_h", case.period_h, allowed)
    row = _row_of(case.start, profiles)
    if not has_dates(case):
        first = profiles.times[0].time()
        if case.start is not None and case.start.time() != first:
            allowed = f"must be at {first:%H:%M} of a day, where the rows of {case.profiles} begin"
            yield Fault("start", case.start.isoformat(), allowed)
    elif row is None:
        yield _wrong_start(case.start, profiles, path.name)
        return
    yield from _days_fit(case, profiles.since(row or 0), row or 0)


def _row_of(start: datetime | None, profiles: Profiles) -> int | None:
    """Return the row at which a run begins, the first without a start; None if no day begins there."""
    if start is None:
        return 0
    for row in profiles.first_rows:
        time = profiles.times[row]
        if time == start and time.utcoffset() == start.utcoffset():
            return row
    return None


def _wrong_start(start: datetime, profiles: Profiles, file: str) -> Fault:
    """Return the fault of a start that is that of no day of the profiles."""
    first = profiles.times[0].isoformat()
    days = len(profiles.day_lengths)
    if start == profiles.times[0]:
        allowed = f"must be in the zone of {file}, which begins at {first}, or be left out"
    elif days == 1:
        allowed = f"must be {first}, the first row of {file}, or be left out"
    else:
        last = profiles.times[profiles.first_rows[-1]].isoformat()
        allowed = f"must begin one of the {days} days of {file}, {first} to {last}, or be left out"
    return Fault("start", start.isoformat(), allowed)


def _days_fit(case: Any, profiles: Profiles, row: int) -> Iterator[Fault]:
    """Yield a horizon that is not made of days, or goes over one on which the clock changes."""
    lengths, whole = profiles.day_lengths, round(24.0 / profiles.period_h)
    asked = None if case.horizon_h is None else round(case.horizon_h / profiles.period_h)
    n_period = len(profiles.times) if asked is None else asked
    place, value = ("profiles", f"{n_period} rows") if asked is None else ("horizon_h", case.horizon_h)
    n_day = -(-n_period // whole)
    changes = [day for day in range(min(n_day, len(lengths))) if lengths[day] != whole]
    if n_period <= lengths[0]:
        return
    if changes:
        yield Fault(place, value, _ways_around(profiles, changes[0]))
    elif whole < n_period and n_period % whole:
        yield Fault(place, value, "must be at most 24 h or whole days")
    elif row and n_period > len(profiles.times):
        left = f"{len(profiles.times) * profiles.period_h:g} h, what the rows have from start on"
        yield Fault(place, value, f"must be at most {left}")


def _ways_around(profiles: Profiles, day: int) -> str:
    """Return what a run over a day with a change of the clock must be, and how it can be run instead."""
    first = profiles.first_rows[day]
    times, hours = profiles.times, profiles.day_lengths[day] * profiles.period_h
    of_day = range(first + 1, min(first + profiles.day_lengths[day] + 1, len(times)))
    offsets = [time.utcoffset() for time in times]
    changed = next((times[row] for row in of_day if offsets[row] != offsets[row - 1]), times[first])
    ways = [f"it alone (start: {times[first].isoformat()}, horizon_h: {hours:g})"]
    if day:
        ways.append(f"the days before it (horizon_h: {24 * day})")
    if first + profiles.day_lengths[day] < len(times):
        after = times[first + profiles.day_lengths[day]]
        ways.append(f"those after it (start: {after.isoformat()})")
    told = f"the clock changes at {changed.isoformat()}, so that the day has {hours:g} h"
    whole = "or make the rows whole days of 24 h in one UTC offset"
    return (
        f"must not run over {times[first]:%Y-%m-%d} with other days: {told}; run {', '.join(ways)}, {whole}"
    )
