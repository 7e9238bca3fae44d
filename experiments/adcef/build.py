"""From a checked scenario to a world full of agents."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import pandas as pd

from gridarium.agents.feeder.consumer import Consumer
from gridarium.agents.feeder.consumer_day import Demand
from gridarium.agents.feeder.contract import DsoContract
from gridarium.agents.feeder.dispatch_problem import DispatchShape, GasTurbine
from gridarium.agents.feeder.dispatch_problem import Renewable as Inverter
from gridarium.agents.feeder.dso import Dso
from gridarium.agents.feeder.plant import RenewablePlant
from gridarium.agents.feeder.price_setting import PriceSetter
from gridarium.agents.feeder.storage_owner import StorageOwner
from gridarium.agents.leader.anticipation import Anticipation
from gridarium.agents.leader.follower_model import FollowerModel
from gridarium.agents.leader.full_information import SearchEffort
from gridarium.agents.leader.leading import Anticipating, FullyInformed
from gridarium.agents.upstream import CarbonMarket, SupplyProfile, UpstreamMarket
from gridarium.environment.arrays import Array, series
from gridarium.environment.clock import HOUR_S, Clock
from gridarium.environment.errors import Fault, NetworkError
from gridarium.environment.grids import Grid, Place, Site
from gridarium.environment.horizon import Horizon
from gridarium.environment.network import Feeder
from gridarium.environment.network_reader import read_feeder
from gridarium.environment.profiles import Profiles, read_profiles
from gridarium.environment.world import World
from gridarium.experiments.populations import behaviour_of, behaviours_of_class
from gridarium.experiments.registry import load
from gridarium.experiments.scenario_files import profile_path
from gridarium.experiments.world_parts import cut_off, link_quality, storage_ratings
from gridarium.market.accounts import CARBON_MARKET, UPSTREAM
from gridarium.market.adcef import AdcefTariff
from gridarium.market.messages.tariffs import CarbonTerms
from gridarium.market.price_limits import LimitRules
from gridarium.market.stackelberg import NegotiationRules
from gridarium.market.tariffs import StaticCarbonTariff, Tariff, TouTariff

if TYPE_CHECKING:
    from gridarium.experiments.adcef.schema import AdcefScenario, ConsumerClass, Network, Renewable

OPERATOR = "dso"


@dataclass(frozen=True)
class Built:
    """Agents of a feeder by role, in a world that is ready to step."""

    scenario: AdcefScenario
    world: World
    grid: Grid
    dso: Dso
    consumers: tuple[Consumer, ...]
    storages: tuple[StorageOwner, ...]
    plants: tuple[RenewablePlant, ...]
    market: UpstreamMarket | None
    carbon_market: CarbonMarket
    load_mw: Array

    @property
    def sections(self) -> Mapping[str, AdcefScenario]:
        """The scenario of the grid, by its name."""
        return {self.grid.name: self.scenario}


@dataclass(frozen=True)
class FeederPlace:
    """Where and when a feeder stands in a world.

    Parameters
    ----------
    grid : Grid
        In its world already.
    horizon : Horizon
        Days and steps of its plans.
    supplier : str
        Who supplies its head.
    below : mapping of str to Grid
        Operators of the grids that hang on it.
    """

    grid: Grid
    horizon: Horizon
    supplier: str
    below: Mapping[str, Grid] = field(default_factory=dict)


def build(scenario: AdcefScenario) -> Built:
    """Make the world of one case.

    Raises
    ------
    InputError
        If the network, the profiles or a name turn out unusable; carries all faults found.
    """
    profiles = read_profiles(profile_path(scenario.profiles))
    grid = Grid(build_feeder(scenario.network), metered_factor(scenario, profiles))
    world = _world(scenario, grid, len(profiles.index))
    horizon = Horizon.of(world)
    market = upstream_market(scenario, profiles, grid, horizon)
    built = build_agents(scenario, profiles, FeederPlace(grid, horizon, market.name))
    cut_off(world, scenario)
    return replace(built, market=market)


def build_agents(scenario: AdcefScenario, profiles: Profiles, place: FeederPlace) -> Built:
    """Make the agents of a feeder on its grid, without whoever supplies it."""
    grid, horizon = place.grid, place.horizon
    scale = {True: scenario.power_scale, False: 1.0}
    columns = {
        name: _over(horizon, scale[name.endswith("_mw")] * profiles.column(name))
        for name in scenario.profile_columns
    }
    sites, operator = place_units(grid.feeder, scenario), grid.named(OPERATOR)
    terms = CarbonTerms(scenario.prices.carbon_price_per_tco2, scenario.prices.quota_tco2_per_mwh)
    carbon_market = CarbonMarket(grid.head, CARBON_MARKET, terms)
    plants = tuple(
        RenewablePlant(Site(grid, sites[name]), name, columns[unit.column], horizon)
        for name, unit in scenario.renewables.items()
    )
    storages = tuple(
        StorageOwner(Site(grid, sites[name]), name, storage_ratings(name, unit), operator, horizon)
        for name, unit in scenario.storages.items()
    )
    consumers = tuple(_consumers(scenario, place, columns["load_mw"]))
    dso = _dso(
        scenario, place, _shape(scenario, place, sites, columns), columns, consumers, carbon_market.name
    )
    return Built(
        scenario, grid.world, grid, dso, consumers, storages, plants, None, carbon_market, columns["load_mw"]
    )


def metered_factor(scenario: AdcefScenario, profiles: Profiles) -> Array:
    """Carbon factor of what really comes in where nothing stands above, by step of the profiles."""
    return series(profiles.column(scenario.prices.metered_factor_column or "grid_tco2_per_mwh"))


def upstream_market(
    scenario: AdcefScenario, profiles: Profiles, grid: Grid, horizon: Horizon
) -> UpstreamMarket:
    """Who supplies a feeder that nothing stands above."""
    supplied, rules = supply_profile(scenario, profiles), _rules(scenario, grid.world)
    over = {name: _over(horizon, values) for name, values in asdict(supplied).items()}
    operator = grid.named(OPERATOR)
    return UpstreamMarket(
        grid.head, UPSTREAM, SupplyProfile(**over), operator, rules.opens_s, rules.closes_s, horizon
    )


def supply_profile(scenario: AdcefScenario, profiles: Profiles) -> SupplyProfile:
    """What the supplier of a feeder asks where nothing stands above it."""
    prices = scenario.prices
    wholesale = (
        profiles.column(prices.wholesale_column)
        if prices.wholesale_column
        else prices.wholesale_share_of_tou * profiles.column("tou_price_per_mwh")
    )
    return SupplyProfile(
        series(wholesale),
        series(prices.export_share_of_wholesale * wholesale),
        series(profiles.column("grid_tco2_per_mwh")),
    )


def _over(horizon: Horizon, values: Array) -> Array:
    """A column over all days: cut off, or repeated."""
    return series(np.resize(values, horizon.n_day * horizon.n_step))


def build_feeder(network: Network) -> Feeder:
    """The feeder of a scenario, rescaled as asked; read once a process.

    Raises
    ------
    NetworkError
        If it is no radial feeder, its own substation voltage lies outside the band, or it has no load.
    """
    path = Path(network.source)
    stamp = path.stat().st_mtime_ns if path.is_file() else 0
    feeder = _scaled_feeder(
        network.source, stamp, network.peak_load_mw, network.impedance_factor, network.slack_voltage_pu
    )
    total_mw = float(feeder.p_load_mw.sum())
    if not total_mw > 0.0:
        allowed = "the loads must sum to more than 0 MW: consumers are spread over the buses like them"
        raise NetworkError(network.source, [Fault("p_load_mw", total_mw, allowed)])
    low, high = network.voltage_min_pu, network.voltage_max_pu
    if not low <= feeder.slack_vm_pu <= high:
        allowed = f"must be in the voltage band [{low:g}, {high:g}] p.u.; set network.slack_voltage_pu"
        raise NetworkError(network.source, [Fault("ext_grid.vm_pu", feeder.slack_vm_pu, allowed)])
    return feeder


@lru_cache(maxsize=16)
def _scaled_feeder(
    source: str, _stamp: int, peak_load_mw: float | None, impedance_factor: float, slack: float | None
) -> Feeder:
    feeder = read_feeder(source)
    if peak_load_mw is not None:
        feeder = feeder.scaled_to(peak_load_mw)
    if impedance_factor != 1.0:
        feeder = feeder.scaled(1.0, impedance_factor)
    return feeder if slack is None else replace(feeder, slack_vm_pu=slack)


def place_units(feeder: Feeder, scenario: AdcefScenario) -> dict[str, int]:
    """Bus index of every unit; units without a site are spread over the load buses.

    The load buses are ordered by their electrical distance from the substation; renewables come
    first, then storages, then turbines, so that turbines support the far end. They follow each other
    at equal steps of the load on the way, so that none stands where there is hardly any.

    Raises
    ------
    NetworkError
        If a site names a bus that the feeder does not have.
    """
    sites = {name: feeder.index(label) for name, label in scenario.network.sites.items()}
    distance = np.zeros(feeder.n_bus)
    for branch, parent in enumerate(feeder.parent):
        distance[branch + 1] = distance[parent] + np.hypot(feeder.r_pu[branch], feeder.x_pu[branch])
    hosts = [int(bus) for bus in np.argsort(distance, kind="stable") if feeder.p_load_mw[bus] > 0]
    passed_mw = np.cumsum(feeder.p_load_mw[hosts])
    everything = (*scenario.renewables, *scenario.storages, *scenario.gas_turbines)
    free = [name for name in everything if name not in sites]
    steps = np.arange(1, len(free) + 1) / (len(free) + 1)
    for name, place in zip(free, np.searchsorted(passed_mw, steps * passed_mw[-1]), strict=True):
        sites[name] = hosts[place]
    return sites


def inverter_mva(columns: Mapping[str, Array], unit: Renewable) -> float:
    """Rating of the inverter of a plant, MVA."""
    return float(unit.inverter_oversize * columns[unit.column].max())


def _world(scenario: AdcefScenario, grid: Grid, n_period: int) -> World:
    opens_h = scenario.negotiation.opens_h_before
    start = pd.Timestamp(scenario.start) - pd.Timedelta(hours=opens_h)
    return World(
        grid,
        Clock(start, scenario.period_h * HOUR_S),
        n_period,
        opens_h * HOUR_S,
        scenario.seed,
        link_quality(scenario.communication),
    )


def _consumers(scenario: AdcefScenario, place: FeederPlace, load_mw: Array) -> list[Consumer]:
    """Agents of all classes; each has an equal part of its class, spread over the feeder like all load."""
    made = []
    grid, site = place.grid, place.grid.spread()
    for kind, demand in demands_of(scenario, load_mw).items():
        group = scenario.consumers[kind]
        agent = cast("type[Consumer]", load("agents", group.agent))
        names = [kind] if group.count == 1 else [f"{kind}-{number + 1}" for number in range(group.count)]
        known = [grid.named(name) for name in names]
        behaviours = behaviours_of_class(group, grid.named(kind), known, grid.world.streams)
        made += [
            agent(site, name, kind, demand, grid.named(OPERATOR), behaviour, place.horizon)
            for name, behaviour in zip(names, behaviours, strict=True)
        ]
    return made


def demands_of(scenario: AdcefScenario, load_mw: Array) -> dict[str, Demand]:
    """Private data of one consumer of each class that has a part of the load, shape (n_period,)."""
    return {
        kind: _demand(kind, group, load_mw, group.share / group.count)
        for kind, group in scenario.consumers.items()
        if group.share > 0.0
    }


def true_followers(
    scenario: AdcefScenario, load_mw: Array, reference_price_per_mwh: Array
) -> tuple[FollowerModel, ...]:
    """Everyone's private data as a leader would love to have it; for benchmarks only."""
    return tuple(
        FollowerModel.of(
            demand.base_mw,
            reference_price_per_mwh,
            demand.beta_per_mwh_per_mw,
            demand.flexible_share,
        )
        for kind, demand in demands_of(scenario, load_mw).items()
        for _ in range(scenario.consumers[kind].count)
    )


