"""What prosumers, their desk and the owner of the lines tell each other to trade over leased lines."""

from __future__ import annotations

import math
from typing import NamedTuple

from gridarium.market.utility import Utility


class LeaseTerms(NamedTuple):
    """What the storage provider charges for its lines; valid for all trades from its arrival on.

    Parameters
    ----------
    base_fee_per_km_mwh : float
        Fee of the first interval.
    interval_km : float
        Length of an interval.
    growth : float
        By which share of the base the fee of each further interval rises.

    Notes
    -----
    E7.
    """

    base_fee_per_km_mwh: float
    interval_km: float = 50.0
    growth: float = 0.25


class Rating(NamedTuple):
    """The reputation, in [0, 1], that a seller has with the buyer who tells it."""

    seller: str
    reputation: float


class Nomination(NamedTuple):
    """A prosumer tells the desk, or the operator where there is none, what it expects of a period.

    Parameters
    ----------
    period : int
    surplus_mw, deficit_mw : float
        Mean power that it can sell, and that it must be served with; at most one of them is positive.
    bought_mwh : float
        Energy that it received over leased lines in the last period that it has metered, instead of being
        served by the system.
    ratings : tuple of Rating
        Of sellers whose reputation has changed since the last nomination.
    charging_mw: float
        Mean power that it would buy on top of its deficit to charge a battery.
    """

    period: int
    surplus_mw: float
    deficit_mw: float
    bought_mwh: float = 0.0
    ratings: tuple[Rating, ...] = ()
    charging_mw: float = 0.0


class PoolOffer(NamedTuple):
    """The desk tells the operator what the pool has, and what it is likely to trade unlimited, mean MW."""

    period: int
    surplus_mw: float
    deficit_mw: float
    expected_mw: float


class PoolCall(NamedTuple):
    """The operator calls the pool for what re-dispatch has left of a deviation; told to the desk.

    Parameters
    ----------
    period : int
    change_mw : float
        Of the pool's net draw at the system's meters, from what was nominated, mean of the period; what
        prosumers trade among each other lowers it.
    price_per_mwh : float
        What the operator pays on each MWh that is traded for it.

    Notes
    -----
    E26, and the fourth step of the procedure E.2.
    """

    period: int
    change_mw: float
    price_per_mwh: float


class Premium(NamedTuple):
    """What a seller is paid beside the price, for each MWh that arrives, and by whom."""

    payer: str
    price_per_mwh: float


class Introduction(NamedTuple):
    """The desk tells a seller the buyers it should ask in a period.

    Parameters
    ----------
    period : int
    buyers : tuple of str
        The most promising first.
    reputation : float
        The seller's own.
    limit_mw : float
        Most that it may send, mean of the period.
    premium : Premium, optional
        On what it sells, where the pool was called.
    """

    period: int
    buyers: tuple[str, ...]
    reputation: float = 1.0
    limit_mw: float = math.inf
    premium: Premium | None = None


class Ask(NamedTuple):
    """A seller asks for a bid.

    Parameters
    ----------
    period : int
    turn : int
        Number of the seller's turn in the period; an answer carries it back.
    price_per_mwh : float
        What it wants to know the demand at; nan where buyers declare their utility.
    reputation : float
        What it is told about itself; a buyer that has had dealings with it knows better.
    """

    period: int
    turn: int
    price_per_mwh: float
    reputation: float = 1.0


class Holding(NamedTuple):
    """Energy a buyer holds from another seller, MWh a minute, and the price from which it would leave it."""

    price_per_mwh: float
    volume_mwh: float


class Bid(NamedTuple):
    """What a buyer would take from a seller in each minute of a period.

    Parameters
    ----------
    period, turn : int
        As in the `Ask`.
    volume_mwh : float
        Where the utility is declared all that it needs; else what it would take at the asked price, beyond
        what it holds from others at no higher price.
    limited : bool
        Whether the need and not the price limits the volume.
    utility : Utility, optional
        Declared value of energy, in proportion to the seller's reputation; None under rules that declare
        nothing.
    leaves : tuple of Holding
        What it holds from others, cheapest first, and would leave for a better price.
    """

    period: int
    turn: int
    volume_mwh: float
    limited: bool = False
    utility: Utility | None = None
    leaves: tuple[Holding, ...] = ()


class Grant(NamedTuple):
    """A seller's share for a buyer; replaces the one before.

    Parameters
    ----------
    period, turn : int
    volume_mwh : float
        Energy at the buyer's end in each minute.
    cost_per_mwh : float
        The seller's cost of it, fee included, declared; nan under rules that declare nothing.
    value_per_mwh : float
        What the last bit of its supply is worth to the seller, at the buyer's end: below this price it
        would rather have it back.
    """

    period: int
    turn: int
    volume_mwh: float
    cost_per_mwh: float
    value_per_mwh: float


class Release(NamedTuple):
    """A buyer keeps only this much of a grant, MWh a minute."""

    period: int
    turn: int
    volume_mwh: float


class Confirm(NamedTuple):
    """A buyer's last word on a grant before the period starts.

    Parameters
    ----------
    period : int
    volume_mwh : float
        What it keeps of it, in each minute.
    utility : Utility
        Value of this energy on top of what it holds from others: what there is to bargain about.
    """

    period: int
    volume_mwh: float
    utility: Utility


class PriceOffer(NamedTuple):
    """A seller's offer for one minute.

    Parameters
    ----------
    minute_s : float
        Clock time at which the minute starts, s.
    round : int
        Of the bargaining within the minute, from 0.
    price_per_mwh : float
        For energy at the buyer's end.
    limit_mwh : float
        Most energy at the buyer's end.
    """

    minute_s: float
    round: int
    price_per_mwh: float
    limit_mwh: float


class Accept(NamedTuple):
    """A buyer takes a volume of an offer; the trade binds when the seller holds this.

    The price is the offer's, or, where both sides declare, the one agreed for this smaller volume.
    `limited` tells whether its need or the offer's limit, and not the price, limits the volume.
    """

    minute_s: float
    round: int
    price_per_mwh: float
    volume_mwh: float
    limited: bool = False


class Counter(NamedTuple):
    """A buyer would take a volume at another price, or nothing at all where the volume is 0."""

    minute_s: float
    round: int
    price_per_mwh: float
    volume_mwh: float
