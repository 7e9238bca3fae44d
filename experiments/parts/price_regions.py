"""Regions of a feeder with prices of their own, given or found by congestion, and their loads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from gridarium.environment.arrays import series
from gridarium.environment.errors import Fault, NetworkError
from gridarium.experiments.parts.network import NETWORK, has_one_bus, place_units
from gridarium.experiments.parts.own_network import own_load_mw
from gridarium.experiments.parts.part import GridBuild, GridScenario, Part
from gridarium.experiments.schema.fields import Conflict, Name, PositiveAmount, Section, Share, Source

if TYPE_CHECKING:
    from gridarium.agents.distribution.price_region import PriceRegion as Place
    from gridarium.environment.arrays import Array, Flags, Index
    from gridarium.environment.network import Feeder

_PRESET_LIMIT = 1.0


class PriceRegion(Section):
    """A part of the feeder, its load, and what energy costs there."""

    behind: Source | None = None
    """Branch that is congested where the region begins (`line 5`, as in `network.branch_ratings_mva`); null
    for the region of the substation, and for all where regions are found."""
    load_column: Name
    """Profile column with the load, MW; it is spread over the region's buses like their nominal loads."""
    price_column: Name
    """Profile column with the nodal price of what is drawn, money/MWh."""
    sale_share: Share = 0.8
    """Nodal price of what is fed back, as a share s of that; of a negative price p it is as far below it,
    p - (1 - s) |p|."""


