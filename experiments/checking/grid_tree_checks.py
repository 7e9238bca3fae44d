"""Checks of a scenario of several grids: each grid as a scenario of its own, then the tree that they form."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from gridarium.environment.errors import Fault
from gridarium.experiments.checking.grid_tree import (
    COMMON,
    GridEntry,
    GridPlace,
    StackedScenario,
    unused_fields,
)
from gridarium.experiments.parts.carbon_policy import CARBON_POLICY
from gridarium.experiments.parts.checks import settles_in_quarters
from gridarium.experiments.parts.distribution_operator import (
    DISTRIBUTION_OPERATOR,
    hung_faults,
    root_faults,
)
from gridarium.experiments.parts.dso import DSO, passes_ladder
from gridarium.experiments.parts.leader import LEADER
from gridarium.experiments.parts.negotiation import answers_come_in_time
from gridarium.experiments.parts.network import NETWORK, has_one_bus
from gridarium.experiments.parts.part import GridScenario
from gridarium.experiments.parts.supply import PRICES
from gridarium.experiments.parts.tariff import NODAL_TARIFFS, TARIFF
from gridarium.experiments.parts.ties import TIES, can_be_shared, can_call, can_try, ties_is_answered
from gridarium.experiments.reading.plain_yaml import Tree
from gridarium.experiments.reading.profiles import has_dates
from gridarium.experiments.schema.checks import currencies_have_rates, papers_are_known, rates_are_of_others
from gridarium.experiments.schema.faults import NOTHING, faults_of, sections_at
from gridarium.experiments.schema.fields import NAME

CheckGrid = Callable[[Tree], tuple[GridScenario | None, list[Fault]]]

_NEVER_INSIDE = COMMON | {"horizon_h"}
"""What all grids share, the length of the run among it."""


def check_grids(tree: Tree, check_grid: CheckGrid) -> tuple[StackedScenario | None, list[Fault]]:
    """Return the scenario that a tree with `grids` describes if it has no fault, and every fault there is.

    Parameters
    ----------
    tree : dict
    check_grid : callable
        Checks the tree of a scenario of one grid.
    """
    faults: list[Fault] = []
    common = _common(tree, faults)
    places: dict[str, GridPlace] = {}
    entries: dict[str, GridEntry] = {}
    given = tree.get("grids", NOTHING)
    own_trees = given if isinstance(given, dict) else {}
    if not own_trees:
        faults.append(Fault("grids", given, "must be a mapping of names to grids, of at least one"))
    for name, own in own_trees.items():
        if not NAME.fullmatch(name):
            faults.append(Fault(f"grids.{name}", name, "must be a name of letters, digits, '_' and '-'"))
        if not isinstance(own, dict):
            faults.append(Fault(f"grids.{name}", own, "must be a mapping of fields to values"))
            continue
        places[name] = _place(name, own, faults)
        scenario = _scenario(name, own, places[name], common, check_grid, faults)
        if scenario is not None:
            entries[name] = GridEntry(places[name], scenario)
    faults += _tree_faults(own_trees, places, common)
    faults += _quarter_faults(entries, common)
    faults += _begin_faults(entries, common)
    faults += _seam_faults(entries)
    faults += _follower_faults(entries, places)
    faults += _answer_faults(entries, common)
    if faults:
        return None, faults
    return common.model_copy(update={"grids": entries}), []


def _common(tree: Tree, faults: list[Fault]) -> StackedScenario:
    """Return what all grids share; a field with a fault has its default."""
    own = {key: value for key, value in tree.items() if key != "grids"}
    try:
        return StackedScenario.model_validate(own)
    except ValidationError as error:
        faults += faults_of(StackedScenario, error)
        broken = {name for detail in error.errors(include_url=False) for name in sections_at(detail)}
        return StackedScenario.model_validate({key: own[key] for key in own.keys() - broken})


def _place(name: str, own: Tree, faults: list[Fault]) -> GridPlace:
    """Return where a grid stands; a field with a fault has its default."""
    given = {key: value for key, value in own.items() if key in GridPlace.model_fields}
    try:
        return GridPlace.model_validate(given)
    except ValidationError as error:
        found = faults_of(GridPlace, error)
        faults += [_within(name, fault) for fault in found]
        broken = {fault.place for fault in found}
        return GridPlace.model_validate({key: value for key, value in given.items() if key not in broken})


def _scenario(
    name: str,
    own: Tree,
    place: GridPlace,
    common: StackedScenario,
    check_grid: CheckGrid,
    faults: list[Fault],
) -> GridScenario | None:
    """Return what the sections of a grid would be as a scenario of its own, None if they have a fault."""
    sections = {key: value for key, value in own.items() if key not in GridPlace.model_fields}
    for key in [key for key in sections if key in _NEVER_INSIDE]:
        allowed = "is not allowed inside a grid: all grids share it"
        faults.append(Fault(f"grids.{name}.{key}", sections.pop(key), allowed))
    faults += [_within(name, fault) for fault in _without_effect(place, sections)]
    if "grids" in sections:
        allowed = "must be the sections of one grid; a grid stands on another by its field `under`"
        faults.append(Fault(f"grids.{name}", own, allowed))
        return None
    scenario, found = check_grid(_alone(sections, place, common))
    faults += [_placed(name, own, fault) for fault in found]
    return scenario


def _within(name: str, fault: Fault) -> Fault:
    """Return a fault of a grid's section at its place in the file."""
    return Fault(f"grids.{name}.{fault.place}", fault.value, fault.allowed)


