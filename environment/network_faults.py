"""What can be wrong with a network: buses, ends of branches, impedances, supply, loops and sites."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

import networkx as nx

from gridarium.environment.errors import Fault
from gridarium.environment.network_rows import ENDS, POWERS, Branch, Label, Tables, is_on, number

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
_LOOPS_NAMED = 5


def bus_faults(tables: Tables) -> Iterator[Fault]:
    """Yield buses without a voltage."""
    for row in tables["bus"]:
        if is_on(row) and not 0.0 < number(row, "vn_kv", math.nan) < math.inf:
            yield Fault(f"bus {row['index']}", row.get("vn_kv"), "vn_kv must be above 0 kV")


def end_faults(tables: Tables, known: set[int]) -> Iterator[Fault]:
    """Yield ends that lie at no bus."""
    ends = {**ENDS, **dict.fromkeys(("ext_grid", "motor", "shunt", "ward", *POWERS), ("bus",))}
    for element, columns in ends.items():
        for row in tables.get(element, ()):
            for column in columns:
                is_bus = column != "element" or row["et"] == "b"
                if is_bus and int(row[column]) not in known:
                    yield Fault(
                        f"{element} {row['index']}", row[column], f"{column} must be in the table of buses"
                    )


def unmodelled_faults(tables: Tables) -> Iterator[Fault]:
    """Yield elements in service that a feeder cannot have."""
    allowed = "a feeder has only lines, two-winding transformers, impedances, switches, shunts and wards"
    for element in _UNMODELLED:
        for row in tables.get(element, ()):
            if is_on(row):
                yield Fault(f"{element} {row['index']}", "in service", allowed)


def branch_faults(branch: Branch, labels: Mapping[int, Label]) -> Iterator[Fault]:
    """Yield impedances, lengths and ratings that make no sense, and branches from a bus to itself."""
    element, row = branch.name.split()[0], branch.row
    for column in _POSITIVE[element]:
        if not 0.0 < number(row, column, 1.0) < math.inf:
            yield Fault(branch.name, row[column], f"{column} must be above 0")
    for column in _NOT_NEGATIVE[element]:
        if not 0.0 <= number(row, column, 1.0) < math.inf:
            yield Fault(branch.name, row[column], f"{column} must be 0 or more")
    series = _NOT_NEGATIVE[element]
    if element != "trafo" and series and all(number(row, column, 1.0) == 0.0 for column in series):
        yield Fault(branch.name, 0.0, f"{' or '.join(series)} must be above 0; use a closed bus-bus switch")
    if element == "impedance":
        for forth, back in _BOTH_WAYS:
            if number(row, forth, 0.0) != number(row, back, 0.0):
                yield Fault(branch.name, row.get(back), f"{back} must equal {forth} = {row.get(forth)}")
    if branch.from_bus == branch.to_bus:
        yield Fault(
            branch.name, labels[branch.from_bus], "must connect two buses, but starts and ends at this one"
        )


def rated_voltage_faults(tables: Tables) -> Iterator[Fault]:
    """Yield lines and closed switches between buses of different rated voltage."""
    rated_kv = {int(row["index"]): number(row, "vn_kv", math.nan) for row in tables["bus"] if is_on(row)}
    for element in ("line", "switch"):
        for row in tables.get(element, ()):
            if element == "switch" and row["et"] != "b":
                continue
            ends = [int(row[column]) for column in ENDS[element]]
            if not is_on(row, "closed" if element == "switch" else "in_service"):
                continue
            kv = [rated_kv[end] for end in ends if end in rated_kv]
            if len(kv) == 2 and not math.isclose(*kv, rel_tol=1e-9):
                allowed = f"buses {ends[0]} and {ends[1]}, which it connects, must have one rated voltage"
                yield Fault(f"{element} {row['index']}", f"{kv[0]:g} and {kv[1]:g} kV", allowed)


def set_point_faults(tables: Tables, lead: Mapping[int, int]) -> Iterator[Fault]:
    """Yield external grids that hold different voltages at one bus."""
    at: dict[int, list[Mapping[str, object]]] = {}
    for row in tables.get("ext_grid", ()):
        if is_on(row) and int(row["bus"]) in lead:
            at.setdefault(lead[int(row["bus"])], []).append(row)
    for rows in at.values():
        for column, unit in (("vm_pu", "p.u."), ("va_degree", "degree")):
            held = [number(row, column, 0.0) for row in rows]
            if len(set(held)) > 1:
                names = " and ".join(str(row["index"]) for row in rows)
                found = " and ".join(f"{value:g}" for value in held)
                allowed = f"{column} must be the same at one bus"
                yield Fault(f"ext_grid {names}", f"{found} {unit}", allowed)


def supply_faults(
    graph: nx.Graph[int], roots: Sequence[int], loaded: set[int], labels: Mapping[int, Label]
) -> Iterator[Fault]:
    """Yield missing or further external grids, and buses that none supplies."""
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


def loop_faults(graph: nx.Graph[int], labels: Mapping[int, Label]) -> Iterator[Fault]:
    """Yield the shortest loops, and how many more there are."""
    loops = sorted(nx.cycle_basis(graph), key=lambda loop: (len(loop), loop))
    for loop in loops[:_LOOPS_NAMED]:
        allowed = "these buses form a loop; a feeder is a tree: open one of their branches"
        yield Fault("loop", [labels[bus] for bus in loop], allowed)
    if len(loops) > _LOOPS_NAMED:
        yield Fault("loop", f"{len(loops) - _LOOPS_NAMED} more", "a feeder is a tree: there must be no loop")


def site_faults(
    sites: Mapping[str, object], labels: Sequence[Label], source: str, place: str
) -> Iterator[Fault]:
    """Yield units whose bus the network does not have."""
    for unit, label in sites.items():
        # True and 1.0 equal 1, but nobody means a bus by them.
        if not isinstance(label, int | str) or isinstance(label, bool) or label not in labels:
            yield Fault(f"{place}.{unit}", label, f"must be a bus of {source}: {shortened(labels)}")


def shortened(labels: Sequence[Label], shown: int = 8) -> str:
    """Write a long list of labels as its first ones and its last."""
    if len(labels) <= shown:
        return ", ".join(map(str, labels))
    return f"{', '.join(map(str, islice(labels, shown - 1)))}, ..., {labels[-1]}"
