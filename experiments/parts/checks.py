"""Checks of a grid that hold for every part alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from gridarium.environment.errors import Fault
from gridarium.experiments.parts.dso import DSO
from gridarium.experiments.parts.house import all_parts
from gridarium.experiments.parts.own_network import own_generators_fit
from gridarium.experiments.parts.part import Check, GridScenario, Part
from gridarium.experiments.reading.profiles import profiles_fit
from gridarium.experiments.schema.checks import papers_are_known, rates_are_of_others

Checking = Callable[[Any], Iterator[Fault]]

_QUARTER_H = 0.25


def grid_checks() -> tuple[Check, ...]:
    """Every check between the fields of a grid, with the fields that must be sound for it to make sense."""
    parts = all_parts()
    all_fields = frozenset(part.field for part in parts)
    with_agents = frozenset(part.field for part in parts if part.makes_agents)
    with_columns = frozenset(part.field for part in parts if part.reads_profiles)
    in_quarters = frozenset(part.field for part in parts if part.in_quarters)
    return (
        (frozenset({"currency", "exchange_rates"}), rates_are_of_others),
        (frozenset({"papers"}), papers_are_known),
        (with_agents, _one_operates),
        (all_fields, _nothing_is_idle),
        (with_agents, _names_are_unique),
        (frozenset({"period_h", "dso", *in_quarters}), _periods_are_quarters),
        (frozenset({"network", "renewables"}), own_generators_fit),
        (
            frozenset({"profiles", "period_h", "start", "horizon_h", *with_agents, *with_columns}),
            profiles_fit,
        ),
        *((fields, _where_it_belongs(part, check)) for part in parts for fields, check in part.checks),
    )


def _where_it_belongs(part: Part[Any], check: Checking) -> Checking:
    """A check of a part, for grids that have something for the part to belong to."""
    return lambda scenario: check(scenario) if part.hangs_on(scenario) else iter(())


def _one_operates(scenario: GridScenario) -> Iterator[Fault]:
    """Yield operators beside the first, and a grid on which nobody is."""
    given = [part.field for part in scenario.parts if part.operates and part.is_given(scenario)]
    for field in given[1:]:
        yield Fault(field, "given", f"must be left out where there is {given[0]}: a grid has one operator")
    if not any(part.agents(scenario) for part in scenario.parts):
        known = ", ".join(part.field for part in scenario.parts if part.makes_agents and not part.under)
        yield Fault("sections", "nobody", f"must put somebody on the grid, such as {known}")


def _nothing_is_idle(scenario: GridScenario) -> Iterator[Fault]:
    """Yield sections that have nothing to belong to."""
    for part in scenario.parts:
        if not part.hangs_on(scenario) and part.of(scenario) != part.default:
            yield Fault(part.field, "given", f"must be left out where there is no {' or '.join(part.under)}")


def _names_are_unique(scenario: GridScenario) -> Iterator[Fault]:
    """Yield what bears the name of another agent of the grid."""
    single = {part.field for part in scenario.parts if not isinstance(part.of(scenario), dict)}
    reserved = [name for part in scenario.parts if part.field in single for name in part.agents(scenario)]
    seen: dict[str, str] = {}
    for part in scenario.parts:
        if part.field in single:
            continue
        for name in part.agents(scenario):
            # A member of a class has no place of its own in the file.
            place = f"{part.field}.{name}" if name in part.of(scenario) else part.field
            if name in reserved:
                yield Fault(place, name, "must be another name: an agent of every run has it")
            if name in seen:
                yield Fault(place, name, f"must be unique; {seen[name]} has one of that name")
            seen[name] = part.field


def _periods_are_quarters(scenario: GridScenario) -> Iterator[Fault]:
    """Yield periods of another length than those in which some parts count.

    The operator of a feeder may plan in longer steps; see `settles_in_quarters`.
    """
    if not DSO.is_given(scenario):
        yield from settles_in_quarters(scenario, scenario.period_h)


def settles_in_quarters(scenario: GridScenario, period_h: float) -> Iterator[Fault]:
    """Yield a settlement period of another length than that in which some parts of a grid count."""
    counting = [part.field for part in scenario.parts if part.in_quarters and part.is_given(scenario)]
    if counting and abs(period_h - _QUARTER_H) > 1e-9:
        allowed = f"must be {_QUARTER_H:g} h, a quarter of an hour, where there is {' and '.join(counting)}"
        yield Fault("period_h", period_h, allowed)
