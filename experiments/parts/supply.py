"""What stands above a grid that hangs on no other: prices of energy at its head, and the carbon in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np

from gridarium.environment.arrays import Array, series
from gridarium.environment.clock import HOUR_S
from gridarium.environment.errors import Fault
from gridarium.experiments.parts.negotiation import negotiation_rules
from gridarium.experiments.parts.part import GridBuild, GridScenario, Part
from gridarium.experiments.reading.profiles import rows_within
from gridarium.experiments.schema.fields import (
    Amount,
    Money,
    Name,
    PositiveMoney,
    Range,
    Section,
    Share,
)
from gridarium.market.accounts import REAL_TIME_MARKET, UPSTREAM

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gridarium.environment.profiles import Profiles


class Prices(Section):
    """What the upstream market and the carbon market ask, and the limits of exchange."""

    tou_column: Name = "tou_price_per_mwh"
    """Profile column with the retail time-of-use price, money/MWh."""
    wholesale_share_of_tou: Annotated[float, Range(0, 2)] = 0.6
    """Purchase price of the operator as a share of the retail time-of-use price."""
    wholesale_column: Name | None = None
    """Profile column with the purchase price instead, money/MWh; null takes the share."""
    metered_factor_column: Name | None = None
    """Profile column with the carbon factor of what really comes in, tCO2/MWh; null is what is told."""
    green_share_column: Name | None = None
    """Profile column with the share of what comes in that is green, told to a distribution operator; null
    tells none."""
    carbon_price_from: Literal["market", "supplier"] = "market"
    """Who prices carbon for the operator: the carbon market; or a TIES above, by the ladder that it tells at
    the head. Then the operator trades with no carbon market, and what it asks its own customers for carbon is
    the ladder's price around what the head is planned to take."""
    carbon_price_per_tco2: Annotated[float, Range(0, 1000), Money()] = 73.65
    """Price of the carbon market, money/tCO2."""
    quota_tco2_per_mwh: Annotated[float, Range(0, 2)] = 0.5
    """Free emission quota per unit of load, tCO2/MWh."""
    import_limit_mw: Amount = 10.0
    """Most that the substation may take from upstream, MW."""
    export_limit_mw: Amount = 0.0
    """Most that the substation may feed upstream, MW."""
    export_share_of_wholesale: Share = 0.0
    """Price of exported energy as a share of the wholesale price."""


class RealTimeMarket(Section):
    """What energy costs that is bought in real time; what is left over earns nothing."""

    price_per_mwh: PositiveMoney = 300.0
    """Price of imports, and of what prosumers get from the system, money/MWh."""
    import_limit_mw: Amount = 500.0
    """Most that can be imported, MW."""
    factor_tco2_per_mwh: Annotated[float, Range(0, 2)] = 0.0
    """Carbon factor of imports, tCO2/MWh."""


def head_factor_tco2_per_mwh(scenario: GridScenario, profiles: Profiles) -> Array:
    """Carbon factor of what really comes in where nothing stands above, by step of the profiles."""
    if not PRICES.hangs_on(scenario):
        factor = REAL_TIME.of(scenario).factor_tco2_per_mwh if REAL_TIME.hangs_on(scenario) else 0.0
        return np.full(len(profiles.index), factor)
    return series(profiles.column(PRICES.of(scenario).metered_factor_column or "grid_tco2_per_mwh"))


def _build_upstream(build: GridBuild) -> None:
    """Who supplies a feeder that nothing stands above, at prices of its profiles."""
    if build.grid.above is not None:
        return
    from gridarium.agents.upstream import SupplyProfile, UpstreamMarket

    prices, profiles = PRICES.of(build.scenario), build.profiles
    wholesale = (
        profiles.column(prices.wholesale_column)
        if prices.wholesale_column
        else prices.wholesale_share_of_tou * profiles.column(prices.tou_column)
    )
    exported = prices.export_share_of_wholesale * wholesale
    factor = profiles.column("grid_tco2_per_mwh")
    green = None if prices.green_share_column is None else build.column(prices.green_share_column)
    price, paid, carbon = (build.over_days(series(values)) for values in (wholesale, exported, factor))
    supplied = SupplyProfile(price, paid, carbon, green)
    rules = negotiation_rules(build.scenario, build.grid.world)
    build.supplier = UpstreamMarket(
        build.grid.head, UPSTREAM, supplied, build.operator, rules.opens_s, rules.closes_s, build.horizon
    ).name


def _build_real_time_market(build: GridBuild) -> None:
    """Who supplies a system that nothing stands above: at one price, and nothing for exports.

    A feeder has its upstream market; its prosumers are served by its operator.
    """
    if build.grid.above is not None or PRICES.hangs_on(build.scenario):
        return
    from gridarium.agents.upstream import SupplyProfile, UpstreamMarket

    world = build.grid.world
    factor = build.over_days(head_factor_tco2_per_mwh(build.scenario, build.profiles))
    price = np.full_like(factor, REAL_TIME.of(build.scenario).price_per_mwh)
    build.supplier = UpstreamMarket(
        build.grid.head,
        REAL_TIME_MARKET,
        SupplyProfile(price, np.zeros_like(factor), factor),
        build.operator,
        world.delivery_s - build.scenario.opens_h_before * HOUR_S,
        world.delivery_s,
        build.horizon,
    ).name


def _columns(prices: Prices) -> Iterable[str]:
    own = filter(None, (prices.wholesale_column, prices.metered_factor_column, prices.green_share_column))
    return (prices.tou_column, "grid_tco2_per_mwh", *own)


def _green_is_a_share(scenario: GridScenario) -> Iterator[Fault]:
    """Yield a green share that is none in a row which is run."""
    column = PRICES.of(scenario).green_share_column
    if column is not None:
        yield from rows_within(scenario, column, 0.0, 1.0)


PRICES: Part[Prices] = Part(
    field="prices",
    annotation=Prices,
    default=Prices(),
    meaning="What the upstream market and the carbon market ask of a feeder.",
    under=("dso", "distribution_operator"),
    build=_build_upstream,
    checks=((frozenset({"prices", "profiles"}), _green_is_a_share),),
    columns=_columns,
    at_root=frozenset(
        {
            "wholesale_share_of_tou",
            "wholesale_column",
            "metered_factor_column",
            "green_share_column",
            "export_share_of_wholesale",
        }
    ),
)
REAL_TIME: Part[RealTimeMarket] = Part(
    field="real_time_market",
    annotation=RealTimeMarket,
    default=RealTimeMarket(),
    meaning="What energy costs that a system or its prosumers get in real time.",
    under=("operator", "prosumers", "ties"),
    build=_build_real_time_market,
)
