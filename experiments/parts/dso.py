"""The operator of a feeder, who leads its followers and dispatches its units."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from gridarium.environment.errors import Fault
from gridarium.experiments.parts.carbon_market import build_carbon_market, price_is_none_below_zero
from gridarium.experiments.parts.compensators import compensator_ratings
from gridarium.experiments.parts.edge import edge_terms
from gridarium.experiments.parts.gas_turbines import GAS_TURBINES, turbine_ratings
from gridarium.experiments.parts.leader import LEADER, setter_maker
from gridarium.experiments.parts.lines import LESSOR
from gridarium.experiments.parts.negotiation import negotiation_rules
from gridarium.experiments.parts.network import NETWORK, place_units
from gridarium.experiments.parts.part import GridBuild, GridScenario, Part
from gridarium.experiments.parts.pooling import (
    build_pool,
    commanded_ratings,
    commanded_wear_per_mwh,
    owners_fit_the_pool,
    storages_of_owners,
)
from gridarium.experiments.parts.prosumers import PROSUMERS
from gridarium.experiments.parts.provider import active_provider
from gridarium.experiments.parts.renewables import RENEWABLES, inverter
from gridarium.experiments.parts.standby_storages import STANDBY_STORAGES
from gridarium.experiments.parts.storage_pool import pool_of
from gridarium.experiments.parts.storage_section import storage_ratings
from gridarium.experiments.parts.supply import PRICES, REAL_TIME
from gridarium.experiments.parts.tap_changer import tap_changer_ratings
from gridarium.experiments.parts.tariff import NODAL_TARIFFS, TARIFF, build_tariff, pool_terms
from gridarium.experiments.parts.trading import TRADING
from gridarium.experiments.schema.behaviours import Behaviour, misplaced
from gridarium.experiments.schema.fields import (
    Conflict,
    Flag,
    MoneyAmount,
    Name,
    PositiveShare,
    Probability,
    Range,
    Section,
)
from gridarium.experiments.schema.populations import behaviour_of

if TYPE_CHECKING:
    from gridarium.agents.feeder.contract import ServiceTerms, Standby
    from gridarium.agents.feeder.dispatch_problem import DispatchShape
    from gridarium.agents.feeder.hedging import HedgeTerms

_AGENT = "dso"


class Plan(Section):
    """What the operator makes of not knowing what plants will be able to deliver, and loads will draw.

    Only schedules of storages are decided the day before; exchange at the head, turbines, curtailment and
    reactive power may follow what comes.
    """

    attitude: Literal["forecast", "expected", "cvar", "min-max-regret"] = "forecast"
    """What storages are scheduled for: the forecast alone; the mean cost over all scenarios; the mean of the
    dearest ones; or the most that is lost against who had known the scenario."""
    drawn: Annotated[int, Range(3, 1000)] = 50
    """Scenarios that each plant draws of its forecast, a Latin hypercube."""
    scenarios: Annotated[int, Range(1, 1000)] = 50
    """Scenarios that are planned for; the typical ones where more are drawn, with their weights."""
    bound: Probability = 0.15
    """Largest relative error of a forecast in a scenario."""
    persistence: Probability = 0.9
    """Autocorrelation of the error in a scenario from one step to the next."""
    tail_share: PositiveShare = 0.1
    """Of `cvar`: probability of the dearest scenarios."""
    budget: Annotated[float, Range(0, 100)] = 2.0
    """How many kinds of load may be at an end of their interval at once, in the dearest corner of demand."""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield more scenarios than are drawn."""
        if self.scenarios > self.drawn:
            yield Conflict("scenarios", self.scenarios, f"must be at most drawn = {self.drawn}")


