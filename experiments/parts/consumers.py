"""Consumers, who answer the tariff of the operator of their feeder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from gridarium.environment.arrays import Array, series
from gridarium.environment.errors import Fault
from gridarium.environment.network_faults import shortened
from gridarium.experiments.names.registry import load
from gridarium.experiments.parts.consumer_section import ConsumerClass, Elasticity, LoadForecast
from gridarium.experiments.parts.network import NETWORK, has_feeder
from gridarium.experiments.parts.own_network import own_load_mw, taken_as
from gridarium.experiments.parts.part import GridBuild, GridScenario, Part
from gridarium.experiments.parts.renewables import SHARES
from gridarium.experiments.parts.storage_section import storage_ratings
from gridarium.experiments.parts.supply import PRICES
from gridarium.experiments.reading.profiles import profiles_of, rows_within
from gridarium.experiments.schema.fields import Name
from gridarium.experiments.schema.populations import behaviours_of_class

if TYPE_CHECKING:
    from gridarium.agents.feeder.consumer_day import Demand
    from gridarium.agents.feeder.elastic_consumer import ElasticDemand
    from gridarium.agents.leader.follower_model import FollowerModel
    from gridarium.environment.grids import Place
    from gridarium.environment.horizon import Horizon

    AnyDemand = TypeVar("AnyDemand", bound=Demand | ElasticDemand)

EXACT_AGENTS = ("consumer", "elastic-consumer")
"""Kinds of agents whose own answer to a tariff is known exactly."""


def has_plain_consumers(scenario: GridScenario) -> bool:
    """Whether all consumers are as the models of a leader have them (C12 to C16, no battery)."""
    return all(
        group.agent == "consumer"
        and group.battery is None
        and group.shiftable_mwh is None
        and group.placement == "spread"
        and group.forecast is None
        for group in CONSUMERS.of(scenario).values()
    )


def load_of(scenario: GridScenario, horizon: Horizon) -> Array:
    """Load of all consumers before any response, in steps of all days, MW, shape (n_day * n_step,)."""
    profiles, groups = profiles_of(scenario), CONSUMERS.of(scenario)
    total = sum(
        taken_as(scenario, name, profiles.column(name), *_own_part(groups, name)) for name in _columns(groups)
    )
    return series(np.resize(scenario.power_scale * total, horizon.n_day * horizon.n_step))


def consumer_load_mw(build: GridBuild, column: str) -> Array:
    """A load column over all days, MW, shape (n_day * n_step,), as the scenario takes it."""
    return own_load_mw(build, column, *_own_part(CONSUMERS.of(build.scenario), column))


def _own_part(groups: Mapping[str, ConsumerClass], column: str) -> tuple[dict[str, float], str | None]:
    """Load columns that together are loads of the network, each in whole, and by which profile these go."""
    profile = next(group.load_profile for group in groups.values() if group.column == column)
    columns = _columns(groups) if profile is None else (column,)
    return dict.fromkeys(columns, 1.0), profile


def demands_of(scenario: GridScenario, column: Callable[[str], Array]) -> dict[str, Demand]:
    """Private data of one consumer of each class that has a utility and a part of the load.

    Parameters
    ----------
    scenario : GridScenario
    column : callable
        Gives a load column of the profiles by name, MW, shape (n_period,).
    """
    return {
        kind: _demand(kind, group, column(group.column), group.count)
        for kind, group in CONSUMERS.of(scenario).items()
        if group.share > 0.0 and group.elasticity is None
    }


def true_followers(
    scenario: GridScenario, column: Callable[[str], Array], reference_price_per_mwh: Array
) -> tuple[FollowerModel, ...]:
    """Everyone's private data as a leader would love to have it; for benchmarks only."""
    from gridarium.agents.leader.follower_model import FollowerModel

    groups = CONSUMERS.of(scenario)
    return tuple(
        FollowerModel.of(
            demand.base_mw,
            reference_price_per_mwh,
            demand.beta_per_mwh_per_mw,
            demand.flexible_share,
        )
        for kind, demand in demands_of(scenario, column).items()
        for _ in range(groups[kind].count)
    )


