"""The TIES, who commits and dispatches a bulk system and leads regional systems."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from gridarium.environment.clock import HOUR_S
from gridarium.environment.errors import Fault
from gridarium.experiments.behaviour_schema import Behaviour, misplaced
from gridarium.experiments.parts.carbon_policy import CARBON_POLICY, collector_of, policy_of
from gridarium.experiments.parts.feeder_services import calls_in_time, services_below
from gridarium.experiments.parts.network import NETWORK, place_units
from gridarium.experiments.parts.part import GridBuild, GridScenario, Part
from gridarium.experiments.parts.regions import REGIONS, region_names
from gridarium.experiments.parts.renewables import RENEWABLES, inverter_mva
from gridarium.experiments.parts.storage_section import storage_ratings
from gridarium.experiments.parts.storages import STORAGES
from gridarium.experiments.parts.supply import REAL_TIME
from gridarium.experiments.parts.thermal_units import THERMAL_UNITS, unit_ratings
from gridarium.experiments.populations import behaviour_of
from gridarium.experiments.scenario_fields import (
    Amount,
    Conflict,
    Flag,
    Money,
    MoneyAmount,
    Name,
    PositiveAmount,
    PositiveShare,
    Range,
    Section,
    Share,
)
from gridarium.market.active_set import ActiveRule
from gridarium.market.admm_rounds import PenaltyShares
from gridarium.market.admm_variants import VariantName
from gridarium.market.stackelberg import PATIENCE

if TYPE_CHECKING:
    from gridarium.agents.transmission.bulk_system import BulkSystem
    from gridarium.agents.transmission.day_dispatch import CopperPlate
    from gridarium.agents.transmission.network_dispatch import NetworkShape
    from gridarium.agents.transmission.ties_negotiation import Pricing
    from gridarium.market.stackelberg import NegotiationRules

_AGENT = "ties"
_OF_NETWORKS = frozenset({"generator_power_factor", "loss_price_per_mwh", "inverter_oversize", "s_max_mva"})
_DAMPING = 0.5


class OwnCarbon(Section):
    """What the TIES pays for its own emission of a day: steps above a quota, rewards below it (D4, D10)."""

    quota_tco2: Amount = 1200.0
    """Free emission of a day, tCO2."""
    base_price_per_tco2: Annotated[float, Range(0, 10_000), Money()] = 30.0
    """Of the first step on either side of the quota, money/tCO2."""
    interval_tco2: PositiveAmount = 200.0
    """Length of a step, tCO2."""
    growth: Annotated[float, Range(0, 100)] = 0.25
    """Change of the price from step to step, share of the first."""
    steps: Annotated[int, Range(1, 100)] = 5
    """Prices above the quota."""
    reward_steps: Annotated[int, Range(0, 100)] = 2
    """Intervals below the quota that are rewarded."""
    purchase_limit_tco2: Amount = 3000.0
    """Most that can be bought beyond the quota of a day, tCO2."""


class Exchange(Section):
    """How exchange rounds, which are ADMM with the TIES as coordinator, get from one to the next."""

    variant: VariantName = "anderson"
    """The plain iteration; beyond it; penalties balanced by the paper's rule, or by relative residuals;
    Nesterov's acceleration with restart; Anderson's after three balanced rounds, with a safeguard; or longer
    steps in hours whose step stays the same and shorter ones where it turns, for feeders and units that are
    often at limits."""
    penalty: PositiveAmount = 6.0
    """Weight at first of a MW off the target of all followers, as a multiple of the price over the load."""
    shares: PenaltyShares = "flexibility"
    """How that weight is parted: by flexibility, or by load where a follower tells none; or equally among all
    single grids below."""
    damping: PositiveShare = 1.0
    """Share of the way to the carbon factors and green shares of the last dispatch that a round takes; less
    where feeders that look for clean hours make others clean."""
    relaxation: Annotated[float, Range(1, 2, below_high=True)] = 1.6
    """Share of the plain step that is taken, by over-relaxed and anderson."""
    memory: Annotated[int, Range(1, 20)] = 6
    """Rounds before the last one that anderson mixes."""
    active: ActiveRule = "all"
    """Whom a round asks: all, a random part, those likely to move most, or a part after the other."""
    active_share: PositiveShare = 0.5
    """Share of the followers that a round asks, unless it asks all."""
    round_s: Annotated[float, Range(0, 3600, above_low=True)] | None = None
    """How long a round waits for answers once one has come, s; late ones count when they come. Null waits for
    all."""

    commitments: Annotated[int, Range(1, 20)] = 1
    """Most commitments that are tried, each until its loads are at rest; the best one is kept. 1 holds the
    first one, which is then reviewed; more need followers that tell what their plans cost, as regions do."""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield what a variant does not have, and one that needs the answers of all where some are enough."""
        for name, variants in (("relaxation", ("over-relaxed", "anderson")), ("memory", ("anderson",))):
            usual, given = type(self).model_fields[name].default, getattr(self, name)
            if given != usual and self.variant not in variants:
                yield Conflict(
                    name, given, f"must be left at {usual:g} unless variant is {' or '.join(variants)}"
                )
        in_step = self.active == "all" and self.round_s is None
        if not in_step and self.variant not in ("plain", "over-relaxed"):
            allowed = "must be plain or over-relaxed unless each round asks all and waits for them"
            yield Conflict("variant", self.variant, allowed)