class Dso(Section):
    """The distribution system operator, who leads the game."""

    carbon_in_cost: Flag = True
    """Whether carbon costs enter the operator's own dispatch."""
    carbon_price_column: Name | None = None
    """Profile column with the price of the carbon market by step, money/tCO2; null takes
    `prices.carbon_price_per_tco2` at all times."""
    storage: Literal["commanded", "self-scheduled", "pooled"] = "commanded"
    """Who schedules storages: the operator, who pays each owner what it would earn by itself at the plain
    tariff; or each owner for itself, at the tariff, redispatched only where a limit of the grid asks it; or,
    day by day, the operator those of the members of `storage_pool`, and the other owners theirs. A leader
    that searches foresees how consumers answer its prices, and not how such owners do."""
    loss_price_per_mwh: MoneyAmount = 1.0
    """Small price on network losses, money/MWh; it keeps the relaxed power flow physical at zero prices."""
    plan: Plan = Plan()
    """How storages are scheduled for what is not known."""
    behaviour: list[Behaviour] = Field(default_factory=list)
    """Elements of bounded rationality of the leader, in the order they act; empty is the exact one."""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield behaviours that are made for followers."""
        yield from misplaced(self.behaviour, "leader")


def trades_carbon(scenario: GridScenario) -> bool:
    """Whether the leader counts with the carbon market."""
    section = DSO.of(scenario)
    trades = build_tariff(scenario).trades_carbon and not passes_ladder(scenario)
    return trades and section is not None and section.carbon_in_cost


def pays_carbon_market(scenario: GridScenario) -> bool:
    """Whether a DSO answers to a carbon market that has a price for what its loads carry."""
    section = DSO.of(scenario)
    if section is None or passes_ladder(scenario) or not build_tariff(scenario).trades_carbon:
        return False
    return section.carbon_price_column is not None or PRICES.of(scenario).carbon_price_per_tco2 > 0.0


def passes_ladder(scenario: GridScenario) -> bool:
    """Whether a DSO pays its supplier's ladder of carbon alone, and passes it on to its customers."""
    return PRICES.of(scenario).carbon_price_from == "supplier"


def _build(build: GridBuild) -> None:
    section, grid = DSO.of(build.scenario), build.grid
    if section is None:
        return
    from gridarium.agents.feeder.contract import DsoContract
    from gridarium.agents.feeder.dso import Dso as Agent
    from gridarium.agents.feeder.own_storages import OwnStorages

    build.hear_grids_below()
    contract = DsoContract(
        build.column(PRICES.of(build.scenario).tou_column),
        build.supplier,
        None if passes_ladder(build.scenario) else build_carbon_market(build, section.carbon_price_column),
        build.followers,
        build.below,
        OwnStorages() if section.storage == "commanded" else storages_of_owners(build),
        build_pool(build),
        build.curtailment_per_mwh,
        edge_terms(build),
        _standbys(build),
        build.served,
        REAL_TIME.of(build.scenario).price_per_mwh,
        PRICES.of(build.scenario).quota_tco2_per_mwh,
        _services(build),
    )
    Agent(
        grid.head,
        _AGENT,
        _shape(build, section),
        build_tariff(build.scenario),
        negotiation_rules(build.scenario, grid.world),
        contract,
        section.carbon_in_cost,
        behaviour_of(build.leader, section.behaviour, grid.world.streams),
        setter_maker(build, trades_carbon(build.scenario)),
        build.horizon,
        pool_terms(build.scenario),
        _hedge_terms(section.plan),
    )


def _services(build: GridBuild) -> ServiceTerms | None:
    """What stands on a feeder under another grid that can be called, or tells what it will draw."""
    scenario, named = build.scenario, build.grid.named
    if not PROSUMERS.is_given(scenario) or build.hears_the_pool is None:
        return None
    from gridarium.agents.feeder.contract import ServiceTerms

    desk = next(map(named, TRADING.agents(scenario)), None)
    provider = active_provider(scenario)
    if provider is None:
        return ServiceTerms(desk=desk)
    name = named(LESSOR)
    bus = place_units(build.grid.feeder, scenario)[LESSOR]
    ratings = storage_ratings(name, provider.storage)
    return ServiceTerms(name, desk, ratings, bus, provider.compensation_per_mwh)


def _standbys(build: GridBuild) -> dict[str, Standby]:
    """Storages that stand by, by name in the world."""
    from gridarium.agents.feeder.contract import Standby

    units = STANDBY_STORAGES.of(build.scenario)
    if not STANDBY_STORAGES.hangs_on(build.scenario):
        return {}
    buses = place_units(build.grid.feeder, build.scenario)
    return {
        build.grid.named(name): Standby(storage_ratings(name, unit), buses[name])
        for name, unit in units.items()
    }


