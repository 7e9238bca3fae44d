"""Checks between the sections of a scenario, and against its profiles."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from gridarium.environment.errors import Fault
from gridarium.experiments.names.registry import entries, is_known
from gridarium.experiments.schema.scenario import Scenario

CrossCheck = tuple[frozenset[str], Callable[[Any], Iterator[Fault]]]
"""A check between sections, with the sections that must be sound for it to make sense."""


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
