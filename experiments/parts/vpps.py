"""Virtual power plants under an operator that pays for cleanness, each with the pool of its owners."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from gridarium.environment.errors import Fault, NetworkError, ScenarioError
from gridarium.experiments.names.registry import make_mechanism
from gridarium.experiments.parts.negotiation import NEGOTIATION, negotiation_rules
from gridarium.experiments.parts.network import NETWORK, build_feeder, has_one_bus, place_units
from gridarium.experiments.parts.part import GridBuild, GridScenario, Part
from gridarium.experiments.parts.pool_section import pool_rules, records_authority
from gridarium.experiments.parts.pooling import owners_fit
from gridarium.experiments.parts.price_regions import (
    PRICE_REGIONS,
    buses_behind,
    region_of_storage,
    regions_of,
)
from gridarium.experiments.parts.storage_section import storage_ratings
from gridarium.experiments.parts.storages import STORAGES, StorageUnit
from gridarium.experiments.parts.vpp_section import Vpp, owners_of, platform_of
from gridarium.experiments.schema.fields import Name
from gridarium.market.coalition import MOST_PLAYERS

if TYPE_CHECKING:
    from gridarium.agents.vpp.fleet_start import PlantStorage

_ROUNDING = 1e-9
_ALIKE = (
    "soc_min",
    "soc_max",
    "soc_initial",
    "efficiency_charge",
    "efficiency_discharge",
    "wear_cost_per_mwh",
)
"""In what storages of a plant in one region agree, beside hours at full power and reserve."""


def _build(build: GridBuild) -> None:
    from gridarium.agents.storage.storage_pool import StoragePool
    from gridarium.agents.vpp.books import PlantRegion
    from gridarium.agents.vpp.plant import PlantContract, VirtualPowerPlant

    grid, timing = build.grid, NEGOTIATION.of(build.scenario)
    places, places_of = regions_of(build), region_of_storage(build)
    if faults := list(_unlike_ones(build.scenario, places_of)):
        raise ScenarioError("vpps", faults)
    for name, plant in VPPS.of(build.scenario).items():
        owners, platform = owners_of(plant, places_of), platform_of(name)
        rules = pool_rules(plant.pool, f"vpps.{name}.pool", False, timing)
        agent = grid.named(name)
        StoragePool(grid.head, platform, build.named(owners), agent, rules, build.horizon)
        contract = PlantContract(
            build.leader,
            grid.named(platform),
            tuple(PlantRegion(place.name, place.load) for place in places.values()),
            tuple(_plant_storage(build, one, places_of[one]) for one in owners),
            plant.load_share,
            plant.initial_green_share,
            make_mechanism("vpp-planners", plant.planner, {"cells": plant.cells}, {}),
            plant.planner,
            plant.coalition_values,
            records_authority(plant.pool, agent, grid.world),
        )
        VirtualPowerPlant(
            grid.head, name, contract, negotiation_rules(build.scenario, grid.world), build.horizon
        )


def _plant_storage(build: GridBuild, name: str, region: str) -> PlantStorage:
    from gridarium.agents.vpp.fleet_start import PlantStorage

    unit = STORAGES.of(build.scenario)[name]
    ratings = storage_ratings(name, unit, reserve_share=unit.pooling.reserve_share)
    return PlantStorage(build.grid.named(name), region, ratings, unit.wear_cost_per_mwh)


def _unlike_ones(scenario: GridScenario, places_of: Mapping[str, str]) -> Iterator[Fault]:
    """Yield storages that a plant cannot plan as one, or whose schedules are too many for a table."""
    storages = STORAGES.of(scenario)
    for name, plant in VPPS.of(scenario).items():
        by_region: dict[str, list[str]] = {}
        for one in owners_of(plant, storages):
            by_region.setdefault(places_of[one], []).append(one)
        for region, (first, *others) in by_region.items():
            for other in others:
                yield from _unlike(other, storages[other], first, storages[first], region)
            if plant.coalition_values == "as-scheduled" and 1 + len(others) > MOST_PLAYERS:
                allowed = f"must be replanned with more than {MOST_PLAYERS} owners in {region}"
                yield Fault(f"vpps.{name}.coalition_values", plant.coalition_values, allowed)


def _are_planned_as_one(scenario: GridScenario) -> Iterator[Fault]:
    """Yield the same before a run, where regions are given; what load flow finds, only a run knows."""
    section, storages = PRICE_REGIONS.of(scenario), STORAGES.of(scenario)
    if section is None or section.split != "given" or has_one_bus(scenario):
        return
    anywhere = dict.fromkeys(storages, "")
    known = {one for plant in VPPS.of(scenario).values() for one in plant.owners or ()}
    if known - set(storages) or not any(_unlike_ones(scenario, anywhere)):
        # Without two that differ, nobody needs to know where they stand.
        return
    try:
        # Voltages do not matter here; that the substation's is within the band is checked by itself.
        wide = {"voltage_min_pu": 0.0, "voltage_max_pu": 2.0}
        feeder = build_feeder(NETWORK.of(scenario).model_copy(update=wide))
        regions, buses = buses_behind(feeder, section), place_units(feeder, scenario)
    except NetworkError as error:
        yield from error.faults
        return
    at = {one: next(name for name, own in regions.items() if own[buses[one]]) for one in storages}
    yield from _unlike_ones(scenario, at)


def _unlike(name: str, unit: StorageUnit, first: str, other: StorageUnit, region: str) -> Iterator[Fault]:
    """Yield in what a storage differs from the first one of its region."""
    because = f"{first} in {region}: storages of one plant in one region are planned as one"
    for field in _ALIKE:
        if getattr(unit, field) != getattr(other, field):
            allowed = f"must be {getattr(other, field):g}, as of {because}"
            yield Fault(f"storages.{name}.{field}", getattr(unit, field), allowed)
    wanted = unit.e_max_mwh * other.p_max_mw / other.e_max_mwh
    if abs(unit.p_max_mw - wanted) > _ROUNDING * wanted:
        allowed = f"must be {wanted:g} MW for as many hours at full power as {because}"
        yield Fault(f"storages.{name}.p_max_mw", unit.p_max_mw, allowed)
    if unit.pooling.reserve_share != other.pooling.reserve_share:
        allowed = f"must be {other.pooling.reserve_share:g}, as of {because}"
        yield Fault(f"storages.{name}.pooling.reserve_share", unit.pooling.reserve_share, allowed)


def _load_is_shared_out(scenario: GridScenario) -> Iterator[Fault]:
    shares = {name: plant.load_share for name, plant in VPPS.of(scenario).items()}
    total = sum(shares.values())
    if shares and abs(total - 1.0) > _ROUNDING:
        yield Fault("vpps", shares, f"load_share of all must sum to 1, they sum to {total:g}")


def _owners_have_one_plant(scenario: GridScenario) -> Iterator[Fault]:
    """Yield plants that do not say whose storages they plan, and storages of none or of two."""
    plants, storages = VPPS.of(scenario), STORAGES.of(scenario)
    named = Counter[str]()
    for name, plant in plants.items():
        if plant.owners is None:
            if len(plants) > 1:
                yield Fault(f"vpps.{name}.owners", None, "must name storages where there are several plants")
            named.update(list(storages))
            continue
        for place, one in enumerate(plant.owners):
            if one not in storages:
                known = ", ".join(storages) or "none"
                allowed = f"must be the name of a storage; there are {known}"
                yield Fault(f"vpps.{name}.owners.{place}", one, allowed)
        named.update(plant.owners)
    for one in storages:
        if named[one] != 1:
            allowed = f"must be among the owners of exactly one plant, is among those of {named[one]}"
            yield Fault(f"storages.{one}", one, allowed)


def _live_without_a_tariff(scenario: GridScenario) -> Iterator[Fault]:
    """Yield owners who would do something by themselves, for which they hear no tariff."""
    for name, unit in STORAGES.of(scenario).items():
        if VPPS.is_given(scenario) and unit.alone.regime != "idle":
            allowed = "must be idle under a virtual power plant: owners have no tariff of their own"
            yield Fault(f"storages.{name}.alone.regime", unit.alone.regime, allowed)


def _pools_fit(scenario: GridScenario) -> Iterator[Fault]:
    storages = STORAGES.of(scenario)
    for name, plant in VPPS.of(scenario).items():
        own = {one: storages[one] for one in owners_of(plant, storages)}
        yield from owners_fit(plant.pool, f"vpps.{name}.pool", own)


VPPS: Part[dict[str, Vpp]] = Part(
    field="vpps",
    annotation=dict[Name, Vpp],
    default={},
    meaning="Virtual power plants that are paid for the cleanness of what they store.",
    under=("distribution_operator",),
    build=_build,
    checks=(
        (frozenset({"vpps"}), _load_is_shared_out),
        (frozenset({"vpps", "storages"}), _owners_have_one_plant),
        (frozenset({"vpps", "storages"}), _live_without_a_tariff),
        (frozenset({"vpps", "storages"}), _pools_fit),
        (frozenset({"vpps", "storages", "network", "price_regions"}), _are_planned_as_one),
    ),
    names=lambda section: (*section, *map(platform_of, section)),
)
