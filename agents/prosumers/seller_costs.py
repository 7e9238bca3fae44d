"""What it costs a seller to serve each buyer: the fee of their line, losses, and what it wants to keep."""

from __future__ import annotations

from collections.abc import Callable

from gridarium.agents.base import Listener, on
from gridarium.agents.prosumers.trading import Sale
from gridarium.environment.private_lines import PrivateLines
from gridarium.market.ladder import LadderTariff
from gridarium.market.messages.commands import Receipt
from gridarium.market.messages.leasing import LeaseTerms, Premium


class SellerCosts(Listener):
    """A seller's costs of each line, by the terms that it has last been told.

    Parameters
    ----------
    seller : str
    lines : PrivateLines
    reservation_price_per_mwh : float
        Below which it sells nothing, fee apart.
    charging_price : callable
        What it paid last to charge its battery, money/MWh: it sells nothing below that, fee included (E10).
    price_cap_per_mwh : float
        Highest price allowed.
    terms : LeaseTerms, optional
        Until it is told others; without any nothing can be sold.
    """

    def __init__(
        self,
        seller: str,
        lines: PrivateLines,
        reservation_price_per_mwh: float,
        charging_price: Callable[[], float],
        price_cap_per_mwh: float,
        terms: LeaseTerms | None = None,
    ) -> None:
        self._seller, self._lines = seller, lines
        self._reservation, self._cap = reservation_price_per_mwh, price_cap_per_mwh
        self._charging_price = charging_price
        self._ladder = _ladder(terms) if terms is not None else None

    @on(LeaseTerms)
    def take_terms(self, terms: LeaseTerms, sender: str) -> Receipt:
        """Pay these fees for sales negotiated from now on."""
        self._ladder = _ladder(terms)
        return Receipt()

    def sale_to(self, buyer: str, premium: Premium | None) -> Sale | None:
        """A sale of nothing yet; None without a line or terms for it, or if its cost is above any price.

        A premium on what arrives lowers the cost, but not below nothing.
        """
        line = self._lines.between(self._seller, buyer)
        if line is None or self._ladder is None:
            return None
        fee = self._ladder.cost(line.distance_km)
        cost = (fee + self._reservation) / (1.0 - line.loss)
        if premium is not None:
            cost = max(0.0, cost - premium.price_per_mwh)
        cost = max(cost, self._charging_price())
        return Sale(buyer, line, fee, cost, premium) if cost <= self._cap else None


def _ladder(terms: LeaseTerms) -> LadderTariff:
    return LadderTariff(terms.base_fee_per_km_mwh, terms.interval_km, terms.growth)
