"""Numbers and references in a network's tables: what is none, or points nowhere."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from gridarium.environment.errors import Fault
from gridarium.environment.network_rows import ENDS, POWERS, Tables, is_on

_NUMBERS: Mapping[str, tuple[str, ...]] = {
    **{element: (*columns, "scaling") for element, columns in POWERS.items()},
    "ward": ("ps_mw", "qs_mvar", "pz_mw", "qz_mvar"),
    "shunt": ("p_mw", "q_mvar", "vn_kv", "step"),
    "motor": ("pn_mech_mw", "cos_phi", "efficiency_percent", "loading_percent", "scaling"),
    "line": ("c_nf_per_km", "g_us_per_km"),
    "trafo": ("pfe_kw", "i0_percent"),
    "ext_grid": ("vm_pu", "va_degree"),
    "switch": ("z_ohm",),
}
"""Columns that a feeder is made of, where a table has them, beside those of which branches must have more."""
_VOLTAGE_DEPENDENT = (
    "const_z_percent",
    "const_i_percent",
    "const_z_p_percent",
    "const_i_p_percent",
    "const_z_q_percent",
    "const_i_q_percent",
)


def reference_faults(tables: Tables) -> Iterator[Fault]:
    """Yield indices of buses that are no whole numbers, or not the only ones, and ends that name none."""
    seen: set[int] = set()
    for row in tables["bus"]:
        index = row["index"]
        if not is_whole(index):
            yield Fault(f"bus {index}", index, "index must be a whole number")
        elif int(index) in seen:
            yield Fault(f"bus {index}", index, "index must be there only once")
        else:
            seen.add(int(index))
    ends = {**ENDS, **dict.fromkeys(("ext_grid", "motor", "shunt", "ward", "gen", *POWERS), ("bus",))}
    for element, columns in ends.items():
        for row in tables.get(element, ()):
            for column in columns:
                if not is_whole(row.get(column)):
                    allowed = f"{column} must be the index of a row of another table, a whole number"
                    yield Fault(f"{element} {row['index']}", row.get(column), allowed)


def number_faults(tables: Tables) -> Iterator[Fault]:
    """Yield empty cells, infinities and words where an element in service has a number."""
    for element, columns in _NUMBERS.items():
        for row in tables.get(element, ()):
            if not is_on(row, "closed" if element == "switch" else "in_service"):
                continue
            if element == "switch" and row["et"] != "b":
                continue
            for column in columns:
                if column in row and not is_number(row[column]):
                    yield Fault(f"{element} {row['index']}", row[column], f"{column} must be a number")


def voltage_dependent_faults(tables: Tables) -> Iterator[Fault]:
    """Yield loads that draw by the voltage."""
    allowed = "must be 0: consumers draw the same power at any voltage; a ward may draw by the voltage"
    for row in tables.get("load", ()):
        for column in _VOLTAGE_DEPENDENT if is_on(row) else ():
            if is_number(row.get(column)) and float(row[column]) != 0.0:
                yield Fault(f"load {row['index']}", row[column], f"{column} {allowed}")


def voltage_setting_faults(tables: Tables) -> Iterator[Fault]:
    """Yield generators that hold a voltage, which no unit of a feeder does."""
    allowed = (
        "must be no generator that holds a voltage but an sgen of its p_mw and q_mvar, or out of service"
    )
    for row in tables.get("gen", ()):
        if is_on(row):
            yield Fault(f"gen {row['index']}", f"vm_pu {row.get('vm_pu')}", allowed)


def is_number(value: Any) -> bool:
    """Tell whether a cell holds a finite number."""
    try:
        return value is not None and not isinstance(value, str) and math.isfinite(float(value))
    except (TypeError, ValueError):
        return False


def is_whole(value: Any) -> bool:
    """Tell whether a cell holds a whole number, be it written as 1 or as 1.0."""
    return is_number(value) and float(value) == int(value)
