"""What sellers and buyers of the pool have in common: rules, sales, purchases, and how a trade is settled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from gridarium.environment.arrays import Flags
from gridarium.environment.beat import Beat
from gridarium.environment.clock import HOUR_S, MINUTE_S
from gridarium.environment.errors import Fault, ScenarioError
from gridarium.environment.private_lines import Line, LineFlow, PrivateLines
from gridarium.market.accounts import POOL_CALL
from gridarium.market.bargaining import Bargain
from gridarium.market.messages.leasing import Accept, Counter, Premium, PriceOffer
from gridarium.market.outside_option import over_market
from gridarium.market.settlement import settle_trade
from gridarium.market.trade_book import MinuteTrade, TradeBook
from gridarium.market.utility import Utility

if TYPE_CHECKING:
    import pandas as pd

    from gridarium.environment.commons import Commons
    from gridarium.environment.grids import Grid

NOMINATION_S = 240.0
"""How long before a period prosumers nominate, s."""
POOL_OFFER_S = 225.0
"""How long before a period the desk tells the operator what the pool has, s."""
INTRODUCTION_S = 135.0
"""How long before a period the desk introduces, s: an operator that wants to call the pool has done so."""
REPEAT_S = 5.0
"""How long nominations and introductions go without a receipt until they are repeated, s."""
TURNS_S = 125.0
"""How long before a period the sellers' turns start, s."""
CONFIRMATION_S = 8.0
"""How long before a period buyers confirm, s; the turns are over by then."""
RESEND_S = 20.0
"""How long after an offer without an answer it is repeated, s."""

TIME_GRID_S = 0.05
"""Grid of clock times on which sellers act, s: it groups them into few instants."""

CRUMB_MWH = 1e-9
"""Energy in a minute that is not worth a trade, MWh."""

_ROUNDING = 1e-9


@dataclass(frozen=True)
class TradeRules:
    """Numbers that hold for all trade in the pool, whatever the rule of bargaining; common knowledge.

    Parameters
    ----------
    price_band_per_mwh : tuple of float
        Lowest and highest price allowed (E10); the highest is what energy costs in real time.
    turns : int
        How often a seller shares its supply before each period.
    rounds : int
        Offers that a seller makes to a buyer in a minute, at most.
    reputation_weight : float
        Of the last delivery, in [0, 1].
    spread_s : float
        Time at the start of each minute over which the sellers spread their first offers, s, in [0, 30].
    window_h : tuple of float
        Hour of the day from which prosumers trade, and up to which, in [0, 24].
    served_otherwise : bool
        Whether buyers bear in mind that they are served at the highest price if they do not trade.

    Raises
    ------
    ScenarioError
        If a value is out of its range.
    """

    price_band_per_mwh: tuple[float, float] = (0.0, 300.0)
    turns: int = 3
    rounds: int = 3
    reputation_weight: float = 0.1
    spread_s: float = 10.0
    window_h: tuple[float, float] = (0.0, 24.0)
    served_otherwise: bool = True

    def __post_init__(self) -> None:
        low, high = self.price_band_per_mwh
        checks = {
            "price_band_per_mwh": (0.0 <= low < high, "must rise and not be negative"),
            "turns": (1 <= self.turns <= 10, "must be a whole number in [1, 10]"),
            "rounds": (1 <= self.rounds <= 100, "must be a whole number in [1, 100]"),
            "spread_s": (0.0 <= self.spread_s <= 30.0, "s, must be in [0, 30]"),
            "reputation_weight": (0.0 <= self.reputation_weight <= 1.0, "must be in [0, 1]"),
            "window_h": (0.0 <= self.window_h[0] < self.window_h[1] <= 24.0, "must rise within [0, 24]"),
        }
        faults = [
            Fault(name, getattr(self, name), allowed) for name, (ok, allowed) in checks.items() if not ok
        ]
        if faults:
            raise ScenarioError("trade rules", faults)

    def worth(self, utility: Utility) -> Utility:
        """What energy from others is worth in a minute, by the utility of energy as such."""
        return over_market(utility, self.price_band_per_mwh[1]) if self.served_otherwise else utility

    def trades_at(self, times: pd.DatetimeIndex) -> Flags:
        """Whether prosumers trade in periods that start at some times, shape (n_period,); E10."""
        hour = times.hour + times.minute / 60.0
        return np.asarray((hour >= self.window_h[0]) & (hour < self.window_h[1]))