def _placed(name: str, own: Tree, fault: Fault) -> Fault:
    """Return a fault of a grid's scenario at its place in the file: what all grids share is at the top."""
    if fault.place in ("start", "horizon_h"):
        return Fault(fault.place, fault.value, f"{fault.allowed} for grid {name}")
    if fault.place == "period_h":
        # Only operators of feeders plan in steps of their own.
        in_steps = own.get("dso") or own.get("distribution_operator")
        if not in_steps and own.get("step_h") is None:
            return Fault("period_h", fault.value, f"{fault.allowed} for grid {name}")
        return Fault(f"grids.{name}.step_h", fault.value, fault.allowed)
    return _within(name, fault)


def _alone(sections: Tree, place: GridPlace, common: StackedScenario) -> Tree:
    """Return the section of a grid as the tree of a scenario of its own."""
    shared = common.model_dump(mode="json", include={"title", "seed", "start"})
    shared |= {"currency": place.currency or common.currency, "period_h": place.step_h or common.period_h}
    return shared | {"horizon_h": common.horizon_h} | sections


def _without_effect(place: GridPlace, sections: Tree) -> Iterator[Fault]:
    for section, fields in unused_fields(place).items():
        given = sections.get(section)
        if not isinstance(given, dict):
            continue
        for field in sorted(fields & given.keys()):
            allowed = f"must be left out: {place.under} supplies this grid"
            yield Fault(f"{section}.{field}", given[field], allowed)


def _tree_faults(
    names: Mapping[str, Any], places: Mapping[str, GridPlace], common: StackedScenario
) -> Iterator[Fault]:
    """Yield what is wrong with the places of the grids, whatever stands there."""
    yield from rates_are_of_others(common)
    yield from papers_are_known(common)
    yield from currencies_have_rates(
        common, {f"grids.{name}.currency": place.currency for name, place in places.items()}
    )
    for name, place in places.items():
        above = place.under
        if above is not None and above not in names:
            yield Fault(f"grids.{name}.under", above, f"must be one of {', '.join(names)}")
        elif above is not None and name in _chain(above, places):
            yield Fault(f"grids.{name}.under", above, "must not lead back to the grid itself")
        step_h = place.step_h or common.period_h
        if abs(step_h / common.period_h - round(step_h / common.period_h)) > 1e-9:
            allowed = f"must be a multiple of period_h = {common.period_h:g} h"
            yield Fault(f"grids.{name}.step_h", step_h, allowed)


def _quarter_faults(entries: Mapping[str, GridEntry], common: StackedScenario) -> Iterator[Fault]:
    """Yield settlement periods in which prosumers of a feeder planned in longer steps cannot count."""
    for name, entry in entries.items():
        if DSO.is_given(entry.scenario):
            for fault in settles_in_quarters(entry.scenario, common.period_h):
                yield Fault(fault.place, fault.value, f"{fault.allowed} for grid {name}")


def _answer_faults(entries: Mapping[str, GridEntry], common: StackedScenario) -> Iterator[Fault]:
    """Yield a latency by which nobody answers the operator of a grid before its gate closes."""
    for name, entry in entries.items():
        case = entry.scenario.model_copy(update={"communication": common.communication})
        for fault in (*answers_come_in_time(case), *ties_is_answered(case)):
            yield Fault(fault.place, fault.value, f"{fault.allowed}, in grid {name}")
            return


def _begin_faults(entries: Mapping[str, GridEntry], common: StackedScenario) -> Iterator[Fault]:
    """Yield grids whose profiles begin at another time than those of the first, where no start is said."""
    if common.start is not None or not entries:
        return
    first = min(entries, key=lambda name: not has_dates(entries[name].scenario))
    begins = entries[first].scenario.begins
    for name, entry in entries.items():
        own = entry.scenario.begins
        same_day = (own, own.utcoffset()) == (begins, begins.utcoffset())
        if own.time() != begins.time() or (has_dates(entry.scenario) and not same_day):
            allowed = (
                f"must begin at {begins.isoformat()}, as those of grid {first} do, not at {own.isoformat()}"
            )
            yield Fault(f"grids.{name}.profiles", entry.scenario.profiles, allowed)


