"""Prosumers, who trade what they can spare or lack."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from gridarium.environment.errors import Fault
from gridarium.experiments.behaviour_schema import Behaviour, misplaced
from gridarium.experiments.parts.lines import LESSOR, LINES, private_lines
from gridarium.experiments.parts.part import GridBuild, GridScenario, Part
from gridarium.experiments.parts.storage_section import Storage, storage_ratings
from gridarium.experiments.parts.trading import TRADING, active_trading, bargaining_rule, trade_rules
from gridarium.experiments.populations import behaviour_of
from gridarium.experiments.scenario_fields import (
    Conflict,
    MoneyAmount,
    Name,
    PositiveMoney,
    Range,
    Section,
    Share,
)

if TYPE_CHECKING:
    from gridarium.agents.prosumers.own_balance import ProsumerData
    from gridarium.market.utility import Utility as MarketUtility


class Utility(Section):
    """What energy from the pool is worth to a prosumer in each minute."""

    kind: Literal["log", "quadratic"] = "log"
    """K ln(1 + p/p0), or the straight demand line a - s p."""
    scale_money: PositiveMoney = 2.6
    """K, money."""
    unit_mwh: Annotated[float, Range(1e-9, 1e3)] = 0.001
    """p0, the unit in which the logarithm counts energy, MWh."""
    intercept_per_mwh: PositiveMoney = 283.7
    """a, money/MWh."""
    slope_per_mwh2: PositiveMoney = 2900.0
    """s, fall of the price for each MWh in a minute, money/MWh^2."""


class Prosumer(Section):
    """A prosumer with photovoltaics, a load, and perhaps a battery."""

    pv_column: Name
    """Profile column with its photovoltaic power, MW."""
    load_column: Name
    """Profile column with its load, MW."""
    battery: Storage | None = None
    """Its battery; null for none."""
    utility: Utility = Utility()
    reservation_price_per_mwh: MoneyAmount = 0.0
    """What its own energy is worth to it when it sells, money/MWh."""
    fluctuation: Share = 0.1
    """Standard deviation of photovoltaics and load from minute to minute, share of the mean."""
    behaviour: list[Behaviour] = Field(default_factory=list)
    """Elements of bounded rationality, in the order they act; empty is the exact prosumer."""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield behaviours that are made for others."""
        yield from misplaced(self.behaviour, "prosumer")


def utility_of(section: Utility) -> MarketUtility:
    """The utility that a section describes."""
    from gridarium.market.utility import LogUtility, QuadraticUtility

    if section.kind == "log":
        return LogUtility(section.scale_money, section.unit_mwh)
    return QuadraticUtility(section.intercept_per_mwh, section.slope_per_mwh2)


def _build(build: GridBuild) -> None:
    """Make the prosumers; without a desk those nearest to each other talk."""
    from gridarium.agents.prosumers.prosumer import Prosumer as Agent

    scenario, grid, lines = build.scenario, build.grid, private_lines(build.scenario, build.grid)
    trading, desks = active_trading(scenario), build.named(TRADING.agents(scenario))
    sections = PROSUMERS.of(scenario)
    rule, names = bargaining_rule(scenario), build.named(sections)
    near = lines.nearest(names, names, trading.partners) if trading and not desks else [[]] * len(names)
    for (name, section), neighbours in zip(sections.items(), near, strict=True):
        Agent(
            grid.head,
            name,
            _data(name, section, build),
            lines,
            trade_rules(scenario),
            rule,
            provider=grid.named(LESSOR),
            desk=desks[0] if desks else None,
            operator=build.operator,
            served_by=build.operator or build.supplier,
            neighbours=neighbours,
            behaviour=behaviour_of(grid.named(name), section.behaviour, grid.world.streams),
        )


def _data(name: str, section: Prosumer, build: GridBuild) -> ProsumerData:
    from gridarium.agents.prosumers.own_balance import ProsumerData

    battery = storage_ratings(f"{name} battery", section.battery) if section.battery else None
    return ProsumerData(
        pv_mw=build.column(section.pv_column),
        load_mw=build.column(section.load_column),
        utility=utility_of(section.utility),
        battery=battery,
        reservation_price_per_mwh=section.reservation_price_per_mwh,
        fluctuation=section.fluctuation,
    )


def _lines_join_prosumers(scenario: GridScenario) -> Iterator[Fault]:
    section, prosumers = LINES.of(scenario), PROSUMERS.of(scenario)
    if section is None:
        return
    known = ", ".join(prosumers) or "none"
    pairs = [(one, other) for one, row in section.distance_km.items() for other in row]
    places = [(f"lines.distance_km.{one}.{other}", (one, other)) for one, other in pairs]
    places += [
        (f"lines.outages.{number}.line", (outage.line[0], outage.line[1]))
        for number, outage in enumerate(section.outages)
    ]
    for place, (one, other) in places:
        for name in (one, other):
            if name not in prosumers:
                yield Fault(place, name, f"must be the name of a prosumer; there are {known}")
        if one == other:
            yield Fault(place, one, "must join two different prosumers")


def _feeders_have_none(scenario: GridScenario) -> Iterator[Fault]:
    if PROSUMERS.is_given(scenario) and scenario.operator_name == "dso":
        allowed = "must be left out where there is dso: it plans for consumers and grids below only"
        yield Fault("prosumers", "given", allowed)


PROSUMERS: Part[dict[str, Prosumer]] = Part(
    field="prosumers",
    annotation=dict[Name, Prosumer],
    default={},
    meaning="Prosumers with photovoltaics and a load.",
    build=_build,
    in_quarters=True,
    checks=(
        (frozenset({"lines", "prosumers"}), _lines_join_prosumers),
        (frozenset({"dso", "prosumers"}), _feeders_have_none),
    ),
    columns=lambda prosumers: (
        column for one in prosumers.values() for column in (one.pv_column, one.load_column)
    ),
)
