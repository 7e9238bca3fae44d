"""Topology of a pandapower network and all its faults, read from its tables without pandapower."""

from __future__ import annotations

import importlib.util
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

import networkx as nx

from gridarium.environment.errors import Fault

Label = int | str
Tables = Mapping[str, Sequence[Mapping[str, Any]]]

CASE33BW = "case33bw"
"""Name of the built-in network; its labels are the IEEE numbers, pandapower's index + 1."""

SIMBENCH_CODE = re.compile(r"\d+-[A-Za-z_]+-[A-Za-z]+\d*-[\w.]*-\d+-(no_)?sw")

_ENDS = {
    "line": ("from_bus", "to_bus"),
    "trafo": ("hv_bus", "lv_bus"),
    "impedance": ("from_bus", "to_bus"),
    "switch": ("bus", "element"),
}
_OPENED_BY = {"line": "l", "trafo": "t"}
_POSITIVE = {
    "line": ("length_km", "parallel"),
    "trafo": ("sn_mva", "vn_hv_kv", "vn_lv_kv", "vk_percent", "parallel"),
    "impedance": ("sn_mva",),
    "switch": (),
}
_NOT_NEGATIVE = {
    "line": ("r_ohm_per_km", "x_ohm_per_km"),
    "trafo": ("vkr_percent",),
    "impedance": ("rft_pu", "xft_pu"),
    "switch": (),
}
_BOTH_WAYS = (("rft_pu", "rtf_pu"), ("xft_pu", "xtf_pu"))
_UNMODELLED = (
    "trafo3w",
    "dcline",
    "xward",
    "tcsc",
    "svc",
    "ssc",
    "vsc",
    "vsc_stacked",
    "vsc_bipolar",
    "b2b_vsc",
)
_LOAD_POWERS = {
    "load": ("p_mw", "q_mvar"),
    "asymmetric_load": ("p_a_mw", "p_b_mw", "p_c_mw"),
    "ward": ("ps_mw",),
}
_LOOPS_NAMED = 5
_READ_ERRORS = (OSError, ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError)


@dataclass(frozen=True, slots=True)
class Branch:
    """A branch in service whose ends are both connected; its buses are the lead buses of fused groups."""

    name: str
    from_bus: int
    to_bus: int
    row: Mapping[str, Any]


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
    """

    lead: Mapping[int, int]
    labels: Mapping[int, Label]
    order: tuple[int, ...]
    parent: tuple[int, ...]
    faults: tuple[Fault, ...]
    slack_vm_pu: float | None = None


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
        found += _site_faults(sites, tuple(topology.labels.values()), source, f"{place}.sites")
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
        tables = _read_tables(file)
        return topology_of(tables, labels_of(source, (int(row["index"]) for row in tables["bus"])))
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
    lead = _fused_buses(tables)
    known = {int(row["index"]) for row in tables["bus"]}
    faults = [*_bus_faults(tables), *_end_faults(tables, known), *_unmodelled_faults(tables)]
    graph: nx.Graph[int] = nx.Graph()
    graph.add_nodes_from(sorted(set(lead.values())))
    for branch in _branches(tables, lead):
        faults += _branch_faults(branch, labels)
        graph.add_edge(branch.from_bus, branch.to_bus)
    graph.remove_edges_from(list(nx.selfloop_edges(graph)))
    roots = sorted({lead[bus] for bus in _buses_of(tables, "ext_grid") if bus in lead})
    loaded = {lead[bus] for bus in _loaded_buses(tables) if bus in lead}
    faults += _supply_faults(graph, roots, loaded, labels)
    faults += _loop_faults(graph, labels)
    if not loaded:
        faults.append(Fault("load", "none", "needs at least one load in service, p_mw or q_mvar not 0"))
    in_service = {bus: labels[bus] for bus in sorted(lead)}
    if faults:
        return Topology(lead, in_service, (), (), tuple(faults))
    steps = list(nx.bfs_edges(graph, roots[0], sort_neighbors=sorted))
    order = (roots[0], *(bus for _, bus in steps))
    position = {bus: place for place, bus in enumerate(order)}
    parent = tuple(position[bus] for bus, _ in steps)
    slack = next(row for row in tables["ext_grid"] if _is_on(row) and int(row["bus"]) in lead)
    return Topology(lead, in_service, order, parent, (), _number(slack, "vm_pu", 1.0))


def _unreadable(source: object, allowed: str) -> Topology:
    return Topology({}, {}, (), (), (Fault("", source, allowed),))


def _read_tables(file: Path) -> Tables:
    """Unpack pandapower's JSON: tables are nested as text in split orientation, in versions 2 and 3."""
    content = json.loads(file.read_text(encoding="utf-8"))
    if content.get("_class") != "pandapowerNet":
        raise ValueError("not a pandapower network")
    tables = {}
    for name, packed in content["_object"].items():
        if isinstance(packed, dict) and packed.get("_class") == "DataFrame" and not name.startswith("res_"):
            inner = packed["_object"]
            table = json.loads(inner) if isinstance(inner, str) else inner
            tables[name] = [
                {"index": index, **dict(zip(table["columns"], values, strict=True))}
                for index, values in zip(table["index"], table["data"], strict=True)
            ]
    return tables


