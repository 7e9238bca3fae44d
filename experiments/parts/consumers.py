"""Consumers, who answer the tariff of the operator of their feeder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, cast

import numpy as np
from pydantic import Field

from gridarium.environment.arrays import Array, series
from gridarium.environment.errors import Fault
from gridarium.environment.profiles import read_profiles
from gridarium.experiments.behaviour_schema import Behaviour, Mixture, mixed_up
from gridarium.experiments.parts.part import GridBuild, GridScenario, Part
from gridarium.experiments.parts.storage_section import Storage, storage_ratings
from gridarium.experiments.populations import behaviours_of_class
from gridarium.experiments.registry import is_known, load
from gridarium.experiments.scenario_fields import Amount, Conflict, Money, Name, Range, Section, Share, Source
from gridarium.experiments.scenario_files import profile_path

if TYPE_CHECKING:
    from gridarium.agents.feeder.consumer import Consumer
    from gridarium.agents.feeder.consumer_day import Demand
    from gridarium.agents.leader.follower_model import FollowerModel
    from gridarium.environment.horizon import Horizon


class ConsumerClass(Section):
    """Consumers that are alike; together they are a share of the load at every bus."""

    share: Share
    """Share of the load in its column; the shares of all classes with the same column sum to 1."""
    column: Name = "load_mw"
    """Profile column with the load of which the class has a share, MW."""
    count: Annotated[int, Range(1, 100_000)] = 1
    """Number of agents that the class is divided into."""
    beta_per_mwh_per_mw: Annotated[float, Range(0, 1e5, above_low=True), Money()]
    """Slope of marginal utility if the class were the whole load, money/MWh per MW; 20 to 400 are usual."""
    flexible_share: Share = 0.2
    """Share of the base load of a period that may be added or taken away."""
    shiftable_mwh: Amount | None = None
    """Most energy the whole class may shift in a day, MWh; null sets no limit."""
    agent: Source = "consumer"
    """Kind of agent: `consumer`, another registered one, or the dotted path `package.module:Class`."""
    behaviour: list[Behaviour] = Field(default_factory=list)
    """Elements of bounded rationality, in the order they act; empty is the exact consumer."""
    mixture: list[Mixture] = Field(default_factory=list)
    """Parts of the class that behave in another way; the rest has the behaviour of the class."""
    battery: Storage | None = None
    """Battery of the whole class, behind its meters."""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield an agent that is not known, and a mixture of more than everybody."""
        if not is_known("agents", self.agent):
            yield Conflict("agent", self.agent, "must be a registered agent or a path package.module:Class")
        yield from mixed_up(self.behaviour, self.mixture, "follower")


def has_plain_consumers(scenario: GridScenario) -> bool:
    """Whether all consumers are as the models of a leader have them (C12 to C16, no battery)."""
    return all(
        group.agent == "consumer" and group.battery is None and group.shiftable_mwh is None
        for group in CONSUMERS.of(scenario).values()
    )


def load_of(scenario: GridScenario, horizon: Horizon) -> Array:
    """Load of all consumers before any response, in steps of all days, MW, shape (n_day * n_step,)."""
    columns = _columns(CONSUMERS.of(scenario))
    profiles = read_profiles(profile_path(scenario.profiles), columns)
    total = sum(profiles.column(name) for name in columns)
    return series(np.resize(scenario.power_scale * np.asarray(total), horizon.n_day * horizon.n_step))


def demands_of(scenario: GridScenario, column: Callable[[str], Array]) -> dict[str, Demand]:
    """Private data of one consumer of each class that has a part of the load.

    Parameters
    ----------
    scenario : GridScenario
    column : callable
        Gives a load column of the profiles by name, MW, shape (n_period,).
    """
    return {
        kind: _demand(kind, group, column(group.column), group.share / group.count)
        for kind, group in CONSUMERS.of(scenario).items()
        if group.share > 0.0
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


def _demand(kind: str, group: ConsumerClass, load_mw: Array, part: float) -> Demand:
    from gridarium.agents.feeder.consumer_day import Demand

    limit = group.shiftable_mwh
    return Demand(
        base_mw=load_mw * part,
        # beta belongs to the whole load; a part of it answers in proportion.
        beta_per_mwh_per_mw=group.beta_per_mwh_per_mw / part,
        flexible_share=group.flexible_share,
        shiftable_mwh=None if limit is None else limit / group.count,
        battery=storage_ratings(f"{kind} battery", group.battery, 1 / group.count) if group.battery else None,
    )


def _build(build: GridBuild) -> None:
    """Agents of all classes; each has an equal part of its class, spread over the feeder like all load."""
    grid, site = build.grid, build.grid.spread()
    for kind, demand in demands_of(build.scenario, build.column).items():
        group = CONSUMERS.of(build.scenario)[kind]
        make = cast("type[Consumer]", load("agents", group.agent))
        names = [kind] if group.count == 1 else [f"{kind}-{number + 1}" for number in range(group.count)]
        behaviours = behaviours_of_class(group, grid.named(kind), build.named(names), grid.world.streams)
        for name, behaviour in zip(names, behaviours, strict=True):
            agent = make(site, name, kind, demand, build.leader, behaviour, build.horizon)
            build.followers[agent.name] = site


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


CONSUMERS: Part[dict[str, ConsumerClass]] = Part(
    field="consumers",
    annotation=dict[Name, ConsumerClass],
    default={},
    meaning="Classes of consumers of a feeder, who together are all of its load.",
    under=("dso",),
    build=_build,
    checks=((frozenset({"consumers", "dso"}), _shares_sum_to_one),),
    columns=_columns,
)
