"""Prosumers, who trade what they can spare or lack."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from gridarium.environment.errors import Fault
from gridarium.experiments.parts.lines import LESSOR, LINES, private_lines
from gridarium.experiments.parts.members import member_names, member_sizes
from gridarium.experiments.parts.network import has_one_bus, unit_sites
from gridarium.experiments.parts.part import GridBuild, GridScenario, Part
from gridarium.experiments.parts.storage_section import Storage, storage_ratings
from gridarium.experiments.parts.trading import TRADING, active_trading, bargaining_rule, trade_rules
from gridarium.experiments.schema.behaviours import Behaviour, Mixture, mixed_up
from gridarium.experiments.schema.fields import (
    Conflict,
    MoneyAmount,
    Name,
    PositiveMoney,
    Range,
    Section,
    Share,
)
from gridarium.experiments.schema.populations import behaviours_of_class

if TYPE_CHECKING:
    from gridarium.agents.behaviour import Behaviour as AgentBehaviour
    from gridarium.agents.prosumers.own_balance import ProsumerData
    from gridarium.market.utility import Utility as MarketUtility

_SHOWN = 8
"""Names that a fault lists at most."""


class Utility(Section):
    """What energy from the pool is worth to a prosumer in each minute."""

    kind: Literal["log", "quadratic"] = "log"
    """k ln(1 + p/p0), or the straight demand line a - s p."""
    payment_weight: Annotated[float, Range(1e-3, 1)] = 0.5
    """q1, of what is paid."""
    reputation_weight: Share = 0.0
    """q2, of the reputation of whom it buys from; counts as k money a minute for full reputation."""
    energy_weight: Share = 0.5
    """q3, of the energy."""
    scale_money: PositiveMoney = 2.6
    """k, money."""
    unit_mwh: Annotated[float, Range(1e-9, 1e3)] = 0.001
    """p0, the unit in which the logarithm counts energy, MWh."""
    intercept_per_mwh: PositiveMoney = 283.7
    """a, money/MWh."""
    slope_per_mwh2: PositiveMoney = 2900.0
    """s, fall of the price for each MWh in a minute, money/MWh^2."""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield weights that are not parts of a whole."""
        weights = {
            "payment_weight": self.payment_weight,
            "reputation_weight": self.reputation_weight,
            "energy_weight": self.energy_weight,
        }
        total = sum(weights.values())
        if abs(total - 1.0) > 1e-9:
            rule = f"must give 1 with the other two of {', '.join(weights)}; they sum to {total:g}"
            yield Conflict("payment_weight", self.payment_weight, rule)
        if self.energy_weight == 0.0:
            yield Conflict("energy_weight", 0.0, "must be above 0")


