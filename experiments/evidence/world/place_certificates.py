"""Certificates of what tables call buses, and of what is told of the head of a grid, by file and meters."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from gridarium.environment.network_tables import CASE33BW, is_simbench_code, network_file
from gridarium.experiments.evidence.grid_evidence import GridEvidence
from gridarium.experiments.parts.network import NETWORK
from gridarium.experiments.results.records import Reading

_A_WATT_MW = 1e-6
"""What is less has no carbon factor of its own."""


def labels(known: GridEvidence) -> Iterator[Reading]:
    """Whether buses are called in tables as in the file of the network, and units stand where they shall."""
    network, buses = NETWORK.of(known.scenario), known.tables.get("buses")
    branches = known.tables.get("branches")
    if buses is None or branches is None or is_simbench_code(network.source):
        return
    named = _labels_of(network.source)
    told = {
        str(label)
        for ends in (buses["bus"], branches["from_bus"], branches["to_bus"])
        for label in ends.unique()
    }
    placed = known.tables["dispatch"].groupby("agent")["bus"].first()
    # A bus that a closed switch joins to another one goes by the name of that.
    sites = {unit: str(site) for unit, site in network.sites.items() if unit in placed and str(site) in told}
    astray = sum(str(placed[unit]) != site for unit, site in sites.items())
    yield Reading(
        "bus labels", float(len(told - named) + astray), 0.0, "", True,
        "names of buses in tables that the file of the network does not have, those of case33bw being the "
        "IEEE numbers, and units that stand at another bus than at their site",
    )  # fmt: skip


def _labels_of(source: str) -> frozenset[str]:
    """Names of the buses of a pandapower file: its indices, of case33bw one more."""
    content = json.loads(Path(network_file(source)).read_text(encoding="utf-8"))
    packed = content["_object"]["bus"]["_object"]
    table = json.loads(packed) if isinstance(packed, str) else packed
    first = 1 if source == CASE33BW else 0
    return frozenset(str(int(index) + first) for index in table["index"])


def heads(known: GridEvidence) -> Iterator[Reading]:
    """Carbon factor of what passed a head, by its carbon and its power."""
    rows = known.tables.get("heads")
    if rows is None:
        return
    power, carbon, told = (
        rows[name].to_numpy(dtype=float)
        for name in ("p_metered_mw", "carbon_t_per_h", "factor_metered_tco2_per_mwh")
    )
    passes = np.abs(power) > _A_WATT_MW
    apart = np.abs(told * power - carbon)[passes & ~np.isnan(told)].max(initial=0.0)
    yield Reading(
        "factor at the head", float(apart) + float((np.isnan(told) == passes).sum()),
        1e-9, "tCO2/h", True,
        "largest difference of the carbon that passed a head, and power times factor as told of it; 1 for "
        "each period in which there is a factor without power, or the other way round",
    )  # fmt: skip
