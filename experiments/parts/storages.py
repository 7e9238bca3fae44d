"""Storages that the operator of a feeder dispatches, or their owners."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from gridarium.environment.clock import HOUR_S
from gridarium.environment.errors import Fault
from gridarium.experiments.names.registry import make
from gridarium.experiments.parts.edge import edge_link_terms
from gridarium.experiments.parts.network import unit_sites
from gridarium.experiments.parts.part import GridBuild, GridScenario, Part
from gridarium.experiments.parts.pool_section import Pool, records_authority, split_rule
from gridarium.experiments.parts.storage_pool import POOL_AGENT, pool_of
from gridarium.experiments.parts.storage_section import Storage, Thermal, storage_ratings
from gridarium.experiments.parts.vpp_section import plant_of, plants_of, platform_of
from gridarium.experiments.schema.fields import (
    Amount,
    Flag,
    Money,
    MoneyAmount,
    Name,
    PositiveShare,
    Range,
    Registered,
    Section,
    Share,
)

if TYPE_CHECKING:
    from gridarium.agents.devices.storage_label import LabelTerms
    from gridarium.agents.storage.pool_membership import OwnerTerms
    from gridarium.agents.storage.storage_owner import StorageOwner
    from gridarium.environment.arrays import Array


class Alone(Section):
    """What an owner does with its storage by itself."""

    regime: Annotated[str, Registered("storage-regimes")] = "arbitrage"
    """A registered regime, or a path package.module:Class."""
    params: Annotated[dict[Name, Any], Money(by_name=True)] = Field(default_factory=dict)
    """Parameters of the regime."""
    load_column: Name | None = None
    """Profile column of the owner's own load, for self-consumption; it is drawn by consumers."""
    load_share: Annotated[float, Range(0, 100)] = 1.0
    """Part of the column that is the owner's."""
    pv_column: Name | None = None
    """Profile column of the owner's own panels, for self-consumption; they are among the renewables."""
    pv_share: Annotated[float, Range(0, 100)] = 1.0
    """Part of the column that is the owner's."""


class Pooling(Section):
    """What an owner brings to a pool, and how it decides; without a pool only `response_s` counts."""

    soh: PositiveShare = 1.0
    """State of health, share of a new one."""
    response_s: Amount = 1.0
    """Time to full power, s; with an edge controller until a correction acts."""
    reserve_share: Share = 0.0
    """Part of the capacity, above the lowest state of charge, that a pool may not use."""
    ageing_cost_per_mwh: MoneyAmount = 0.0
    """What a MWh discharged costs in life of the storage, as the owner tells the pool, money/MWh."""
    effort_money: MoneyAmount = 0.0
    """What a day of membership costs the owner, money."""
    begins: Flag = True
    """Whether it is a member at first."""
    joining: Annotated[str, Registered("join-rules")] = "exact"
    """How it decides to join and leave: a registered rule, or a path package.module:Class."""
    params: Annotated[dict[Name, Any], Money(by_name=True)] = Field(default_factory=dict)
    """Parameters of the rule."""


class Failures(Section):
    """How often a unit is out of order, at random."""

    per_h: Annotated[float, Range(0, 1e3, above_low=True)]
    """Mean number of failures per hour in order."""
    lasts_h: Annotated[float, Range(0, 1e4, above_low=True)]
    """Until it is repaired, h."""


class StorageUnit(Storage):
    """A battery on a feeder or a TIES."""

    wear_cost_per_mwh: MoneyAmount = 0.0
    """Cost of wear per energy discharged, money/MWh."""
    equal_schedules: Literal["spread", "earliest", "latest"] = "spread"
    """Which of several schedules that earn the same the owner would take by itself: evenly spread over equal
    prices, or with its energy moved as early or as late as it can be."""
    alone: Alone = Alone()
    """What the owner would do, or does, by itself."""
    pooling: Pooling = Pooling()
    """What the owner brings to a pool."""
    failures: Failures | None = None
    """Random failures, on a feeder; null for none."""
    thermal: Thermal | None = None
    """Its temperature, which opens its breaker on a feeder; null for none."""


