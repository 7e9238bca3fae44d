"""Topology of a pandapower network and all its faults, read from its tables without pandapower."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import networkx as nx

from gridarium.environment.errors import Fault
from gridarium.environment.network_faults import (
    branch_faults,
    bus_faults,
    end_faults,
    loop_faults,
    rated_voltage_faults,
    set_point_faults,
    shortened,
    site_faults,
    supply_faults,
    unmodelled_faults,
)
from gridarium.environment.network_numbers import (
    is_whole,
    number_faults,
    reference_faults,
    voltage_dependent_faults,
    voltage_setting_faults,
)
from gridarium.environment.network_rows import (
    Label,
    Tables,
    branches,
    buses_of,
    fused_buses,
    is_on,
    loaded_buses,
    number,
    read_tables,
)
from gridarium.environment.network_units import OwnLoad, OwnUnit, own_loads, own_units, voltage_limits

CASE33BW = "case33bw"
"""Name of the built-in network; its labels are the IEEE numbers, pandapower's index + 1."""

SIMBENCH_CODE = re.compile(r"\d+-[A-Za-z_]+-[A-Za-z]+\d*-[\w.]*-\d+-(no_)?sw")

_READ_ERRORS = (OSError, ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError)


@dataclass(frozen=True, slots=True)
class Topology:
    """What is connected to what, and every fault.

    Parameters
    ----------
    lead : mapping
        For each bus in service the lead bus, the lowest of those that closed bus-bus switches fuse.
    labels : mapping
        The user's label of each bus in service.
    order : tuple of int
        Lead buses in breadth-first order from the substation.
    parent : tuple of int
        For each bus of `order` but the first, the position of its parent in `order`.
    faults : tuple of Fault
        Places are relative to the network; `order` and `parent` are empty if there is any fault.
    slack_vm_pu : float, optional
        Voltage that the substation holds, p.u.; None if there is any fault.
    units : tuple of OwnUnit
        Generators and storages at the power of the file.
    voltage_limits_pu : tuple of float, optional
        Highest of the lower, and lowest of the upper limits of all buses; None where no bus has one.
    loads : tuple of OwnLoad
        Loads at the power of the file.
    """

    lead: Mapping[int, int]
    labels: Mapping[int, Label]
    order: tuple[int, ...]
    parent: tuple[int, ...]
    faults: tuple[Fault, ...]
    slack_vm_pu: float | None = None
    units: tuple[OwnUnit, ...] = ()
    voltage_limits_pu: tuple[float | None, float | None] = (None, None)
    loads: tuple[OwnLoad, ...] = ()


def check_network(source: str, sites: Mapping[str, object], place: str = "network") -> list[Fault]:
    """Find every fault of a network and of the buses that units are placed at; never raises.

    Parameters
    ----------
    source : str
        "case33bw", a pandapower JSON file or a SimBench code.
    sites : mapping
        Bus label of each unit.
    place : str
        Dotted path of the network inside the scenario.

    Returns
    -------
    list of Fault
        Empty if the network is a radial feeder and all sites are buses of it. Of a SimBench code only its
        existence is checked: its tables are read when it is used.
    """
    if is_simbench_code(source):
        return _simbench_faults(source, f"{place}.source")
    topology = read_topology(source)
    found = [
        replace(fault, place=", ".join(filter(None, (f"{place}.source", fault.place))))
        for fault in topology.faults
    ]
    if topology.labels and isinstance(sites, Mapping):
        found += site_faults(sites, tuple(topology.labels.values()), source, f"{place}.sites")
    return found


def is_simbench_code(source: object) -> bool:
    """Tell whether a source is written like a SimBench code, e.g. ``1-LV-rural1--0-sw``."""
    return isinstance(source, str) and SIMBENCH_CODE.fullmatch(source) is not None


def network_file(source: str | Path) -> Path:
    """Give the file of a network; pandapower is located but not imported."""
    if source != CASE33BW:
        return Path(source)
    package = importlib.util.find_spec("pandapower")
    folders = list(package.submodule_search_locations or ()) if package else []
    return next(
        (file for folder in folders for file in Path(folder).glob(f"networks/*/{CASE33BW}.json")),
        Path(f"{CASE33BW}.json"),
    )


def labels_of(source: str | Path, buses: Iterable[int]) -> dict[int, Label]:
    """Give the labels of the buses of a network: the IEEE numbers for case33bw, else pandapower's indices."""
    offset = 1 if source == CASE33BW else 0
    return {bus: bus + offset for bus in buses}


