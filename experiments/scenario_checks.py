"""Checks between the sections of a scenario, and against its profiles."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from gridarium.environment.errors import Fault, ProfileError
from gridarium.experiments.registry import entries, is_known
from gridarium.experiments.renamed import new_name
from gridarium.experiments.scenario_files import profile_path
from gridarium.experiments.scenario_schema import Scenario

CrossCheck = tuple[frozenset[str], Callable[[Any], Iterator[Fault]]]
"""A check between sections, with the sections that must be sound for it to make sense."""


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
    first = profiles.index[0].time()
    if case.start.time() != first:
        # The dates of the profiles do not matter, but their first row is of some hour of the day.
        allowed = f"must be at {first:%H:%M} of a day, where the rows of {case.profiles} begin"
        yield Fault("start", case.start.isoformat(), allowed)


def papers_are_known(case: Scenario) -> Iterator[Fault]:
    """Yield papers whose claims nobody has written down."""
    for place, name in enumerate(case.papers):
        if not is_known("papers", name):
            yield Fault(f"papers.{place}", name, f"must be one of {', '.join(entries('papers'))}")


def rates_are_of_others(case: Scenario) -> Iterator[Fault]:
    """Yield an exchange rate of the scenario's own currency."""
    if case.currency in case.exchange_rates:
        rate = case.exchange_rates[case.currency]
        allowed = "must be left out: it is the currency of the scenario"
        yield Fault(f"exchange_rates.{case.currency}", rate, allowed)


def currencies_have_rates(case: Scenario, currencies: Mapping[str, str | None]) -> Iterator[Fault]:
    """Yield the currencies of sections that cannot be converted, given by their places in the file."""
    known = ", ".join(sorted({case.currency, *case.exchange_rates}))
    for place, currency in currencies.items():
        if currency is not None and currency != case.currency and currency not in case.exchange_rates:
            yield Fault(place, currency, f"must have a rate in exchange_rates; known are {known}")


def cross_faults(case: Scenario, broken: set[str], checks: Sequence[CrossCheck]) -> Iterator[Fault]:
    """Yield what is wrong between sections, leaving out the checks that need a broken one."""
    for sections, check in checks:
        if not sections & broken:
            yield from check(case)
