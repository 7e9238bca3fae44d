"""A prosumer as buyer: bids for shares before a period, answers offers minute by minute within."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gridarium.agents.base import GridAgent
from gridarium.agents.prosumers.manners import Manner
from gridarium.agents.prosumers.trading import CRUMB_MWH, Answer, Purchase, TradeRules
from gridarium.environment.clock import MINUTE_S
from gridarium.environment.private_lines import LineFlow
from gridarium.market.bargaining import Bargain
from gridarium.market.messages.leasing import (
    Accept,
    Ask,
    Bid,
    Confirm,
    Grant,
    Holding,
    PriceOffer,
    Rating,
    Release,
)
from gridarium.market.reputation import updated
from gridarium.market.residual import residual
from gridarium.market.utility import Utility

_FULL = 1.0 - 1e-6
_LOYALTY = 0.02
"""By which part a rival must be cheaper; without it shares would move to and fro between equals."""
_LEAST_REPUTATION = 1e-6
"""A seller that never delivers is worth next to nothing, but still something to compare."""


class Purchases:
    """What a buyer holds for one period, from all its sellers.

    Parameters
    ----------
    period : int
    need_mwh : float
        That it must be served with in each minute.
    buyer : Buyer
    """

    def __init__(self, period: int, need_mwh: float, buyer: Buyer) -> None:
        self.period, self.need_mwh, self._buyer = period, need_mwh, buyer
        self.held: dict[str, Purchase] = {}
        self._last_worth = max(0.0, buyer.utility.marginal(need_mwh))

    def bid(self, ask: Ask, seller: str) -> Bid:
        """What it would take from a seller on top of, or instead of, what it holds from others."""
        others = [(name, bought) for name, bought in self.held.items() if name != seller]
        if not self._buyer.manner.declares:
            return self._bid_at_price(ask, seller, [bought for _, bought in others])
        leaves = sorted(
            Holding(self._leaving_price(name, bought, seller, ask.turn), bought.volume)
            for name, bought in others
        )
        worth = self._buyer.worth(seller, 0.0)
        return Bid(ask.period, ask.turn, self.need_mwh, utility=worth, leaves=tuple(leaves))

    def take(self, grant: Grant, seller: str) -> list[tuple[str, Release]]:
        """Note a grant; returns what is released because there is now too much."""
        known = self.held.get(seller)
        if known is not None and known.turn > grant.turn:
            return []
        self.held.pop(seller, None)
        if grant.volume_mwh > 0.0:
            self.held[seller] = Purchase(
                grant.volume_mwh, grant.cost_per_mwh, grant.value_per_mwh, grant.turn
            )
        return list(self._trim(grant.turn))

    def confirm(self) -> Iterator[tuple[str, Confirm]]:
        """Fix what will be bargained about with each seller."""
        total = sum(bought.volume for bought in self.held.values())
        band = self._buyer.rules.price_band_per_mwh
        for seller, bought in self.held.items():
            worth = self._buyer.worth(seller, total - bought.volume)
            bought.bargain = Bargain(bought.cost, worth, bought.volume, band)
            yield seller, Confirm(self.period, bought.volume, worth)

    def _bid_at_price(self, ask: Ask, seller: str, others: Sequence[Purchase]) -> Bid:
        price = ask.price_per_mwh
        wanted = self._buyer.worth(seller, 0.0).demand(price)
        kept = sum(bought.volume for bought in others if bought.value <= price)
        volume = max(0.0, min(wanted, self.need_mwh) - kept)
        return Bid(ask.period, ask.turn, volume, wanted >= self.need_mwh)

    def _leaving_price(self, name: str, bought: Purchase, rival: str, turn: int) -> float:
        """Price of a rival at which it is no worse than a seller that is trusted more or less."""
        return max(0.0, self._burden(name, bought, turn) + self._trust(rival))

    def _burden(self, name: str, bought: Purchase, turn: int) -> float:
        """What a purchase costs beyond the value of what is likely to arrive, money/MWh."""
        return self._asked(bought, turn) - self._trust(name)

    def _trust(self, name: str) -> float:
        """What a seller's energy is worth when all needs are met, by its reputation."""
        return self._buyer.reputation_of(name) * self._last_worth

    def _asked(self, bought: Purchase, turn: int) -> float:
        """Price below which a purchase is kept.

        After the last turn nobody can place what is released, so that only its cost would be saved.
        """
        if not self._buyer.manner.declares:
            return bought.value
        return (1.0 - _LOYALTY) * (bought.value if turn < self._buyer.rules.turns else bought.cost)

    def _trim(self, turn: int) -> Iterator[tuple[str, Release]]:
        """Give back, from the dearest on, what is not needed or not worth what is asked for it."""
        total = 0.0
        for seller, bought in sorted(
            self.held.items(), key=lambda item: self._burden(item[0], item[1], turn)
        ):
            wanted = self._buyer.worth(seller, 0.0).demand(self._asked(bought, turn))
            kept = min(bought.volume, max(0.0, min(wanted, self.need_mwh) - total))
            total += kept
            if kept < bought.volume - CRUMB_MWH:
                bought.volume = kept
                yield seller, Release(self.period, bought.turn, kept)
                if kept <= CRUMB_MWH:
                    del self.held[seller]


