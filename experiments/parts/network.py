"""The network: what is read, where units stand on it, and what its operator has to keep."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from gridarium.environment.errors import Fault, NetworkError
from gridarium.experiments.parts.part import GridBuild, GridScenario, Part
from gridarium.experiments.schema.fields import (
    BusLabel,
    Conflict,
    Flag,
    Name,
    PositiveAmount,
    Range,
    Section,
    Source,
)

if TYPE_CHECKING:
    from gridarium.environment.grids import Site
    from gridarium.environment.network import Feeder


COPPER_PLATE = "copper-plate"
"""Source of a network of one bus, which is all that is to be said of it."""
USUAL_BAND_PU = (0.95, 1.05)
"""Voltages that a network keeps whose file sets no limits."""


class Network(Section):
    """The feeder, where the units stand on it, and what its operator has to keep."""

    source: Source = "case33bw"
    """case33bw, a pandapower JSON file, or a SimBench code; under a TIES also copper-plate, one bus without
    losses, on which the other fields have no sense."""
    sites: dict[Name, BusLabel] = Field(default_factory=dict)
    """Bus of each unit; units that are not named here are placed on load buses automatically."""
    loads: Literal["own", "profile"] = "own"
    """Whether load columns of the profiles are shapes, whose highest point is the network's own load, or,
    where they are called `..._share`, fractions of it; or MW by themselves, spread over the buses like it."""
    peak_load_mw: Annotated[float, Range(1e-3, 1e5)] | None = None
    """Nominal load that the network's own is rescaled to, impedances inversely, MW; null keeps its own."""
    own_generators: Flag = True
    """Whether generators and storages of the file that feed in are renewables of the scenario, `sgen_0` and
    so on, at the power and power factor of the file."""
    generation_columns: dict[Source, Name] = Field(default_factory=dict)
    """Profile column by type of generators in the file (`PV`, `WP`), or by the profile that it names for them
    (`PV1`), which comes first; the column's highest point is the power of the file, which others have at all
    times, or a column `..._share` is the fraction of it."""
    impedance_factor: Annotated[float, Range(0.01, 100)] = 1.0
    """Factor on all branch impedances."""
    slack_voltage_pu: Annotated[float, Range(0.5, 1.5)] | None = None
    """Voltage of the substation, p.u.; null keeps the network's own."""
    voltage_min_pu: Annotated[float, Range(0.5, 1.5)] | None = None
    """Lowest voltage allowed at any bus, p.u.; null is the highest of the file's own limits, or 0.95."""
    voltage_max_pu: Annotated[float, Range(0.5, 1.5)] | None = None
    """Highest voltage allowed at any bus, p.u.; null is the lowest of the file's own limits, or 1.05."""
    loading_max: Annotated[float, Range(0, 10, above_low=True)] | None = 1.0
    """Share of a branch's rating that dispatch may use; null ignores ratings."""
    branch_ratings_mva: dict[Source, PositiveAmount] = Field(default_factory=dict)
    """Ratings by branch (`line 17`), MVA at base voltage, instead of the network's own."""

    @model_validator(mode="before")
    @classmethod
    def _from_source(cls, value: object) -> object:
        return {"source": value} if isinstance(value, str) else value

    @property
    def is_copper_plate(self) -> bool:
        """Whether it has one bus."""
        return self.source == COPPER_PLATE

    @model_serializer(mode="wrap")
    def _with_effect(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out what has no sense on one bus."""
        tree: dict[str, Any] = write(self)
        return {"source": self.source} if self.is_copper_plate else tree

    def conflicts(self) -> Iterator[Conflict]:
        """Yield what one bus does not have."""
        if self.is_copper_plate:
            for name, field in type(self).model_fields.items():
                value = getattr(self, name)
                if name != "source" and value != field.get_default(call_default_factory=True):
                    yield Conflict(name, value, "must be left out on a copper plate, which has one bus")

    def band_with(self, limits_pu: tuple[float | None, float | None]) -> tuple[float, float]:
        """Lowest and highest voltage allowed, p.u., beside limits of the file's own, which it may lack."""
        given = (self.voltage_min_pu, self.voltage_max_pu)
        low, high = (
            next(value for value in values if value is not None)
            for values in zip(given, limits_pu, USUAL_BAND_PU, strict=True)
        )
        return low, high

    @property
    def band_pu(self) -> tuple[float, float]:
        """Lowest and highest voltage allowed, p.u., once the file's own limits are known."""
        assert self.voltage_min_pu is not None and self.voltage_max_pu is not None
        return self.voltage_min_pu, self.voltage_max_pu


def build_feeder(network: Network) -> Feeder:
    """The feeder of a scenario, rescaled as asked; read once a process. A copper plate is one of one bus.

    Raises
    ------
    NetworkError
        If it is no radial feeder, its own substation voltage lies outside the band, it has no load, or no
        branch that a rating is given for.
    """
    if network.is_copper_plate:
        from gridarium.environment.network import Feeder

        return Feeder.copper_plate()
    path = Path(network.source)
    stamp = path.stat().st_mtime_ns if path.is_file() else 0
    feeder = _scaled_feeder(
        network.source,
        stamp,
        network.peak_load_mw,
        network.impedance_factor,
        network.slack_voltage_pu,
        tuple(network.branch_ratings_mva.items()),
    )
    total_mw = float(feeder.p_load_mw.sum())
    if not total_mw > 0.0:
        allowed = "the loads must sum to more than 0 MW: consumers are spread over the buses like them"
        raise NetworkError(network.source, [Fault("p_load_mw", total_mw, allowed)])
    low, high = network.band_pu
    if not low <= feeder.slack_vm_pu <= high:
        allowed = (
            f"must be in the voltage band [{low:g}, {high:g}] p.u., the narrowest of all buses; set "
            "network.slack_voltage_pu, or voltage_min_pu and voltage_max_pu for all of them"
        )
        raise NetworkError(network.source, [Fault("ext_grid.vm_pu", feeder.slack_vm_pu, allowed)])
    return feeder


@lru_cache(maxsize=16)
def _read_feeder(source: str, _stamp: int) -> Feeder:
    from gridarium.environment.network_reader import read_feeder

    return read_feeder(source)


@lru_cache(maxsize=16)
def _scaled_feeder(
    source: str,
    stamp: int,
    peak_load_mw: float | None,
    impedance_factor: float,
    slack: float | None,
    ratings_mva: tuple[tuple[str, float], ...],
) -> Feeder:
    feeder = _read_feeder(source, stamp)
    if peak_load_mw is not None:
        feeder = feeder.scaled_to(peak_load_mw)
    if impedance_factor != 1.0:
        feeder = feeder.scaled(1.0, impedance_factor)
    if slack is not None:
        feeder = replace(feeder, slack_vm_pu=slack)
    return feeder.rated(dict(ratings_mva)) if ratings_mva else feeder


def place_units(feeder: Feeder, scenario: GridScenario) -> dict[str, int]:
    """Bus index of every unit; units without a site are spread over the load buses, if there are several.

    The load buses are ordered by their electrical distance from the substation; units come in the order
    of the parts: renewables first, then storages, then turbines, so that turbines support the far end. They
    follow each other at equal steps of the load on the way, so that none stands where there is hardly any.

    Raises
    ------
    NetworkError
        If a site names a bus that the feeder does not have.
    """
    if feeder.n_bus == 1:
        return dict.fromkeys(unit_names(scenario), 0)
    sites = {name: feeder.index(label) for name, label in NETWORK.of(scenario).sites.items()}
    distance = np.zeros(feeder.n_bus)
    for branch, parent in enumerate(feeder.parent):
        distance[branch + 1] = distance[parent] + np.hypot(feeder.r_pu[branch], feeder.x_pu[branch])
    hosts = [int(bus) for bus in np.argsort(distance, kind="stable") if feeder.p_load_mw[bus] > 0]
    passed_mw = np.cumsum(feeder.p_load_mw[hosts])
    free = [name for name in unit_names(scenario) if name not in sites]
    steps = np.arange(1, len(free) + 1) / (len(free) + 1)
    for name, place in zip(free, np.searchsorted(passed_mw, steps * passed_mw[-1]), strict=True):
        sites[name] = hosts[place]
    return sites


def unit_sites(build: GridBuild) -> dict[str, Site]:
    """Where each unit of a feeder stands."""
    from gridarium.environment.grids import Site

    buses = place_units(build.grid.feeder, build.scenario)
    return {name: Site(build.grid, bus) for name, bus in buses.items()}


def has_feeder(scenario: GridScenario) -> bool:
    """Whether a grid has a network of several buses."""
    return NETWORK.hangs_on(scenario) and not NETWORK.of(scenario).is_copper_plate


def has_one_bus(scenario: GridScenario) -> bool:
    """Whether a grid has no network, or a copper plate."""
    return not NETWORK.hangs_on(scenario) or NETWORK.of(scenario).is_copper_plate


def unit_names(scenario: GridScenario) -> tuple[str, ...]:
    """Names of everything that has a site on the feeder, in the order of the parts."""
    return tuple(name for part in scenario.parts if part.has_sites for name in part.agents(scenario))


def _sites_have_units(scenario: GridScenario) -> Iterator[Fault]:
    names = unit_names(scenario)
    for unit in NETWORK.of(scenario).sites:
        if unit not in names:
            known = ", ".join(names) or "none"
            yield Fault(f"network.sites.{unit}", unit, f"must be the name of a unit; there are {known}")


def _network_is_a_feeder(scenario: GridScenario) -> Iterator[Fault]:
    from gridarium.environment.network_faults import site_faults
    from gridarium.environment.network_tables import check_network, is_simbench_code

    network = NETWORK.of(scenario)
    if network.is_copper_plate:
        return
    found = check_network(network.source, network.sites, "network")
    yield from found
    if not found and is_simbench_code(network.source):
        from gridarium.environment.network_reader import topology_of_source

        topology = topology_of_source(network.source)
        for fault in topology.faults:
            yield replace(fault, place=f"network.source, {fault.place}")
        labels = tuple(topology.labels.values())
        yield from site_faults(network.sites, labels, network.source, "network.sites")


def _substation_is_in_band(scenario: GridScenario) -> Iterator[Fault]:
    from gridarium.environment.network_tables import is_simbench_code, read_topology

    network = NETWORK.of(scenario)
    if network.is_copper_plate or is_simbench_code(network.source):
        return
    topology = read_topology(network.source)
    own, given = topology.slack_vm_pu, network.slack_voltage_pu
    low, high = network.band_with(topology.voltage_limits_pu)
    if low >= high:
        yield Fault("network.voltage_min_pu", low, f"must be below voltage_max_pu = {high:g} p.u.")
    elif given is not None and not low <= given <= high:
        allowed = f"must be in the voltage band [{low:g}, {high:g}] p.u."
        yield Fault("network.slack_voltage_pu", given, allowed)
    elif given is None and own is not None and not low <= own <= high:
        allowed = f"the network's own {own:g} p.u. is outside the voltage band [{low:g}, {high:g}] p.u."
        yield Fault("network.slack_voltage_pu", None, f"must be given: {allowed}")


_UNITS = (
    "gas_turbines",
    "thermal_units",
    "storages",
    "renewables",
    "compensators",
    "prosumers",
    "provider",
)

NETWORK: Part[Network] = Part(
    field="network",
    annotation=Network,
    default=Network(),
    meaning="The network of the operator of a feeder or of a TIES.",
    under=("dso", "distribution_operator", "ties"),
    checks=(
        (frozenset({"network", *_UNITS}), _sites_have_units),
        (frozenset({"network"}), _network_is_a_feeder),
        (frozenset({"network"}), _substation_is_in_band),
    ),
    files=lambda network: (Path(network.source),),
)