class Sale:
    """What a seller has agreed with one buyer for a period, and how the running minute stands."""

    __slots__ = (
        "accepted",
        "bargain",
        "buyer",
        "cost",
        "fee",
        "line",
        "offer",
        "premium",
        "priced",
        "refused",
        "turn",
        "volume",
    )

    def __init__(
        self, buyer: str, line: Line, fee: float, cost: float, premium: Premium | None = None
    ) -> None:
        self.buyer, self.line = buyer, line
        # money per MWh sent, and all costs per MWh delivered, net of the premium.
        self.fee, self.cost, self.premium = fee, cost, premium
        self.volume, self.turn = 0.0, 0
        self.bargain: Bargain | None = None
        self.priced: tuple[float, float | None] = (-1.0, None)
        self.offer: PriceOffer | None = None
        self.accepted: Accept | None = None
        self.refused = False

    @property
    def line_mwh(self) -> float:
        """Most that the line delivers in a minute, MWh."""
        return self.line.capacity_mw * MINUTE_S / HOUR_S * (1.0 - self.line.loss)

    def declare(self, utility: Utility, band: tuple[float, float]) -> None:
        """Take note of what the buyer says it is worth to it."""
        self.bargain = Bargain(self.cost, utility, self.volume, band)
        self.priced = (-1.0, None)


class Purchase:
    """What a buyer has been granted by one seller, at its own end and in each minute of a period."""

    __slots__ = ("bargain", "cost", "priced", "turn", "value", "volume")

    def __init__(self, volume: float, cost: float, value: float, turn: int) -> None:
        self.volume, self.cost, self.value, self.turn = volume, cost, value, turn
        self.bargain: Bargain | None = None
        self.priced: tuple[float, float | None] = (-1.0, None)


Answer = Accept | Counter


class Move(NamedTuple):
    """An offer that a seller has made for a minute, or an answer to it that has reached the seller.

    Parameters
    ----------
    minute_s : float
        Clock time at which the minute starts, s.
    buyer : str
    round : int
    move : {"offer", "counter", "accept"}
    price_per_mwh, volume_mwh : float
        As in the message; the volume of an offer is its limit.
    premium_per_mwh : float
        What the seller is paid beside the price on each MWh that arrives.
    """

    minute_s: float
    buyer: str
    round: int
    move: str
    price_per_mwh: float
    volume_mwh: float
    premium_per_mwh: float


class Declaration(NamedTuple):
    """What a buyer has declared to a seller before a period, of energy in each of its minutes.

    Parameters
    ----------
    period : int
    seller : str
    volume_mwh, others_mwh : float
        What it keeps of the seller's grant, and of those of others: on top of that this energy comes.
    reputation : float
        Of the seller, by which its energy counts.
    """

    period: int
    seller: str
    volume_mwh: float
    others_mwh: float
    reputation: float


def beat_of(world: Commons) -> Beat:
    """The beat that all traders of a world share."""
    return world.shared("beat", lambda: Beat(world.clock))


def book_of(grid: Grid) -> TradeBook:
    """The record of all trades among the prosumers of a grid."""
    return grid.world.shared(("trade book", grid.name), TradeBook)


class Meters:
    """Meters at both ends of the leased lines; what they show is paid for and recorded.

    Parameters
    ----------
    grid : Grid
    lines : PrivateLines
    provider : str
        Account that receives the fees.
    price_cap_per_mwh : float
        What it costs a buyer to replace energy that a seller fails to send.
    """

    def __init__(self, grid: Grid, lines: PrivateLines, provider: str, price_cap_per_mwh: float) -> None:
        self.world, self.lines, self.provider, self.cap = grid.world, lines, provider, price_cap_per_mwh
        self._book = book_of(grid)

    def settle(self, sale: Sale, planned_mwh: float, period: int) -> float:
        """Send what the seller has planned in the past minute, pay for it; returns the energy sent, MWh."""
        accepted, line = sale.accepted, sale.line
        assert accepted is not None
        start_s, _, price, volume, _ = accepted
        flow = self.lines.carry(line, planned_mwh, start_s, start_s + MINUTE_S)
        missing = volume - planned_mwh * (1.0 - line.loss)
        missing = missing if missing > _ROUNDING * volume else 0.0
        trade = MinuteTrade(
            minute_s=start_s,
            seller=line.seller,
            buyer=sale.buyer,
            price_per_mwh=price,
            contracted_mwh=volume,
            sent_mwh=flow.sent_mwh,
            delivered_mwh=flow.delivered_mwh,
            fee_money=sale.fee * flow.sent_mwh,
            outcome=_outcome(flow, planned_mwh, missing > 0.0),
            premium_money=sale.premium.price_per_mwh * flow.delivered_mwh if sale.premium else 0.0,
        )
        ledger, ends_s = self.world.ledger, start_s + MINUTE_S
        settle_trade(ledger, trade, ends_s, period, self.provider, missing, self.cap)
        if sale.premium is not None and trade.premium_money > 0.0:
            ledger.book(ends_s, sale.premium.payer, line.seller, trade.premium_money, POOL_CALL, period)
        self._book.record(trade)
        return flow.sent_mwh


def _outcome(flow: LineFlow, planned_mwh: float, missing: bool) -> str:
    if flow.open_share < 1.0:
        return "outage"
    if planned_mwh <= 0.0:
        return "default"
    return "short" if missing else "delivered"