def _hedge_terms(plan: Plan) -> HedgeTerms | None:
    from gridarium.agents.feeder.hedging import HedgeTerms
    from gridarium.market.messages.forecasts import ScenarioTerms
    from gridarium.market.risk import Attitude

    if plan.attitude == "forecast":
        return None
    scenarios = ScenarioTerms(plan.drawn, plan.bound, plan.persistence)
    return HedgeTerms(Attitude(plan.attitude, plan.tail_share), scenarios, plan.scenarios, plan.budget)


def _shape(build: GridBuild, section: Dso) -> DispatchShape:
    from gridarium.agents.feeder.dispatch_problem import DispatchShape

    network, prices = NETWORK.of(build.scenario), PRICES.of(build.scenario)
    turbines = GAS_TURBINES.of(build.scenario)
    storages = () if section.storage == "self-scheduled" else commanded_ratings(build.scenario)
    renewables = RENEWABLES.of(build.scenario)
    buses = place_units(build.grid.feeder, build.scenario)
    compensators = compensator_ratings(build.scenario)
    names = (*turbines, *(unit.name for unit in storages), *renewables)
    return DispatchShape(
        feeder=build.grid.feeder,
        turbines=tuple(turbine_ratings(name, unit) for name, unit in turbines.items()),
        storages=storages,
        renewables=tuple(inverter(build, name, unit) for name, unit in renewables.items()),
        sites=tuple((name, buses[name]) for name in (*names, *(unit.name for unit in compensators))),
        wear_cost_per_mwh=commanded_wear_per_mwh(build.scenario) if storages else (),
        n_period=build.horizon.n_step,
        period_h=build.horizon.step_h,
        voltage_band_pu=network.band_pu,
        loading_max=network.loading_max if network.loading_max is not None else float("inf"),
        import_limit_mw=prices.import_limit_mw,
        export_limit_mw=prices.export_limit_mw,
        loss_price_per_mwh=section.loss_price_per_mwh,
        opens_storages=section.storage == "pooled",
        tap_changer=tap_changer_ratings(build.scenario),
        compensators=compensators,
    )


def _has_a_feeder(scenario: GridScenario) -> Iterator[Fault]:
    """Yield a copper plate, whose units and tariffs would have no places."""
    network = NETWORK.of(scenario)
    if DSO.is_given(scenario) and network.is_copper_plate:
        allowed = "must be a radial feeder where there is a dso; a TIES may have a copper plate"
        yield Fault("network.source", network.source, allowed)


def _counts_carbon(scenario: GridScenario) -> Iterator[Fault]:
    leader, section = LEADER.of(scenario), DSO.of(scenario)
    if section is None or section.carbon_in_cost or not leader.searches:
        return
    if TARIFF.of(scenario).kind in ("static-carbon", "adcef"):
        allowed = f"must be true for a leader of kind {leader.kind} that trades carbon"
        yield Fault("dso.carbon_in_cost", False, allowed)


def _prices_carbon_once(scenario: GridScenario) -> Iterator[Fault]:
    """Yield a price of carbon beside the one that the operator goes by."""
    section, prices = DSO.of(scenario), PRICES.of(scenario)
    if section is None:
        return
    column, usual = section.carbon_price_column, type(prices).model_fields["carbon_price_per_tco2"].default
    if passes_ladder(scenario) and column is not None:
        yield Fault("dso.carbon_price_column", column, "must be null where the supplier prices carbon")
    if (passes_ladder(scenario) or column is not None) and prices.carbon_price_per_tco2 != usual:
        instead = (
            "prices.carbon_price_from is supplier" if column is None else "dso.carbon_price_column is given"
        )
        allowed = f"must be left at {usual:g}, without effect, where {instead}"
        yield Fault("prices.carbon_price_per_tco2", prices.carbon_price_per_tco2, allowed)


def _has_one_carbon_price(scenario: GridScenario) -> Iterator[Fault]:
    """Yield a carbon price that moves with the hour, for a leader that cannot search under one."""
    section, leader = DSO.of(scenario), LEADER.of(scenario)
    if section is None or not leader.searches:
        return
    if passes_ladder(scenario):
        allowed = f"must be market for a leader of kind {leader.kind}, which searches"
        yield Fault("prices.carbon_price_from", "supplier", allowed)
    if section.carbon_price_column is not None:
        allowed = f"must be null for a leader of kind {leader.kind}, which searches"
        yield Fault("dso.carbon_price_column", section.carbon_price_column, allowed)