class Buyer:
    """The buying side of a prosumer.

    - `nominate`, `purchases`: before a period
    - `open`: when it starts; `hear_offer`: in each minute; `meter`: when energy arrives
    - `received_mwh`: in the running period; `reputation`: of sellers
    """

    def __init__(self, agent: GridAgent, rules: TradeRules, manner: Manner, utility: Utility) -> None:
        self.agent, self.rules, self.manner, self.utility = agent, rules, manner, utility
        self.purchases: Purchases | None = None
        self.received_mwh = 0.0
        self.reputation: dict[str, float] = {}
        self._clock = agent.world.clock
        self._rated: dict[str, float] = {}
        self._hearsay: dict[str, float] = {}
        self._running: Purchases | None = None
        self._needs: Sequence[float] = ()
        self._start_s = self._minute_s = -1.0
        self._room_mwh = self._taken_mwh = 0.0
        self._answers: dict[str, Answer] = {}

    def reputation_of(self, seller: str) -> float:
        """Reputation of a seller as the buyer perceives it, in [0, 1]; hearsay about strangers."""
        known = self.reputation.get(seller)
        if known is None:
            known = self._hearsay.get(seller)
            if known is None:
                return 1.0
        seen: Rating = self.agent.behaviour.perceive(self.agent, Rating(seller, known))
        return seen.reputation

    def worth(self, seller: str, held_mwh: float) -> Utility:
        """What energy from a seller is worth in a minute, on top of what is held from others."""
        return residual(self.utility, held_mwh, max(self.reputation_of(seller), _LEAST_REPUTATION))

    def nominate(self, period: int, need_mwh: float) -> None:
        """Prepare to bid for a need, MWh a minute."""
        self.purchases = Purchases(period, need_mwh, self) if need_mwh > CRUMB_MWH else None

    def bid(self, ask: Ask, seller: str) -> Bid:
        """Answer a seller that asks for a bid; one for nothing tells that it is no buyer."""
        if self.purchases is None or self.purchases.period != ask.period:
            return Bid(ask.period, ask.turn, 0.0)
        if ask.reputation < 1.0 or seller in self._hearsay:
            self._hearsay[seller] = ask.reputation
        return self.purchases.bid(ask, seller)

    def ratings(self) -> tuple[Rating, ...]:
        """Reputations that have changed since the last call."""
        changed = {
            name: value for name, value in self.reputation.items() if self._rated.get(name, 1.0) != value
        }
        self._rated |= changed
        return tuple(Rating(name, value) for name, value in changed.items())

    def open(self, period: int, start_s: float, needs_mwh: Sequence[float]) -> None:
        """Start to buy; `needs_mwh` is what is really needed in each minute."""
        purchases, self.purchases = self.purchases, None
        self._running = purchases if purchases is not None and purchases.period == period else None
        self.received_mwh, self._needs, self._start_s = 0.0, needs_mwh, start_s
        self._answers = {}

    def hear_offer(self, offer: PriceOffer, seller: str) -> None:
        """Answer an offer of the running minute; one that was answered gets the same answer again."""
        if self._running is None or not self._in_minute(offer.minute_s):
            return
        last = self._answers.get(seller)
        if last is not None and (last.round >= offer.round or isinstance(last, Accept)):
            if last.round == offer.round:
                self.agent.send(seller, last)
            return
        room = self._room_mwh - self._taken_mwh
        answer = self.manner.answer(
            offer, self._running.held.get(seller), lambda: self.worth(seller, self._taken_mwh), room, last
        )
        answer = self.agent.behaviour.choose(self.agent, offer, answer)
        if isinstance(answer, Accept):
            self._taken_mwh += answer.volume_mwh
        self._answers[seller] = answer
        self.agent.send(seller, answer)

    def meter(self, seller: str, flow: LineFlow) -> None:
        """Read what arrived in the past minute and judge the seller by it; an outage is not its fault."""
        self.received_mwh += flow.delivered_mwh
        answer = self._answers.get(seller)
        if answer is None or flow.open_share <= 0.0:
            return
        known = self.reputation.get(seller, self._hearsay.get(seller, 1.0))
        contracted = answer.volume_mwh * flow.open_share
        if known < 1.0 or flow.delivered_mwh < contracted * _FULL:
            weight = self.rules.reputation_weight
            self.reputation[seller] = updated(known, flow.delivered_mwh, contracted, weight)

    def _in_minute(self, minute_s: float) -> bool:
        """Whether a minute runs now; the first offer of a minute starts a clean sheet."""
        if minute_s == self._minute_s:
            return True
        number = round((minute_s - self._start_s) / MINUTE_S)
        if not minute_s <= self._clock.now_s < minute_s + MINUTE_S or not 0 <= number < len(self._needs):
            return False
        self._minute_s, self._answers = minute_s, {}
        self._room_mwh, self._taken_mwh = self._needs[number], 0.0
        return True
