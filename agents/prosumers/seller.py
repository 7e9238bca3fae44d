"""A prosumer as seller: sells minute by minute, within a period, what it has shared before."""

from __future__ import annotations

import math
from collections.abc import Sequence

from gridarium.agents.base import Listener, on
from gridarium.agents.prosumers.journal import Learnt, Opened
from gridarium.agents.prosumers.means import Means
from gridarium.agents.prosumers.shares import Shares
from gridarium.agents.prosumers.trading import CRUMB_MWH, RESEND_S, TIME_GRID_S, Meters, Move, Sale
from gridarium.environment.clock import MINUTE_S
from gridarium.market.messages.leasing import Accept, Counter, PriceOffer


class Seller(Listener):
    """The seller's part in the bargaining of each minute.

    - `open`: when a period starts
    - `sold_mwh`: energy put on lines in the running period
    - `granted_mwh`: what is to be sent in each of its minutes for all that was shared
    - `moves`: its offers and their answers, if the run keeps them

    Parameters
    ----------
    means : Means
    meters : Meters
        At the ends of its lines.
    offset : float
        Where in the spread of first offers it speaks, in [0, 1).
    """

    def __init__(self, means: Means, meters: Meters, offset: float) -> None:
        self._send, self._clock, self._beat = means.send, means.clock, means.beat
        self._rules, self._manner = means.rules, means.manner
        self._meters, self._is_recorded, self._journal = meters, means.is_recorded, means.journal
        self.moves: list[Move] = []
        # If all spoke at once, the clock's queue would grow with the pool, and every message's cost with it.
        self._delay_s = math.floor(offset * means.rules.spread_s / TIME_GRID_S) * TIME_GRID_S
        self.sold_mwh = self.granted_mwh = 0.0
        self._sales: dict[str, Sale] = {}
        self._supplies: Sequence[float] = ()
        self._period = self._minute = 0
        self._minute_s = 0.0
        self._honesty = self._boast = 1.0
        self._scarce = False

    def open(self, period: int, shares: Shares | None, supplies_mwh: Sequence[float], honesty: float) -> None:
        """Start to sell.

        Parameters
        ----------
        period : int
        shares : Shares, optional
            What was agreed about it; None for nothing.
        supplies_mwh : sequence of float
            What can really be sent in each minute.
        honesty : float
            Part of what is agreed that it means to send.
        """
        self.sold_mwh, self._sales, self.granted_mwh = 0.0, {}, 0.0
        if shares is None:
            return
        self._sales = {name: sale for name, sale in shares.sales.items() if sale.volume > 0.0}
        self._supplies, self._scarce, self._honesty = supplies_mwh, shares.scarce, honesty
        self._period, self._minute, self.granted_mwh = period, 0, shares.sent_mwh
        self._boast = shares.boast
        if self._sales:
            self._beat.at(self._clock.now_s, self._next_minute)

    def _next_minute(self) -> None:
        """Settle the minute that is over; offer what there is in the next one."""
        self._close_minute()
        if self._minute == len(self._supplies):
            return
        self._minute_s = self._clock.now_s
        self._minute += 1
        self._beat.at(self._minute_s + MINUTE_S, self._next_minute)
        self._beat.at(self._minute_s + self._delay_s, self._offer_all)

    def _offer_all(self) -> None:
        """Make the first offers of the minute."""
        now_s = self._clock.now_s
        factor = self._factor(self._supplies[self._minute - 1])
        if factor <= 0.0:
            return
        for sale in self._sales.values():
            if sale.line.is_open(now_s):
                volume = min(sale.volume * factor, sale.line_mwh)
                price = self._manner.offered_price(sale, volume)
                self._journal.note(
                    Opened(sale.buyer, sale.cost, volume, math.nan if price is None else price)
                )
                self._offer(sale, self._minute_s, 0, price, volume)
        self._beat.at(now_s + RESEND_S, self._resend)

    def _factor(self, available_mwh: float) -> float:
        """Part of each share that is offered in a minute; above 1 if scarce supply turns out larger."""
        factor = available_mwh * self._boast / self.granted_mwh
        return factor if self._scarce else min(1.0, factor)

    def _offer(self, sale: Sale, minute_s: float, round_: int, price: float | None, volume: float) -> None:
        if price is None or volume < CRUMB_MWH:
            return
        sale.offer = PriceOffer(minute_s, round_, price, volume)
        self._note(sale, "offer", sale.offer.round, price, volume)
        self._send(sale.buyer, sale.offer)

    def _resend(self) -> None:
        """Repeat what has had no answer: it or the answer may be lost."""
        for sale in self._sales.values():
            if sale.offer is not None and sale.accepted is None and not sale.refused:
                self._send(sale.buyer, sale.offer)

    @on(Accept)
    def take_accept(self, accept: Accept, buyer: str) -> None:
        """Hold the acceptance of a standing offer: now it binds. Copies and stale ones change nothing."""
        sale = self._sales.get(buyer)
        if sale is None or sale.offer is None or sale.accepted is not None:
            return
        minute_s, round_, price, limit = sale.offer
        if (accept.minute_s, accept.round) != (minute_s, round_) or not 0.0 < accept.volume_mwh <= limit:
            return
        if self._manner.binds(sale, sale.offer, accept):
            sale.accepted = accept
            self._note(sale, "accept", accept.round, accept.price_per_mwh, accept.volume_mwh)
            self._journal.note(Learnt(buyer, price, accept.volume_mwh, accept.limited, False))
            self._manner.learn(buyer, price, accept.volume_mwh, accept.limited)

    @on(Counter)
    def take_counter(self, counter: Counter, buyer: str) -> None:
        """PriceOffer again, if the manner has an answer and the minute a round left."""
        sale = self._sales.get(buyer)
        if sale is None or sale.offer is None or sale.accepted is not None or sale.refused:
            return
        if (counter.minute_s, counter.round) != (sale.offer.minute_s, sale.offer.round):
            return
        self._note(sale, "counter", counter.round, counter.price_per_mwh, counter.volume_mwh)
        volume = min(counter.volume_mwh, sale.offer.limit_mwh)
        price = None
        if volume > 0.0 and counter.round + 1 < self._rules.rounds:
            price = self._manner.counter_to(sale, counter)
        if price is None or volume < CRUMB_MWH:
            sale.refused = True
        else:
            self._offer(sale, counter.minute_s, counter.round + 1, price, volume)

    def _note(self, sale: Sale, move: str, round_: int, price: float, volume: float) -> None:
        if self._is_recorded():
            premium = sale.premium.price_per_mwh if sale.premium else 0.0
            self.moves.append(Move(self._minute_s, sale.buyer, round_, move, price, volume, premium))

    def _close_minute(self) -> None:
        bound = [
            (sale, sale.accepted.volume_mwh / (1.0 - sale.line.loss))
            for sale in self._sales.values()
            if sale.accepted
        ]
        if bound:
            needed, there = sum(volume for _, volume in bound), self._supplies[self._minute - 1]
            part = self._honesty * (1.0 if needed <= there else there / needed)
            for sale, volume in bound:
                self.sold_mwh += self._meters.settle(sale, part * volume, self._period)
        for sale in self._sales.values():
            sale.offer, sale.accepted, sale.refused = None, None, False
