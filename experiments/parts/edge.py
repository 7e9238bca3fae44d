"""The edge controller of a feeder, and the sensor of voltages beside it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Annotated

import numpy as np

from gridarium.environment.errors import Fault
from gridarium.experiments.parts.network import NETWORK, place_units
from gridarium.experiments.parts.part import GridBuild, GridScenario, Part
from gridarium.experiments.parts.storage_devices import storage_devices
from gridarium.experiments.schema.fields import Range, Section

if TYPE_CHECKING:
    from gridarium.agents.devices.edge_link import EdgeLinkTerms
    from gridarium.agents.devices.storage import StorageDevice
    from gridarium.agents.edge.edge_controller import EdgeController, EdgeRules
    from gridarium.agents.feeder.edge_desk import EdgeTerms
    from gridarium.environment.arrays import Array
    from gridarium.environment.grids import Grid

EDGE_AGENT, SENSOR_AGENT = "edge", "voltage_sensor"
_AT_LINKS = ("storages", "standby_storages")
"""Sections whose agents have links to the edge, beside the operator and the sensor."""


class Edge(Section):
    """An edge controller: what cannot wait for the operator. Its processor and that of the operator's cloud
    are queues in which urgent work goes first."""

    telemetry_s: Annotated[float, Range(1, 3600)] = 30.0
    """How often storages report what they do and hold, s."""
    heartbeat_s: Annotated[float, Range(0.01, 60)] = 0.1
    """Time from one heartbeat of a storage to the next, s."""
    missed_beats: Annotated[int, Range(1, 100)] = 2
    """Heartbeats that must stay away before a storage counts as failed."""
    check_s: Annotated[float, Range(0, 1, above_low=True)] = 2e-5
    """Time for which a frame that arrives keeps the processor until it is known whether it is genuine, s."""
    urgent_task_s: Annotated[float, Range(0, 10, above_low=True)] = 0.002
    """Time of an urgent task, s: a takeover, or a correction of voltages."""
    routine_task_s: Annotated[float, Range(0, 100, above_low=True)] = 0.005
    """Time of a routine task, s: telemetry, or a schedule; an urgent one interrupts it."""
    cloud_task_s: Annotated[float, Range(0, 3600, above_low=True)] = 0.2
    """Time of a task in the operator's cloud, s; one that has begun is finished."""
    frames_per_s: Annotated[float, Range(1, 1e6)] = 1000.0
    """What one link to the edge can carry, frames/s: no flood is larger."""
    burst: Annotated[int, Range(1, 1000)] = 3
    """Most genuine frames of one sender that are under way at once, for the bound on delays."""
    fast_response_s: Annotated[float, Range(0, 3600, above_low=True)] = 0.5
    """Longest response of a storage that is asked to correct voltages, s."""
    voltage_margin_pu: Annotated[float, Range(0, 0.05)] = 5e-4
    """How far within the band a correction aims, p.u."""
    sensor_resolution_pu: Annotated[float, Range(0, 0.05, above_low=True)] = 1e-4
    """What the sensor can tell apart, p.u.: a bus has left the band when it is outside by more."""


def edge_terms(build: GridBuild) -> EdgeTerms | None:
    """What the operator knows of the edge of its feeder, where there is one."""
    section = EDGE.of(build.scenario)
    if section is None:
        return None
    from gridarium.agents.feeder.edge_desk import EdgeTerms

    return EdgeTerms(build.grid.named(EDGE_AGENT), section.cloud_task_s)


def edge_link_terms(build: GridBuild, response_s: float, covers: Iterable[str] = ()) -> EdgeLinkTerms | None:
    """What a storage has agreed with the edge of its feeder, where there is one.

    Parameters
    ----------
    build : GridBuild
    response_s : float
        Time until a correction or a takeover acts, s.
    covers : iterable of str, optional
        Storages of the grid that it stands by for.
    """
    section = EDGE.of(build.scenario)
    if section is None or not EDGE.hangs_on(build.scenario):
        return None
    from gridarium.agents.devices.edge_link import EdgeLinkTerms

    edge = build.grid.named(EDGE_AGENT)
    return EdgeLinkTerms(edge, section.telemetry_s, response_s, build.named(covers))


