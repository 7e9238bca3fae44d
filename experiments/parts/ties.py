"""The TIES, who commits and dispatches a bulk system and leads regional systems."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from gridarium.environment.clock import HOUR_S
from gridarium.environment.errors import Fault
from gridarium.experiments.parts.carbon_policy import CARBON_POLICY, collector_of, policy_of
from gridarium.experiments.parts.feeder_services import calls_in_time, services_below
from gridarium.experiments.parts.negotiation import unanswered
from gridarium.experiments.parts.network import NETWORK, place_units
from gridarium.experiments.parts.part import GridBuild, GridScenario, Part
from gridarium.experiments.parts.regions import REGIONS, region_names
from gridarium.experiments.parts.renewables import RENEWABLES, inverter
from gridarium.experiments.parts.storage_section import storage_ratings
from gridarium.experiments.parts.storages import STORAGES
from gridarium.experiments.parts.supply import REAL_TIME
from gridarium.experiments.parts.thermal_units import THERMAL_UNITS, unit_ratings
from gridarium.experiments.parts.ties_section import Ties
from gridarium.experiments.schema.fields import Section
from gridarium.experiments.schema.populations import behaviour_of

if TYPE_CHECKING:
    from gridarium.agents.transmission.bulk_system import BulkSystem
    from gridarium.agents.transmission.day_dispatch import CopperPlate
    from gridarium.agents.transmission.network_dispatch import NetworkShape
    from gridarium.agents.transmission.ties_negotiation import Pricing
    from gridarium.market.stackelberg import NegotiationRules

_AGENT = "ties"
_OF_NETWORKS = frozenset({"generator_power_factor", "loss_price_per_mwh", "inverter_oversize", "s_max_mva"})


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


def ties_is_answered(case: GridScenario) -> Iterator[Fault]:
    """Yield a latency by which no question of a TIES is answered before its gate closes, on any link."""
    section = TIES.of(case)
    if section is not None:
        yield from unanswered(case.communication, case.opens_h_before - section.rounds.closes_h_before)


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
    from gridarium.agents.transmission.network_dispatch import NetworkShape

    network = NETWORK.of(build.scenario)
    buses = place_units(build.grid.feeder, build.scenario)
    renewables = RENEWABLES.of(build.scenario)
    names = (*(u.name for u in system.units), *(s.name for s in system.storages), *renewables)
    grid = DispatchShape(
        feeder=build.grid.feeder,
        turbines=system.units,
        storages=system.storages,
        renewables=tuple(inverter(build, name, unit) for name, unit in renewables.items()),
        sites=tuple((name, buses[name]) for name in names),
        wear_cost_per_mwh=tuple(
            zip((s.name for s in system.storages), system.wear_cost_per_mwh, strict=True)
        ),
        n_period=build.horizon.n_step,
        period_h=build.horizon.step_h,
        voltage_band_pu=network.band_pu,
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
        (frozenset({"ties", "opens_h_before", "communication"}), ties_is_answered),
        (frozenset({"ties", "network", "renewables", "storages"}), _needs_no_reactive_power),
    ),
    columns=lambda section: () if section is None else (section.tou_column,),
    names=lambda section: () if section is None else (_AGENT,),
    operates=True,
)
