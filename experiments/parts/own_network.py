"""What a network brings by itself: generators, limits of its voltages, loads for profiles to scale."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from gridarium.environment.arrays import Array, series
from gridarium.environment.errors import Fault
from gridarium.environment.profiles import read_profiles
from gridarium.experiments.parts.network import (
    NETWORK,
    build_feeder,
    has_feeder,
    place_units,
    unit_names,
)
from gridarium.experiments.parts.part import GridBuild, GridScenario
from gridarium.experiments.parts.renewables import RENEWABLES, SHARES, Renewable
from gridarium.experiments.reading.scenario_files import profile_path

if TYPE_CHECKING:
    from gridarium.environment.network import Feeder
    from gridarium.environment.network_units import OwnUnit


def settled(scenario: GridScenario) -> GridScenario:
    """A scenario with what its network's file brings: generators of its own, limits of its voltages.

    Plants that the scenario has by the same name stay as they are there, so that a resolved scenario does
    not change.
    """
    if not has_feeder(scenario):
        return scenario
    from gridarium.environment.network_reader import topology_of_source

    network, topology = NETWORK.of(scenario), topology_of_source(NETWORK.of(scenario).source)
    low, high = network.band_with(topology.voltage_limits_pu)
    sites, plants = dict(network.sites), dict(RENEWABLES.of(scenario))
    for unit in _generators(scenario):
        name = unit.name.replace(" ", "_")
        sites.setdefault(name, topology.labels[unit.bus])
        plants.setdefault(name, _plant(unit, network.generation_columns))
    whole = network.model_copy(update={"sites": sites, "voltage_min_pu": low, "voltage_max_pu": high})
    return scenario.model_copy(update={NETWORK.field: whole, RENEWABLES.field: plants})


def with_own_sites(scenario: GridScenario) -> GridScenario:
    """A scenario that says at which bus each of its units stands, also where it has left that open.

    Raises
    ------
    NetworkError
        If the network is no feeder.
    """
    if not has_feeder(scenario) or not unit_names(scenario):
        return scenario
    network = NETWORK.of(scenario)
    feeder = build_feeder(network)
    sites = {name: feeder.bus_labels[bus] for name, bus in place_units(feeder, scenario).items()}
    # A label of a bus that is fused with another stays the one that was given.
    return scenario.model_copy(
        update={NETWORK.field: network.model_copy(update={"sites": sites | dict(network.sites)})}
    )


def own_load_mw(
    build: GridBuild, column: str, shares: Mapping[str, float], profile: str | None = None
) -> Array:
    """A load column over all days, MW, shape (n_day * n_step,): as it stands, or as a shape of own loads.

    Parameters
    ----------
    build : GridBuild
    column : str
    shares : mapping of str to float
        How much of each load column is drawn from the grid in all; where their sum is highest in the file of
        profiles, that is the network's own load.
    profile : str, optional
        Of the network's own loads only those that follow this one; `shares` are then of their columns.
    """
    load_mw = taken_as(build.scenario, column, build.column(column), shares, profile)
    return series(build.scenario.power_scale * load_mw) if column.endswith(SHARES) else load_mw


def taken_as(
    scenario: GridScenario, column: str, load: Array, shares: Mapping[str, float], profile: str | None = None
) -> Array:
    """A load column as `own_load_mw` takes it, MW, but for the scenario's factor on powers."""
    if not has_feeder(scenario) or NETWORK.of(scenario).loads == "profile":
        return load
    own_mw = nominal_load_mw(build_feeder(NETWORK.of(scenario)), profile)
    if column.endswith(SHARES):
        return series(own_mw * load)
    return scaled_to(load, own_mw, highest_mw(scenario, shares))


def nominal_load_mw(feeder: Feeder, profile: str | None) -> float:
    """All of a feeder's own loads, or those that follow a profile, MW."""
    return float((feeder if profile is None else feeder.loads_by(profile)).p_load_mw.sum())


def highest_mw(scenario: GridScenario, shares: Mapping[str, float]) -> float:
    """Highest sum of load columns in the file of profiles, each times its share, MW."""
    profiles = read_profiles(profile_path(scenario.profiles))
    return float(np.sum([share * profiles.column(name) for name, share in shares.items()], axis=0).max())


def scaled_to(load_mw: Array, own_mw: float, peak_mw: float) -> Array:
    """A load as a shape that has a power of its network's own where it is as high as `peak_mw`."""
    return series(load_mw * (own_mw / peak_mw)) if peak_mw > 0.0 else load_mw


def own_generators_fit(scenario: GridScenario) -> Iterator[Fault]:
    """Yield generators of a file that nobody could dispatch, and columns that none of them takes."""
    network = NETWORK.of(scenario)
    if not has_feeder(scenario):
        return
    kinds = {word for unit in _generators(scenario) for word in (unit.kind, unit.profile)}
    if kinds and not RENEWABLES.hangs_on(scenario):
        allowed = "must be false: the file has generators, and nobody on the grid dispatches any"
        yield Fault("network.own_generators", True, allowed)
    for kind in network.generation_columns:
        if kind not in kinds:
            known = ", ".join(sorted(filter(None, kinds))) or "none"
            allowed = f"must be a type or a profile of generators of {network.source}, which has {known}"
            yield Fault(f"network.generation_columns.{kind}", kind, allowed)


def _generators(scenario: GridScenario) -> tuple[OwnUnit, ...]:
    """Generators of the file that the scenario takes."""
    from gridarium.environment.network_reader import topology_of_source

    network = NETWORK.of(scenario)
    units = topology_of_source(network.source).units if network.own_generators else ()
    return tuple(unit for unit in units if unit.generates)


def _plant(unit: OwnUnit, columns: Mapping[str, str]) -> Renewable:
    values: dict[str, Any] = {
        "column": columns.get(unit.profile) or columns.get(unit.kind),
        "p_mw": unit.p_mw,
        "mvar_per_mw": unit.q_mvar / unit.p_mw,
    }
    return Renewable(**values)
