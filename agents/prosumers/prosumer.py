"""Prosumers: sellers in one period, buyers in the next, each by its own balance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gridarium.agents.base import GridAgent, on
from gridarium.agents.behaviour import Behaviour
from gridarium.agents.prosumers.buyer import Buyer
from gridarium.agents.prosumers.learning_manners import MANNERS
from gridarium.agents.prosumers.own_balance import Metered, OwnBalance, ProsumerData
from gridarium.agents.prosumers.seller import Seller
from gridarium.agents.prosumers.trading import (
    CONFIRMATION_S,
    CRUMB_MWH,
    NOMINATION_S,
    Meters,
    TradeRules,
    beat_of,
)
from gridarium.environment.arrays import Array
from gridarium.environment.clock import MINUTE_S
from gridarium.environment.grids import Site
from gridarium.environment.private_lines import LineFlow, PrivateLines
from gridarium.market.accounts import REAL_TIME, REAL_TIME_MARKET
from gridarium.market.messages.commands import Receipt
from gridarium.market.messages.leasing import (
    Accept,
    Ask,
    Bid,
    Confirm,
    Counter,
    Grant,
    Introduction,
    LeaseTerms,
    Nomination,
    PriceOffer,
    Release,
)


class Prosumer(GridAgent):
    """An agent with panels, a load, perhaps a battery, and leased lines to others.

    Before each period it nominates what it can spare or lacks. As a seller (EP) it asks buyers for bids
    and grants shares; as a buyer (IP) it bids, and releases what it gets better elsewhere. Within the
    period seller and buyer bargain each minute; an acceptance that the seller holds binds it.

    Parameters
    ----------
    site : Site
    name : str
    data : ProsumerData
    lines : PrivateLines
    rules : TradeRules
        Common to the pool.
    provider : str
        Account, and agent if there is one, that leases the lines.
    terms : LeaseTerms, optional
        Fees until the provider tells others; without any it cannot sell.
    desk : str, optional
        Who introduces buyers; without one it asks its neighbours.
    operator : str, optional
        Who hears its nominations where there is no desk.
    served_by : str
        Who is paid for what the system serves, at the upper end of the price band.
    neighbours : sequence of str
        Whom it asks when nobody has introduced it.
    behaviour : Behaviour, optional
    """

    def __init__(
        self,
        site: Site,
        name: str,
        data: ProsumerData,
        lines: PrivateLines,
        rules: TradeRules,
        *,
        provider: str,
        terms: LeaseTerms | None = None,
        desk: str | None = None,
        operator: str | None = None,
        served_by: str = REAL_TIME_MARKET,
        neighbours: Sequence[str] = (),
        behaviour: Behaviour | None = None,
    ) -> None:
        super().__init__(site, name, behaviour)
        world = self.world
        self.site = site
        self._data, self._told = data, desk or operator
        self._rules, self._served_by = rules, served_by
        n_minute = round(world.clock.period_s / MINUTE_S)
        self._own = OwnBalance(data, world.period_h, n_minute, self.stream("fluctuation"))
        self._n_minute = n_minute
        manner = MANNERS[rules.rule](rules, data.utility, self.stream)
        cap = rules.price_band_per_mwh[1]
        meters = world.shared(("meters", provider, lines), lambda: Meters(self.grid, lines, provider, cap))
        self._seller = Seller(self, lines, meters, rules, manner, data.reservation_price_per_mwh)
        self._buyer = Buyer(self, rules, manner, data.utility)
        self._seller.partners = neighbours
        if terms is not None:
            self._seller.take_terms(terms)
        lines.connect(self.name, self._read_meter)
        self._beat = beat_of(world)
        self._bought_mwh = 0.0

    # What is public about it, for tables.

    @property
    def metered(self) -> Sequence[Metered]:
        """Its energy balance in each period metered so far."""
        return self._own.record

    @property
    def energy_mwh(self) -> Array:
        """Content of its battery at the end of each period, MWh; zeros without one."""
        return self._own.e_mwh

    @property
    def reputation(self) -> dict[str, float]:
        """Of those it has bought from, where it is not 1."""
        return dict(self._buyer.reputation)

    @property
    def loads_mw(self) -> dict[str, Array]:
        """What it sends over lines when it keeps no promise, MW: nothing; behaviours fall back to it."""
        return {"base": np.zeros(self.world.n_period)}

    def possible(self, period: int) -> tuple[list[float], list[float]]:
        """What it could sell and what it needed in each minute of a period that has begun, MWh."""
        return self._own.possible(period)

    # The period.

    def start(self) -> None:
        """Wait for the first nomination."""
        super().start()
        self._wait_for(0)

    def _wait_for(self, period: int) -> None:
        world = self.world
        if period < world.n_period:
            start_s = world.delivery_s + period * world.clock.period_s
            moment = max(world.clock.now_s, start_s - NOMINATION_S)
            self._beat.at(moment, lambda: self._nominate(period, start_s))

    def _nominate(self, period: int, start_s: float) -> None:
        """Find out the own role, tell it, and get ready for it."""
        self._wait_for(period + 1)
        outlook = self._own.outlook(period, self._seller.expected_mwh)
        surplus, deficit = outlook
        if surplus > CRUMB_MWH:
            # Only a behaviour makes it claim more or less than it expects.
            claimed = float(self.behaviour.foresee(self, np.array([surplus]))[0])
            self._seller.nominate(period, start_s, claimed / self._n_minute, claimed / surplus)
            surplus = claimed
        else:
            self._seller.nominate(period, start_s, 0.0, 1.0)
        self._buyer.nominate(period, deficit / self._n_minute)
        if self._told is not None:
            power = 1.0 / self.world.period_h
            ratings = self._buyer.ratings()
            self.send(
                self._told,
                Nomination(period, surplus * power, deficit * power, self._bought_mwh, ratings),
            )
        if self._buyer.purchases is not None:
            # If the period is about to start, this is too late, and sellers rely on the bids.
            moment = max(self.world.clock.now_s, start_s - CONFIRMATION_S)
            self._beat.at(moment, self._confirm)

    def _confirm(self) -> None:
        """Tell sellers what is kept of their grants and what it is worth."""
        if self._buyer.purchases is not None and self._buyer.manner.declares:
            for seller, confirm in self._buyer.purchases.confirm():
                self.send(seller, confirm)

    def operate(self, period: int) -> None:
        """Take note that the period begins."""
        supplies, needs = self._own.open(period)
        expected = self._seller.promised_mwh
        honesty = 1.0
        if expected > 0.0:
            planned = expected / self.world.period_h
            honesty = min(1.0, max(0.0, self.behaviour.act(self, period, planned) / planned))
        self._seller.open(period, supplies, honesty)
        self._buyer.open(period, self.world.clock.now_s, needs)

    def meter(self, period: int) -> None:
        """Read all meters: what neither panels, battery nor others have served is drawn from the system."""
        self._beat.catch_up()
        metered = self._own.close(period, self._seller.sold_mwh, self._buyer.received_mwh)
        self._bought_mwh = metered.received
        self.site.draw(self.name, metered.drawn / self.world.period_h)

    def settle(self, period: int) -> None:
        """Pay for what the system has served, at the price of real-time energy."""
        amount = self._rules.price_band_per_mwh[1] * self._own.record[period].drawn
        if amount:
            world = self.world
            world.ledger.book(world.clock.now_s, self.name, self._served_by, amount, REAL_TIME, period)

    # Messages.

    @on(LeaseTerms)
    def take_terms(self, terms: LeaseTerms, sender: str) -> Receipt:
        """Take new fees."""
        self._seller.take_terms(terms)
        return Receipt()

    @on(Introduction)
    def take_introduction(self, introduction: Introduction, sender: str) -> None:
        """Deal with the buyers that the desk names."""
        self._seller.partners, self._seller.reputation = introduction.buyers, introduction.reputation

    @on(Ask)
    def answer_ask(self, ask: Ask, sender: str) -> None:
        """Bid, as a behaviour may see it."""
        self.send(sender, self.behaviour.choose(self, ask, self._buyer.bid(ask, sender)))

    @on(Bid)
    def take_bid(self, bid: Bid, sender: str) -> None:
        """Weigh a bid."""
        shares = self._seller.shares
        if shares is not None and shares.period == bid.period:
            shares.hear_bid(bid, sender)

    @on(Grant)
    def take_grant(self, grant: Grant, sender: str) -> None:
        """Note a share; give back what is too much."""
        purchases = self._buyer.purchases
        if purchases is not None and purchases.period == grant.period:
            for seller, release in purchases.take(grant, sender):
                self.send(seller, release)

    @on(Release)
    def take_release(self, release: Release, sender: str) -> None:
        """Have part of a share back."""
        shares = self._seller.shares
        if shares is not None and shares.period == release.period:
            shares.hear_release(release, sender)

    @on(Confirm)
    def take_confirm(self, confirm: Confirm, sender: str) -> None:
        """Know what to bargain about."""
        shares = self._seller.shares
        if shares is not None and shares.period == confirm.period:
            shares.hear_confirm(confirm, sender)

    @on(PriceOffer)
    def answer_offer(self, offer: PriceOffer, sender: str) -> None:
        """Accept or bid."""
        self._buyer.hear_offer(offer, sender)

    @on(Accept)
    def take_accept(self, accept: Accept, sender: str) -> None:
        """Be bound."""
        self._seller.hear_accept(accept, sender)

    @on(Counter)
    def take_counter(self, counter: Counter, sender: str) -> None:
        """Offer again, or not."""
        self._seller.hear_counter(counter, sender)

    def _read_meter(self, seller: str, flow: LineFlow) -> None:
        self._buyer.meter(seller, flow)