class Rounds(Section):
    """How a TIES negotiates, and when it stops."""

    kind: Literal["prices", "exchange"] = "prices"
    """Followers take prices, as in the paper; or exchange rounds, which post targets beside one price, for
    grids below whose answers jump with the price."""
    exchange: Exchange = Exchange()
    """Of exchange rounds."""
    closes_h_before: Annotated[float, Range(0.1, 168)] = 1.0
    """Gate closure before the delivery day, h; it opens with the world's own `opens_h_before`."""
    tolerance: Annotated[float, Range(0, 0.1, above_low=True)] = 1e-4
    """Largest relative change of a load, and distance of a price, that counts as rest."""
    damping: PositiveShare = _DAMPING
    """Share of the way to the prices called for that a round takes; cut to two fifths of it where rounds
    bring no progress. Exchange rounds go the whole way."""
    patience: Annotated[int, Range(1, 10_000)] = PATIENCE
    """Rounds of prices without progress after which steps are shortened, and the negotiation ends."""
    round_limit: Annotated[int, Range(1, 10_000)] = 60
    """Most rounds of a negotiation."""
    reply_timeout_s: Annotated[float, Range(0, 86400, above_low=True)] = 5.0
    """How long answers are awaited in a round, s."""
    resend_after_s: Annotated[float, Range(0, 86400, above_low=True)] = 1.0
    """After which silence a signal is sent again, s."""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield what only the other kind of rounds has."""
        if self.kind == "exchange" and self.damping != _DAMPING:
            allowed = f"must be left at {_DAMPING:g} in exchange rounds, which go the whole way"
            yield Conflict("damping", self.damping, allowed)
        if self.kind == "exchange" and self.patience != PATIENCE:
            allowed = f"must be left at {PATIENCE} in exchange rounds, which go on to their limit"
            yield Conflict("patience", self.patience, allowed)
        if self.kind == "prices" and self.exchange != Exchange():
            allowed = "must be left out in rounds of prices alone"
            yield Conflict("exchange", self.exchange.model_dump(exclude_defaults=True), allowed)


class Ties(Section):
    """The transmission-level operator: commits, dispatches, prices carbon, leads."""

    energy_price: Literal["tou", "marginal", "marginal-with-carbon"] = "tou"
    """What energy is sold at: the tariff of the profiles, or what a further MWh costs, the TIES's own carbon
    apart or with it."""
    tou_column: Name = "tou_price_per_mwh"
    """Profile column with the tariff, money/MWh."""
    own_carbon: OwnCarbon = OwnCarbon()
    """The carbon rule of the TIES itself; the same whatever its followers pay."""
    reserve_load_share: Share = 0.05
    """Spinning reserve as a share of the load."""
    reserve_renewable_share: Share = 0.1
    """Spinning reserve as a share of the renewable power available."""
    generator_power_factor: Annotated[float, Range(0.1, 1)] = 0.8
    """Least power factor of generators at full output: how much reactive power they can give."""
    loss_price_per_mwh: MoneyAmount = 0.01
    """Small price on losses that keeps the relaxed power flow physical, money/MWh."""
    uneven_capture_per_t2: MoneyAmount = 0.0005
    """Weight of the squares of what is captured and driven out in an hour, halved, money h/tCO2**2: where
    schedules cost the same, the even one is taken, so that the factor of an hour does not jump from round to
    round. No money, so keep it small: at 0.05 a plant that captures 60 t/h stops where a further tonne still
    saves 3. On a single bus only: over a network it has no effect."""
    commitment_heuristics: Flag = True
    """Whether the solver looks for good commitments by smaller searches before its own: worth it with many
    units; with few, the search itself ends as near to the best in a third of the time."""
    rounds: Rounds = Rounds()
    """When it negotiates."""
    trigger_mw: Amount = 5.0
    """Distance of renewable power, of load, or of what prosumers that it calls would trade from the plan
    beyond which the rest of a day is planned and priced anew, MW."""
    lead_s: Annotated[float, Range(60, 600)] = 120.0
    """How long before each settlement period it looks at it, s."""
    calls_services: Flag = True
    """Whether it calls the storage provider and the trading prosumers on a feeder below, through the operator
    of that feeder, where its day is planned anew."""
    pool_fee_per_mwh: MoneyAmount = 10.0
    """What it pays on energy that prosumers on a feeder below trade when called, money/MWh."""
    notice_h: Annotated[float, Range(0, 24)] = 1.0
    """How long in advance followers learn of a renewed price, h."""
    game_gaps: bool = False
    """Whether the first day is held against the optimum of all, a better leader and Nash after the run; takes
    seconds, and needs rounds of prices and regions alone."""
    central_bound: bool = False
    """Whether the outcome of the world is held against the least that one plan for everybody could cost, once
    the run is over."""
    behaviour: list[Behaviour] = Field(default_factory=list)
    """Elements of bounded rationality of the leader, in the order they act; empty is the exact one."""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield behaviours that are made for followers, and a tariff where a dual is the price."""
        yield from misplaced(self.behaviour, "leader")
        if self.rounds.kind == "exchange" and self.energy_price == "tou":
            allowed = "must be marginal or marginal-with-carbon in exchange rounds"
            yield Conflict("energy_price", self.energy_price, allowed)
        if self.rounds.kind == "prices" and self.energy_price == "marginal-with-carbon":
            allowed = "must be tou or marginal in rounds of prices alone"
            yield Conflict("energy_price", self.energy_price, allowed)


