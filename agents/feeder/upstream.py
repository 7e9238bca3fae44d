"""The upstream market: tells prices and carbon factors, takes carbon offers."""

from __future__ import annotations

from gridarium.agents.base import GridAgent, on
from gridarium.environment.world import World
from gridarium.market.messages.forecasts import ForecastRequest
from gridarium.market.messages.tariffs import CarbonOffer, MarketConditions


class UpstreamMarket(GridAgent):
    """Wholesale, retail reference and carbon market in one exogenous source.

    Parameters
    ----------
    world : World
    name : str
    conditions : MarketConditions
        Of the delivery day.
    """

    def __init__(self, world: World, name: str, conditions: MarketConditions) -> None:
        super().__init__(world, name)
        self._conditions = conditions
        self._offers: dict[int, float] = {}

    @property
    def reduction_tco2(self) -> float:
        """Reduction offered so far, tCO2; negative where the quota was exceeded."""
        return sum(self._offers.values())

    @on(ForecastRequest)
    def tell_conditions(self, request: ForecastRequest, sender: str) -> MarketConditions:
        """Tell tomorrow's prices."""
        return self._conditions

    @on(CarbonOffer)
    def take_offer(self, offer: CarbonOffer, sender: str) -> None:
        """Take the reduction of a period, once; it is paid at the carbon price."""
        self._offers[offer.period] = offer.reduction_tco2
