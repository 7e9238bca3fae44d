"""The operator of a feeder that pays virtual power plants for the cleanness of what they store."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from gridarium.environment.errors import Fault
from gridarium.experiments.parts.carbon_market import build_carbon_market, price_is_none_below_zero
from gridarium.experiments.parts.negotiation import NEGOTIATION, negotiation_rules
from gridarium.experiments.parts.network import place_units
from gridarium.experiments.parts.part import GridBuild, GridScenario, Part
from gridarium.experiments.parts.price_regions import region_of_storage, regions_of
from gridarium.experiments.parts.storages import STORAGES
from gridarium.experiments.parts.supply import PRICES
from gridarium.experiments.parts.ties import TIES
from gridarium.experiments.parts.vpp_section import goes_on, owners_of
from gridarium.experiments.parts.vpps import VPPS
from gridarium.experiments.schema.fields import (
    Conflict,
    Name,
    PositiveMoney,
    Range,
    Section,
    Share,
)
from gridarium.market.cleanness import COAL_TCO2_PER_MWH

if TYPE_CHECKING:
    from gridarium.agents.distribution.contract import PlantTerms

_AGENT = "operator"
_TAKES_PRICES = "price-taking"


class DistributionOperator(Section):
    """Who buys at the head of the feeder, sells in its regions, and pays for green energy used there."""

    pricing: Literal["none", "uniform", "nodal"] = "nodal"
    """Whether green discharge is paid: not at all, at one price in all regions, or at the nodal carbon price
    of its region, which it lowers itself (scenarios 3, 1 and 2)."""
    carbon_price_column: Name | None = "carbon_price_per_tco2"
    """Profile column with the price of the carbon market, money/tCO2; null takes
    `prices.carbon_price_per_tco2`, and must be given where `prices.carbon_price_from` is supplier."""
    avoided_tco2_per_mwh: Annotated[float, Range(0, 3, above_low=True)] = COAL_TCO2_PER_MWH
    """What a MWh of green energy is taken to avoid (kappa), tCO2/MWh."""
    expected_budget_money: PositiveMoney = 1500.0
    """Expected budget of the payments of a day (E_exp), in the rate of low-carbon response, money."""
    vpp_weight: Share = 0.7
    """Weight of the plants' saving in that rate."""
    system_weight: Share = 0.3
    """Weight of what is left of the budget."""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield weights that do not sum to 1."""
        total = self.vpp_weight + self.system_weight
        if abs(total - 1.0) > 1e-9:
            allowed = f"must sum to 1 with system_weight, which gives {total:g}"
            yield Conflict("vpp_weight", self.vpp_weight, allowed)


def _build(build: GridBuild) -> None:
    section = DISTRIBUTION_OPERATOR.of(build.scenario)
    if section is None:
        return
    from gridarium.agents.distribution.contract import OperatorContract
    from gridarium.agents.distribution.distribution_operator import DistributionOperator as Agent

    contract = OperatorContract(
        build.supplier,
        None
        if _prices_by_ladder(build.scenario)
        else build_carbon_market(build, section.carbon_price_column),
        tuple(regions_of(build).values()),
        _plants(build),
        section.pricing,
        section.avoided_tco2_per_mwh,
        follows_supply=build.grid.above is not None,
    )
    rules = negotiation_rules(build.scenario, build.grid.world)
    Agent(build.grid.head, _AGENT, contract, rules, build.horizon)


def _prices_by_ladder(scenario: GridScenario) -> bool:
    """Whether carbon costs what the ladder of the grid above asks, and no carbon market is asked."""
    return PRICES.of(scenario).carbon_price_from == "supplier"


def _plants(build: GridBuild) -> dict[str, PlantTerms]:
    """The virtual power plants of a grid by name in the world, with the storages of their owners."""
    from gridarium.agents.distribution.contract import ConnectedStorage, PlantTerms

    units, region = STORAGES.of(build.scenario), region_of_storage(build)
    buses = place_units(build.grid.feeder, build.scenario)
    return {
        build.grid.named(name): PlantTerms(
            plant.load_share,
            {
                build.grid.named(one): ConnectedStorage(region[one], buses[one], units[one].e_max_mwh)
                for one in owners_of(plant, units)
            },
            plant.look_ahead_days,
            plant.planner == _TAKES_PRICES,
        )
        for name, plant in VPPS.of(build.scenario).items()
    }


def root_faults(scenario: GridScenario) -> Iterator[Fault]:
    """Yield an operator with no grid above that nobody tells how green its supply is."""
    if DISTRIBUTION_OPERATOR.is_given(scenario) and PRICES.of(scenario).green_share_column is None:
        allowed = "must be given where there is a distribution_operator and no grid stands above"
        yield Fault("prices.green_share_column", None, allowed)


def hung_faults(scenario: GridScenario, above: GridScenario) -> Iterator[Fault]:
    """Yield plants that cannot plan by the terms of the grid above."""
    if not DISTRIBUTION_OPERATOR.is_given(scenario):
        return
    ties = TIES.of(above)
    for name, plant in VPPS.of(scenario).items():
        if plant.look_ahead_days > 1:
            allowed = "must be 1 where a TIES stands above, which tells its price of one day"
            yield Fault(f"vpps.{name}.look_ahead_days", plant.look_ahead_days, allowed)
        if ties is not None and ties.rounds.kind == "exchange" and not goes_on(plant):
            allowed = "must go on from plans, as shares does: exchange rounds above pull the head"
            yield Fault(f"vpps.{name}.planner", plant.planner, allowed)


def _tells_no_green_share(scenario: GridScenario) -> Iterator[Fault]:
    column = PRICES.of(scenario).green_share_column
    if column is not None and not DISTRIBUTION_OPERATOR.is_given(scenario):
        allowed = "must be given where there is a distribution_operator, and null where there is none"
        yield Fault("prices.green_share_column", column, allowed)


def _serves_somebody(scenario: GridScenario) -> Iterator[Fault]:
    if DISTRIBUTION_OPERATOR.is_given(scenario) and not VPPS.is_given(scenario):
        allowed = "must name one at least where there is a distribution_operator: they buy for the regions"
        yield Fault("vpps", {}, allowed)


def _without_effect(scenario: GridScenario) -> Iterator[Fault]:
    """Yield what only a dso goes by."""
    section = DISTRIBUTION_OPERATOR.of(scenario)
    if section is None:
        return
    idle, by_ladder = (
        ["quota_tco2_per_mwh", "import_limit_mw", "export_limit_mw"],
        _prices_by_ladder(scenario),
    )
    if by_ladder or section.carbon_price_column is not None:
        idle.append("carbon_price_per_tco2")
    if by_ladder and section.carbon_price_column is not None:
        allowed = "must be null where prices.carbon_price_from is supplier"
        yield Fault("distribution_operator.carbon_price_column", section.carbon_price_column, allowed)
    for part, names in ((PRICES, idle), (NEGOTIATION, ["memory"])):
        own = part.of(scenario)
        for name in names:
            value, default = getattr(own, name), type(own).model_fields[name].default
            if value != default:
                allowed = (
                    f"must be left at {default:g}, without effect, where there is a distribution_operator"
                )
                yield Fault(f"{part.field}.{name}", value, allowed)


def _buys_carbon(scenario: GridScenario) -> Iterator[Fault]:
    section = DISTRIBUTION_OPERATOR.of(scenario)
    if section is not None:
        yield from price_is_none_below_zero(scenario, section.carbon_price_column)


DISTRIBUTION_OPERATOR: Part[DistributionOperator | None] = Part(
    field="distribution_operator",
    annotation=DistributionOperator | None,
    default=None,
    meaning="The operator of a feeder who pays virtual power plants for cleanness; null for none.",
    build=_build,
    checks=(
        (frozenset({"distribution_operator", "profiles"}), _buys_carbon),
        (frozenset({"distribution_operator", "prices"}), _tells_no_green_share),
        (frozenset({"distribution_operator", "vpps"}), _serves_somebody),
        (frozenset({"distribution_operator", "prices", "negotiation"}), _without_effect),
    ),
    columns=lambda section: (
        () if section is None or section.carbon_price_column is None else (section.carbon_price_column,)
    ),
    names=lambda section: () if section is None else (_AGENT,),
    operates=True,
)
