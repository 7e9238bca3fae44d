"""How a prosumer bargains: what it asks, offers, accepts and learns."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import numpy as np

from gridarium.agents.prosumers.supply_sharing import share_by_margin
from gridarium.agents.prosumers.trading import Answer, Purchase, Sale, TradeRules
from gridarium.market.bargaining import (
    Bargain,
    alternating_outcome,
    nash_price,
)
from gridarium.market.messages.leasing import Accept, Counter, PriceOffer
from gridarium.market.utility import Utility

_ROUNDING = 1e-9
_NEVER = math.nan


class Request(NamedTuple):
    """What a buyer would take of a seller at the price it was asked, energy at the buyer's end.

    Parameters
    ----------
    buyer : str
    cost_per_mwh : float
        The seller's cost, fee and losses included.
    price_per_mwh : float
        That the buyer was asked.
    wanted_mwh, line_mwh : float
        What it would take in a minute, and what the line delivers at most.
    loss : float
        Share of the energy sent that does not arrive.
    """

    buyer: str
    cost_per_mwh: float
    price_per_mwh: float
    wanted_mwh: float
    line_mwh: float
    loss: float


Value = Callable[[], Utility]
Stream = Callable[[str], np.random.Generator]
"""Random numbers of one prosumer, by purpose."""


class Manner:
    """What the manners of bargaining have in common; the seller's part first, then the buyer's.

    Parameters
    ----------
    rules : TradeRules
    """

    declares = False
    """Whether both sides declare cost and utility before the period."""

    def __init__(self, rules: TradeRules) -> None:
        self.rules = rules

    def asked_price(self, buyer: str, cost: float) -> float:
        """Price at which the seller wants to know a buyer's demand; nan where buyers declare."""
        return _NEVER

    def margin(self, asked: float, cost: float) -> float:
        """What the seller hopes to earn on a MWh at the price it asked; below 0 it grants nothing."""
        return asked - cost

    def share(self, requests: Sequence[Request], supply_mwh: float) -> list[float]:
        """Volumes for buyers that have named theirs, MWh a minute; the most profitable are served first."""
        return share_by_margin(
            [min(request.wanted_mwh, request.line_mwh) for request in requests],
            [self.margin(request.price_per_mwh, request.cost_per_mwh) for request in requests],
            [request.loss for request in requests],
            supply_mwh,
        )

    def offered_price(self, sale: Sale, volume_mwh: float) -> float | None:
        """Price for a volume in the next minute; None for no offer."""
        raise NotImplementedError

    def counter_to(self, sale: Sale, counter: Counter) -> float | None:
        """Price of the next offer after a counter-offer: what was bid, unless it would be a loss."""
        return counter.price_per_mwh if counter.price_per_mwh >= sale.cost else None

    def binds(self, sale: Sale, offer: PriceOffer, accept: Accept) -> bool:
        """Whether an acceptance is one of this offer: at its price."""
        return accept.price_per_mwh == offer.price_per_mwh

    def learn_demand(self, buyer: str, price: float, volume_mwh: float, limited: bool) -> None:
        """Learn from what a buyer would take at a price, the need or the price being what limits it."""

    def learn(self, buyer: str, price: float, volume_mwh: float, limited: bool) -> None:
        """Learn from what a buyer has taken at a price."""

    def answer(
        self,
        seller: str,
        offer: PriceOffer,
        purchase: Purchase | None,
        value: Value,
        room_mwh: float,
        last: Counter | None,
    ) -> Answer:
        """Answer an offer.

        Parameters
        ----------
        seller : str
        offer : PriceOffer
        purchase : Purchase, optional
            What this seller has granted.
        value : callable
            Returns the utility of further energy from this seller in the running minute.
        room_mwh : float
            What is still needed in it.
        last : Counter, optional
            The answer to this seller's last offer of the minute.
        """
        price = offer.price_per_mwh
        wanted = value().demand(price)
        limit = min(offer.limit_mwh, room_mwh)
        if wanted <= 0.0 or limit <= 0.0:
            return Counter(offer.minute_s, offer.round, price, 0.0)
        return Accept(offer.minute_s, offer.round, price, min(wanted, limit), wanted >= limit)


