"""Prosumers: sellers in one period, buyers in the next, each by its own balance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from gridarium.agents.base import GridAgent, on
from gridarium.agents.behaviour import Behaviour
from gridarium.agents.prosumers.buyer import Buyer
from gridarium.agents.prosumers.journal import Journal
from gridarium.agents.prosumers.manners import BargainingRule
from gridarium.agents.prosumers.means import Means
from gridarium.agents.prosumers.own_balance import Metered, Outlook, OwnBalance, ProsumerData
from gridarium.agents.prosumers.prosumer_rows import Told, prosumer_rows
from gridarium.agents.prosumers.purchases import Purchasing
from gridarium.agents.prosumers.reputations import Reputations
from gridarium.agents.prosumers.seller import Seller
from gridarium.agents.prosumers.seller_costs import SellerCosts
from gridarium.agents.prosumers.shares import Sharing
from gridarium.agents.prosumers.trading import (
    CRUMB_MWH,
    NOMINATION_S,
    POOL_OFFER_S,
    REPEAT_S,
    Meters,
    TradeRules,
    beat_of,
)
from gridarium.agents.rows import Rows
from gridarium.environment.arrays import Array, series
from gridarium.environment.clock import MINUTE_S, day_length
from gridarium.environment.grids import Site
from gridarium.environment.horizon import Horizon
from gridarium.environment.private_lines import PrivateLines
from gridarium.market.accounts import REAL_TIME, REAL_TIME_MARKET
from gridarium.market.messages.forecasts import ForecastRequest, LoadForecast
from gridarium.market.messages.leasing import LeaseTerms, Nomination


class Prosumer(GridAgent):
    """An agent with panels, a load, perhaps a battery, and leased lines to others.

    Before each period it nominates what it can spare or lacks. As a seller (EP) it asks buyers for bids
    and grants shares (`Sharing`); as a buyer (IP) it bids, and releases what it gets better elsewhere
    (`Purchasing`). Within the period seller and buyer bargain each minute (`Seller`, `Buyer`); an
    acceptance that the seller holds binds it. Each part handles the messages that are its own; the
    prosumer itself only tells them when a period comes, starts and ends, and what there is to trade.

    Parameters
    ----------
    site : Site
    name : str
    data : ProsumerData
    lines : PrivateLines
    rules : TradeRules
        Common to the pool.
    bargaining : BargainingRule
        Makes its manner of bargaining.
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

    kind = "prosumer"

    def __init__(
        self,
        site: Site,
        name: str,
        data: ProsumerData,
        lines: PrivateLines,
        rules: TradeRules,
        bargaining: BargainingRule,
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
        self._told, self._rules, self._served_by = desk or operator, rules, served_by
        cap = rules.price_band_per_mwh[1]
        self._utility, self._worth = data.utility, rules.worth(data.utility)
        self._beat = beat_of(world)
        n_minute = round(world.clock.period_s / MINUTE_S)
        self._trades = rules.trades_at(world.times)
        self._own = OwnBalance(
            data,
            world.period_h,
            n_minute,
            self.stream("fluctuation"),
            self._trades,
            day_length(world.n_period, world.clock.period_s),
        )
        self._n_minute = n_minute
        manner = bargaining.manner(rules, data.utility, self.stream)
        self.journal = Journal(lambda: world.bus.record)
        means = Means(
            self.send, world.clock, self._beat, rules, manner, lambda: world.bus.record, self.journal
        )
        meters = world.shared(("meters", provider, lines), lambda: Meters(self.grid, lines, provider, cap))
        own = self._own
        costs = SellerCosts(
            self.name,
            lines,
            data.reservation_price_per_mwh,
            lambda: own.charging_price_per_mwh,
            cap,
            terms,
        )
        offset = float(self.stream("turn").random())
        self._sharing = Sharing(means, costs, offset, neighbours)
        self._seller = Seller(means, meters, offset)
        perceive, choose = partial(self.behaviour.perceive, self), partial(self.behaviour.choose, self)
        self._reputations = Reputations(rules.reputation_weight, perceive, data.trust_money)
        self._purchasing = Purchasing(means, self._worth, self._reputations, choose)
        self._buyer = Buyer(means, self._worth, self._reputations, choose)
        for part in (costs, self._sharing, self._seller, self._purchasing, self._buyer):
            self.mount(part)
        lines.connect(self.name, self._buyer.read_meter)
        self._bought_mwh = 0.0
        self._nominated: list[Outlook] = []
        self._granted_mwh = np.zeros(world.n_period)
        self._limit_mwh = np.full(world.n_period, np.inf)
        self._trust_money = np.zeros(world.n_period)

    # What is public about it, for tables.

    def rows(self) -> Iterator[Rows]:
        """What it drew, its balance and its money, its sales and how they were bargained about."""
        price = self._rules.price_band_per_mwh[1]
        told = Told(
            self.metered,
            self.energy_mwh,
            self._nominated,
            self._granted_mwh,
            self._limit_mwh,
            self._trust_money,
            price,
            self._seller.moves,
            self._purchasing.declared,
        )
        return prosumer_rows(self.site, self.name, told, self._utility, self._worth)

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
        return dict(self._reputations.known)

    @property
    def loads_mw(self) -> dict[str, Array]:
        """What it sends over lines when it keeps no promise, MW: nothing; behaviours fall back to it."""
        return {"base": np.zeros(self.world.n_period)}

    def possible(self, period: int) -> tuple[list[float], list[float]]:
        """What it could sell and what it needed in each minute of a period that has begun, MWh."""
        return self._own.possible(period)

    # The day before.

    @on(ForecastRequest)
    def tell_forecast(self, request: ForecastRequest, sender: str) -> LoadForecast:
        """Tell the operator of a feeder what it expects to draw on a day, if it does not trade."""
        periods = Horizon.of(self.world).periods(request.day)
        expected = self._own.foreseen_mwh(periods) / self.world.period_h
        return LoadForecast(request.day, series(expected))

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
        world = self.world
        surplus, deficit, charging = self._own.outlook(period, self._in_period(self._seller.granted_mwh))
        boast = 1.0
        if not self._trades[period]:
            surplus = charging = 0.0
        if surplus > CRUMB_MWH:
            # Only a behaviour makes it claim more or less than it expects.
            claimed = float(self.behaviour.foresee(self, np.array([surplus]))[0])
            boast, surplus = claimed / surplus, claimed
            self._sharing.nominate(period, start_s, surplus / self._n_minute, boast)
        else:
            self._sharing.nominate(period, start_s, 0.0, boast)
        self._nominated.append(Outlook(surplus, deficit, charging))
        if self._told is not None:
            power, news = 1.0 / world.period_h, self._reputations.news()
            nomination = Nomination(
                period, surplus * power, deficit * power, self._bought_mwh, news, charging * power
            )
            left_s = max(REPEAT_S, start_s - POOL_OFFER_S - world.clock.now_s)
            question = self.ask({self._told: nomination}, left_s, REPEAT_S)
            world.clock.process(question.answered())
        needed = deficit + charging if self._trades[period] else 0.0
        self._purchasing.nominate(period, start_s, needed / self._n_minute)

    def _in_period(self, minute_mwh: float) -> float:
        """Energy of a whole period at so much a minute, MWh."""
        return minute_mwh * self.world.clock.period_s / MINUTE_S

    def operate(self, period: int) -> None:
        """Let the period begin with what was agreed before it and what there really is."""
        supplies, needs = self._own.open(period)
        shares = self._sharing.close(period)
        if shares is not None and shares.limited:
            self._limit_mwh[period] = self._in_period(shares.supply_mwh)
        honesty = 1.0
        promised = self._in_period(shares.sent_mwh) if shares is not None else 0.0
        if promised > 0.0:
            planned = promised / self.world.period_h
            honesty = min(1.0, max(0.0, self.behaviour.act(self, period, planned) / planned))
        self._seller.open(period, shares, supplies, honesty)
        self._granted_mwh[period] = promised
        self._buyer.open(self._purchasing.close(period), needs)

    def meter(self, period: int) -> None:
        """Read all meters: what neither panels, battery nor others have served is drawn from the system."""
        self._beat.catch_up()
        received = self._buyer.received_mwh
        price = self._buyer.paid_money / received if received > 0.0 else 0.0
        metered = self._own.close(period, self._seller.sold_mwh, received, price)
        self._bought_mwh = metered.received - metered.for_battery
        self._trust_money[period] = self._buyer.trust_money
        self.site.draw(self.name, metered.drawn / self.world.period_h)

    def settle(self, period: int) -> None:
        """Pay for what the system has served, at the price of real-time energy."""
        amount = self._rules.price_band_per_mwh[1] * self._own.record[period].drawn
        if amount:
            world = self.world
            world.ledger.book(world.clock.now_s, self.name, self._served_by, amount, REAL_TIME, period)
