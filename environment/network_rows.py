"""Rows of a pandapower network's tables, read without pandapower: what is in service, fused and connected."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import networkx as nx

Label = int | str
Tables = Mapping[str, Sequence[Mapping[str, Any]]]

ENDS = {
    "line": ("from_bus", "to_bus"),
    "trafo": ("hv_bus", "lv_bus"),
    "impedance": ("from_bus", "to_bus"),
    "switch": ("bus", "element"),
}
_OPENED_BY = {"line": "l", "trafo": "t"}
_PHASES = ("p_a_mw", "p_b_mw", "p_c_mw", "q_a_mvar", "q_b_mvar", "q_c_mvar")
POWERS = {
    "load": ("p_mw", "q_mvar"),
    "asymmetric_load": _PHASES,
    "sgen": ("p_mw", "q_mvar"),
    "asymmetric_sgen": _PHASES,
    "storage": ("p_mw", "q_mvar"),
}
"""Columns of active, then reactive power of elements that have a column `scaling`."""
UNITS = {"sgen": 1.0, "asymmetric_sgen": 1.0, "storage": -1.0}
"""Elements that are units, and the sign of what they feed in."""
LOADS = {name: POWERS[name] for name in ("load", "asymmetric_load")} | {"ward": ("ps_mw", "qs_mvar")}
"""Elements that are loads, and their columns of active, then reactive power."""


@dataclass(frozen=True, slots=True)
class Branch:
    """A branch in service whose ends are both connected; its buses are the lead buses of fused groups."""

    name: str
    from_bus: int
    to_bus: int
    row: Mapping[str, Any]


def read_tables(file: Path) -> Tables:
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


def is_on(row: Mapping[str, Any], column: str = "in_service") -> bool:
    """Tell whether a flag of a row is set; a row without it counts as set."""
    return bool(row.get(column, True))


def number(row: Mapping[str, Any], column: str, missing: float) -> float:
    """Give a number of a row: `missing` where there is no such column, nan where it is empty."""
    value = row.get(column, missing)
    return math.nan if value is None else float(value)


def buses_of(tables: Tables, name: str) -> Iterator[int]:
    """Give the buses of the elements in service of a table."""
    return (int(row["bus"]) for row in tables.get(name, ()) if is_on(row))


def loaded_buses(tables: Tables) -> Iterator[int]:
    """Give the buses with a load in service that is not zero."""
    for name, columns in LOADS.items():
        for row in tables.get(name, ()):
            power = max(abs(number(row, column, 0.0)) for column in columns) * number(row, "scaling", 1.0)
            if is_on(row) and power != 0.0:
                yield int(row["bus"])


def _is_ideal_coupler(row: Mapping[str, Any]) -> bool:
    return row["et"] == "b" and is_on(row, "closed") and not number(row, "z_ohm", 0.0) > 0.0


def fused_buses(tables: Tables) -> dict[int, int]:
    """Map every bus in service to the lowest of the buses that ideal closed switches tie it to."""
    graph: nx.Graph[int] = nx.Graph()
    graph.add_nodes_from(int(row["index"]) for row in tables["bus"] if is_on(row))
    for row in tables.get("switch", ()):
        ends = (int(row["bus"]), int(row["element"]))
        if _is_ideal_coupler(row) and all(end in graph for end in ends):
            graph.add_edge(*ends)
    return {bus: min(fused) for fused in nx.connected_components(graph) for bus in fused}


def branches(tables: Tables, lead: Mapping[int, int]) -> Iterator[Branch]:
    """Walk over the branches that connect two buses in service."""
    opened = {
        (row["et"], int(row["element"])) for row in tables.get("switch", ()) if not is_on(row, "closed")
    }
    for element, (from_column, to_column) in ENDS.items():
        for row in tables.get(element, ()):
            if element == "switch":
                closed = row["et"] == "b" and is_on(row, "closed") and not _is_ideal_coupler(row)
            else:
                closed = is_on(row) and (_OPENED_BY.get(element), int(row["index"])) not in opened
            if not closed:
                continue
            from_bus, to_bus = int(row[from_column]), int(row[to_column])
            if from_bus in lead and to_bus in lead:
                yield Branch(f"{element} {row['index']}", lead[from_bus], lead[to_bus], row)
