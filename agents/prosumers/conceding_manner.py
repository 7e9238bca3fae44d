"""Bargaining under private information: offers and counter-offers, in which each side concedes with time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gridarium.agents.prosumers.learned_demands import LearnedDemands
from gridarium.agents.prosumers.manners import Manner, Request, Value
from gridarium.agents.prosumers.supply_sharing import ShareClaim, share_by_value
from gridarium.agents.prosumers.trading import Answer, Purchase, Sale, TradeRules
from gridarium.market.bargaining import Bargain, ep_leader_outcome
from gridarium.market.concession import ask_in_round, bid_in_round
from gridarium.market.messages.leasing import Accept, Counter, PriceOffer
from gridarium.market.utility import Utility

_FIRST_TRY, _LAST_TRY = 0.5, 1.0 / 64.0
"""Where between its cost and the cap a seller opens with a stranger, at first and at the least."""


@dataclass(frozen=True)
class Concession:
    """How the sides concede.

    Parameters
    ----------
    exponent_ep, exponent_ip : float
        beta of seller and buyer, above 0: below 1 late, at 1 evenly, above 1 early.
    opening_ip : float
        The buyer's first bid, as a share of the price on which it last agreed with the seller, in [0, 1].
    """

    exponent_ep: float
    exponent_ip: float
    opening_ip: float


class ConcedingManner(Manner):
    """Seller and buyer exchange offers; each knows its own limit and what it has seen of the other.

    The seller opens with the price that is best for it by what it has learned of the buyer's demand, and
    concedes towards its cost. The buyer opens below the price on which they agreed last, and concedes
    towards the price above which it takes nothing. A side accepts what is no worse than its own next
    offer. Volumes are what the buyer takes at the price on the table, of what the seller has left for it.

    Parameters
    ----------
    rules : TradeRules
    own_utility : Utility
        The prosumer's own; as a seller it takes its buyers to be of the same kind.
    concession : Concession

    Notes
    -----
    Time-dependent tactics, see `gridarium.market.concession`; with a single round the seller leads (E11).
    """

    def __init__(self, rules: TradeRules, own_utility: Utility, concession: Concession) -> None:
        super().__init__(rules)
        self._concession = concession
        self._demands = LearnedDemands(own_utility, rules.price_band_per_mwh[1])
        self._tried: dict[str, float] = {}
        self._openings: dict[str, float] = {}
        self._agreed: dict[str, float] = {}
        self._first_bids: dict[str, float] = {}

    # The seller's part.

    def asked_price(self, buyer: str, cost: float) -> float:
        """The price to which it would come down within a minute, so that nobody's share is too small."""
        learned, floor = self._demands.of(buyer), self._floor(cost)
        if learned is None:
            opening = self._try(buyer, floor)
        else:
            best = self._demands.probing(buyer, learned.monopoly_price(cost))
            opening = min(max(best, floor), self.rules.price_band_per_mwh[1])
        return self._ask(opening, cost, self.rules.rounds - 1)

    def share(self, requests: Sequence[Request], supply_mwh: float) -> list[float]:
        """Share a supply so that its last bit is worth the same to all, by what is known of their demands."""
        claims, served = [], []
        for number, request in enumerate(requests):
            utility = self._demands.of(request.buyer)
            if utility is None and request.wanted_mwh > 0.0:
                utility = self._demands.guess(request.price_per_mwh, request.wanted_mwh)
            if utility is not None:
                claims.append(
                    ShareClaim(
                        request.cost_per_mwh, request.loss, request.wanted_mwh, request.line_mwh, utility
                    )
                )
                served.append(number)
        volumes = [0.0] * len(requests)
        for number, volume in zip(served, share_by_value(claims, supply_mwh)[0], strict=True):
            volumes[number] = volume
        return volumes

    def learn_demand(self, buyer: str, price: float, volume_mwh: float, limited: bool) -> None:
        """Learn from a bid: where on its demand the buyer is, or that the price was too high."""
        if volume_mwh <= 0.0 and not limited:
            self._tried[buyer] = max(0.5 * self._tried.get(buyer, _FIRST_TRY), _LAST_TRY)
            self._demands.note_none(buyer, price)
        self._demands.note(buyer, price, volume_mwh, limited)

    def learn(self, buyer: str, price: float, volume_mwh: float, limited: bool) -> None:
        """Learn from what was taken within a minute; who takes all there is may pay more for it."""
        if limited:
            self._tried[buyer] = 0.5 * (self._tried.get(buyer, _FIRST_TRY) + 1.0)
        self._demands.note(buyer, price, volume_mwh, limited)

    def offered_price(self, sale: Sale, volume_mwh: float) -> float | None:
        """The opening: the best price for this volume by what is known of the demand."""
        learned, floor = self._demands.of(sale.buyer), self._floor(sale.cost)
        if learned is None:
            opening = self._try(sale.buyer, floor)
        else:
            low, high = self.rules.price_band_per_mwh
            deal = ep_leader_outcome(Bargain(sale.cost, learned, volume_mwh, (low, high)))
            opening = floor if deal is None else max(deal.price_per_mwh, floor)
        self._openings[sale.buyer] = opening
        return opening

    def counter_to(self, sale: Sale, counter: Counter) -> float | None:
        """What was bid, if it is no worse than the next ask; else that ask."""
        ask = self._ask(self._openings[sale.buyer], sale.cost, counter.round + 1)
        return max(ask, counter.price_per_mwh)

    def _floor(self, cost: float) -> float:
        return max(cost, self.rules.price_band_per_mwh[0])

    def _try(self, buyer: str, floor: float) -> float:
        """Opening where the demand is unknown: lower after a refusal, higher after all was taken."""
        return floor + self._tried.get(buyer, _FIRST_TRY) * (self.rules.price_band_per_mwh[1] - floor)

    def _ask(self, opening: float, cost: float, round_: int) -> float:
        rounds = self.rules.rounds
        return ask_in_round(opening, self._floor(cost), round_, rounds, self._concession.exponent_ep)

    # The buyer's part.

    def answer(
        self,
        seller: str,
        offer: PriceOffer,
        purchase: Purchase | None,
        value: Value,
        room_mwh: float,
        last: Counter | None,
    ) -> Answer:
        """Accept an ask that is not above the own next bid; else bid, or give up after the last round."""
        minute_s, round_, ask, limit = offer
        worth, volume = value(), min(limit, room_mwh)
        reservation = min(worth.marginal(0.0), self.rules.price_band_per_mwh[1])
        bid = self._bid(seller, round_, reservation, last)
        wanted = worth.demand(ask) if ask <= min(bid, reservation) else 0.0
        if volume > 0.0 and wanted > 0.0:
            self._agreed[seller] = ask
            return Accept(minute_s, round_, ask, min(wanted, volume), wanted >= volume)
        # What it has bought elsewhere since its last bid may have made that bid too dear.
        if volume <= 0.0 or bid > reservation or round_ + 1 >= self.rules.rounds:
            return Counter(minute_s, round_, ask, 0.0)
        return Counter(minute_s, round_, bid, min(worth.demand(bid), volume))

    def _bid(self, seller: str, round_: int, reservation: float, last: Counter | None) -> float:
        """The next bid, never below the last one of the minute."""
        low = self.rules.price_band_per_mwh[0]
        if last is None:
            first = max(low, self._concession.opening_ip * self._agreed.get(seller, low))
            self._first_bids[seller] = min(first, max(reservation, low))
        opening, rounds = self._first_bids[seller], self.rules.rounds
        bid = bid_in_round(opening, reservation, round_, rounds, self._concession.exponent_ip)
        return bid if last is None else max(bid, last.price_per_mwh)
