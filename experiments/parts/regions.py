"""Regional systems (RIES) under a TIES, each one agent with users of its own."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from gridarium.environment.arrays import series
from gridarium.environment.errors import Fault
from gridarium.experiments.parts.members import member_names
from gridarium.experiments.parts.network import NETWORK
from gridarium.experiments.parts.own_network import own_load_mw
from gridarium.experiments.parts.part import GridBuild, GridScenario, Part
from gridarium.experiments.schema.behaviours import Behaviour, Mixture, mixed_up
from gridarium.experiments.schema.fields import (
    BusLabel,
    Conflict,
    MoneyAmount,
    Name,
    PositiveAmount,
    PositiveMoney,
    PositiveShare,
    Probability,
    Range,
    Section,
    Share,
)
from gridarium.experiments.schema.populations import behaviours_of_class

if TYPE_CHECKING:
    from gridarium.agents.region.region_demand import Flexibility
    from gridarium.environment.grids import SpreadSite

POOL_AGENT = "carbon-pool"
"""Name of the pool in which regional systems answer for their carbon together."""

_Hour = Annotated[float, Range(0, 24)]


class Window(Section):
    """Hours of the day from which load may move, and hours into which (D15)."""

    from_h: tuple[_Hour, _Hour]
    """Start and end of the hours that load leaves, h."""
    to_h: tuple[_Hour, _Hour]
    """Start and end of the hours in which it arrives, h."""
    transfer: Annotated[float, Range(0, 2, above_low=True)] = 1.0
    """Energy that arrives for each MWh that leaves (k)."""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield ranges that are empty."""
        for name, (start, end) in (("from_h", self.from_h), ("to_h", self.to_h)):
            if start >= end:
                yield Conflict(name, [start, end], "must end after it starts, within [0, 24] h")


class Comfort(Section):
    """Heating and cooling that rooms can do without for a while (D16)."""

    load_share: PositiveShare = 0.2
    """Share of the base load."""
    band_degc: PositiveAmount = 2.0
    """Most that rooms may be off their set point, degC."""
    drift_degc_per_h: Annotated[float, Range(0.01, 1000)] = 2.5
    """By how much they drift in an hour without it, degC/h."""
    memory: Probability = 0.8
    """Part of a distance from the set point that is left after an hour."""