def _demand(kind: str, group: ConsumerClass, load_mw: Array, part: float) -> Demand:
    limit = group.shiftable_mwh
    return Demand(
        base_mw=load_mw * part,
        # beta belongs to the whole load; a part of it answers in proportion.
        beta_per_mwh_per_mw=group.beta_per_mwh_per_mw / part,
        flexible_share=group.flexible_share,
        shiftable_mwh=None if limit is None else limit / group.count,
        battery=storage_ratings(f"{kind} battery", group.battery, 1 / group.count) if group.battery else None,
    )


def _shape(
    scenario: AdcefScenario, place: FeederPlace, sites: Mapping[str, int], columns: Mapping[str, Array]
) -> DispatchShape:
    network, prices = scenario.network, scenario.prices
    return DispatchShape(
        feeder=place.grid.feeder,
        turbines=tuple(
            GasTurbine(name=name, **unit.model_dump()) for name, unit in scenario.gas_turbines.items()
        ),
        storages=tuple(storage_ratings(name, unit) for name, unit in scenario.storages.items()),
        renewables=tuple(
            Inverter(name, inverter_mva(columns, unit)) for name, unit in scenario.renewables.items()
        ),
        sites=tuple((name, sites[name]) for name in scenario.unit_names),
        wear_cost_per_mwh=tuple((name, unit.wear_cost_per_mwh) for name, unit in scenario.storages.items()),
        n_period=place.horizon.n_step,
        period_h=place.horizon.step_h,
        voltage_band_pu=(network.voltage_min_pu, network.voltage_max_pu),
        loading_max=network.loading_max if network.loading_max is not None else float("inf"),
        import_limit_mw=prices.import_limit_mw,
        export_limit_mw=prices.export_limit_mw,
        loss_price_per_mwh=scenario.dso.loss_price_per_mwh,
    )