def _build(build: GridBuild) -> None:
    section, grid = EDGE.of(build.scenario), build.grid
    if section is None:
        return
    from gridarium.agents.edge.edge_controller import EdgeController
    from gridarium.agents.edge.excursions import Excursions, SensorRules
    from gridarium.agents.edge.voltage_sensor import VoltageSensor

    places = place_units(grid.feeder, build.scenario)
    buses = {grid.named(name): bus for name, bus in places.items()}
    storages, rules = storage_devices(grid), _rules(build.scenario, section)
    edge = EdgeController(grid.head, EDGE_AGENT, build.leader, buses, rules, tuple(storages))
    for name, storage in storages.items():
        _connect(edge, name, storage)
    seen = SensorRules(rules.voltage.band_pu, section.sensor_resolution_pu, section.telemetry_s)
    record = Excursions(grid, seen, lambda: _corrections(grid, storages))
    VoltageSensor(grid.head, SENSOR_AGENT, edge.name, seen, record)


def _connect(edge: EdgeController, name: str, storage: StorageDevice) -> None:
    """Let heartbeats of a storage stay away while it is out of order."""
    storage.breaker.watch(lambda: edge.beat(name, not storage.breaker.is_silent))


def _corrections(grid: Grid, storages: Mapping[str, StorageDevice]) -> tuple[Array, Array]:
    """What storages feed in at this instant because of corrections, MW and Mvar, by bus."""
    p_mw, q_mvar = np.zeros(grid.feeder.n_bus), np.zeros(grid.feeder.n_bus)
    for storage in storages.values():
        more_mw, more_mvar = storage.corrected
        p_mw[storage.site.bus] += more_mw
        q_mvar[storage.site.bus] += more_mvar
    return p_mw, q_mvar


def _rules(scenario: GridScenario, section: Edge) -> EdgeRules:
    from gridarium.agents.edge.edge_controller import EdgeRules
    from gridarium.agents.edge.task_queue import TaskTimes
    from gridarium.agents.edge.voltage_keeping import VoltageRules

    return EdgeRules(
        TaskTimes(section.check_s, section.urgent_task_s, section.routine_task_s),
        section.frames_per_s,
        section.burst,
        section.telemetry_s,
        section.heartbeat_s,
        section.missed_beats,
        VoltageRules(NETWORK.of(scenario).band_pu, section.voltage_margin_pu, section.fast_response_s),
    )


def _can_check_all(scenario: GridScenario) -> Iterator[Fault]:
    """Yield links that together carry more than the processor can check."""
    section = EDGE.of(scenario)
    if section is None:
        return
    ends = [name for part in scenario.parts if part.field in _AT_LINKS for name in part.agents(scenario)]
    most_s = 1.0 / (section.frames_per_s * (len(ends) + 2))
    if section.check_s >= most_s:
        allowed = f"must be below {most_s:g} s, or {len(ends) + 2} links can bring more than can be checked"
        yield Fault("edge.check_s", section.check_s, allowed)


def _no_flood_is_faster(scenario: GridScenario) -> Iterator[Fault]:
    """Yield floods of more than a link to the edge can carry."""
    section = EDGE.of(scenario)
    if section is None:
        return
    for name, attack in scenario.communication.attacks.items():
        rate, fits = attack.rate_per_s, fnmatchcase(EDGE_AGENT, attack.link[1])
        if fits and rate is not None and rate > section.frames_per_s:
            allowed = f"must be at most edge.frames_per_s = {section.frames_per_s:g} on a link to the edge"
            yield Fault(f"communication.attacks.{name}.rate_per_s", rate, allowed)


EDGE: Part[Edge | None] = Part(
    field="edge",
    annotation=Edge | None,
    default=None,
    meaning="The edge controller of a feeder with an operator; null for none.",
    under=("dso",),
    build=_build,
    checks=(
        (frozenset({"edge", *_AT_LINKS}), _can_check_all),
        (frozenset({"edge", "communication"}), _no_flood_is_faster),
    ),
    names=lambda section: () if section is None else (EDGE_AGENT, SENSOR_AGENT),
)