def read_topology(source: str | Path) -> Topology:
    """Read the topology of a network file; what cannot be read becomes a fault.

    Parameters
    ----------
    source : str or Path
        "case33bw" or a pandapower JSON file. Read once per path and modification.
    """
    if not isinstance(source, str | Path):
        return _unreadable(source, f"must be {CASE33BW!r}, a pandapower JSON file or a SimBench code")
    try:
        file = network_file(source)
        status = file.stat()
    except FileNotFoundError:
        return _unreadable(
            str(source), f"no such file; give {CASE33BW!r}, a pandapower JSON file or a SimBench code"
        )
    except (OSError, ValueError) as error:
        return _unreadable(str(source), f"must be a readable file ({error})")
    return _topology_of_file(source, file, (status.st_mtime_ns, status.st_size))


@lru_cache(maxsize=32)
def _topology_of_file(source: str | Path, file: Path, _stamp: tuple[int, int]) -> Topology:
    try:
        tables = read_tables(file)
        whole = (int(row["index"]) for row in tables["bus"] if is_whole(row["index"]))
        return topology_of(tables, labels_of(source, whole))
    except _READ_ERRORS as error:
        return _unreadable(str(source), f"must be a network saved by pandapower.to_json ({error!r:.120})")


def topology_of(tables: Tables, labels: Mapping[int, Label]) -> Topology:
    """Find the tree that the tables of a network describe, and everything that keeps them from being one.

    Parameters
    ----------
    tables : mapping
        Rows of each pandapower table; each row has its "index" and its columns.
    labels : mapping
        The user's label of each bus.

    Raises
    ------
    ValueError, TypeError, KeyError, AttributeError
        If a table has no sense at all, e.g. text where a bus index belongs.
    """
    misnamed = tuple(reference_faults(tables))
    if misnamed:
        return Topology({}, {}, (), (), misnamed)
    lead = fused_buses(tables)
    known = {int(row["index"]) for row in tables["bus"]}
    faults = [
        *bus_faults(tables),
        *end_faults(tables, known),
        *number_faults(tables),
        *unmodelled_faults(tables),
        *voltage_dependent_faults(tables),
        *voltage_setting_faults(tables),
        *rated_voltage_faults(tables),
        *set_point_faults(tables, lead),
    ]
    graph: nx.Graph[int] = nx.Graph()
    graph.add_nodes_from(sorted(set(lead.values())))
    for branch in branches(tables, lead):
        faults += branch_faults(branch, labels)
        graph.add_edge(branch.from_bus, branch.to_bus)
    graph.remove_edges_from(list(nx.selfloop_edges(graph)))
    roots = sorted({lead[bus] for bus in buses_of(tables, "ext_grid") if bus in lead})
    loaded = {lead[bus] for bus in loaded_buses(tables) if bus in lead}
    faults += supply_faults(graph, roots, loaded, labels)
    faults += loop_faults(graph, labels)
    if not loaded:
        faults.append(Fault("load", "none", "needs at least one load in service, p_mw or q_mvar not 0"))
    in_service = {bus: labels[bus] for bus in sorted(lead)}
    if faults:
        return Topology(lead, in_service, (), (), tuple(faults))
    steps = list(nx.bfs_edges(graph, roots[0], sort_neighbors=sorted))
    order = (roots[0], *(bus for _, bus in steps))
    position = {bus: place for place, bus in enumerate(order)}
    parent = tuple(position[bus] for bus, _ in steps)
    slack = next(row for row in tables["ext_grid"] if is_on(row) and int(row["bus"]) in lead)
    return Topology(
        lead,
        in_service,
        order,
        parent,
        faults=(),
        slack_vm_pu=number(slack, "vm_pu", 1.0),
        units=tuple(own_units(tables)),
        voltage_limits_pu=voltage_limits(tables),
        loads=tuple(own_loads(tables)),
    )


def _unreadable(source: object, allowed: str) -> Topology:
    return Topology({}, {}, (), (), (Fault("", source, allowed),))


def _simbench_faults(code: str, place: str) -> list[Fault]:
    if importlib.util.find_spec("simbench") is None:
        return [Fault(place, code, "SimBench codes need an extra: pip install gridarium[simbench]")]
    from simbench import collect_all_simbench_codes

    codes = collect_all_simbench_codes()
    if code in codes:
        return []
    return [Fault(place, code, f"must be one of the {len(codes)} SimBench codes: {shortened(codes)}")]
