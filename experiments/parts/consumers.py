"""Consumers, who answer the tariff of the operator of their feeder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import numpy as np
from pydantic import Field, model_validator

from gridarium.environment.arrays import Array, series
from gridarium.environment.errors import Fault
from gridarium.experiments.behaviour_schema import Behaviour, Mixture, mixed_up
from gridarium.experiments.parts.network import NETWORK, build_feeder
from gridarium.experiments.parts.own_network import highest_mw, own_load_mw, scaled_to
from gridarium.experiments.parts.part import GridBuild, GridScenario, Part
from gridarium.experiments.parts.renewables import SHARES
from gridarium.experiments.parts.storage_section import Storage, storage_ratings
from gridarium.experiments.populations import behaviours_of_class
from gridarium.experiments.registry import is_known, load
from gridarium.experiments.scenario_fields import (
    Amount,
    Conflict,
    Money,
    MoneyAmount,
    Name,
    Names,
    Probability,
    Range,
    Section,
    Share,
    Source,
)
from gridarium.experiments.scenario_profiles import profiles_of
from gridarium.market.elasticity import USER_CLASSES

if TYPE_CHECKING:
    from gridarium.agents.feeder.consumer_day import Demand
    from gridarium.agents.feeder.elastic_consumer import ElasticDemand
    from gridarium.agents.leader.follower_model import FollowerModel
    from gridarium.environment.grids import Place
    from gridarium.environment.horizon import Horizon

    AnyDemand = TypeVar("AnyDemand", bound=Demand | ElasticDemand)

EXACT_AGENTS = ("consumer", "elastic-consumer")
"""Kinds of agents whose own answer to a tariff is known exactly."""


class Elasticity(Section):
    """How a load answers relative changes of prices, of its own and of other hours."""

    own: Annotated[float, Range(-10, 0, below_high=True)]
    """Relative change of the load of an hour per relative change of its own price."""
    cross: Annotated[float, Range(0, 10)] = 0.0
    """The same for prices of the hours around it, all together; spread evenly over them."""
    reach_h: Annotated[float, Range(0, 24)] = 6.0
    """How far around an hour other hours of the day count, h."""
    saving_share: Share | None = None
    """Most of the day's energy that may be saved, a share; null sets no limit."""
    curtailment_cost_per_mwh: MoneyAmount = 0.0
    """What a MWh below the base load costs the consumer, money/MWh; the operator makes it good by the meter,
    measured from the base load that it was told."""

    @model_validator(mode="before")
    @classmethod
    def _take_a_class(cls, value: object) -> object:
        known = USER_CLASSES.get(value) if isinstance(value, str) else None
        return value if known is None else {"own": known.own, "cross": known.cross, "reach_h": known.reach_h}


class LoadForecast(Section):
    """How consumers foresee their base load, whose days are drawn around the profile: synthetic ones."""

    kind: Literal["exponential-smoothing", "as-yesterday", "profile"] = "exponential-smoothing"
    """Holt-Winters smoothing of their own past, the day before once more, or the profile itself."""
    past_days: Annotated[int, Range(28, 366)] = 28
    """Days of the past that each has recorded."""
    held_out_days: Annotated[int, Range(1, 28)] = 7
    """Last days of the past on which the error is measured, without being fitted on."""
    deviation_bound: Probability = 0.15
    """Largest deviation of a load from its profile, a share; its standard deviation is half of that."""
    persistence: Probability = 0.9
    """Autocorrelation of the deviations of neighbouring steps."""
    weekend_share: Annotated[float, Range(0, 10, above_low=True)] = 1.0
    """Load of Saturdays and Sundays over that of the profile."""

    @model_validator(mode="before")
    @classmethod
    def _take_a_kind(cls, value: object) -> object:
        return {"kind": value} if isinstance(value, str) else value

    def conflicts(self) -> Iterator[Conflict]:
        """Yield days held out that leave too few to begin with."""
        if self.past_days - self.held_out_days < 21:
            allowed = f"must leave 21 of past_days = {self.past_days} to begin with"
            yield Conflict("held_out_days", self.held_out_days, allowed)


