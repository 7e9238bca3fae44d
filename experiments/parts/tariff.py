"""The signal that the operator of a feeder publishes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from gridarium.experiments.names.registry import make_mechanism
from gridarium.experiments.parts.part import GridScenario, Part
from gridarium.experiments.schema.fields import Conflict, Flag, Money, Name, Range, Registered, Section

if TYPE_CHECKING:
    from gridarium.agents.feeder.carbon_pool import PoolTerms
    from gridarium.market.price_limits import LimitRules
    from gridarium.market.tariffs import Tariff as MarketTariff


NODAL_TARIFFS = ("nodal-carbon-surcharge",)
"""Tariffs of gridarium that have a price for each bus."""


class PriceLimits(Section):
    """What a leader that searches for its price may post, as shares of the reference price and its bill."""

    low_share: Annotated[float, Range(0, 1)] = 0.6
    """Lowest price, times the reference price; as far below a negative one as below its size."""
    high_share: Annotated[float, Range(1, 10)] = 1.4
    """Highest price, times the reference price; as far above a negative one as above its size."""
    bill_share: Annotated[float, Range(0, 10)] | None = 1.0
    """Most that all consumers may pay in a day, times their base load's bill; null sets no cap."""
    average_share: Annotated[float, Range(0, 10)] | None = None
    """Largest mean price over the base load, times that of the reference price; null sets no cap."""
    discount_share: Annotated[float, Range(0, 1)] | None = None
    """Most that consumers may save in a day, times their base load's bill; null sets no cap."""


class Tariff(Section):
    """The signal that the operator publishes."""

    kind: Annotated[str, Registered("tariffs")] = "adcef"
    """`tou`, the plain time-of-use price; `static-carbon`, a constant carbon adder; `adcef`, the adjustable
    carbon emission factor; `nodal-carbon-surcharge`, the carbon price of the intensity at each bus; another
    registered one, or the dotted path `package.module:Class`."""
    adjustment: Annotated[float, Range(0, 10)] = 1.0
    """kappa or xi: share of the carbon price that enters the revised price."""
    pool: Literal["strict", "managed"] = "managed"
    """Virtual carbon pool: strict mixing like a water tank, or allocation decided by the operator."""
    pool_first_tco2_per_mwh: Annotated[float, Range(0, 10)] | None = None
    """Carbon in a managed pool at first, per MWh that its storage holds; null takes the quota."""
    pool_carries_over: Flag = False
    """Whether a managed pool hands carbon on from day to day and returns it on the last; else on each."""
    surplus: Literal["ex-ante", "ex-post"] = "ex-ante"
    """Renewable surplus of the printed formula measured before or after the consumers' response."""
    credit: Literal["avoided", "formula"] = "avoided"
    """Credit of the loads: the emission that the absorbed surplus avoids, or the printed formula (C4)."""
    balance_budget: Flag = True
    """Whether discounts may not exceed what the carbon market pays."""
    params: Annotated[dict[Name, Any], Money(by_name=True)] = Field(default_factory=dict)
    """Parameters of a tariff for which there is no field here."""
    limits: PriceLimits = PriceLimits()
    """What a leader may post that searches for its price; the best response follows the formula instead."""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield a surplus after the response where no formula measures it, and terms of another pool."""
        if self.pool == "strict":
            allowed = "must be left out where the pool mixes strictly: its content follows from its energy"
            for name, value in (
                ("pool_carries_over", self.pool_carries_over or None),
                ("pool_first_tco2_per_mwh", self.pool_first_tco2_per_mwh),
            ):
                if value is not None:
                    yield Conflict(name, value, allowed)
        if self.surplus == "ex-post" and self.credit == "avoided":
            allowed = "must be ex-ante where avoided emission is credited, which is that of the base loads"
            yield Conflict("surplus", self.surplus, allowed)


def limit_rules(scenario: GridScenario) -> LimitRules:
    """What a leader that searches for its price may post."""
    from gridarium.market.price_limits import LimitRules

    return LimitRules(**TARIFF.of(scenario).limits.model_dump())


def pool_terms(scenario: GridScenario) -> PoolTerms:
    """What is agreed on managed pools."""
    from gridarium.agents.feeder.carbon_pool import PoolTerms

    tariff = TARIFF.of(scenario)
    return PoolTerms(tariff.pool_carries_over, tariff.pool_first_tco2_per_mwh)


def build_tariff(scenario: GridScenario) -> MarketTariff:
    """The tariff that a scenario names, with those fields that it declares as parameters.

    Raises
    ------
    ScenarioError
        If a tariff of another package does not take its parameters.
    """
    tariff = TARIFF.of(scenario)
    fields = {
        "adjustment": tariff.adjustment,
        "pool": tariff.pool,
        "surplus": tariff.surplus,
        "credit": tariff.credit,
        "budget_balanced": tariff.balance_budget,
    }
    made: MarketTariff = make_mechanism("tariffs", tariff.kind, fields, tariff.params)
    return made


TARIFF: Part[Tariff] = Part(
    field="tariff",
    annotation=Tariff,
    default=Tariff(),
    meaning="The signal that the operator of a feeder publishes.",
    under=("dso",),
)
