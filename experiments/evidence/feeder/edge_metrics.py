"""Metrics of an edge controller: failovers, corrections of voltage, and the delays of its queue."""

from __future__ import annotations

from collections.abc import Iterator

from gridarium.experiments.evidence.grid_evidence import Tables

Metric = tuple[str, float]


def failovers(tables: Tables, period_h: float) -> Iterator[Metric]:
    """Outages of units, who stood in for them, and how long that took against polling."""
    rows = tables.get("failovers")
    if rows is None:
        return
    yield "failovers", float(rows["active_s"].notna().sum())
    yield "outages_without_standby", float((rows["standby"] == "").sum())
    if rows["active_s"].notna().any():
        yield "failover_longest_s", float(rows["failover_s"].max())
        yield "failover_polled_mean_s", float(rows["polled_s"].mean())
        yield "failover_polled_longest_s", float(rows["polled_s"].max())


def excursions(tables: Tables, period_h: float) -> Iterator[Metric]:
    """Times in which a bus was outside of the band of voltages."""
    rows = tables.get("excursions")
    if rows is None:
        return
    yield "voltage_excursions", float(len(rows))
    yield "voltage_excursions_corrected", float((rows["back_s"] < rows["telemetry_s"]).sum())
    yield "voltage_excursion_longest_s", float(rows["outside_s"].max())


def edge_queue(tables: Tables, period_h: float) -> Iterator[Metric]:
    """Frames that the edge has checked, and the longest delay of an urgent one against its bound."""
    rows = tables.get("edge_ports")
    if rows is None:
        return
    yield "edge_frames", float(rows["frames"].sum())
    yield "edge_refused_frames", float(rows["refused"].sum())
    yield "edge_delay_longest_s", float(rows["longest_s"].max())
    yield "edge_delay_bound_s", float(rows["bound_s"].max())
