"""A prosumer as seller: shares its supply before a period, sells it minute by minute within."""

from __future__ import annotations

import math
from collections.abc import Sequence

from gridarium.agents.base import GridAgent
from gridarium.agents.prosumers.manners import Manner
from gridarium.agents.prosumers.shares import WAIT_S, Shares
from gridarium.agents.prosumers.trading import (
    CONFIRMATION_S,
    CRUMB_MWH,
    RESEND_S,
    TURNS_S,
    Meters,
    Sale,
    TradeRules,
    beat_of,
)
from gridarium.environment.clock import HOUR_S, MINUTE_S
from gridarium.environment.private_lines import PrivateLines
from gridarium.market.ladder import LadderTariff
from gridarium.market.messages.leasing import Accept, Counter, LeaseTerms, PriceOffer

_GRID_S = 0.05


class Seller:
    """The selling side of a prosumer.

    - `partners`, `reputation`: whom it asks, and what it is told about itself
    - `nominate`, `shares`: before a period
    - `open`: when it starts; then offers and answers each minute
    - `sold_mwh`: energy put on lines in the running period

    Parameters
    ----------
    agent : GridAgent
        In whose name it acts.
    lines : PrivateLines
    meters : Meters
    rules : TradeRules
    manner : Manner
    reservation_price_per_mwh : float
        Below which it sells nothing, fee apart.
    """

    def __init__(
        self,
        agent: GridAgent,
        lines: PrivateLines,
        meters: Meters,
        rules: TradeRules,
        manner: Manner,
        reservation_price_per_mwh: float,
    ) -> None:
        self.agent, self.rules, self.manner = agent, rules, manner
        self.beat = beat_of(agent.world)
        self.terms: LeaseTerms | None = None
        self.partners: Sequence[str] = ()
        self.reputation = 1.0
        self.sold_mwh = 0.0
        self.shares: Shares | None = None
        self._lines, self._meters, self._reservation = lines, meters, reservation_price_per_mwh
        self._ladder: LadderTariff | None = None
        self._clock = agent.world.clock
        # Where in a turn it acts: sellers that act one after another do not answer the same bids.
        self._offset = float(agent.stream("turn").random())
        # If all spoke at once, the clock's queue would grow with the pool, and every message's cost with it.
        self._delay_s = math.floor(self._offset * rules.spread_s / _GRID_S) * _GRID_S
        self._sales: dict[str, Sale] = {}
        self._supplies: Sequence[float] = ()
        self._period = self._minute = 0
        self._minute_s = 0.0
        self._honesty = self._boast = 1.0
        self._granted_mwh, self._scarce = 0.0, False

    def beat_time(self, delay_s: float) -> float:
        """A clock time on the grid that groups sellers into few instants, s."""
        now_s = self._clock.now_s
        return max(now_s, math.ceil((now_s + delay_s) / _GRID_S) * _GRID_S)

    @property
    def promised_mwh(self) -> float:
        """Energy to be sent for what is agreed about the coming period, MWh."""
        if self.shares is None:
            return 0.0
        return self.shares.sent_mwh * self._clock.period_s / MINUTE_S

    @property
    def expected_mwh(self) -> float:
        """Energy that is likely to be sold in the running period, MWh."""
        return self._granted_mwh * self._clock.period_s / MINUTE_S

    def take_terms(self, terms: LeaseTerms) -> None:
        """Pay these fees for sales negotiated from now on."""
        self.terms = terms
        self._ladder = LadderTariff(terms.base_fee_per_km_mwh, terms.interval_km, terms.growth)

    def sale_to(self, buyer: str) -> Sale | None:
        """A sale of nothing yet; None without a line or terms for it, or if its cost is above any price."""
        line = self._lines.between(self.agent.name, buyer)
        if line is None or self._ladder is None:
            return None
        fee = self._ladder.cost(line.distance_km)
        cost = (fee + self._reservation) / (1.0 - line.loss)
        return Sale(buyer, line, fee, cost) if cost <= self.rules.price_band_per_mwh[1] else None

    @staticmethod
    def line_mwh(sale: Sale) -> float:
        """Most that the line delivers in a minute, MWh."""
        return sale.line.capacity_mw * MINUTE_S / HOUR_S * (1.0 - sale.line.loss)

    def nominate(self, period: int, start_s: float, supply_mwh: float, boast: float) -> None:
        """Prepare to share a supply, MWh a minute, in the turns before a period."""
        self.shares = Shares(self, period, supply_mwh, boast) if supply_mwh > CRUMB_MWH else None
        if self.shares is None:
            return
        turn_s = (TURNS_S - CONFIRMATION_S) / self.rules.turns
        for turn in range(self.rules.turns):
            # The end of a turn is left free for the answers to its last askers.
            moment = (
                start_s - TURNS_S + turn_s * turn + self._offset * max(0.5 * turn_s, turn_s - 2.0 * WAIT_S)
            )
            self.beat.at(self.beat_time(max(0.0, moment - self._clock.now_s)), self.shares.take_turn)

    def open(self, period: int, supplies_mwh: Sequence[float], honesty: float) -> None:
        """Start to sell.

        Parameters
        ----------
        period : int
        supplies_mwh : sequence of float
            What can really be sent in each minute.
        honesty : float
            Part of what is agreed that it means to send.
        """
        self.sold_mwh, self._sales, self._granted_mwh = 0.0, {}, 0.0
        shares, self.shares = self.shares, None
        if shares is None or shares.period != period:
            return
        self._sales = {name: sale for name, sale in shares.sales.items() if sale.volume > 0.0}
        self._supplies, self._scarce, self._honesty = supplies_mwh, shares.scarce, honesty
        self._period, self._minute, self._granted_mwh = period, 0, shares.sent_mwh
        self._boast = shares.boast
        if self._sales:
            self.beat.at(self._clock.now_s, self._next_minute)

    def _next_minute(self) -> None:
        """Settle the minute that is over; offer what there is in the next one."""
        self._close_minute()
        if self._minute == len(self._supplies):
            return
        self._minute_s = self._clock.now_s
        self._minute += 1
        self.beat.at(self._minute_s + MINUTE_S, self._next_minute)
        self.beat.at(self._minute_s + self._delay_s, self._offer_all)

    def _offer_all(self) -> None:
        """Make the first offers of the minute."""
        now_s = self._clock.now_s
        factor = self._factor(self._supplies[self._minute - 1])
        if factor <= 0.0:
            return
        for sale in self._sales.values():
            if sale.line.is_open(now_s):
                volume = min(sale.volume * factor, self.line_mwh(sale))
                price = self.manner.offered_price(sale, volume)
                self._offer(sale, self._minute_s, 0, price, volume)
        self.beat.at(now_s + RESEND_S, self._resend)

    def _factor(self, available_mwh: float) -> float:
        """Part of each share that is offered in a minute; above 1 if scarce supply turns out larger."""
        factor = available_mwh * self._boast / self._granted_mwh
        return factor if self._scarce else min(1.0, factor)

    def _offer(self, sale: Sale, minute_s: float, round_: int, price: float | None, volume: float) -> None:
        if price is None or volume < CRUMB_MWH:
            return
        sale.offer = PriceOffer(minute_s, round_, price, volume)
        self.agent.send(sale.buyer, sale.offer)

    def _resend(self) -> None:
        """Repeat what has had no answer: it or the answer may be lost."""
        for sale in self._sales.values():
            if sale.offer is not None and sale.accepted is None and not sale.refused:
                self.agent.send(sale.buyer, sale.offer)

    def hear_accept(self, accept: Accept, buyer: str) -> None:
        """Hold the acceptance of a standing offer: now it binds. Copies and stale ones change nothing."""
        sale = self._sales.get(buyer)
        if sale is None or sale.offer is None or sale.accepted is not None:
            return
        minute_s, round_, price, limit = sale.offer
        if (accept.minute_s, accept.round) != (minute_s, round_) or not 0.0 < accept.volume_mwh <= limit:
            return
        if self.manner.binds(sale, sale.offer, accept):
            sale.accepted = accept
            self.manner.learn(buyer, price, accept.volume_mwh, accept.limited)

    def hear_counter(self, counter: Counter, buyer: str) -> None:
        """Offer again, if the manner has an answer and the minute a round left."""
        sale = self._sales.get(buyer)
        if sale is None or sale.offer is None or sale.accepted is not None or sale.refused:
            return
        if (counter.minute_s, counter.round) != (sale.offer.minute_s, sale.offer.round):
            return
        volume = min(counter.volume_mwh, sale.offer.limit_mwh)
        price = None
        if volume > 0.0 and counter.round + 1 < self.rules.rounds:
            price = self.manner.counter_to(sale, counter)
        if price is None:
            sale.refused = True
        else:
            self._offer(sale, counter.minute_s, counter.round + 1, price, volume)

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