class Region(Section):
    """A regional system, or a class of equal ones: load, places, and what may be asked of users."""

    column: Name
    """Profile column with its base load, MW."""
    share: PositiveShare = 1.0
    """Share of the column that is its own."""
    scale: Annotated[float, Range(0, 100, above_low=True)] = 1.0
    """Factor on its load, for a loading that the profiles do not have."""
    count: Annotated[int, Range(1, 1000)] = 1
    """Number of equal agents that the class is divided into, called CLASS_1, CLASS_2, ...; together they
    are what one would be."""
    buses: list[BusLabel] = Field(default_factory=list)
    """Buses that its load is spread over, as their nominal loads are; empty is all of them."""
    power_factor: Annotated[float, Range(0.5, 1)] = 0.95
    """Of its load."""
    cut_share: Share = 0.15
    """Most of the base load of a period that may be cut (k_cut)."""
    shift_share: Share = 0.087
    """Most of the base load of a period that may be moved in or out (k_sh)."""
    cut_cost_per_mwh: MoneyAmount = 50.0
    """Of load that is cut, money/MWh (c_cut)."""
    cut_cost_per_mw2h: MoneyAmount = 1.0
    """Quadratic cost of load that is cut, money/(MW^2 h) (d_cut)."""
    shift_cost_per_mwh: MoneyAmount = 2.0
    """Of load that moves, where it leaves and where it arrives, money/MWh (c_sh)."""
    shift_cost_per_mw2h: MoneyAmount = 0.2
    """Quadratic cost of load that moves, money/(MW^2 h) (d_sh)."""
    windows: list[Window] = Field(default_factory=list)
    """Where load may move; empty is nowhere."""
    comfort: Comfort | None = None
    """Its heating and cooling; null for none that may be moved."""
    dissatisfaction_weight: Annotated[float, Range(0, 1, below_high=True)] = 0.3
    """Share of dissatisfaction in what is minimised (a2)."""
    reference_price_per_mwh: PositiveMoney = 60.0
    """Price that its base load cost so far, for the scale of dissatisfaction, money/MWh."""
    behaviour: list[Behaviour] = Field(default_factory=list)
    """Elements of bounded rationality, in the order they act; empty is the exact follower."""
    mixture: list[Mixture] = Field(default_factory=list)
    """Parts of the class that behave in another way; the rest has the behaviour of the class."""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield behaviours that are made for others, and a mixture of more than everybody."""
        yield from mixed_up(self.behaviour, self.mixture, "follower")


def region_names(regions: Mapping[str, Region]) -> list[str]:
    """Names in the grid of all regional systems, those of a class one after the other."""
    return [name for kind, region in regions.items() for name in member_names(kind, region.count)]


def all_exact(regions: Mapping[str, Region]) -> bool:
    """Whether no regional system is boundedly rational or strategic."""
    parts = (part for region in regions.values() for part in region.mixture if part.share > 0.0)
    return not any(region.behaviour for region in regions.values()) and not any(
        part.behaviour for part in parts
    )


def flexibility_of(region: Region) -> Flexibility:
    """What may be asked of the users of a region, or of one of the equal parts of a class.

    A MW of a part is as many of the class, so squares of it count that many times as much.
    """
    from gridarium.agents.region.region_demand import Comfort as Rooms
    from gridarium.agents.region.region_demand import Flexibility
    from gridarium.agents.region.region_demand import Window as Move

    return Flexibility(
        cut_share=region.cut_share,
        shift_share=region.shift_share,
        cut_cost_per_mwh=region.cut_cost_per_mwh,
        cut_cost_per_mw2h=region.count * region.cut_cost_per_mw2h,
        shift_cost_per_mwh=region.shift_cost_per_mwh,
        shift_cost_per_mw2h=region.count * region.shift_cost_per_mw2h,
        windows=tuple(Move(window.from_h, window.to_h, window.transfer) for window in region.windows),
        comfort=Rooms(**region.comfort.model_dump()) if region.comfort else None,
        dissatisfaction_weight=region.dissatisfaction_weight,
    )


def _place(build: GridBuild, region: Region) -> SpreadSite:
    """The buses of a region, with its power factor."""
    from gridarium.environment.grids import SpreadSite

    feeder = build.grid.feeder
    mvar_per_mw = math.tan(math.acos(region.power_factor))
    if feeder.n_bus == 1:
        return SpreadSite(build.grid, np.ones(1), np.full(1, mvar_per_mw))
    own = np.zeros(feeder.n_bus)
    buses = [feeder.index(label) for label in region.buses] or list(range(feeder.n_bus))
    own[buses] = feeder.p_load_mw[buses]
    share = own / own.sum()
    return SpreadSite(build.grid, share, mvar_per_mw * share)


def _build(build: GridBuild) -> None:
    from gridarium.agents.region.region import Region as Agent
    from gridarium.agents.region.region_demand import RegionDemand

    has_pool = POOL_AGENT in build.scenario.agent_names
    pool = build.grid.named(POOL_AGENT) if has_pool else None
    drawn: dict[str, float] = {}
    for region in REGIONS.of(build.scenario).values():
        drawn[region.column] = drawn.get(region.column, 0.0) + region.share * region.scale
    for kind, region in REGIONS.of(build.scenario).items():
        part = region.share * region.scale / region.count
        base_mw = series(part * own_load_mw(build, region.column, drawn))
        demand = RegionDemand(base_mw, flexibility_of(region), region.reference_price_per_mwh)
        site, names = _place(build, region), member_names(kind, region.count)
        streams = build.grid.world.streams
        behaviours = behaviours_of_class(region, build.grid.named(kind), build.named(names), streams)
        for name, behaviour in zip(names, behaviours, strict=True):
            agent = Agent(site, name, demand, build.leader, behaviour, build.horizon, pool)
            build.followers[agent.name] = site


def _buses_have_load(scenario: GridScenario) -> Iterator[Fault]:
    from gridarium.environment.network_tables import check_network

    network = NETWORK.of(scenario)
    for name, region in REGIONS.of(scenario).items():
        if network.is_copper_plate:
            if region.buses:
                allowed = "must be left out on a copper plate, which has one bus"
                yield Fault(f"regions.{name}.buses", region.buses, allowed)
            continue
        for place, label in enumerate(region.buses):
            for fault in check_network(network.source, {name: label}, "network"):
                yield Fault(f"regions.{name}.buses.{place}", label, fault.allowed)


REGIONS: Part[dict[str, Region]] = Part(
    field="regions",
    annotation=dict[Name, Region],
    default={},
    meaning="Regional systems that follow a TIES.",
    under=("ties",),
    build=_build,
    checks=((frozenset({"regions", "network"}), _buses_have_load),),
    columns=lambda regions: (region.column for region in regions.values()),
    names=region_names,
)