def _is_on(row: Mapping[str, Any], column: str = "in_service") -> bool:
    return bool(row.get(column, True))


def _number(row: Mapping[str, Any], column: str, missing: float) -> float:
    value = row.get(column, missing)
    return math.nan if value is None else float(value)


def _buses_of(tables: Tables, name: str) -> Iterator[int]:
    return (int(row["bus"]) for row in tables.get(name, ()) if _is_on(row))


def _loaded_buses(tables: Tables) -> Iterator[int]:
    for name, columns in _LOAD_POWERS.items():
        for row in tables.get(name, ()):
            power = max(abs(_number(row, column, 0.0)) for column in columns) * _number(row, "scaling", 1.0)
            if _is_on(row) and power != 0.0:
                yield int(row["bus"])


def _is_ideal_coupler(row: Mapping[str, Any]) -> bool:
    return row["et"] == "b" and _is_on(row, "closed") and not _number(row, "z_ohm", 0.0) > 0.0


def _fused_buses(tables: Tables) -> dict[int, int]:
    """Map every bus in service to the lowest of the buses that ideal closed switches tie it to."""
    graph: nx.Graph[int] = nx.Graph()
    graph.add_nodes_from(int(row["index"]) for row in tables["bus"] if _is_on(row))
    for row in tables.get("switch", ()):
        ends = (int(row["bus"]), int(row["element"]))
        if _is_ideal_coupler(row) and all(end in graph for end in ends):
            graph.add_edge(*ends)
    return {bus: min(fused) for fused in nx.connected_components(graph) for bus in fused}


def _branches(tables: Tables, lead: Mapping[int, int]) -> Iterator[Branch]:
    """Walk over the branches that connect two buses in service."""
    opened = {
        (row["et"], int(row["element"])) for row in tables.get("switch", ()) if not _is_on(row, "closed")
    }
    for element, (from_column, to_column) in _ENDS.items():
        for row in tables.get(element, ()):
            if element == "switch":
                closed = row["et"] == "b" and _is_on(row, "closed") and not _is_ideal_coupler(row)
            else:
                closed = _is_on(row) and (_OPENED_BY.get(element), int(row["index"])) not in opened
            if not closed:
                continue
            from_bus, to_bus = int(row[from_column]), int(row[to_column])
            if from_bus in lead and to_bus in lead:
                yield Branch(f"{element} {row['index']}", lead[from_bus], lead[to_bus], row)


def _bus_faults(tables: Tables) -> Iterator[Fault]:
    for row in tables["bus"]:
        if _is_on(row) and not 0.0 < _number(row, "vn_kv", math.nan) < math.inf:
            yield Fault(f"bus {row['index']}", row.get("vn_kv"), "vn_kv must be above 0 kV")


def _end_faults(tables: Tables, known: set[int]) -> Iterator[Fault]:
    ends = {**_ENDS, **dict.fromkeys(("ext_grid", *_LOAD_POWERS), ("bus",))}
    for element, columns in ends.items():
        for row in tables.get(element, ()):
            for column in columns:
                is_bus = column != "element" or row["et"] == "b"
                if is_bus and int(row[column]) not in known:
                    yield Fault(
                        f"{element} {row['index']}", row[column], f"{column} must be in the table of buses"
                    )


