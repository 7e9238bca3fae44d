"""What a trade is worth to a buyer that could as well be served at the real-time price."""

from __future__ import annotations

from dataclasses import dataclass

from gridarium.market.utility import Utility


@dataclass(frozen=True, slots=True)
class OverMarket:
    """Value of energy from others over having it from the market, W(p) = int_0^p min(V'(x), price) dx.

    Parameters
    ----------
    utility : Utility
        V, of the energy wherever it comes from; with V'(0) above the price.
    price_per_mwh : float
        What the market asks for as much as the buyer likes, money/MWh, above 0.

    Notes
    -----
    Without a trade the buyer takes from the market what is worth its price, ``q = V'^-1(price)``. With p
    from others it tops up to q, so it gains ``price * p`` up to q, and beyond that ``V(p) - d_IP`` with
    the disagreement payoff ``d_IP = V(q) - price * q`` of E11. Demand at prices below the market's is that
    of V.

    Examples
    --------
    >>> from gridarium.market.utility import QuadraticUtility
    >>> over = OverMarket(QuadraticUtility(intercept_per_mwh=400.0, slope_per_mwh2=1000.0), 300.0)
    >>> over.average(0.1), round(over.value(0.2), 6), round(over.demand(250.0), 6), over.demand(301.0)
    (300.0, 55.0, 0.15, 0.0)
    """

    utility: Utility
    price_per_mwh: float

    def value(self, p_mwh: float) -> float:
        """W(p), money."""
        topped = self.utility.demand(self.price_per_mwh)
        if p_mwh <= topped:
            return self.price_per_mwh * p_mwh
        return self.price_per_mwh * topped + self.utility.value(p_mwh) - self.utility.value(topped)

    def marginal(self, p_mwh: float) -> float:
        """W'(p), money/MWh."""
        return min(self.price_per_mwh, self.utility.marginal(p_mwh))

    def average(self, p_mwh: float) -> float:
        """W(p) / p, money/MWh."""
        return self.value(p_mwh) / p_mwh if p_mwh > 0.0 else self.marginal(0.0)

    def demand(self, price_per_mwh: float) -> float:
        """Demand of V up to the market's price, MWh; nothing above it."""
        return self.utility.demand(price_per_mwh) if price_per_mwh <= self.price_per_mwh else 0.0

    def monopoly_price(self, cost_per_mwh: float) -> float:
        """That of V, but not above the market's price, money/MWh."""
        return min(self.price_per_mwh, self.utility.monopoly_price(cost_per_mwh))


def over_market(utility: Utility, price_per_mwh: float) -> Utility:
    """Value over the market's price; the utility itself where no MWh is worth more than that."""
    return OverMarket(utility, price_per_mwh) if utility.marginal(0.0) > price_per_mwh else utility
