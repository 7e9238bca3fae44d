"""The pool of model E: prosumers, their lines, the desk, and the provider that leases the lines."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gridarium.agents.prosumers.bargaining_rules import (
    AlternatingRule,
    LeaderRule,
    NashRule,
    PostedRule,
    ZeroIntelligenceRule,
    ZipRule,
)
from gridarium.agents.prosumers.manners import BargainingRule
from gridarium.agents.prosumers.own_balance import ProsumerData
from gridarium.agents.prosumers.p2p_desk import DeskRules, P2pDesk
from gridarium.agents.prosumers.prosumer import Prosumer
from gridarium.agents.prosumers.trading import TradeRules
from gridarium.agents.system.lease_rules import CostPlus, EpsilonGreedy, FixedTerms, ProfitSearch
from gridarium.agents.system.lease_search import LeaseBounds, LeaseSearch, LeaseSearchRule
from gridarium.agents.system.storage_provider import StorageProvider, StorageRates
from gridarium.environment.arrays import Array
from gridarium.environment.grids import Grid
from gridarium.environment.private_lines import PrivateLines
from gridarium.experiments.net_zero.checks import DESK, OPERATOR, PROVIDER
from gridarium.experiments.populations import behaviour_of
from gridarium.experiments.world_parts import storage_ratings
from gridarium.market.messages.leasing import LeaseTerms
from gridarium.market.utility import LogUtility, QuadraticUtility, Utility

if TYPE_CHECKING:
    from gridarium.experiments.net_zero import pool_sections as sections
    from gridarium.experiments.net_zero.schema import NetZeroScenario

    Columns = Mapping[str, Array]


_BARGAINING_RULES: Mapping[str, Callable[[sections.Trading], BargainingRule]] = {
    "nash": lambda trading: NashRule(),
    "ep-leader": lambda trading: LeaderRule(),
    "alternating": lambda trading: AlternatingRule(
        trading.patience_ep, trading.patience_ip, trading.deadline
    ),
    "posted": lambda trading: PostedRule(trading.posted_price_per_mwh),
    "zi-c": lambda trading: ZeroIntelligenceRule(),
    "zip": lambda trading: ZipRule(),
}
_LEASE_RULES: Mapping[str, Callable[[sections.Lease], LeaseSearchRule]] = {
    "fixed": lambda lease: FixedTerms(),
    "cost-plus": lambda lease: CostPlus(lease.cost_per_km_mwh, lease.markup),
    "profit-search": lambda lease: ProfitSearch(step_share=lease.step_share, repeats=lease.repeats),
    "epsilon-greedy": lambda lease: EpsilonGreedy(lease.exploration),
}


@dataclass(frozen=True)
class PoolAgents:
    """Agents of the pool."""

    provider: StorageProvider | None
    desk: P2pDesk | None
    prosumers: tuple[Prosumer, ...]


def private_lines(scenario: NetZeroScenario, grid: Grid) -> PrivateLines:
    """The lines of a scenario with their outages; none where nobody trades."""
    section = scenario.lines
    if section is None or scenario.active_trading is None:
        return PrivateLines({})
    lengths = {
        (grid.named(one), grid.named(other)): km
        for one, row in section.distance_km.items()
        for other, km in row.items()
    }
    lines = PrivateLines(lengths, section.capacity_mw, section.loss_per_km)
    for outage in section.outages:
        one, other = map(grid.named, outage.line)
        opens_s = grid.world.delivery_s
        lines.add_outage(one, other, opens_s + outage.start_s, opens_s + outage.end_s)
    return lines


def build_pool(
    grid: Grid, scenario: NetZeroScenario, columns: Columns, lines: PrivateLines, supplier: str
) -> PoolAgents:
    """Make the agents of the pool; a desk and terms of lease only where prosumers trade."""
    trading, provider = scenario.active_trading, scenario.active_provider
    operator = grid.named(OPERATOR) if scenario.operator else None
    site = grid.head
    desk = None
    if trading is not None and trading.desk:
        desk = P2pDesk(site, DESK, lines, DeskRules(trading.partners), operator=operator)
    names = tuple(map(grid.named, scenario.prosumers))
    prosumers = []
    near = lines.nearest(names, names, trading.partners) if trading and not desk else [[]] * len(names)
    for name, neighbours in zip(scenario.prosumers, near, strict=True):
        section = scenario.prosumers[name]
        prosumer = Prosumer(
            site,
            name,
            _data(name, section, columns),
            lines,
            trade_rules(scenario),
            bargaining_rule(scenario),
            provider=grid.named(PROVIDER),
            desk=desk.name if desk else None,
            operator=operator,
            served_by=operator or supplier,
            neighbours=neighbours,
            behaviour=behaviour_of(grid.named(name), section.behaviour, grid.world.streams),
        )
        prosumers.append(prosumer)
    lessees = (*names, *([desk.name] if desk else [])) if trading else ()
    esp = _provider(grid, provider, lessees) if provider else None
    return PoolAgents(esp, desk, tuple(prosumers))


def trade_rules(scenario: NetZeroScenario) -> TradeRules:
    """Numbers that hold for all trade; those of an untouched section where there is none."""
    trading = _trading(scenario)
    return TradeRules(
        price_band_per_mwh=(trading.band_low_price_per_mwh, scenario.real_time_market.price_per_mwh),
        turns=trading.turns,
        rounds=trading.rounds,
        reputation_weight=trading.reputation_weight,
    )


def bargaining_rule(scenario: NetZeroScenario) -> BargainingRule:
    """How prosumers bargain; as in an untouched section where they do not trade."""
    trading = _trading(scenario)
    return _BARGAINING_RULES[trading.rule](trading)


def _trading(scenario: NetZeroScenario) -> sections.Trading:
    from gridarium.experiments.net_zero.pool_sections import Trading

    return scenario.active_trading or Trading()


def utility_of(section: sections.Utility) -> Utility:
    """The utility that a section describes."""
    if section.kind == "log":
        return LogUtility(section.scale_money, section.unit_mwh)
    return QuadraticUtility(section.intercept_per_mwh, section.slope_per_mwh2)


def _data(name: str, section: sections.Prosumer, columns: Columns) -> ProsumerData:
    battery = storage_ratings(f"{name} battery", section.battery) if section.battery else None
    return ProsumerData(
        pv_mw=columns[section.pv_column],
        load_mw=columns[section.load_column],
        utility=utility_of(section.utility),
        battery=battery,
        reservation_price_per_mwh=section.reservation_price_per_mwh,
        fluctuation=section.fluctuation,
    )


def _provider(grid: Grid, section: sections.Provider, lessees: tuple[str, ...]) -> StorageProvider:
    return StorageProvider(
        grid.head,
        PROVIDER,
        storage_ratings(grid.named(PROVIDER), section.storage),
        StorageRates(section.compensation_per_mwh, section.degradation_cost_per_mwh),
        grid.named(OPERATOR),
        _search(grid, section.lease) if lessees else None,
        lessees,
    )


def _search(grid: Grid, section: sections.Lease) -> LeaseSearch:
    first = terms_of(section.first)
    bounds = LeaseBounds(
        first,
        terms_of(section.lowest) if section.lowest else first,
        terms_of(section.highest) if section.highest else first,
    )
    random = grid.world.streams.stream(f"{grid.named(PROVIDER)}/lease search")
    return _LEASE_RULES[section.search](section).begin(bounds, random)


def terms_of(section: sections.LeaseTerms) -> LeaseTerms:
    """Terms as the provider sends them."""
    return LeaseTerms(section.base_fee_per_km_mwh, section.interval_km, section.growth)
