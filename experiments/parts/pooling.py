"""From the sections of a pool and its owners to the platform agent, and to what the operator knows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from gridarium.environment.errors import Fault
from gridarium.experiments.names.registry import is_shipped
from gridarium.experiments.parts.negotiation import NEGOTIATION
from gridarium.experiments.parts.network import place_units
from gridarium.experiments.parts.part import GridBuild, GridScenario
from gridarium.experiments.parts.pool_section import Pool, pool_rules, records_authority
from gridarium.experiments.parts.storage_pool import POOL_AGENT, pool_of
from gridarium.experiments.parts.storage_section import storage_ratings
from gridarium.experiments.parts.storages import STORAGES, StorageUnit
from gridarium.experiments.parts.vpp_section import plant_of, plants_of

if TYPE_CHECKING:
    from gridarium.agents.feeder.contract import PoolContract
    from gridarium.agents.feeder.own_storages import OwnStorages
    from gridarium.environment.storage import StorageRatings
    from gridarium.market.messages.storage_pools import Registration
    from gridarium.market.storage_pooling import ClassRules

MOST_IN_GROUPS = 10
"""Owners up to whom every group is looked at."""
_FOR_ANY_NUMBER = ("capacity", "sampled-shapley", "with-minus-without")


def build_pool(build: GridBuild) -> PoolContract | None:
    """Make the platform, where there is one, and tell what the operator has agreed with it."""
    section = pool_of(build.scenario)
    if section is None:
        return None
    from gridarium.agents.feeder.contract import PoolContract
    from gridarium.agents.storage.storage_pool import StoragePool as Agent

    contract = PoolContract(
        build.grid.named(POOL_AGENT),
        section.outside,
        section.counts_ageing,
        records_authority(section, build.leader, build.grid.world),
    )
    rules = pool_rules(section, "storage_pool", contract.compensates, NEGOTIATION.of(build.scenario))
    owners = build.named(STORAGES.of(build.scenario))
    Agent(build.grid.head, POOL_AGENT, owners, build.leader, rules, build.horizon)
    return contract


def storages_of_owners(build: GridBuild) -> OwnStorages:
    """All storages of a feeder, as their owners schedule them."""
    from gridarium.agents.feeder.own_storages import OwnStorages

    storages, buses = STORAGES.of(build.scenario), place_units(build.grid.feeder, build.scenario)
    return OwnStorages(
        tuple(storage_ratings(name, unit) for name, unit in storages.items()),
        tuple((name, buses[name]) for name in storages),
        tuple(unit.wear_cost_per_mwh for unit in storages.values()),
    )


def commanded_ratings(scenario: GridScenario) -> tuple[StorageRatings, ...]:
    """Storages as an operator may use them: of members above what their owners keep to themselves (A11)."""
    pooled = pool_of(scenario) is not None
    return tuple(
        storage_ratings(name, unit, reserve_share=unit.pooling.reserve_share if pooled else 0.0)
        for name, unit in STORAGES.of(scenario).items()
    )


def commanded_wear_per_mwh(scenario: GridScenario) -> tuple[tuple[str, float], ...]:
    """What a MWh discharged under command counts, money: wear, and a pool's cost of service.

    Notes
    -----
    A11, ``C_ESS = sum c_srv (P_ch + P_dis) Dt``: over a day that ends as it began, a MWh discharged was
    ``1 / (eta_ch eta_dis)`` MWh charged.
    """
    section = pool_of(scenario)
    service = 0.0 if section is None else section.service_cost_per_mwh
    return tuple(
        (
            name,
            unit.wear_cost_per_mwh
            + service * (1.0 + 1.0 / (unit.efficiency_charge * unit.efficiency_discharge)),
        )
        if service
        else (name, unit.wear_cost_per_mwh)
        for name, unit in STORAGES.of(scenario).items()
    )


def registrations(
    scenario: GridScenario, owners: Sequence[str]
) -> tuple[dict[str, Registration], ClassRules]:
    """What owners of one pool register with there, by name, and how it classes them; at least one owner."""
    from gridarium.market.messages.storage_pools import Registration

    plant = plant_of(scenario, owners[0])
    section: Pool | None = pool_of(scenario) if plant is None else plants_of(scenario)[plant].pool
    assert section is not None
    storages = STORAGES.of(scenario)
    told = {
        name: Registration(
            storage_ratings(name, unit),
            unit.pooling.soh,
            unit.pooling.response_s,
            unit.pooling.reserve_share,
            unit.pooling.ageing_cost_per_mwh,
        )
        for name, unit in ((name, storages[name]) for name in owners)
    }
    return told, section.class_rules


def owners_fit_the_pool(scenario: GridScenario) -> Iterator[Fault]:
    """Yield a pool without owners, or with more of them than its rules can be worked out for."""
    section = pool_of(scenario)
    if section is not None:
        yield from owners_fit(section, "storage_pool", STORAGES.of(scenario))


def owners_fit(section: Pool, place: str, storages: Mapping[str, StorageUnit]) -> Iterator[Fault]:
    """Yield what keeps some storages from making up a pool; `place` is that of its section."""
    from gridarium.agents.storage.pool_books import MOST_TABULATED

    count = len(storages)
    if not count:
        yield Fault("storages", {}, f"must name owners where there is a {place}")
    exact = is_shipped("split-rules", section.split) and section.split not in _FOR_ANY_NUMBER
    if exact and count > MOST_TABULATED:
        allowed = f"must be one of {', '.join(_FOR_ANY_NUMBER)} with more than {MOST_TABULATED} owners"
        yield Fault(f"{place}.split", section.split, allowed)
    if section.groups_may_leave and count > MOST_IN_GROUPS:
        allowed = f"must be false with more than {MOST_IN_GROUPS} owners: every group is looked at"
        yield Fault(f"{place}.groups_may_leave", True, allowed)
    if section.admission != "open" and count > MOST_TABULATED:
        allowed = f"must be open with more than {MOST_TABULATED} owners: values of all coalitions are needed"
        yield Fault(f"{place}.admission", section.admission, allowed)
    for name, unit in storages.items():
        reserved = unit.soc_min + unit.pooling.reserve_share
        if reserved > unit.soc_initial or reserved >= unit.soc_max:
            allowed = f"must leave soc_initial = {unit.soc_initial:g} above soc_min and the reserve"
            yield Fault(f"storages.{name}.pooling.reserve_share", unit.pooling.reserve_share, allowed)
