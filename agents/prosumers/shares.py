"""How a seller shares its supply among buyers in the minutes before a period."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gridarium.agents.prosumers.supply_sharing import ShareClaim, share_by_margin, share_by_value
from gridarium.agents.prosumers.trading import CRUMB_MWH, Sale
from gridarium.market.messages.leasing import Ask, Bid, Confirm, Grant, Release

if TYPE_CHECKING:
    from gridarium.agents.prosumers.seller import Seller

WAIT_S = 5.0
"""How long a seller waits for bids, s."""
_CHANGE = 1e-3
"""Relative change of a share that is not worth a message."""


class Shares:
    """One seller's negotiation about one period.

    Parameters
    ----------
    seller : Seller
    period : int
    supply_mwh : float
        What it claims to be able to send in each minute.
    boast : float
        That claim over what it expects itself.
    """

    def __init__(self, seller: Seller, period: int, supply_mwh: float, boast: float) -> None:
        self.seller, self.period, self.supply_mwh, self.boast = seller, period, supply_mwh, boast
        self.sales: dict[str, Sale] = {}
        self.scarce = False
        self._turn = 0
        self._waiting: set[str] = set()
        self._bids: dict[str, Bid] = {}
        self._asked: dict[str, float] = {}

    @property
    def sent_mwh(self) -> float:
        """What must be sent in each minute for all sales."""
        return sum(sale.volume / (1.0 - sale.line.loss) for sale in self.sales.values())

    def take_turn(self) -> None:
        """Ask the buyers for bids; those that wanted nothing the last time are left alone."""
        seller, self._turn = self.seller, self._turn + 1
        if self._turn == 1:
            self.sales = {name: sale for name in seller.partners if (sale := seller.sale_to(name))}
        asked = [name for name in self.sales if name not in self._bids or self._bids[name].volume_mwh > 0.0]
        self._waiting = set(asked)
        for name in asked:
            price = seller.manner.asked_price(name, self.sales[name].cost)
            self._asked[name] = price
            seller.agent.send(name, Ask(self.period, self._turn, price, seller.reputation))
        if asked:
            seller.beat.at(seller.beat_time(WAIT_S), self._stop_waiting)

    def hear_bid(self, bid: Bid, buyer: str) -> None:
        """Note a bid; share once all are there."""
        if bid.turn != self._turn or buyer not in self._waiting:
            return
        self._waiting.discard(buyer)
        self._bids[buyer] = bid
        self.seller.manner.learn_demand(buyer, self._asked[buyer], bid.volume_mwh, bid.limited)
        if not self._waiting:
            self._share()

    def hear_release(self, release: Release, buyer: str) -> None:
        """Take back what a buyer does not keep."""
        sale = self.sales.get(buyer)
        if sale is not None and release.turn == sale.turn:
            sale.volume = min(sale.volume, release.volume_mwh)

    def hear_confirm(self, confirm: Confirm, buyer: str) -> None:
        """Take note of the value to bargain about."""
        sale = self.sales.get(buyer)
        if sale is not None:
            sale.volume = min(sale.volume, confirm.volume_mwh)
            sale.declare(confirm.utility, self.seller.rules.price_band_per_mwh)

    def _stop_waiting(self) -> None:
        if self._waiting:
            self._waiting = set()
            self._share()

    def _share(self) -> None:
        if self.seller.manner.declares:
            self._share_by_value()
        else:
            self._share_by_margin()
        self.scarce = self.sent_mwh >= self.supply_mwh * (1.0 - _CHANGE)

    def _share_by_value(self) -> None:
        sales, claims = [], []
        for name, bid in self._bids.items():
            if bid.utility is not None:
                sale = self.sales[name]
                sale.declare(bid.utility, self.seller.rules.price_band_per_mwh)
                line_mwh = self.seller.line_mwh(sale)
                need = bid.volume_mwh
                claims.append(ShareClaim(sale.cost, sale.line.loss, need, line_mwh, bid.utility, bid.leaves))
                sales.append(sale)
        volumes, value = share_by_value(claims, self.supply_mwh)
        for sale, volume in zip(sales, volumes, strict=True):
            self._grant(sale, volume, sale.cost, sale.cost + value / (1.0 - sale.line.loss))

    def _share_by_margin(self) -> None:
        sales = [self.sales[name] for name in self._bids]
        volumes = share_by_margin(
            [min(self._bids[sale.buyer].volume_mwh, self.seller.line_mwh(sale)) for sale in sales],
            [self.seller.manner.margin(self._asked[sale.buyer], sale.cost) for sale in sales],
            [sale.line.loss for sale in sales],
            self.supply_mwh,
        )
        for sale, volume in zip(sales, volumes, strict=True):
            price = self._asked[sale.buyer]
            self._grant(sale, volume, price, price)

    def _grant(self, sale: Sale, volume: float, cost: float, value: float) -> None:
        """Tell a buyer its share, unless that is what it has already."""
        if volume < CRUMB_MWH:
            volume = 0.0
        if abs(volume - sale.volume) > _CHANGE * max(volume, sale.volume):
            sale.volume, sale.turn = volume, self._turn
            self.seller.agent.send(sale.buyer, Grant(self.period, self._turn, volume, cost, value))