class Declared(Manner):
    """A direct mechanism: both sides declare, and each works out for itself the price that follows.

    That what they declare is true is assumed, not induced.
    """

    declares = True

    def price(self, bargain: Bargain, volume_mwh: float) -> float | None:
        """Price of a volume on which rational sides agree; None where one of them would lose."""
        raise NotImplementedError

    def offered_price(self, sale: Sale, volume_mwh: float) -> float | None:
        """The agreed price of this volume."""
        return None if sale.bargain is None else self._known(sale, sale.bargain, volume_mwh)

    def answer(
        self,
        seller: str,
        offer: PriceOffer,
        purchase: Purchase | None,
        value: Value,
        room_mwh: float,
        last: Counter | None,
    ) -> Answer:
        """Accept what costs no more than agreed, for less energy at its own agreed price; else name that."""
        minute_s, round_, price, limit = offer
        volume = limit if limit < room_mwh else room_mwh
        if volume <= 0.0:
            return Counter(minute_s, round_, price, 0.0)
        if purchase is None or purchase.bargain is None:
            fair: float | None = value().average(volume)
        else:
            fair = self._known(purchase, purchase.bargain, limit)
        if fair is None:
            return Counter(minute_s, round_, price, 0.0)
        if price > fair * (1.0 + _ROUNDING):
            return Counter(minute_s, round_, fair, volume)
        if volume < limit and purchase is not None and purchase.bargain is not None:
            agreed = self.price(purchase.bargain, volume)
            if agreed is None:
                return Counter(minute_s, round_, price, 0.0)
            price = agreed
        return Accept(minute_s, round_, price, volume, True)

    def binds(self, sale: Sale, offer: PriceOffer, accept: Accept) -> bool:
        """At the offer's price, or for less energy at what the seller, too, works out for it."""
        if super().binds(sale, offer, accept):
            return True
        agreed = None if sale.bargain is None else self.price(sale.bargain, accept.volume_mwh)
        return agreed is not None and abs(accept.price_per_mwh - agreed) <= _ROUNDING * agreed

    def _known(self, deal: Sale | Purchase, bargain: Bargain, volume_mwh: float) -> float | None:
        known_volume, price = deal.priced
        if known_volume != volume_mwh:
            price = self.price(bargain, volume_mwh)
            deal.priced = volume_mwh, price
        return price


class NashManner(Declared):
    """The price halves the gain of both.

    Notes
    -----
    E11 with each seller in turn, the buyer's other purchases taken as given ("Nash in Nash") [1]_.

    References
    ----------
    .. [1] H. Horn and A. Wolinsky, Bilateral monopolies and incentives for merger, 1988,
       doi:10.2307/2555664
    """

    def price(self, bargain: Bargain, volume_mwh: float) -> float | None:
        """E11, unless it is a loss to one side."""
        price = nash_price(bargain, volume_mwh)
        if price < bargain.cost_per_mwh:
            return None
        # An even split leaves the buyer nothing to check unless the band has moved the price.
        worth = bargain.utility.average(volume_mwh)
        return price if price <= worth * (1.0 + _ROUNDING) else None


class AlternatingManner(Declared):
    """The first of the offers that patient sides would exchange; rational ones accept it at once.

    Parameters
    ----------
    rules : TradeRules
    patience_ep, patience_ip : float
        Worth of a gain in the next round to seller and buyer.
    deadline : int, optional
        Number of offers after which there is no deal.
    """

    def __init__(
        self, rules: TradeRules, patience_ep: float, patience_ip: float, deadline: int | None
    ) -> None:
        super().__init__(rules)
        self._patience_ep, self._patience_ip, self._deadline = patience_ep, patience_ip, deadline

    def price(self, bargain: Bargain, volume_mwh: float) -> float | None:
        """Price of the first offer."""
        now = Bargain(bargain.cost_per_mwh, bargain.utility, volume_mwh, bargain.band)
        deal = alternating_outcome(now, self._patience_ep, self._patience_ip, self._deadline)
        return None if deal is None else deal.price_per_mwh


class TakeItOrLeaveIt(Manner):
    """The seller names a price and does not move from it; buyers take what they want at it."""

    def offered_price(self, sale: Sale, volume_mwh: float) -> float | None:
        """The price asked, never at a loss."""
        price = self.asked_price(sale.buyer, sale.cost)
        return price if price >= sale.cost else None

    def counter_to(self, sale: Sale, counter: Counter) -> float | None:
        """Take it or leave it."""
        return None


class PostedManner(TakeItOrLeaveIt):
    """One price for all.

    Parameters
    ----------
    rules : TradeRules
    posted_per_mwh : float
        The price.
    """

    def __init__(self, rules: TradeRules, posted_per_mwh: float) -> None:
        super().__init__(rules)
        self._posted = posted_per_mwh

    def asked_price(self, buyer: str, cost: float) -> float:
        """The posted price, or the cost where that is higher."""
        low, high = self.rules.price_band_per_mwh
        return min(max(self._posted, low, cost), high)


class BargainingRule(Protocol):
    """How the prosumers of a pool bargain: makes the manner of each."""

    def manner(self, rules: TradeRules, own_utility: Utility, stream: Stream) -> Manner:
        """Make the manner of one prosumer.

        Parameters
        ----------
        rules : TradeRules
            Common to the pool.
        own_utility : Utility
            The prosumer's own; as a seller it may take its buyers to be of the same kind.
        stream : callable
            Returns the prosumer's random numbers of one purpose.
        """