def _seam_faults(entries: Mapping[str, GridEntry]) -> Iterator[Fault]:
    """Yield what is wrong between a grid and the one above, where both are sound."""
    for name, entry in entries.items():
        above = entries.get(str(entry.place.under))
        if entry.place.under is None:
            yield from (_within(name, fault) for fault in root_faults(entry.scenario))
        if above is None:
            continue
        if entry.scenario.operator_name is None:
            allowed = "must be left out: the grid itself has no operator"
            yield Fault(f"grids.{name}.under", entry.place.under, allowed)
        if above.scenario.operator_name is None:
            yield Fault(f"grids.{name}.under", entry.place.under, "must be a grid with an operator")
        if DSO.is_given(above.scenario) and TARIFF.of(above.scenario).kind in NODAL_TARIFFS:
            allowed = "must be a grid whose tariff has one price for all buses"
            yield Fault(f"grids.{name}.under", entry.place.under, allowed)
        if DISTRIBUTION_OPERATOR.is_given(above.scenario):
            allowed = "must be another grid: a distribution_operator supplies none below"
            yield Fault(f"grids.{name}.under", entry.place.under, allowed)
        if DISTRIBUTION_OPERATOR.is_given(entry.scenario) and not TIES.is_given(above.scenario):
            allowed = "must be a grid with a ties: no other operator tells how green its supply is"
            yield Fault(f"grids.{name}.under", entry.place.under, allowed)
        yield from (_within(name, fault) for fault in hung_faults(entry.scenario, above.scenario))
        yield from (_within(name, fault) for fault in _plan_faults(entry.scenario, above.scenario))
        yield from _bus_faults(name, entry.place.at, above.scenario)
    yield from _carbon_faults(entries)


def _carbon_faults(entries: Mapping[str, GridEntry]) -> Iterator[Fault]:
    """Yield operators who pass on a ladder of carbon that nobody tells them."""
    for name, entry in entries.items():
        above = entries.get(str(entry.place.under))
        for fault in ladder_faults(entry.scenario, None if above is None else above.scenario):
            yield _within(name, fault)


def ladder_faults(scenario: GridScenario, above: GridScenario | None = None) -> Iterator[Fault]:
    """Yield an operator who passes on a ladder of carbon that nobody tells it."""
    if not PRICES.hangs_on(scenario) or PRICES.of(scenario).carbon_price_from == "market":
        return
    place = "prices.carbon_price_from"
    if above is None or TIES.of(above) is None:
        yield Fault(place, "supplier", "must be market where no TIES stands above")
    elif CARBON_POLICY.of(above).scheme == "none":
        yield Fault(place, "supplier", "must be market where carbon_policy.scheme above is none")


def _plan_faults(scenario: GridScenario, above: GridScenario) -> Iterator[Fault]:
    """Yield operators that plan by prices alone where more than prices is asked at the head."""
    section, ties = DSO.of(scenario), TIES.of(above)
    if section is None or ties is None:
        return
    pulled, leader = ties.rounds.kind == "exchange", LEADER.of(scenario)
    if section.plan.attitude != "forecast" and (
        pulled or (passes_ladder(scenario) and section.carbon_in_cost)
    ):
        asked = "rounds above are exchange" if pulled else "the supplier prices carbon by a ladder"
        allowed = f"must be forecast where {asked}: a plan for scenarios knows prices alone"
        yield Fault("dso.plan.attitude", section.plan.attitude, allowed)
    if leader.searches and pulled:
        allowed = "must be best-response where rounds above are exchange, which pull at the head"
        yield Fault("leader.kind", leader.kind, allowed)


def _follower_faults(entries: Mapping[str, GridEntry], places: Mapping[str, GridPlace]) -> Iterator[Fault]:
    """Yield more followers, grids below among them, than a TIES that is sound by itself can share among."""
    n_below = Counter(place.under for place in places.values())
    for name, entry in entries.items():
        below = {one: hung.scenario for one, hung in entries.items() if hung.place.under == name}
        for fault in (
            *can_be_shared(entry.scenario, n_below[name]),
            *can_try(entry.scenario, n_below[name]),
            *can_call(entry.scenario, below),
        ):
            yield _within(name, fault)


def _bus_faults(name: str, at: int | str | None, above: GridScenario) -> Iterator[Fault]:
    """Yield a bus that the grid above does not have."""
    if at is None:
        return
    if has_one_bus(above):
        yield Fault(f"grids.{name}.at", at, "must be left out: the grid above has one bus")
        return
    from gridarium.environment.network_tables import check_network

    for fault in check_network(NETWORK.of(above).source, {name: at}, "network"):
        yield Fault(f"grids.{name}.at", at, fault.allowed)


def _chain(name: str, places: Mapping[str, GridPlace]) -> list[str]:
    """Return a grid and all that are above it, as far as they are known and do not repeat."""
    chain: list[str] = []
    current: str | None = name
    while current is not None and current not in chain:
        chain.append(current)
        current = places[current].under if current in places else None
    return chain