def _dso(
    scenario: AdcefScenario,
    place: FeederPlace,
    shape: DispatchShape,
    columns: Mapping[str, Array],
    consumers: Sequence[Consumer],
    carbon_market: str,
) -> Dso:
    grid = place.grid
    places: dict[str, Place] = {one.name: one.place for one in consumers}
    places |= {name: hung.above for name, hung in place.below.items() if hung.above is not None}
    contract = DsoContract(
        columns["tou_price_per_mwh"], place.supplier, carbon_market, places, dict(place.below)
    )
    return Dso(
        grid.head,
        OPERATOR,
        shape,
        build_tariff(scenario),
        _rules(scenario, grid.world),
        contract,
        scenario.dso.carbon_in_cost,
        behaviour_of(grid.named(OPERATOR), scenario.dso.behaviour, grid.world.streams),
        _make_setter(scenario, place, places, columns["load_mw"]),
        place.horizon,
    )


def _rules(scenario: AdcefScenario, world: World) -> NegotiationRules:
    timing = scenario.negotiation
    return NegotiationRules(
        opens_s=world.delivery_s - timing.opens_h_before * HOUR_S,
        closes_s=world.delivery_s - timing.closes_h_before * HOUR_S,
        tolerance=timing.price_tolerance_per_mwh,
        damping=timing.damping,
        round_limit=timing.round_limit,
        reply_timeout_s=timing.reply_timeout_s,
        resend_after_s=timing.resend_after_s,
    )


