"""Storages that the operator of a feeder dispatches."""

from __future__ import annotations

from typing import Literal

from gridarium.experiments.parts.network import unit_sites
from gridarium.experiments.parts.part import GridBuild, Part
from gridarium.experiments.parts.storage_section import Storage, storage_ratings
from gridarium.experiments.scenario_fields import MoneyAmount, Name


class StorageUnit(Storage):
    """A battery that the operator dispatches."""

    wear_cost_per_mwh: MoneyAmount = 0.0
    """Cost of wear per energy discharged, money/MWh."""
    equal_schedules: Literal["spread", "earliest", "latest"] = "spread"
    """Which of several schedules that earn the same the owner would take by itself: evenly spread over equal
    prices, or with its energy moved as early or as late as it can be."""


def _build(build: GridBuild) -> None:
    from gridarium.agents.storage.storage_owner import StorageOwner

    sites = unit_sites(build)
    for name, unit in STORAGES.of(build.scenario).items():
        ratings = storage_ratings(name, unit)
        StorageOwner(
            sites[name],
            name,
            ratings,
            build.leader,
            build.horizon,
            unit.wear_cost_per_mwh,
            unit.equal_schedules,
        )


STORAGES: Part[dict[str, StorageUnit]] = Part(
    field="storages",
    annotation=dict[Name, StorageUnit],
    default={},
    meaning="Storages that the operator of a feeder or a TIES dispatches.",
    under=("dso", "ties"),
    build=_build,
    has_sites=True,
)