def _build(build: GridBuild) -> None:
    section, grid = TIES.of(build.scenario), build.grid
    if section is None:
        return
    from gridarium.agents.transmission.emission_cap import EmissionCap
    from gridarium.agents.transmission.exchange_negotiation import ExchangeRules
    from gridarium.agents.transmission.real_time import RenewalRules
    from gridarium.agents.transmission.ties import Ties as Agent
    from gridarium.agents.transmission.ties import TiesContract

    build.hear_grids_below()
    cap = CARBON_POLICY.of(build.scenario).emission_cap_tco2_per_day
    Agent(
        grid.head,
        _AGENT,
        grid_shape(build, section),
        _pricing(build, section),
        _rules(build, section),
        TiesContract(
            build.supplier,
            build.followers,
            build.below,
            services_below(build) if section.calls_services else {},
            section.pool_fee_per_mwh,
        ),
        RenewalRules(section.trigger_mw, section.lead_s, section.notice_h),
        ExchangeRules(**section.rounds.exchange.model_dump()) if section.rounds.kind == "exchange" else None,
        None if cap is None else EmissionCap(cap),
        behaviour_of(build.leader, section.behaviour, grid.world.streams),
        build.horizon,
        section.commitment_heuristics,
    )


def _rules(build: GridBuild, section: Ties) -> NegotiationRules:
    from gridarium.market.stackelberg import NegotiationRules

    rounds, begins_s = section.rounds, build.grid.world.delivery_s
    return NegotiationRules(
        opens_s=begins_s - build.scenario.opens_h_before * HOUR_S,
        closes_s=begins_s - rounds.closes_h_before * HOUR_S,
        tolerance=rounds.tolerance,
        damping=rounds.damping,
        memory=0,
        round_limit=rounds.round_limit,
        reply_timeout_s=rounds.reply_timeout_s,
        resend_after_s=rounds.resend_after_s,
        patience=rounds.patience,
    )