class Prosumer(Section):
    """A prosumer with photovoltaics, a load, and perhaps a battery; or a class of several that share them."""

    pv_column: Name
    """Profile column with photovoltaic power, MW, of the whole class."""
    load_column: Name
    """Profile column with load, MW, of the whole class."""
    count: Annotated[int, Range(1, 10_000)] = 1
    """Number of agents that the class is divided into; those of several are called CLASS_1, CLASS_2, ..."""
    diversity: Share = 0.0
    """Standard deviation of the sizes of members' panels and of their loads, share of the mean; what the
    class has in all does not change."""
    battery: Storage | None = None
    """Battery of the whole class, of which each member has an equal part; null for none."""
    charging_ratio: Share = 0.0
    """gamma, share of the room above the battery's first content that is bought from others each day."""
    utility: Utility = Utility()
    """Of the whole class at one price, if each member has an equal part of its demand."""
    reservation_price_per_mwh: MoneyAmount = 0.0
    """What its own energy is worth to it when it sells, money/MWh."""
    fluctuation: Share = 0.1
    """Standard deviation of photovoltaics and load from minute to minute, share of the mean."""
    behaviour: list[Behaviour] = Field(default_factory=list)
    """Elements of bounded rationality, in the order they act; empty is the exact prosumer."""
    mixture: list[Mixture] = Field(default_factory=list)
    """Parts of the class that behave in another way; the rest has the behaviour of the class."""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield behaviours that are made for others, and a mixture of more than everybody."""
        yield from mixed_up(self.behaviour, self.mixture, "prosumer")
        if self.charging_ratio > 0.0 and self.battery is None:
            yield Conflict("charging_ratio", self.charging_ratio, "must be 0 without a battery")


def prosumers_of(scenario: GridScenario) -> dict[str, Prosumer]:
    """What the scenario says of each prosumer, by its name: of a member of a class, its part of the class.

    Panels and load apart, whose sizes are drawn, that is an equal part of battery and utility.
    """
    return {
        name: _part(section)
        for kind, section in PROSUMERS.of(scenario).items()
        for name in member_names(kind, section.count)
    }


def classes_of(scenario: GridScenario) -> dict[str, str]:
    """The class of each prosumer, by its name; one that is alone is a class of its own name."""
    return {
        name: kind
        for kind, section in PROSUMERS.of(scenario).items()
        for name in member_names(kind, section.count)
    }


def all_exact(scenario: GridScenario) -> bool:
    """Whether no prosumer is boundedly rational."""
    sections = PROSUMERS.of(scenario).values()
    parts = (part for section in sections for part in section.mixture if part.share > 0.0)
    return not any(section.behaviour for section in sections) and not any(part.behaviour for part in parts)


def _part(section: Prosumer) -> Prosumer:
    """One of the equal parts of a class: all of them together want at a price what the class does."""
    count, battery, utility = section.count, section.battery, section.utility
    if count == 1:
        return section
    if battery is not None:
        energy = {"p_max_mw": battery.p_max_mw / count, "e_max_mwh": battery.e_max_mwh / count}
        inverter = None if battery.s_max_mva is None else battery.s_max_mva / count
        battery = battery.model_copy(update={**energy, "s_max_mva": inverter})
    parts = {
        "scale_money": utility.scale_money / count,
        "unit_mwh": utility.unit_mwh / count,
        "slope_per_mwh2": utility.slope_per_mwh2 * count,
    }
    return section.model_copy(update={"battery": battery, "utility": utility.model_copy(update=parts)})


def utility_of(section: Utility) -> MarketUtility:
    """The utility that a section describes, in money of the buyer: E9 over q1, without the reputation."""
    from gridarium.market.utility import LogUtility, QuadraticUtility

    share = section.energy_weight / section.payment_weight
    if section.kind == "log":
        return LogUtility(share * section.scale_money, section.unit_mwh)
    return QuadraticUtility(share * section.intercept_per_mwh, share * section.slope_per_mwh2)


def worth_of(scenario: GridScenario, section: Utility) -> MarketUtility:
    """What energy from others is worth to a prosumer, with its outside option if it bears that in mind."""
    return trade_rules(scenario).worth(utility_of(section))


def _build(build: GridBuild) -> None:
    """Make the prosumers, on a feeder each at a bus; without a desk those nearest to each other talk."""
    from gridarium.agents.prosumers.prosumer import Prosumer as Agent

    scenario, grid, lines = build.scenario, build.grid, private_lines(build.scenario, build.grid)
    trading, desks = active_trading(scenario), build.named(TRADING.agents(scenario))
    rule, names = bargaining_rule(scenario), build.named(prosumers_of(scenario))
    for name, kind in classes_of(scenario).items():
        lines.place(grid.named(name), grid.named(kind))
    near = lines.nearest(names, names, trading.partners) if trading and not desks else [[]] * len(names)
    sites = {} if has_one_bus(scenario) else unit_sites(build)
    for (name, data, behaviour), neighbours in zip(_members(build), near, strict=True):
        agent = Agent(
            sites.get(name, grid.head),
            name,
            data,
            lines,
            trade_rules(scenario),
            rule,
            provider=grid.named(LESSOR),
            desk=desks[0] if desks else None,
            operator=build.hears_the_pool,
            served_by=build.operator or build.supplier,
            neighbours=neighbours,
            behaviour=behaviour,
        )
        build.served[agent.name] = agent.site


def _members(build: GridBuild) -> Iterator[tuple[str, ProsumerData, AgentBehaviour]]:
    """Name, private data and behaviour of each prosumer."""
    grid, streams = build.grid, build.grid.world.streams
    for kind, section in PROSUMERS.of(build.scenario).items():
        names, part = member_names(kind, section.count), _part(section)
        scoped = build.named(names)
        behaviours = behaviours_of_class(section, grid.named(kind), scoped, streams)
        sizes = member_sizes(scoped, section.diversity, streams)
        for name, size, behaviour in zip(names, sizes.tolist(), behaviours, strict=True):
            yield name, _data(name, part, size, build), behaviour


def _data(name: str, section: Prosumer, size: tuple[float, float], build: GridBuild) -> ProsumerData:
    from gridarium.agents.prosumers.own_balance import ProsumerData

    battery = storage_ratings(f"{name} battery", section.battery) if section.battery else None
    panels, load = size
    return ProsumerData(
        pv_mw=panels * build.by_period(section.pv_column),
        load_mw=load * build.by_period(section.load_column),
        utility=utility_of(section.utility),
        battery=battery,
        reservation_price_per_mwh=section.reservation_price_per_mwh,
        fluctuation=section.fluctuation,
        charging_ratio=section.charging_ratio,
        trust_money=section.utility.reputation_weight
        / section.utility.payment_weight
        * section.utility.scale_money,
    )


def _lines_join_prosumers(scenario: GridScenario) -> Iterator[Fault]:
    section = LINES.of(scenario)
    if section is None:
        return
    for one, row in section.distance_km.items():
        for other in row:
            yield from _joins_two(
                f"lines.distance_km.{one}.{other}", one, other, list(PROSUMERS.of(scenario))
            )
    for number, outage in enumerate(section.outages):
        yield from _joins_two(
            f"lines.outages.{number}.line", outage.line[0], outage.line[1], list(prosumers_of(scenario))
        )


def _joins_two(place: str, one: str, other: str, known: Sequence[str]) -> Iterator[Fault]:
    """Yield ends of a line that are unknown, or the same."""
    shown = [*known[:_SHOWN], "..."] if len(known) > _SHOWN else known
    for name in (one, other):
        if name not in known:
            allowed = f"must be the name of a prosumer; there are {', '.join(shown) or 'none'}"
            yield Fault(place, name, allowed)
    if one == other:
        yield Fault(place, one, "must join two different prosumers")


def _operator_serves_them(scenario: GridScenario) -> Iterator[Fault]:
    if PROSUMERS.is_given(scenario) and scenario.operator_name == "distribution_operator":
        allowed = "must be left out where there is distribution_operator: it serves regions alone"
        yield Fault("prosumers", "given", allowed)


PROSUMERS: Part[dict[str, Prosumer]] = Part(
    field="prosumers",
    annotation=dict[Name, Prosumer],
    default={},
    meaning="Prosumers with photovoltaics and a load.",
    build=_build,
    names=lambda prosumers: [
        name for kind, one in prosumers.items() for name in member_names(kind, one.count)
    ],
    in_quarters=True,
    has_sites=True,
    checks=(
        (frozenset({"lines", "prosumers"}), _lines_join_prosumers),
        (frozenset({"distribution_operator", "prosumers"}), _operator_serves_them),
    ),
    columns=lambda prosumers: (
        column for one in prosumers.values() for column in (one.pv_column, one.load_column)
    ),
)