def _demand(kind: str, group: ConsumerClass, load_mw: Array, divisor: float) -> Demand:
    """Private data of a consumer with utility; a class is as many of them as the divisor says."""
    from gridarium.agents.feeder.consumer_day import Demand

    limit, part = group.shiftable_mwh, group.share / divisor
    assert group.beta_per_mwh_per_mw is not None
    return Demand(
        base_mw=load_mw * part,
        # beta belongs to the whole load; a part of it answers in proportion.
        beta_per_mwh_per_mw=group.beta_per_mwh_per_mw / part,
        flexible_share=group.flexible_share,
        shiftable_mwh=None if limit is None else limit / divisor,
        battery=storage_ratings(f"{kind} battery", group.battery, 1 / divisor) if group.battery else None,
        deviation_share=group.deviation_share,
    )


def _elastic_demand(
    group: ConsumerClass, elastic: Elasticity, load_mw: Array, divisor: float
) -> ElasticDemand:
    """Private data of an elastic consumer; a class is as many of them as the divisor says."""
    from gridarium.agents.feeder.elastic_consumer import ElasticDemand
    from gridarium.market.elasticity import Elasticity as Elasticities
    from gridarium.market.elasticity import ResponseBounds

    return ElasticDemand(
        load_mw * (group.share / divisor),
        Elasticities(elastic.own, elastic.cross, elastic.reach_h),
        ResponseBounds(group.flexible_share, elastic.saving_share),
        elastic.curtailment_cost_per_mwh,
        deviation_share=group.deviation_share,
    )


def _foreseen(build: GridBuild, name: str, demand: AnyDemand, rules: LoadForecast) -> AnyDemand:
    """The demand of a consumer that foresees its base load from a past of its own."""
    from gridarium.agents.feeder.load_forecast import foresee
    from gridarium.environment.forecast_error import ForecastError
    from gridarium.environment.load_record import DayPattern

    pattern = DayPattern(ForecastError(rules.deviation_bound, rules.persistence), rules.weekend_share)
    record = pattern.draw(
        demand.base_mw.reshape(build.horizon.n_day, build.horizon.n_step),
        rules.past_days,
        build.grid.world.clock.timestamp_at(build.grid.world.delivery_s).weekday(),
        build.grid.world.streams.stream(f"{name}/past"),
    )
    expected_mw, outturn = foresee(record, rules.kind, rules.held_out_days)
    return replace(demand, base_mw=expected_mw, outturn=outturn)


def _members(build: GridBuild, kind: str, group: ConsumerClass) -> list[tuple[str, Place, float]]:
    """Name and place of each agent of a class, and how many of its size would be the class."""
    grid = build.grid
    if group.placement == "each-bus":
        return [(f"{kind}-{site.label}", site, 1.0 / part) for site, part in grid.load_sites()]
    site = grid.spread() if group.load_profile is None else grid.spread_by(group.load_profile)
    if group.count == 1:
        return [(kind, site, 1)]
    return [(f"{kind}-{number + 1}", site, group.count) for number in range(group.count)]


def _build(build: GridBuild) -> None:
    """Agents of all classes; each has a part of its class, at a bus or spread over the feeder."""
    grid = build.grid
    for kind, group in CONSUMERS.of(build.scenario).items():
        if group.share == 0.0:
            continue
        load_mw = consumer_load_mw(build, group.column)
        make: Any = load("agents", group.agent)
        members = _members(build, kind, group)
        names = build.named(name for name, _, _ in members)
        behaviours = behaviours_of_class(group, grid.named(kind), names, grid.world.streams)
        for (name, place, divisor), behaviour in zip(members, behaviours, strict=True):
            demand: Demand | ElasticDemand = (
                _demand(kind, group, load_mw, divisor)
                if group.elasticity is None
                else _elastic_demand(group, group.elasticity, load_mw, divisor)
            )
            if group.forecast is not None:
                demand = _foreseen(build, grid.named(name), demand, group.forecast)
            agent = make(place, name, kind, demand, build.leader, behaviour, build.horizon)
            build.followers[agent.name] = place
            if group.elasticity is not None and group.elasticity.curtailment_cost_per_mwh > 0.0:
                build.curtailment_per_mwh[agent.name] = group.elasticity.curtailment_cost_per_mwh


def _columns(groups: Mapping[str, ConsumerClass]) -> tuple[str, ...]:
    """Load columns of all classes, each once."""
    return tuple(dict.fromkeys(group.column for group in groups.values()))


def _shares_sum_to_one(scenario: GridScenario) -> Iterator[Fault]:
    groups = CONSUMERS.of(scenario)
    for column in _columns(groups) or ("load_mw",):
        shares = {name: group.share for name, group in groups.items() if group.column == column}
        total = sum(shares.values())
        if abs(total - 1.0) > 1e-9:
            yield Fault("consumers", shares, f"shares of {column} must sum to 1, they sum to {total:g}")


