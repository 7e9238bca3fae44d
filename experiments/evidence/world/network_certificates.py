"""Certificates of networks: lines, loads and ratings against the tables of the file that they come from."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from gridarium.environment.network import Feeder
from gridarium.environment.network_tables import CASE33BW, is_simbench_code, network_file
from gridarium.experiments.evidence.grid_evidence import GridEvidence
from gridarium.experiments.parts.network import NETWORK, Network
from gridarium.experiments.results.records import Reading

_SAME, _LEAST_PU = 1e-9, 1e-12
_MOST_KA = 1e3
"""From here on a rating is none."""
_OTHERS = ("sgen", "gen", "motor", "ward", "xward", "shunt", "storage", "asymmetric_load", "asymmetric_sgen")
"""Elements beside loads that draw or feed in; where there are any, loads are no matter of loads alone."""

Row = Mapping[str, Any]


def network_as_given(known: GridEvidence) -> Iterator[Reading]:
    """Each line of a feeder, its nominal loads and its ratings, by the file that the scenario names.

    Where a file has more than loads to rescale, how often they are taken is nothing that loads tell.
    """
    feeder = known.grid.feeder
    if not feeder.n_branch:
        return
    network = NETWORK.of(known.scenario)
    if is_simbench_code(network.source):
        return
    file = _File.of(network.source)
    has_others = any(file.rows(name) for name in _OTHERS)
    if has_others and network.peak_load_mw is not None:
        return
    nominal_mw = sum(_mw(row) for row in file.rows("load").values())
    copies = 1.0 if network.peak_load_mw is None else network.peak_load_mw / nominal_mw
    factor = network.impedance_factor / copies
    apart = [_line_apart(network, file, feeder, factor, branch) for branch in range(feeder.n_branch)]
    if not has_others:
        apart.append(_loads_apart(file, feeder, copies))
    yield Reading(
        "network as given", max(0.0, *apart), _SAME, "", True,
        "largest difference of resistance, reactance, rating and ends of a line, and of the nominal load of "
        "a bus, and what the file of the network says, rescaled as the scenario asks, relative",
    )  # fmt: skip


class _File:
    """Tables of a network's file, rows by the index that pandapower gives them.

    - `offset`: by how much labels of buses are more than these indices

    Parameters
    ----------
    tables : mapping of str to mapping of int to Row
    offset : int
    """

    def __init__(self, tables: Mapping[str, Mapping[int, Row]], offset: int) -> None:
        self.tables, self.offset = tables, offset

    @classmethod
    def of(cls, source: str) -> _File:
        """Read a file as it is, without whoever else reads it."""
        path = network_file(source)
        return cls(_tables(str(path), path.stat().st_mtime_ns), 1 if source == CASE33BW else 0)

    def rows(self, table: str) -> Mapping[int, Row]:
        """The rows of a table in service."""
        found = self.tables.get(table, {})
        return {index: row for index, row in found.items() if row.get("in_service", True)}


@lru_cache(maxsize=4)
def _tables(path: str, _stamp: int) -> dict[str, dict[int, Row]]:
    with open(path, encoding="utf-8") as text:
        net = json.load(text)["_object"]
    found: dict[str, dict[int, Row]] = {}
    for name in ("line", "bus", "load", *_OTHERS):
        written = net.get(name, {}).get("_object") if isinstance(net.get(name), dict) else None
        if written is None:
            continue
        table = json.loads(written) if isinstance(written, str) else written
        rows: Iterator[Row] = (dict(zip(table["columns"], row, strict=True)) for row in table["data"])
        found[name] = dict(zip(map(int, table["index"]), rows, strict=True))
    return found


def _line_apart(network: Network, file: _File, feeder: Feeder, factor: float, branch: int) -> float:
    """Relative difference of a branch that is one line; nothing of what is none."""
    kind, _, index = feeder.branch_labels[branch].partition(" ")
    if kind != "line" or not index.isdecimal():
        return 0.0
    row, parent = file.rows("line")[int(index)], int(feeder.parent[branch])
    ends = {_place(file, feeder, int(row[side])) for side in ("from_bus", "to_bus")}
    if ends != {parent, branch + 1}:
        return float("inf")
    base_kv = float(file.rows("bus")[int(row["to_bus"])]["vn_kv"])
    base_ohm = base_kv**2 / feeder.base_mva
    length = float(row["length_km"]) / float(row["parallel"])
    due = [factor * float(row[f"{part}_ohm_per_km"]) * length / base_ohm for part in ("r", "x")]
    told = [float(feeder.r_pu[branch]), float(feeder.x_pu[branch])]
    apart = float(np.abs(np.array(told) - due).max()) / max(float(np.hypot(due[0], due[1])), _LEAST_PU)
    own = network.branch_ratings_mva.get(feeder.branch_labels[branch])
    rated = _rating_pu(row, base_kv, feeder.base_mva) / factor if own is None else own / feeder.base_mva
    limit = float(feeder.i_max_pu[branch])
    if np.isinf(limit) or np.isinf(rated):
        return apart if limit == rated else float("inf")
    return max(apart, abs(limit - rated) / rated)


def _rating_pu(row: Row, base_kv: float, base_mva: float) -> float:
    """Rated current of a line; inf where the file states none that limits anything."""
    stated = row.get("max_i_ka")
    if stated is None or not 0.0 < float(stated) < _MOST_KA:
        return float("inf")
    times = float(row["parallel"]) * float(row.get("df") or 1.0)
    return float(np.sqrt(3.0)) * base_kv * float(stated) * times / base_mva


def _loads_apart(file: _File, feeder: Feeder, copies: float) -> float:
    """Largest difference of nominal loads, relative to the largest."""
    due = np.zeros((2, feeder.n_bus))
    for row in file.rows("load").values():
        place = _place(file, feeder, int(row["bus"]))
        scaling = copies * float(row["scaling"])
        due[:, place] += scaling * float(row["p_mw"]), scaling * float(row["q_mvar"])
    told = np.array([feeder.p_load_mw, feeder.q_load_mvar])
    return float(np.abs(told - due).max()) / max(float(np.abs(due).max()), _LEAST_PU)


def _place(file: _File, feeder: Feeder, bus: int) -> int:
    """Where a bus of the file stands in the feeder."""
    label = bus + file.offset
    fused = dict(feeder.fused_labels)
    return int(fused[label]) if label in fused else feeder.bus_labels.index(label)


def _mw(row: Row) -> float:
    return float(row["p_mw"]) * float(row["scaling"])
