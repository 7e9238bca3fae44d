"""Storages of a feeder that stand by for others (N+1)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from gridarium.environment.errors import Fault
from gridarium.experiments.parts.edge import edge_link_terms
from gridarium.experiments.parts.network import unit_sites
from gridarium.experiments.parts.part import GridBuild, GridScenario, Part
from gridarium.experiments.parts.storage_section import Storage, Thermal, storage_ratings
from gridarium.experiments.parts.storages import STORAGES
from gridarium.experiments.schema.fields import Amount, Name


class StandbyStorage(Storage):
    """A storage of the operator's that is idle until the edge controller lets it stand in for another one."""

    covers: Annotated[list[Name], Field(min_length=1)]
    """Storages that it stands by for; it stands in for one at a time."""
    response_s: Amount = 0.2
    """Time to full power, s."""
    thermal: Thermal | None = None
    """Its temperature, which opens its breaker; null for none."""


def _build(build: GridBuild) -> None:
    from gridarium.agents.storage.standby_storage import StandbyStorage as Agent

    sites = unit_sites(build)
    for name, unit in STANDBY_STORAGES.of(build.scenario).items():
        terms = edge_link_terms(build, unit.response_s, unit.covers)
        assert terms is not None
        standby = Agent(sites[name], name, storage_ratings(name, unit), terms, build.horizon)
        if unit.thermal is not None:
            standby.storage.fit(unit.thermal.ratings)


def _cover_storages(scenario: GridScenario) -> Iterator[Fault]:
    """Yield units that stand by for nobody there is."""
    known = STORAGES.of(scenario)
    for name, unit in STANDBY_STORAGES.of(scenario).items():
        for place, covered in enumerate(unit.covers):
            if covered not in known:
                allowed = f"must be one of storages: {', '.join(known) or 'none'}"
                yield Fault(f"standby_storages.{name}.covers.{place}", covered, allowed)


STANDBY_STORAGES: Part[dict[str, StandbyStorage]] = Part(
    field="standby_storages",
    annotation=dict[Name, StandbyStorage],
    default={},
    meaning="Storages of a feeder with an edge controller that stand by for others.",
    under=("edge",),
    build=_build,
    checks=((frozenset({"standby_storages", "storages"}), _cover_storages),),
    has_sites=True,
)