def _unmodelled_faults(tables: Tables) -> Iterator[Fault]:
    allowed = "a feeder has only lines, two-winding transformers, impedances, switches, shunts and wards"
    for element in _UNMODELLED:
        for row in tables.get(element, ()):
            if _is_on(row):
                yield Fault(f"{element} {row['index']}", "in service", allowed)


def _branch_faults(branch: Branch, labels: Mapping[int, Label]) -> Iterator[Fault]:
    element, row = branch.name.split()[0], branch.row
    for column in _POSITIVE[element]:
        if not 0.0 < _number(row, column, 1.0) < math.inf:
            yield Fault(branch.name, row[column], f"{column} must be above 0")
    for column in _NOT_NEGATIVE[element]:
        if not 0.0 <= _number(row, column, 1.0) < math.inf:
            yield Fault(branch.name, row[column], f"{column} must be 0 or more")
    series = _NOT_NEGATIVE[element]
    if element != "trafo" and series and all(_number(row, column, 1.0) == 0.0 for column in series):
        yield Fault(branch.name, 0.0, f"{' or '.join(series)} must be above 0; use a closed bus-bus switch")
    if element == "impedance":
        for forth, back in _BOTH_WAYS:
            if _number(row, forth, 0.0) != _number(row, back, 0.0):
                yield Fault(branch.name, row.get(back), f"{back} must equal {forth} = {row.get(forth)}")
    if branch.from_bus == branch.to_bus:
        yield Fault(
            branch.name, labels[branch.from_bus], "must connect two buses, but starts and ends at this one"
        )


def _supply_faults(
    graph: nx.Graph[int], roots: Sequence[int], loaded: set[int], labels: Mapping[int, Label]
) -> Iterator[Fault]:
    if not roots:
        yield Fault("ext_grid", "none", "exactly one external grid must be in service, at a bus in service")
        return
    if len(roots) > 1:
        buses = [labels[bus] for bus in roots]
        yield Fault("ext_grid", buses, "exactly one bus may have an external grid in service")
    for island in nx.connected_components(graph):
        if island.isdisjoint(roots):
            with_load = "with loads" if island & loaded else "without loads"
            allowed = f"these buses ({with_load}) must be supplied or out of service"
            yield Fault("bus", [labels[bus] for bus in sorted(island)], allowed)


def _loop_faults(graph: nx.Graph[int], labels: Mapping[int, Label]) -> Iterator[Fault]:
    loops = sorted(nx.cycle_basis(graph), key=lambda loop: (len(loop), loop))
    for loop in loops[:_LOOPS_NAMED]:
        allowed = "these buses form a loop; a feeder is a tree: open one of their branches"
        yield Fault("loop", [labels[bus] for bus in loop], allowed)
    if len(loops) > _LOOPS_NAMED:
        yield Fault("loop", f"{len(loops) - _LOOPS_NAMED} more", "a feeder is a tree: there must be no loop")


def _site_faults(
    sites: Mapping[str, object], labels: Sequence[Label], source: str, place: str
) -> Iterator[Fault]:
    for unit, label in sites.items():
        # True and 1.0 equal 1, but nobody means a bus by them.
        if not isinstance(label, int | str) or isinstance(label, bool) or label not in labels:
            yield Fault(f"{place}.{unit}", label, f"must be a bus of {source}: {shortened(labels)}")


def shortened(labels: Sequence[Label], shown: int = 8) -> str:
    """Write a long list of labels as its first ones and its last."""
    if len(labels) <= shown:
        return ", ".join(map(str, labels))
    return f"{', '.join(map(str, islice(labels, shown - 1)))}, ..., {labels[-1]}"


def _simbench_faults(code: str, place: str) -> list[Fault]:
    if importlib.util.find_spec("simbench") is None:
        return [Fault(place, code, "SimBench codes need an extra: pip install gridarium[simbench]")]
    from simbench import collect_all_simbench_codes

    codes = collect_all_simbench_codes()
    if code in codes:
        return []
    return [Fault(place, code, f"must be one of the {len(codes)} SimBench codes: {shortened(codes)}")]