class PriceRegions(Section):
    """How congestion parts the feeder into regions of one price each."""

    split: Literal["given", "found"] = "given"
    """Whether the congested branches are those that regions name (preset congestion), or those that load flow
    of the whole load, spread like nominal loads, loads beyond the limit in any period."""
    loading_limit: PositiveAmount = _PRESET_LIMIT
    """Share of a branch's rating from which on it is congested, where regions are found."""
    regions: dict[Name, PriceRegion] = Field(min_length=1)
    """Regions by name, which is that of their users, too; where they are found, in the order of buses, that
    of the substation first."""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield no or two regions of the substation, a branch twice, and what has no effect."""
        behind = {name: region.behind for name, region in self.regions.items()}
        heads = [name for name, branch in behind.items() if branch is None]
        cut = [branch for branch in behind.values() if branch is not None]
        if self.split == "found":
            if cut:
                allowed = "behind must be null in each region where split is found"
                yield Conflict("regions", behind, allowed)
            return
        if self.loading_limit != _PRESET_LIMIT:
            allowed = f"must be left at {_PRESET_LIMIT:g} where split is given: no load flow is looked at"
            yield Conflict("loading_limit", self.loading_limit, allowed)
        if len(heads) != 1:
            allowed = f"behind must be null in one region, that of the substation, here in {len(heads)}"
            yield Conflict("regions", behind, allowed)
        if len(set(cut)) < len(cut):
            yield Conflict("regions", behind, "behind must name another branch in each region")


def regions_of(build: GridBuild) -> Mapping[str, Place]:
    """The regions of a grid by name, in the order of the scenario.

    Raises
    ------
    NetworkError
        If a region names a branch that the feeder does not have, or holds no load bus, or another number of
        regions was found than the scenario has; names the branches found.
    """
    from gridarium.agents.distribution.price_region import PriceRegion as Place

    section = _section(build.scenario)
    number = _numbers(build, section)
    places = {}
    for name, region in section.regions.items():
        price = build.column(region.price_column)
        places[name] = Place(
            name,
            np.flatnonzero(number[name]),
            build.grid.named(name),
            price,
            series(np.where(price < 0.0, 2.0 - region.sale_share, region.sale_share) * price),
        )
    return places


def region_of_storage(build: GridBuild) -> Mapping[str, str]:
    """The region in which each storage of a grid stands, by its name in the grid."""
    from gridarium.experiments.parts.storages import STORAGES

    buses = place_units(build.grid.feeder, build.scenario)
    places = regions_of(build).values()
    return {
        name: next(place.name for place in places if buses[name] in place.buses)
        for name in STORAGES.of(build.scenario)
    }


def _section(scenario: GridScenario) -> PriceRegions:
    section = PRICE_REGIONS.of(scenario)
    assert section is not None
    return section


def _numbers(build: GridBuild, section: PriceRegions) -> Mapping[str, Flags]:
    """Whether each bus belongs to a region, shape (n_bus,), by region."""
    feeder = build.grid.feeder
    return buses_behind(feeder, section, None if section.split == "given" else _found(build, section))


def buses_behind(feeder: Feeder, section: PriceRegions, found: Flags | None = None) -> Mapping[str, Flags]:
    """Whether each bus belongs to a region, shape (n_bus,), by region.

    Parameters
    ----------
    feeder : Feeder
    section : PriceRegions
    found : ndarray of bool, shape (n_branch,), optional
        Branches between regions; without them those that the regions name.

    Raises
    ------
    NetworkError
        If a region names no branch, or holds no load.
    """
    from gridarium.environment.regions import region_of_bus

    cut = _preset(feeder, section) if found is None else found
    region = region_of_bus(feeder, cut)
    opened = [feeder.branch_labels[branch] for branch in np.flatnonzero(cut)]
    order: list[str | None] = [None, *opened]
    if section.split == "given":
        numbers = {name: order.index(one.behind) for name, one in section.regions.items()}
    else:
        numbers = {name: number for number, name in enumerate(section.regions)}
    loaded = feeder.p_load_mw > 0.0
    empty = [
        Fault(
            f"price_regions.regions.{name}", section.regions[name].behind, _without_load(feeder, region, own)
        )
        for name, own in numbers.items()
        if not (loaded & (region == own)).any()
    ]
    if empty:
        raise NetworkError(feeder.name, empty)
    return {name: region == own for name, own in numbers.items()}


def _without_load(feeder: Feeder, region: Index, own: int) -> str:
    buses = ", ".join(str(feeder.bus_labels[bus]) for bus in np.flatnonzero(region == own))
    return f"must hold a bus with a nominal load, for its load to be spread over; it holds bus {buses}"


def _preset(feeder: Feeder, section: PriceRegions) -> Flags:
    """The branches that regions name."""
    place = {label: branch for branch, label in enumerate(feeder.branch_labels)}
    named = {name: one.behind for name, one in section.regions.items() if one.behind is not None}
    allowed = f"must be a branch of {feeder.name}: {', '.join(place)}"
    unknown = [
        Fault(f"price_regions.regions.{name}.behind", label, allowed)
        for name, label in named.items()
        if label not in place
    ]
    if unknown:
        raise NetworkError(feeder.name, unknown)
    cut = np.zeros(feeder.n_branch, dtype=np.bool_)
    cut[[place[label] for label in named.values()]] = True
    return cut


def _found(build: GridBuild, section: PriceRegions) -> Flags:
    """The branches that load flow of the whole load overloads."""
    from gridarium.environment.regions import congested_branches

    feeder, everywhere = build.grid.feeder, build.grid.spread()
    columns = [_load_mw(build, region) for region in section.regions.values()]
    load_mw = np.sum(columns, axis=0)[:, None]
    flow = build.grid.power_flow.solve(-load_mw * everywhere.p_share, -load_mw * everywhere.q_share)
    loading = flow.i_pu / feeder.i_max_pu
    cut = congested_branches(feeder, loading, section.loading_limit)
    if cut.sum() + 1 != len(section.regions):
        labels = [feeder.branch_labels[branch] for branch in np.flatnonzero(cut)]
        found = f"{cut.sum() + 1} regions were found, behind {', '.join(labels) or 'no branch'}"
        allowed = f"must be as many as load flow finds at loading_limit {section.loading_limit:g}: {found}"
        fault = Fault("price_regions.regions", list(section.regions), allowed)
        raise NetworkError(feeder.name, [fault])
    return cut


def _build(build: GridBuild) -> None:
    """Who draws the load of each region."""
    from gridarium.agents.devices.system_load import SystemLoad

    section = _section(build.scenario)
    for name, place in regions_of(build).items():
        load_mw = build.horizon.by_period(_load_mw(build, section.regions[name]))
        SystemLoad(build.grid.spread(place.buses), name, load_mw, load_mw)


def _load_mw(build: GridBuild, region: PriceRegion) -> Array:
    """Load of a region over all days, MW, shape (n_day * n_step,)."""
    shares: dict[str, float] = {}
    for one in _section(build.scenario).regions.values():
        shares[one.load_column] = shares.get(one.load_column, 0.0) + 1.0
    return own_load_mw(build, region.load_column, shares)


def _are_given(scenario: GridScenario) -> Iterator[Fault]:
    if PRICE_REGIONS.of(scenario) is None:
        yield Fault("price_regions", None, "must be given where there is a distribution_operator")


def _part_a_feeder(scenario: GridScenario) -> Iterator[Fault]:
    if has_one_bus(scenario):
        allowed = "must be a radial feeder where there is a distribution_operator"
        yield Fault("network.source", NETWORK.of(scenario).source, allowed)


def _names_are_free(scenario: GridScenario) -> Iterator[Fault]:
    """Yield regions whose users would have the name of the operator."""
    section = PRICE_REGIONS.of(scenario)
    if section is not None and scenario.operator_name in section.regions:
        place = f"price_regions.regions.{scenario.operator_name}"
        yield Fault(place, scenario.operator_name, "must be another name: the operator has it")


PRICE_REGIONS: Part[PriceRegions | None] = Part(
    field="price_regions",
    annotation=PriceRegions | None,
    default=None,
    meaning="Regions of a feeder with prices of their own, and their loads; null for none.",
    under=("distribution_operator",),
    build=_build,
    checks=(
        (frozenset({"price_regions"}), _are_given),
        (frozenset({"network"}), _part_a_feeder),
        (frozenset({"price_regions"}), _names_are_free),
    ),
    columns=lambda section: (
        ()
        if section is None
        else (column for one in section.regions.values() for column in (one.load_column, one.price_column))
    ),
    names=lambda section: () if section is None else section.regions,
)
