"""Bargaining without declarations: a leader that learns demand, traders that only shout."""

from __future__ import annotations

from gridarium.agents.prosumers.learned_demands import LearnedDemands
from gridarium.agents.prosumers.manners import Manner, TakeItOrLeaveIt, Value
from gridarium.agents.prosumers.trading import Answer, Purchase, Sale, TradeRules
from gridarium.market.bargaining import Bargain, ep_leader_outcome
from gridarium.market.messages.leasing import Counter, PriceOffer
from gridarium.market.shouting import Shout, Side, Trader
from gridarium.market.utility import Utility


class LeaderManner(TakeItOrLeaveIt):
    """The seller leads: it learns each buyer's demand from its answers and names its best price.

    Parameters
    ----------
    rules : TradeRules
    own_utility : Utility
        The prosumer's own; it takes its buyers to be of the same kind.
    """

    def __init__(self, rules: TradeRules, own_utility: Utility) -> None:
        super().__init__(rules)
        self._demands = LearnedDemands(own_utility, rules.price_band_per_mwh[1])

    def asked_price(self, buyer: str, cost: float) -> float:
        """The best price as far as it is known; at first halfway to the cap, then a little away from that."""
        learned = self._demands.of(buyer)
        low, high = self.rules.price_band_per_mwh
        price = 0.5 * (cost + high) if learned is None else learned.monopoly_price(cost)
        return min(max(self._demands.probing(buyer, price), low, cost), high)

    def offered_price(self, sale: Sale, volume_mwh: float) -> float | None:
        """The best price for what there is to sell."""
        learned = self._demands.of(sale.buyer)
        if learned is None:
            return super().offered_price(sale, volume_mwh)
        bargain = Bargain(sale.cost, learned, volume_mwh, self.rules.price_band_per_mwh)
        deal = ep_leader_outcome(bargain)
        return None if deal is None else deal.price_per_mwh

    def learn(self, buyer: str, price: float, volume_mwh: float, limited: bool) -> None:
        """Learn as from a bid."""
        self._demands.note(buyer, price, volume_mwh, limited)

    def learn_demand(self, buyer: str, price: float, volume_mwh: float, limited: bool) -> None:
        """Learn from what a buyer would take."""
        self._demands.note(buyer, price, volume_mwh, limited)


class ShoutManner(Manner):
    """Both sides shout prices without a model of the other; what was shouted first is the price.

    Parameters
    ----------
    rules : TradeRules
    seller, buyer : Trader
        Who shouts for the prosumer in either role.
    """

    def __init__(self, rules: TradeRules, seller: Trader, buyer: Trader) -> None:
        super().__init__(rules)
        self._seller, self._buyer = seller, buyer

    def asked_price(self, buyer: str, cost: float) -> float:
        """The lowest price there is: before the minute comes, it only wants to know who needs how much."""
        return self.rules.price_band_per_mwh[0]

    def margin(self, asked: float, cost: float) -> float:
        """The most that could come of it."""
        return self.rules.price_band_per_mwh[1] - cost

    def offered_price(self, sale: Sale, volume_mwh: float) -> float | None:
        """A shout."""
        shout = self._seller.shout(sale.cost, self.rules.price_band_per_mwh)
        return None if shout is None else shout.price_per_mwh

    def counter_to(self, sale: Sale, counter: Counter) -> float | None:
        """What was bid, if a new shout is not above it; else that shout."""
        bid = counter.price_per_mwh
        if sale.offer is not None:
            self._seller.update(Shout(Side.ASK, sale.offer.price_per_mwh), False)
        self._seller.update(Shout(Side.BID, bid), False)
        ask = self.offered_price(sale, counter.volume_mwh)
        return bid if ask is not None and ask <= bid else ask

    def learn(self, buyer: str, price: float, volume_mwh: float, limited: bool) -> None:
        """Learn that the last shout was accepted."""
        self._seller.update(Shout(Side.ASK, price), True)

    def answer(
        self,
        seller: str,
        offer: PriceOffer,
        purchase: Purchase | None,
        value: Value,
        room_mwh: float,
        last: Counter | None,
    ) -> Answer:
        """Accept an ask that is not above the own bid, the last one or a new one; else bid."""
        ask, volume = offer.price_per_mwh, min(offer.limit_mwh, room_mwh)
        bid = self._buyer.shout(value().marginal(0.0), self.rules.price_band_per_mwh)
        if bid is None or volume <= 0.0:
            return Counter(offer.minute_s, offer.round, ask, 0.0)
        agreed = bid.price_per_mwh >= ask or (last is not None and last.price_per_mwh >= ask)
        self._buyer.update(Shout(Side.ASK, ask), agreed)
        if agreed:
            return super().answer(seller, offer, purchase, value, room_mwh, last)
        self._buyer.update(Shout(Side.BID, bid.price_per_mwh), False)
        wanted = min(value().demand(bid.price_per_mwh), volume)
        return Counter(offer.minute_s, offer.round, bid.price_per_mwh, wanted)