def _shares_of_own_loads(scenario: GridScenario) -> Iterator[Fault]:
    """Yield columns of fractions of the network's own loads beside others, and where they would be MW."""
    groups = CONSUMERS.of(scenario)
    columns = _columns(groups)
    fractions = [name for name in columns if name.endswith(SHARES)]
    by_profile = any(group.load_profile is not None for group in groups.values())
    if fractions and len(columns) > 1 and not by_profile:
        allowed = f"must name one column, as {fractions[0]} is a fraction of all loads"
        yield Fault("consumers", list(columns), allowed)
    if fractions and NETWORK.of(scenario).loads == "profile":
        yield Fault("network.loads", "profile", f"must be own, of which {fractions[0]} is a fraction")


def _own_loads_have_a_class(scenario: GridScenario) -> Iterator[Fault]:
    """Yield classes by profile that cannot have the loads of their network, and loads that have none."""
    groups = {name: group for name, group in CONSUMERS.of(scenario).items() if group.load_profile is not None}
    if not groups:
        return
    place = "consumers.{}.load_profile"
    if not has_feeder(scenario) or NETWORK.of(scenario).loads == "profile":
        allowed = "must be null where loads are not those of a network's file (network.loads: own)"
        yield from (Fault(place.format(name), one.load_profile, allowed) for name, one in groups.items())
        return
    for name, group in CONSUMERS.of(scenario).items():
        if group.load_profile is None:
            yield Fault(place.format(name), None, "must be given, as other classes have one")
    for name, group in groups.items():
        for other, one in groups.items():
            if name < other and (group.load_profile == one.load_profile) != (group.column == one.column):
                allowed = f"must go with a column of its own: {other} has {one.load_profile} and {one.column}"
                yield Fault(place.format(name), f"{group.load_profile} and {group.column}", allowed)
    yield from _profiles_of_own_loads(scenario, {name: str(one.load_profile) for name, one in groups.items()})


def _profiles_of_own_loads(scenario: GridScenario, profiles: Mapping[str, str]) -> Iterator[Fault]:
    """Yield profiles that no load of the network has, those that no class has, and loads without one."""
    from gridarium.environment.network_reader import topology_of_source

    source = NETWORK.of(scenario).source
    topology = topology_of_source(source)
    if topology.faults:
        return
    known = sorted({load.profile for load in topology.loads} - {""})
    for name, profile in profiles.items():
        if profile not in known:
            allowed = f"must be a profile of loads of {source}: {', '.join(known) or 'it names none'}"
            yield Fault(f"consumers.{name}.load_profile", profile, allowed)
    for profile in known:
        if profile not in profiles.values():
            allowed = f"must have a class of load_profile {profile}, too"
            yield Fault("consumers", sorted(profiles.values()), allowed)
    loads = [load for load in topology.loads if not load.profile and (load.p_mw or load.q_mvar)]
    units = [unit for unit in topology.units if not unit.generates and (unit.p_mw or unit.q_mvar)]
    buses = [topology.labels[bus] for bus in (*(load.bus for load in loads), *(unit.bus for unit in units))]
    if buses:
        allowed = f"must be null: {source} names no profile for what is drawn at {shortened(buses)}"
        yield Fault("consumers.*.load_profile", sorted(set(profiles.values())), allowed)


def _elastic_loads_have_a_price(scenario: GridScenario) -> Iterator[Fault]:
    """Yield a tariff of 0 or less where loads are elastic: they answer its relative changes."""
    if any(group.elasticity is not None for group in CONSUMERS.of(scenario).values()):
        yield from rows_within(scenario, PRICES.of(scenario).tou_column, 0.0, float("inf"), above_low=True)


CONSUMERS: Part[dict[str, ConsumerClass]] = Part(
    field="consumers",
    annotation=dict[Name, ConsumerClass],
    default={},
    meaning="Classes of consumers of a feeder, who together are all of its load.",
    under=("dso",),
    build=_build,
    checks=(
        (frozenset({"consumers", "dso"}), _shares_sum_to_one),
        (frozenset({"consumers", "network"}), _shares_of_own_loads),
        (frozenset({"consumers", "network"}), _own_loads_have_a_class),
        (frozenset({"consumers", "prices", "profiles"}), _elastic_loads_have_a_price),
    ),
    columns=_columns,
)
