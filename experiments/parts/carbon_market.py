"""Carbon markets: that of a feeder, which buys what stays below a quota, and the allowances of a system."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from gridarium.environment.errors import Fault
from gridarium.experiments.parts.part import GridBuild, GridScenario, Part
from gridarium.experiments.parts.supply import PRICES
from gridarium.experiments.reading.profiles import rows_within
from gridarium.experiments.schema.fields import Money, Range, Section
from gridarium.market.accounts import CARBON_MARKET as ACCOUNT


class CarbonMarket(Section):
    """Allowances for generation, and their price."""

    price_per_tco2: Annotated[float, Range(0, 1000), Money()] = 12.0
    """Price of allowances, money/tCO2."""
    allowance_tco2_per_mwh: Annotated[float, Range(0, 3)] = 0.7
    """Free allowance for gross energy (theta), tCO2/MWh."""


def build_carbon_market(build: GridBuild, price_column: str | None = None) -> str:
    """Make the agent who buys what the operator of a feeder emits below its quota; returns its name.

    Parameters
    ----------
    build : GridBuild
    price_column : str, optional
        Profile column with its price by step; one price at all times by default.
    """
    from gridarium.agents.upstream import CarbonMarket as MarketAgent

    prices = PRICES.of(build.scenario)
    price = prices.carbon_price_per_tco2 if price_column is None else build.column(price_column)
    return MarketAgent(build.grid.head, ACCOUNT, price, prices.quota_tco2_per_mwh).name


def price_is_none_below_zero(scenario: GridScenario, price_column: str | None) -> Iterator[Fault]:
    """Yield a price of the carbon market below 0 in a row which is run: an allowance is no burden."""
    if price_column is not None:
        yield from rows_within(scenario, price_column, 0.0, float("inf"))


CARBON_MARKET: Part[CarbonMarket] = Part(
    field="carbon_market",
    annotation=CarbonMarket,
    default=CarbonMarket(),
    meaning="Allowances for the generation of a system, and their price.",
    under=("operator",),
)