def _pricing(build: GridBuild, section: Ties) -> Pricing:
    from gridarium.agents.transmission.ties_negotiation import Pricing
    from gridarium.agents.transmission.ties_planner import AbatementRule

    policy = CARBON_POLICY.of(build.scenario)
    return Pricing(
        policy_of(policy),
        section.energy_price,
        build.column(section.tou_column),
        AbatementRule(policy.shapley, policy.shapley_evaluations),
        collector_of(build),
    )


def bulk_system(build: GridBuild, section: Ties) -> BulkSystem:
    """Units, storages and rules of a TIES, named as within its grid."""
    from gridarium.agents.transmission.bulk_system import BulkSystem
    from gridarium.market.quota_ladder import QuotaLadder

    scenario = build.scenario
    storages = STORAGES.of(scenario)
    return BulkSystem(
        units=tuple(
            replace(unit_ratings(name, unit), s_max_mva=unit.p_max_mw / section.generator_power_factor)
            for name, unit in THERMAL_UNITS.of(scenario).items()
        ),
        storages=tuple(storage_ratings(name, unit) for name, unit in storages.items()),
        wear_cost_per_mwh=tuple(unit.wear_cost_per_mwh for unit in storages.values()),
        renewables=tuple(RENEWABLES.of(scenario)),
        carbon=QuotaLadder(**section.own_carbon.model_dump()),
        reserve_load_share=section.reserve_load_share,
        reserve_renewable_share=section.reserve_renewable_share,
        import_limit_mw=REAL_TIME.of(scenario).import_limit_mw,
        uneven_capture_per_t2=section.uneven_capture_per_t2,
    )


def grid_shape(build: GridBuild, section: Ties) -> NetworkShape | CopperPlate:
    """What fixes the structure of the dispatch of a TIES."""
    from gridarium.agents.transmission.day_dispatch import CopperPlate

    system = bulk_system(build, section)
    is_plate = NETWORK.of(build.scenario).is_copper_plate
    return CopperPlate(system) if is_plate else _network_shape(build, section, system)


def _network_shape(build: GridBuild, section: Ties, system: BulkSystem) -> NetworkShape:
    from gridarium.agents.feeder.dispatch_problem import DispatchShape
    from gridarium.agents.feeder.dispatch_problem import Renewable as Inverter
    from gridarium.agents.transmission.network_dispatch import NetworkShape

    network = NETWORK.of(build.scenario)
    buses = place_units(build.grid.feeder, build.scenario)
    renewables = RENEWABLES.of(build.scenario)
    names = (*(u.name for u in system.units), *(s.name for s in system.storages), *renewables)
    grid = DispatchShape(
        feeder=build.grid.feeder,
        turbines=system.units,
        storages=system.storages,
        renewables=tuple(Inverter(name, inverter_mva(build, unit)) for name, unit in renewables.items()),
        sites=tuple((name, buses[name]) for name in names),
        wear_cost_per_mwh=tuple(
            zip((s.name for s in system.storages), system.wear_cost_per_mwh, strict=True)
        ),
        n_period=build.horizon.n_step,
        period_h=build.horizon.step_h,
        voltage_band_pu=(network.voltage_min_pu, network.voltage_max_pu),
        loading_max=network.loading_max if network.loading_max is not None else float("inf"),
        import_limit_mw=system.import_limit_mw,
        export_limit_mw=system.import_limit_mw,
        loss_price_per_mwh=section.loss_price_per_mwh,
    )
    return NetworkShape(grid, system)