class ConsumerClass(Section):
    """Consumers that are alike; together they are a share of the load at every bus."""

    share: Share
    """Share of the load in its column; the shares of all classes with the same column sum to 1."""
    column: Name = "load_mw"
    """Profile column with the load of which the class has a share, MW."""
    count: Annotated[int, Range(1, 100_000)] = 1
    """Number of agents that the class is divided into."""
    placement: Literal["spread", "each-bus"] = "spread"
    """Agents that stand at all load buses at once; or one agent at each load bus, with its part of the class
    by the nominal loads of the buses."""
    beta_per_mwh_per_mw: Annotated[float, Range(0, 1e5, above_low=True), Money()] | None = None
    """Slope of marginal utility if the class were the whole load, money/MWh per MW; 20 to 400 are usual. Must
    be given where no elasticity is."""
    elasticity: Elasticity | None = None
    """Answers to prices by elasticities instead of a utility: a section, or the class of users whose assumed
    values it takes, `residential`, `commercial` or `industrial`."""
    forecast: LoadForecast | None = None
    """How consumers foresee their base load: a section, or its kind; null, the default, is the profile and
    never wrong."""
    flexible_share: Share = 0.2
    """Share of the base load of a period that may be added or taken away."""
    deviation_share: Probability = 0.0
    """Largest share by which loads may come to differ from their forecasts, either way, as consumers say."""
    shiftable_mwh: Amount | None = None
    """Most energy the whole class may shift in a day, MWh; null sets no limit."""
    agent: Annotated[Source, Names("agents")] = "consumer"
    """Kind of agent: `consumer`, or `elastic-consumer` where an elasticity is given; another registered one,
    or the dotted path `package.module:Class`."""
    behaviour: list[Behaviour] = Field(default_factory=list)
    """Elements of bounded rationality, in the order they act; empty is the exact consumer."""
    mixture: list[Mixture] = Field(default_factory=list)
    """Parts of the class that behave in another way; the rest has the behaviour of the class."""
    battery: Storage | None = None
    """Battery of the whole class, behind its meters."""

    @model_validator(mode="before")
    @classmethod
    def _follow_elasticity(cls, value: object) -> object:
        is_elastic = isinstance(value, dict) and value.get("elasticity") is not None
        return {"agent": "elastic-consumer", **value} if is_elastic else value  # type: ignore[dict-item]

    def conflicts(self) -> Iterator[Conflict]:
        """Yield an unknown agent, two kinds of demand or none, and a mixture of more than everybody."""
        if not is_known("agents", self.agent):
            yield Conflict("agent", self.agent, "must be a registered agent or a path package.module:Class")
        if self.placement == "each-bus" and self.count > 1:
            yield Conflict("count", self.count, "must be 1 where placement is each-bus")
        yield from self._demand_conflicts()
        yield from mixed_up(self.behaviour, self.mixture, "follower")

    def _demand_conflicts(self) -> Iterator[Conflict]:
        if self.elasticity is None:
            if self.beta_per_mwh_per_mw is None:
                yield Conflict("beta_per_mwh_per_mw", None, "must be given where no elasticity is")
            if self.agent == "elastic-consumer":
                yield Conflict("agent", self.agent, "needs an elasticity")
            return
        if self.agent == "consumer":
            yield Conflict("agent", self.agent, "must be elastic-consumer where an elasticity is given")
        for name in ("beta_per_mwh_per_mw", "shiftable_mwh", "battery"):
            if getattr(self, name) is not None:
                yield Conflict(name, getattr(self, name), "must be left out where an elasticity is given")


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
    columns = _columns(CONSUMERS.of(scenario))
    profiles = profiles_of(scenario)
    total = np.asarray(sum(profiles.column(name) for name in columns))
    if NETWORK.of(scenario).loads == "own":
        own_mw = float(build_feeder(NETWORK.of(scenario)).p_load_mw.sum())
        is_share = bool(columns) and columns[0].endswith(SHARES)
        peak = 1.0 if is_share else highest_mw(scenario, dict.fromkeys(columns, 1.0))
        total = scaled_to(total, own_mw, peak)
    return series(np.resize(scenario.power_scale * total, horizon.n_day * horizon.n_step))


def consumer_load_mw(build: GridBuild, column: str) -> Array:
    """A load column over all days, MW, shape (n_day * n_step,), as the scenario takes it."""
    return own_load_mw(build, column, dict.fromkeys(_columns(CONSUMERS.of(build.scenario)), 1.0))


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
    site = grid.spread()
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
    columns = _columns(CONSUMERS.of(scenario))
    fractions = [name for name in columns if name.endswith(SHARES)]
    if fractions and len(columns) > 1:
        allowed = f"must name one column, as {fractions[0]} is a fraction of all loads"
        yield Fault("consumers", list(columns), allowed)
    if fractions and NETWORK.of(scenario).loads == "profile":
        yield Fault("network.loads", "profile", f"must be own, of which {fractions[0]} is a fraction")


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
    ),
    columns=_columns,
)
