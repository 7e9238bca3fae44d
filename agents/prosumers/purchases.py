"""How a buyer bids for energy, and gives back what it can do without, in the minutes before a period."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gridarium.agents.base import Listener, on
from gridarium.agents.prosumers.means import Means
from gridarium.agents.prosumers.reputations import Reputations
from gridarium.agents.prosumers.trading import CONFIRMATION_S, CRUMB_MWH, Declaration, Purchase
from gridarium.market.bargaining import Bargain
from gridarium.market.messages.leasing import Ask, Bid, Confirm, Grant, Holding, Release
from gridarium.market.utility import Utility

_PRICE_DIGITS = 9
"""Of money/MWh: prices that differ by less are equal, and who was there first is kept."""
_LOYALTY = 0.02
"""By which part a rival must be cheaper; without it shares would move to and fro between equals."""


class Purchases:
    """What a buyer holds for one period, by seller.

    Parameters
    ----------
    period : int
    need_mwh : float
        That it must be served with in each minute.
    last_worth_per_mwh : float
        What the last MWh is worth to it when all needs are met, at least 0.
    """

    __slots__ = ("held", "last_worth_per_mwh", "need_mwh", "period")

    def __init__(self, period: int, need_mwh: float, last_worth_per_mwh: float) -> None:
        self.period, self.need_mwh, self.last_worth_per_mwh = period, need_mwh, last_worth_per_mwh
        self.held: dict[str, Purchase] = {}


class Purchasing(Listener):
    """A buyer's negotiation with its sellers before each period.

    - `nominate`: start it
    - `close`: what has come of it
    - `declared`: what it has declared to sellers, if the run keeps it

    Parameters
    ----------
    means : Means
    utility : Utility
        Value of energy bought within a minute.
    reputations : Reputations
        Of its sellers.
    choose : callable
        Which bid it picks, given the ask and the best one.
    """

    def __init__(
        self, means: Means, utility: Utility, reputations: Reputations, choose: Callable[[Any, Any], Any]
    ) -> None:
        self._send, self._clock, self._beat = means.send, means.clock, means.beat
        self._rules, self._declares = means.rules, means.manner.declares
        self._utility, self._reputations, self._choose = utility, reputations, choose
        self._purchases: Purchases | None = None
        self._is_recorded, self.declared = means.is_recorded, list[Declaration]()

    def nominate(self, period: int, start_s: float, need_mwh: float) -> None:
        """Prepare to bid for a need, MWh a minute."""
        self._purchases = None
        if need_mwh > CRUMB_MWH:
            self._purchases = Purchases(period, need_mwh, max(0.0, self._utility.marginal(need_mwh)))
            if self._declares:
                # If the period is about to start, this is too late, and sellers rely on the bids.
                self._beat.at(max(self._clock.now_s, start_s - CONFIRMATION_S), self._confirm)

    def close(self, period: int) -> Purchases | None:
        """Hand over what is held for a period that starts; None if nothing is needed in it."""
        purchases, self._purchases = self._purchases, None
        return purchases if purchases is not None and purchases.period == period else None

    @on(Ask)
    def answer_ask(self, ask: Ask, seller: str) -> Bid:
        """Answer a seller that asks for a bid; one for nothing tells that it is no buyer."""
        best = Bid(ask.period, ask.turn, 0.0)
        purchases = self._purchases
        if purchases is not None and purchases.period == ask.period:
            self._reputations.hear(seller, ask.reputation)
            best = self._bid(purchases, ask, seller)
        chosen: Bid = self._choose(ask, best)
        return chosen

    @on(Grant)
    def take_grant(self, grant: Grant, seller: str) -> None:
        """Note a share; give back what is too much."""
        purchases = self._purchases
        if purchases is None or purchases.period != grant.period:
            return
        known = purchases.held.get(seller)
        if known is not None and known.turn > grant.turn:
            return
        purchases.held.pop(seller, None)
        if grant.volume_mwh > 0.0:
            purchases.held[seller] = Purchase(
                grant.volume_mwh, grant.cost_per_mwh, grant.value_per_mwh, grant.turn
            )
        self._trim(purchases, grant.turn)

    def _bid(self, purchases: Purchases, ask: Ask, seller: str) -> Bid:
        """What it would take from a seller on top of, or instead of, what it holds from others."""
        others = [(name, bought) for name, bought in purchases.held.items() if name != seller]
        worth = self._reputations.worth(self._utility, seller, 0.0)
        if not self._declares:
            price = ask.price_per_mwh
            wanted = worth.demand(price)
            bonus = self._bonus(purchases, seller)
            kept = sum(
                bought.volume
                for name, bought in others
                if bought.value - self._bonus(purchases, name) <= price - bonus
            )
            volume = max(0.0, min(wanted, purchases.need_mwh) - kept)
            return Bid(ask.period, ask.turn, volume, wanted >= purchases.need_mwh)
        # Price of this seller at which another, trusted more or less, is no worse.
        trust = self._trust(purchases, seller)
        leaves = sorted(
            Holding(max(0.0, self._burden(purchases, name, bought, ask.turn) + trust), bought.volume)
            for name, bought in others
        )
        return Bid(ask.period, ask.turn, purchases.need_mwh, utility=worth, leaves=tuple(leaves))

    def _trim(self, purchases: Purchases, turn: int) -> None:
        """Give back, from the dearest on, what is not needed or not worth what is asked for it."""
        held, total = purchases.held, 0.0

        def dearness(item: tuple[str, Purchase]) -> float:
            seller, bought = item
            return round(self._asked(bought, turn), _PRICE_DIGITS) - self._trust(purchases, seller)

        for seller, bought in sorted(held.items(), key=dearness):
            wanted = self._reputations.worth(self._utility, seller, 0.0).demand(self._asked(bought, turn))
            kept = min(bought.volume, max(0.0, min(wanted, purchases.need_mwh) - total))
            total += kept
            if kept < bought.volume - CRUMB_MWH:
                bought.volume = kept
                self._send(seller, Release(purchases.period, bought.turn, kept))
                if kept <= CRUMB_MWH:
                    del held[seller]

    def _confirm(self) -> None:
        """Tell sellers what is kept of their grants and what it is worth: what will be bargained about."""
        purchases, band = self._purchases, self._rules.price_band_per_mwh
        if purchases is None:
            return
        total = sum(bought.volume for bought in purchases.held.values())
        for seller, bought in purchases.held.items():
            others = total - bought.volume
            worth = self._reputations.worth(self._utility, seller, others)
            if self._is_recorded():
                trust = self._reputations.expected(seller)
                self.declared.append(Declaration(purchases.period, seller, bought.volume, others, trust))
            bought.bargain = Bargain(bought.cost, worth, bought.volume, band)
            self._send(seller, Confirm(purchases.period, bought.volume, worth))

    def _burden(self, purchases: Purchases, seller: str, bought: Purchase, turn: int) -> float:
        """What a purchase costs beyond the value of what is likely to arrive, money/MWh."""
        return self._asked(bought, turn) - self._trust(purchases, seller)

    def _trust(self, purchases: Purchases, seller: str) -> float:
        """What a seller's energy is worth when all needs are met, by its reputation, money/MWh."""
        worth = self._reputations.of(seller) * purchases.last_worth_per_mwh
        return worth + self._bonus(purchases, seller)

    def _bonus(self, purchases: Purchases, seller: str) -> float:
        """What a trusted seller may be dearer by where it serves the whole need, money/MWh (q2 of E9)."""
        return self._reputations.preference(seller) / purchases.need_mwh

    def _asked(self, bought: Purchase, turn: int) -> float:
        """Price below which a purchase is kept.

        After the last turn nobody can place what is released, so that only its cost would be saved.
        """
        if not self._declares:
            return bought.value
        return (1.0 - _LOYALTY) * (bought.value if turn < self._rules.turns else bought.cost)
