"""Metrics of a whole world of several grids, each grid with all its replicas."""

from __future__ import annotations

from collections.abc import Iterator

from gridarium.experiments.evidence.grid_evidence import Tables

Metric = tuple[str, float]

WORLD_METRICS = {
    "world_emission_tco2": ("emission_tco2",),
    "world_social_cost_money": ("resource_money", "carbon_money", "discomfort_money"),
    "world_resource_cost_money": ("resource_money",),
    "world_user_cost_money": ("user_cost_money",),
    "world_curtailed_mwh": ("curtailed_mwh",),
}
"""Each with the columns of `grid_accounts` that it sums."""


def world_metrics(tables: Tables) -> Iterator[Metric]:
    """What the world emits, costs everybody, uses up, charges its final users, and leaves of sun and wind.

    None of a world of one grid, whose own metrics tell all of it. The social cost is what is used up, carbon
    at what it costs in carbon markets, and what dissatisfaction is worth (W.6).
    """
    grids = tables.get("grid_accounts")
    if grids is None:
        return
    for name, columns in WORLD_METRICS.items():
        yield name, float((grids["copies"] * grids[list(columns)].sum(axis=1)).sum())