def _is_commanded(scenario: GridScenario) -> Iterator[Fault]:
    """A leader whose price is tied decides on storages with it."""
    leader, section = LEADER.of(scenario), DSO.of(scenario)
    if section is not None and leader.searches and leader.price == "tied" and section.storage != "commanded":
        yield Fault("dso.storage", section.storage, "must be commanded where leader.price is tied")


def _has_its_pool(scenario: GridScenario) -> Iterator[Fault]:
    """Yield a pool that nobody goes by, one that is missing, and a leader that cannot plan with one."""
    section, pool = DSO.of(scenario), pool_of(scenario)
    pooled = section is not None and section.storage == "pooled"
    if pooled and pool is None:
        yield Fault("storage_pool", None, "must be given where dso.storage is pooled")
    if pool is not None and section is not None and not pooled:
        yield Fault("dso.storage", section.storage, "must be pooled where there is a storage_pool")
    leader = LEADER.of(scenario)
    if pooled and leader.searches:
        allowed = f"must not be pooled for a leader of kind {leader.kind}, which searches"
        yield Fault("dso.storage", "pooled", allowed)
    if pooled and TARIFF.of(scenario).kind == "adcef":
        allowed = (
            "must be another tariff where dso.storage is pooled: virtual carbon pools do not change owners"
        )
        yield Fault("tariff.kind", "adcef", allowed)
    if pooled:
        yield from owners_fit_the_pool(scenario)


def _hedges(scenario: GridScenario) -> Iterator[Fault]:
    """Yield a plan for scenarios where nothing is unknown, nothing to decide, or answers are foreseen."""
    section, leader = DSO.of(scenario), LEADER.of(scenario)
    if section is None or section.plan.attitude == "forecast":
        return
    place, attitude = "dso.plan.attitude", section.plan.attitude
    if not RENEWABLES.of(scenario):
        yield Fault(place, attitude, "must be forecast where there are no renewables")
    if section.storage == "self-scheduled" or not commanded_ratings(scenario):
        yield Fault(place, attitude, "must be forecast where the operator commands no storages")
    if leader.searches:
        yield Fault(place, attitude, f"must be forecast for a leader of kind {leader.kind}, which searches")


def _can_serve_prosumers(scenario: GridScenario) -> Iterator[Fault]:
    """Yield what an operator cannot decide on beside loads that hear no tariff."""
    if not DSO.is_given(scenario) or not PROSUMERS.is_given(scenario):
        return
    leader, tariff = LEADER.of(scenario), TARIFF.of(scenario)
    if leader.searches:
        allowed = "must not be one that searches where there are prosumers: it foresees consumers alone"
        yield Fault("leader.kind", leader.kind, allowed)
    if tariff.kind in NODAL_TARIFFS:
        allowed = "must be one with one price for all buses where there are prosumers"
        yield Fault("tariff.kind", tariff.kind, allowed)


def _buys_carbon(scenario: GridScenario) -> Iterator[Fault]:
    section = DSO.of(scenario)
    if section is not None:
        yield from price_is_none_below_zero(scenario, section.carbon_price_column)


DSO: Part[Dso | None] = Part(
    field="dso",
    annotation=Dso | None,
    default=None,
    meaning="The distribution system operator, who leads the game on a feeder; null for none.",
    build=_build,
    checks=(
        (frozenset({"dso", "profiles"}), _buys_carbon),
        (frozenset({"dso", "network"}), _has_a_feeder),
        (frozenset({"dso", "leader", "tariff"}), _counts_carbon),
        (frozenset({"dso", "prices"}), _prices_carbon_once),
        (frozenset({"dso", "leader", "prices"}), _has_one_carbon_price),
        (frozenset({"dso", "leader"}), _is_commanded),
        (frozenset({"dso", "leader", "storages", "storage_pool", "tariff"}), _has_its_pool),
        (frozenset({"dso", "leader", "renewables", "storages"}), _hedges),
        (frozenset({"dso", "leader", "tariff", "prosumers"}), _can_serve_prosumers),
    ),
    columns=lambda section: (
        () if section is None or section.carbon_price_column is None else (section.carbon_price_column,)
    ),
    names=lambda section: () if section is None else (_AGENT,),
    operates=True,
)