def _needs_no_reactive_power(scenario: GridScenario) -> Iterator[Fault]:
    """Yield what only a network asks for: losses, and reactive power of those who stand on it."""
    section = TIES.of(scenario)
    if section is None or not NETWORK.of(scenario).is_copper_plate:
        return
    units: dict[str, Section] = {"ties": section}
    units |= {f"renewables.{name}": unit for name, unit in RENEWABLES.of(scenario).items()}
    units |= {f"storages.{name}": unit for name, unit in STORAGES.of(scenario).items()}
    for place, unit in units.items():
        for name in sorted(_OF_NETWORKS & type(unit).model_fields.keys()):
            value = getattr(unit, name)
            if value != type(unit).model_fields[name].default:
                allowed = "must be left out on a copper plate, which has no losses and no voltages to keep"
                yield Fault(f"{place}.{name}", value, allowed)


def _schedules_storages(scenario: GridScenario) -> Iterator[Fault]:
    """Yield storages that say what only an owner with a schedule of its own goes by."""
    if TIES.of(scenario) is None:
        return
    for name, unit in STORAGES.of(scenario).items():
        if unit.equal_schedules != "spread":
            allowed = "must be spread under a TIES, which schedules all storages itself"
            yield Fault(f"storages.{name}.equal_schedules", unit.equal_schedules, allowed)


def can_try(scenario: GridScenario, n_below: int) -> Iterator[Fault]:
    """Yield several commitments to try where grids below follow, which do not tell what their plans cost."""
    section = TIES.of(scenario)
    if section is not None and section.rounds.exchange.commitments > 1 and n_below:
        allowed = f"must be 1 with {n_below} grids below, which do not tell what their plans cost"
        yield Fault("ties.rounds.exchange.commitments", section.rounds.exchange.commitments, allowed)


def can_call(scenario: GridScenario, below: Mapping[str, GridScenario]) -> Iterator[Fault]:
    """Yield a lead by which the desks on the grids below, by name, would be called too early or too late."""
    section = TIES.of(scenario)
    if section is not None and section.calls_services:
        yield from calls_in_time("ties.lead_s", section.lead_s, below)


def can_be_shared(scenario: GridScenario, n_below: int = 0) -> Iterator[Fault]:
    """Yield more followers of a TIES than Shapley values can be had of.

    Parameters
    ----------
    scenario : GridScenario
    n_below : int
        Grids that hang on its own and follow beside its regions; only the whole tree of grids tells.
    """
    from gridarium.market.coalition import MOST_PLAYERS

    policy = CARBON_POLICY.of(scenario)
    n_follower = len(region_names(REGIONS.of(scenario))) + n_below
    if TIES.of(scenario) is None or policy.scheme != "full":
        return
    if policy.shapley == "exact" and n_follower > MOST_PLAYERS:
        allowed = f"must be sampled for {n_follower} followers: exact values are for at most {MOST_PLAYERS}"
        yield Fault("carbon_policy.shapley", policy.shapley, allowed)
    # Fifty pairs of orders, each of which asks for all followers but one, and the two ends.
    least = 2 + 100 * (n_follower - 1)
    if policy.shapley == "sampled" and policy.shapley_evaluations < least:
        allowed = f"must be at least {least} for {n_follower} followers"
        yield Fault("carbon_policy.shapley_evaluations", policy.shapley_evaluations, allowed)


TIES: Part[Ties | None] = Part(
    field="ties",
    annotation=Ties | None,
    default=None,
    meaning="The TIES, which runs a bulk system over a network and leads regional systems; null for none.",
    build=_build,
    checks=(
        (frozenset({"ties", "storages"}), _schedules_storages),
        (frozenset({"ties", "regions", "carbon_policy"}), can_be_shared),
        (frozenset({"ties", "network", "renewables", "storages"}), _needs_no_reactive_power),
    ),
    columns=lambda section: () if section is None else (section.tou_column,),
    names=lambda section: () if section is None else (_AGENT,),
    operates=True,
)
