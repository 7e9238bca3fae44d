"""Certificates of an edge controller: how fast it hands over and corrects, and what a flood can hold up."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gridarium.environment.arrays import Array
from gridarium.experiments.evidence.grid_evidence import GridEvidence
from gridarium.experiments.parts.edge import EDGE, EDGE_AGENT
from gridarium.experiments.parts.network import NETWORK
from gridarium.experiments.results.records import Reading

FAILOVER_S = 0.5
"""From the failure of a critical unit until another one delivers, at most, s (A.1.5)."""


def edge(known: GridEvidence) -> Iterator[Reading]:
    """Of the edge controller of a grid, where there is one."""
    if EDGE.of(known.scenario) is not None:
        yield from _failover(known)
        yield from _voltages(known)
        yield from _delays(known)


def _failover(known: GridEvidence) -> Iterator[Reading]:
    rows = known.tables.get("failovers")
    if rows is None:
        return
    covered = rows[rows["standby"] != ""]
    # Who was told and never delivered before the unit was back has taken for ever.
    took_s = covered["failover_s"].fillna(np.inf).to_numpy(dtype=float)
    if len(took_s):
        yield Reading(
            "failover time", float(took_s.max()), FAILOVER_S, "s", False,
            "longest time from the failure of a unit until the one that stands by for it delivers",
            f"{len(took_s)} failovers; a poll as often as telemetry would have taken up to "
            f"{covered['polled_s'].max():.1f} s",
        )  # fmt: skip


def _voltages(known: GridEvidence) -> Iterator[Reading]:
    rows, section, network = (
        known.tables.get("excursions"),
        EDGE.of(known.scenario),
        NETWORK.of(known.scenario),
    )
    if rows is None or section is None:
        return
    low, high = network.band_pu

    def outside_pu(column: str) -> Array:
        vm_pu = rows[column].to_numpy(dtype=float)
        return np.maximum(0.0, np.maximum(low - vm_pu, vm_pu - high))

    yield Reading(
        "voltage correction", float(outside_pu("with_pu").max()), section.sensor_resolution_pu, "p.u.", False,
        "how far a voltage that left its band between set-points is outside at the next telemetry, by AC "
        "power flow; the tolerance is what the sensor can tell apart",
        f"{len(rows)} excursions; without corrections up to {outside_pu('without_pu').max():.2g} p.u.",
    )  # fmt: skip


def _flooded(known: GridEvidence) -> set[str]:
    """Who is at the other end of a link to the edge on which an intruder sat."""
    done, edge = known.world.bus.intrusions(), known.grid.named(EDGE_AGENT)
    return {
        known.grid.local(link.removesuffix(f" -> {edge}")) for link in done["link"] if link.endswith(edge)
    }


def _delays(known: GridEvidence) -> Iterator[Reading]:
    rows = known.tables.get("edge_ports")
    if rows is None:
        return
    bound_s = np.where(rows["port"].isin(_flooded(known)), rows["flooded_bound_s"], rows["bound_s"])
    beyond_s = rows["longest_s"].to_numpy(dtype=float) - bound_s
    yield Reading(
        "edge delay", float(beyond_s.max()), 1e-9, "s", True,
        "by how much the longest delay of an urgent frame at the edge is beyond the bound of its queue; "
        "negative where it stays below",
        f"longest {rows['longest_s'].max():.4g} s, bound {rows['bound_s'].max():.4g} s, and "
        f"{rows['flooded_bound_s'].max():.4g} s on a flooded link",
    )  # fmt: skip
