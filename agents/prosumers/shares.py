"""How a seller shares its supply among buyers in the minutes before a period."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

from gridarium.agents.base import Listener, on
from gridarium.agents.prosumers.journal import Asked, Learnt, Share, Shared
from gridarium.agents.prosumers.manners import Request
from gridarium.agents.prosumers.means import Means
from gridarium.agents.prosumers.seller_costs import SellerCosts
from gridarium.agents.prosumers.supply_sharing import ShareClaim, share_by_value
from gridarium.agents.prosumers.trading import CONFIRMATION_S, CRUMB_MWH, TIME_GRID_S, TURNS_S, Sale
from gridarium.environment.clock import HOUR_S, MINUTE_S
from gridarium.market.messages.commands import Receipt
from gridarium.market.messages.leasing import Ask, Bid, Confirm, Grant, Introduction, Release

WAIT_S = 5.0
"""How long a seller waits for bids, s."""
_CHANGE = 1e-3
"""Relative change of a share that is not worth a message."""


class Shares:
    """How the supply of one period is shared so far.

    Parameters
    ----------
    period : int
    supply_mwh : float
        What the seller claims to be able to send in each minute.
    boast : float
        That claim over what it expects itself.
    """

    __slots__ = (
        "asked", "bids", "boast", "limited", "period", "sales", "scarce", "supply_mwh", "turn", "waiting",
    )  # fmt: skip

    def __init__(self, period: int, supply_mwh: float, boast: float) -> None:
        self.period, self.supply_mwh, self.boast = period, supply_mwh, boast
        self.sales: dict[str, Sale] = {}
        self.scarce = self.limited = False
        self.turn = 0
        self.waiting: set[str] = set()
        self.bids: dict[str, Bid] = {}
        self.asked: dict[str, float] = {}

    @property
    def sent_mwh(self) -> float:
        """What must be sent in each minute for all sales."""
        return sum(sale.volume / (1.0 - sale.line.loss) for sale in self.sales.values())


class Sharing(Listener):
    """A seller's negotiation with its buyers before each period.

    - `nominate`: start it
    - `close`: what has come of it

    Parameters
    ----------
    means : Means
    costs : SellerCosts
    offset : float
        Where in a turn it acts, in [0, 1): sellers that act one after another do not answer the same bids.
    partners : sequence of str
        Whom it asks where no desk introduces others.
    """

    def __init__(self, means: Means, costs: SellerCosts, offset: float, partners: Sequence[str] = ()) -> None:
        self._send, self._clock, self._beat = means.send, means.clock, means.beat
        self._rules, self._manner, self._journal = means.rules, means.manner, means.journal
        self._costs, self._offset, self._partners = costs, offset, partners
        self._introduction: Introduction | None = None
        self._shares: Shares | None = None

    def nominate(self, period: int, start_s: float, supply_mwh: float, boast: float) -> None:
        """Prepare to share a supply, MWh a minute, in the turns before a period."""
        self._shares = shares = Shares(period, supply_mwh, boast) if supply_mwh > CRUMB_MWH else None
        if shares is None:
            return
        turn_s = (TURNS_S - CONFIRMATION_S) / self._rules.turns
        take_turn = partial(self._take_turn, shares)
        for turn in range(self._rules.turns):
            # The end of a turn is left free for the answers to its last askers.
            moment = (
                start_s - TURNS_S + turn_s * turn + self._offset * max(0.5 * turn_s, turn_s - 2.0 * WAIT_S)
            )
            self._beat.at(self._grid_time(max(0.0, moment - self._clock.now_s)), take_turn)

    def close(self, period: int) -> Shares | None:
        """Hand over what was shared for a period that starts; None if nothing was."""
        shares, self._shares = self._shares, None
        return shares if shares is not None and shares.period == period else None

    @on(Introduction)
    def take_introduction(self, introduction: Introduction, sender: str) -> Receipt:
        """Deal with the buyers that the desk names, within the limit that it sets."""
        self._introduction = introduction
        return Receipt()

    @on(Bid)
    def take_bid(self, bid: Bid, buyer: str) -> None:
        """Note a bid; share once all are there."""
        shares = self._shares_of(bid.period)
        if shares is None or bid.turn != shares.turn or buyer not in shares.waiting:
            return
        shares.waiting.discard(buyer)
        shares.bids[buyer] = bid
        self._journal.note(Learnt(buyer, shares.asked[buyer], bid.volume_mwh, bid.limited, True))
        self._manner.learn_demand(buyer, shares.asked[buyer], bid.volume_mwh, bid.limited)
        if not shares.waiting:
            self._share(shares)

    @on(Release)
    def take_release(self, release: Release, buyer: str) -> None:
        """Take back what a buyer does not keep."""
        shares = self._shares_of(release.period)
        sale = shares.sales.get(buyer) if shares is not None else None
        if sale is not None and release.turn == sale.turn:
            sale.volume = min(sale.volume, release.volume_mwh)

    @on(Confirm)
    def take_confirm(self, confirm: Confirm, buyer: str) -> None:
        """Take note of the value to bargain about."""
        shares = self._shares_of(confirm.period)
        sale = shares.sales.get(buyer) if shares is not None else None
        if sale is not None:
            sale.volume = min(sale.volume, confirm.volume_mwh)
            sale.declare(confirm.utility, self._rules.price_band_per_mwh)

    def _shares_of(self, period: int) -> Shares | None:
        shares = self._shares
        return shares if shares is not None and shares.period == period else None

    def _grid_time(self, delay_s: float) -> float:
        """A clock time on the grid that groups sellers into few instants, s."""
        now_s = self._clock.now_s
        return max(now_s, math.ceil((now_s + delay_s) / TIME_GRID_S) * TIME_GRID_S)

    def _take_turn(self, shares: Shares) -> None:
        """Ask the buyers for bids; those that wanted nothing the last time are left alone."""
        shares.turn += 1
        if shares.turn == 1:
            self._begin(shares)
        bids = shares.bids
        asked = [name for name in shares.sales if name not in bids or bids[name].volume_mwh > 0.0]
        shares.waiting = set(asked)
        for name in asked:
            price = self._manner.asked_price(name, shares.sales[name].cost)
            shares.asked[name] = price
            self._journal.note(Asked(name, shares.sales[name].cost, price))
            reputation = self._introduction.reputation if self._introduction else 1.0
            self._send(name, Ask(shares.period, shares.turn, price, reputation))
        if asked:
            self._beat.at(self._grid_time(WAIT_S), partial(self._stop_waiting, shares))

    def _begin(self, shares: Shares) -> None:
        """Open a sale to each partner; a limit of the desk holds however much there turns out to be."""
        partners, premium, told = self._partners, None, self._introduction
        if told is not None and told.period == shares.period:
            partners, premium = told.buyers, told.premium
            most_mwh = told.limit_mw * MINUTE_S / HOUR_S
            shares.limited = most_mwh < shares.supply_mwh
            shares.supply_mwh = min(shares.supply_mwh, most_mwh)
        shares.sales = {name: sale for name in partners if (sale := self._costs.sale_to(name, premium))}

    def _stop_waiting(self, shares: Shares) -> None:
        if shares.waiting:
            shares.waiting = set()
            self._share(shares)

    def _share(self, shares: Shares) -> None:
        if self._manner.declares:
            self._share_by_value(shares)
        else:
            self._share_by_answers(shares)
        shares.scarce = not shares.limited and shares.sent_mwh >= shares.supply_mwh * (1.0 - _CHANGE)

    def _share_by_value(self, shares: Shares) -> None:
        sales, claims = [], []
        for name, bid in shares.bids.items():
            if bid.utility is not None:
                sale = shares.sales[name]
                sale.declare(bid.utility, self._rules.price_band_per_mwh)
                need = bid.volume_mwh
                claims.append(
                    ShareClaim(sale.cost, sale.line.loss, need, sale.line_mwh, bid.utility, bid.leaves)
                )
                sales.append(sale)
        volumes, value = share_by_value(claims, shares.supply_mwh)
        values = [sale.cost + value / (1.0 - sale.line.loss) for sale in sales]
        self._note(shares, sales, volumes, values)
        for sale, volume, told in zip(sales, volumes, values, strict=True):
            self._grant(shares, sale, volume, sale.cost, told)

    def _share_by_answers(self, shares: Shares) -> None:
        sales = [shares.sales[name] for name in shares.bids]
        requests = [
            Request(
                sale.buyer,
                sale.cost,
                shares.asked[sale.buyer],
                shares.bids[sale.buyer].volume_mwh,
                sale.line_mwh,
                sale.line.loss,
            )
            for sale in sales
        ]
        volumes = self._manner.share(requests, shares.supply_mwh)
        self._note(shares, sales, volumes, [shares.asked[sale.buyer] for sale in sales])
        for sale, volume in zip(sales, volumes, strict=True):
            price = shares.asked[sale.buyer]
            self._grant(shares, sale, volume, price, price)

    def _note(
        self, shares: Shares, sales: Sequence[Sale], volumes: Sequence[float], values: Sequence[float]
    ) -> None:
        found = (
            Share(
                sale.buyer,
                sale.cost,
                sale.line.loss,
                sale.line_mwh,
                shares.asked[sale.buyer],
                shares.bids[sale.buyer],
                volume,
                value,
            )
            for sale, volume, value in zip(sales, volumes, values, strict=True)
        )
        self._journal.note(Shared(shares.period, shares.turn, shares.supply_mwh, tuple(found)))

    def _grant(self, shares: Shares, sale: Sale, volume: float, cost: float, value: float) -> None:
        """Tell a buyer its share, unless that is what it has already."""
        if volume < CRUMB_MWH:
            volume = 0.0
        if abs(volume - sale.volume) > _CHANGE * max(volume, sale.volume):
            sale.volume, sale.turn = volume, shares.turn
            self._send(sale.buyer, Grant(shares.period, shares.turn, volume, cost, value))