def _build(build: GridBuild) -> None:
    from gridarium.agents.storage.storage_owner import StorageOwner

    sites = unit_sites(build)
    for name, unit in STORAGES.of(build.scenario).items():
        owner = StorageOwner(
            sites[name],
            name,
            storage_ratings(name, unit),
            build.leader if (plant := plant_of(build.scenario, name)) is None else build.grid.named(plant),
            build.horizon,
            unit.wear_cost_per_mwh,
            unit.equal_schedules,
            make("storage-regimes", unit.alone.regime, unit.alone.params, f"storages.{name}.alone"),
            _surplus_mw(build, unit.alone),
            _owner_terms(build, name, unit.pooling),
            edge_link_terms(build, unit.pooling.response_s),
            _label_terms(build.scenario, name),
        )
        _let_fail(owner, unit.failures)
        if unit.thermal is not None:
            owner.storage.fit(unit.thermal.ratings)


def _let_fail(owner: StorageOwner, failures: Failures | None) -> None:
    from gridarium.agents.devices.incidents import fails_at_random

    if failures is not None:
        world, lasts_s = owner.world, failures.lasts_h * HOUR_S
        random = owner.stream("failures")
        fails_at_random(world.clock, owner.storage.breaker, world.delivery_s, failures.per_h, lasts_s, random)


def _surplus_mw(build: GridBuild, alone: Alone) -> Array | None:
    """What an owner's panels give beyond its load; None where it has neither."""
    surplus: Array | None = None
    for column, share in ((alone.pv_column, alone.pv_share), (alone.load_column, -alone.load_share)):
        if column is not None:
            own = share * build.column(column)
            surplus = own if surplus is None else surplus + own
    return surplus


def _owner_terms(build: GridBuild, name: str, pooling: Pooling) -> OwnerTerms | None:
    """What an owner has with its pool, where there is one: that of its plant, or of the operator."""
    plant = plant_of(build.scenario, name)
    section: Pool | None = pool_of(build.scenario)
    platform, auditor, place = POOL_AGENT, build.leader, "storage_pool"
    if plant is not None:
        section, auditor = plants_of(build.scenario)[plant].pool, build.grid.named(plant)
        platform, place = platform_of(plant), f"vpps.{plant}.pool"
    if section is None:
        return None
    from gridarium.agents.storage.pool_membership import OwnerTerms

    authority = records_authority(section, auditor, build.grid.world)
    return OwnerTerms(
        build.grid.named(platform),
        pooling.soh,
        pooling.response_s,
        pooling.reserve_share,
        pooling.ageing_cost_per_mwh,
        pooling.effort_money,
        pooling.begins,
        make("join-rules", pooling.joining, pooling.params, f"storages.{name}.pooling"),
        split_rule(section, place) if section.groups_may_leave else None,
        None if authority is None else authority.public_key,
    )


def _label_terms(scenario: GridScenario, name: str) -> LabelTerms | None:
    """How the energy of a storage is labelled: as its plant does; not at all without one."""
    plant = plant_of(scenario, name)
    if plant is None:
        return None
    from gridarium.agents.devices.storage_label import LabelTerms

    section = plants_of(scenario)[plant]
    return LabelTerms(section.label_rule, section.initial_green_share)


def _columns(units: Mapping[str, StorageUnit]) -> Iterable[str]:
    """Columns of owners' loads and panels."""
    own = (column for unit in units.values() for column in (unit.alone.load_column, unit.alone.pv_column))
    return (column for column in own if column is not None)


def _fail_on_feeders(scenario: GridScenario) -> Iterator[Fault]:
    """Yield failures that nobody would answer."""
    if scenario.operator_name != "dso" and not plants_of(scenario):
        for name, unit in STORAGES.of(scenario).items():
            for field in ("failures", "thermal"):
                if getattr(unit, field) is not None:
                    yield Fault(
                        f"storages.{name}.{field}", "given", "must be null where there is no dso and no vpps"
                    )


STORAGES: Part[dict[str, StorageUnit]] = Part(
    field="storages",
    annotation=dict[Name, StorageUnit],
    default={},
    meaning="Storages of a feeder or of a TIES.",
    under=("dso", "ties", "vpps"),
    build=_build,
    checks=((frozenset({"storages", "dso"}), _fail_on_feeders),),
    columns=_columns,
    has_sites=True,
)