def _make_setter(
    scenario: AdcefScenario, place: FeederPlace, places: Mapping[str, Place], load_mw: Array
) -> Callable[[int], PriceSetter] | None:
    """How the leader searches for its price, by day; None for the damped best response."""
    leader = scenario.leader
    if leader.kind == "best-response":
        return None
    # Nodes and not seconds end a search: the same seed gives the same bytes on every machine.
    effort = SearchEffort(relative_gap=5e-4, round_limit=1, node_limit=leader.search_nodes)
    options = Anticipation(leader.round_limit, leader.limit_probes, effort)
    limits, trades = limit_rules(scenario), trades_carbon(scenario)
    if leader.kind == "anticipating":
        return lambda day: Anticipating(places, limits, trades, options)

    def informed(day: int) -> PriceSetter:
        today_mw = place.horizon.of_day(load_mw, day)
        return FullyInformed(
            places, limits, trades, lambda reference: true_followers(scenario, today_mw, reference), options
        )

    return informed


def limit_rules(scenario: AdcefScenario) -> LimitRules:
    """What a leader that searches for its price may post."""
    return LimitRules(**scenario.tariff.limits.model_dump())


def trades_carbon(scenario: AdcefScenario) -> bool:
    """Whether the leader counts with the carbon market."""
    return build_tariff(scenario).trades_carbon and scenario.dso.carbon_in_cost


def build_tariff(scenario: AdcefScenario) -> Tariff:
    """The tariff that a scenario names."""
    tariff = scenario.tariff
    if tariff.kind == "tou":
        return TouTariff()
    if tariff.kind == "static-carbon":
        return StaticCarbonTariff(tariff.adjustment)
    return AdcefTariff(tariff.adjustment, tariff.pool, tariff.surplus, tariff.balance_budget)
