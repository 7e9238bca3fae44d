"""Checks of a scenario of several grids: each grid as a scenario of its own, then the tree that they form."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from gridarium.environment.errors import Fault
from gridarium.experiments.plain_yaml import Tree
from gridarium.experiments.scenario_checks import CrossCheck, currencies_have_rates, rates_are_of_others
from gridarium.experiments.scenario_fields import NAME
from gridarium.experiments.scenario_schema import Scenario
from gridarium.experiments.schema_faults import faults_of
from gridarium.experiments.stacked.schema import (
    COMMON,
    GridEntry,
    GridPlace,
    StackedScenario,
    unused_fields,
)

CheckCase = Callable[[Tree], tuple[Scenario | None, list[Fault]]]

CROSS_CHECKS: tuple[CrossCheck, ...] = ()
"""None beside `check_grids`, which sees the grids before they are a scenario."""

_SYSTEM_PERIOD_H = 0.25


def check_grids(tree: Tree, check_case: CheckCase) -> tuple[StackedScenario | None, list[Fault]]:
    """Return the scenario that a tree with `grids` describes if it has no fault, and every fault there is.

    Parameters
    ----------
    tree : dict
    check_case : callable
        Checks the tree of a scenario of one grid.
    """
    faults: list[Fault] = []
    common = _common(tree, faults)
    entries: dict[str, GridEntry] = {}
    own_trees = tree["grids"] if isinstance(tree["grids"], dict) else {}
    if not own_trees:
        faults.append(Fault("grids", tree["grids"], "must be a mapping of names to grids, of at least one"))
    for name, own in own_trees.items():
        entry, found = _entry(name, own, tree, common, check_case)
        faults += [_placed(name, fault) for fault in found]
        if entry is not None:
            entries[name] = entry
    faults += _tree_faults(own_trees, entries, common)
    if faults:
        return None, faults
    return common.model_copy(update={"grids": entries}), []


def _placed(name: str, fault: Fault) -> Fault:
    """Return a fault of a grid's section at its place in the file."""
    return Fault(f"grids.{name}.{fault.place}".rstrip("."), fault.value, fault.allowed)


def _common(tree: Tree, faults: list[Fault]) -> StackedScenario:
    """Return what all grids share; a field with a fault has its default."""
    own = {key: value for key, value in tree.items() if key != "grids"}
    try:
        return StackedScenario.model_validate(own)
    except ValidationError as error:
        faults += faults_of(StackedScenario, error)
        broken = {str(detail["loc"][0]) for detail in error.errors() if detail["loc"]}
        return StackedScenario.model_validate({key: own[key] for key in own.keys() - broken})


def _entry(
    name: str, own: object, tree: Tree, common: StackedScenario, check_case: CheckCase
) -> tuple[GridEntry | None, list[Fault]]:
    """Return one grid if it has no fault, and its faults at their places within its section."""
    if not isinstance(own, dict):
        return None, [Fault("", own, "must be a mapping of fields to values")]
    faults = []
    if not NAME.fullmatch(str(name)):
        faults.append(Fault("", name, "must be a name of letters, digits, '_' and '-'"))
    placed = {key: value for key, value in own.items() if key in GridPlace.model_fields}
    try:
        place = GridPlace.model_validate(placed)
    except ValidationError as error:
        return None, [*faults, *faults_of(GridPlace, error)]
    misplaced = [key for key in own if key in COMMON and key not in placed]
    faults += [Fault(key, own[key], "is not allowed inside a grid: all grids share it") for key in misplaced]
    sections = {key: value for key, value in own.items() if key not in placed and key not in misplaced}
    faults += _without_effect(place, sections)
    if sections.get("model") == "grids":
        return None, [*faults, Fault("model", "grids", "must be the model of one grid")]
    scenario, found = check_case(_alone(sections, place, common))
    return (None if scenario is None else GridEntry(place, scenario)), [*faults, *found]


def _alone(sections: Tree, place: GridPlace, common: StackedScenario) -> Tree:
    """Return the section of a grid as the tree of a scenario of its own."""
    shared = common.model_dump(mode="json", include={"title", "seed", "start"})
    shared |= {"currency": place.currency or common.currency, "period_h": place.step_h or common.period_h}
    if sections.get("model") == "net-zero":
        shared["horizon_h"] = common.horizon_h
    return shared | sections


def _without_effect(place: GridPlace, sections: Tree) -> Iterator[Fault]:
    for section, fields in unused_fields(place, str(sections.get("model"))).items():
        given = sections.get(section)
        if not isinstance(given, dict):
            continue
        for field in sorted(fields & given.keys()):
            allowed = f"must be left out: {place.under} supplies this grid"
            yield Fault(f"{section}.{field}", given[field], allowed)


def _tree_faults(
    names: Mapping[str, Any], entries: Mapping[str, GridEntry], common: StackedScenario
) -> Iterator[Fault]:
    """Yield what is wrong between the grids."""
    yield from rates_are_of_others(common)
    yield from currencies_have_rates(
        common, {f"grids.{name}.currency": entry.place.currency for name, entry in entries.items()}
    )
    for name, entry in entries.items():
        above = entry.place.under
        if above is not None and above not in names:
            yield Fault(f"grids.{name}.under", above, f"must be one of {', '.join(names)}")
        elif above is not None and name in _chain(above, entries):
            yield Fault(f"grids.{name}.under", above, "must not lead back to the grid itself")
        elif above is not None:
            yield from _place_faults(name, entry, entries)
        step_h = entry.place.step_h or common.period_h
        if abs(step_h / common.period_h - round(step_h / common.period_h)) > 1e-9:
            allowed = f"must be a multiple of period_h = {common.period_h:g} h"
            yield Fault(f"grids.{name}.step_h", step_h, allowed)
        if entry.scenario.model == "net-zero" and common.period_h != _SYSTEM_PERIOD_H:
            yield Fault("period_h", common.period_h, f"must be {_SYSTEM_PERIOD_H:g} h for grid {name}")


def _place_faults(name: str, entry: GridEntry, entries: Mapping[str, GridEntry]) -> Iterator[Fault]:
    """Yield what is wrong with the place of a grid on the one above."""
    above = entries.get(str(entry.place.under))
    if above is None:
        return
    scenario: Any = above.scenario
    if scenario.model == "net-zero":
        if entry.place.at is not None:
            yield Fault(f"grids.{name}.at", entry.place.at, "must be left out: the grid above has one bus")
        if scenario.operator is None:
            yield Fault(f"grids.{name}.under", entry.place.under, "must be a grid with an operator")
        return
    from gridarium.environment.network_tables import check_network

    if entry.place.at is not None:
        for fault in check_network(scenario.network.source, {name: entry.place.at}, "network"):
            yield Fault(f"grids.{name}.at", entry.place.at, fault.allowed)


def _chain(name: str, entries: Mapping[str, GridEntry]) -> list[str]:
    """Return a grid and all that are above it, as far as they are known and do not repeat."""
    chain: list[str] = []
    current: str | None = name
    while current is not None and current not in chain:
        chain.append(current)
        current = entries[current].place.under if current in entries else None
    return chain
