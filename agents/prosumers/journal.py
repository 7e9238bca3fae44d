"""What a seller has asked, heard, shared and offered, in its order: kept where a run keeps its messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from gridarium.market.messages.leasing import Bid


class Asked(NamedTuple):
    """A price at which a buyer was asked for its demand before a period; nan where buyers declare.

    Parameters
    ----------
    buyer : str
    cost_per_mwh, price_per_mwh : float
        The seller's cost for this buyer, and what it asked.
    """

    buyer: str
    cost_per_mwh: float
    price_per_mwh: float


class Learnt(NamedTuple):
    """What a buyer would take before a period, or has taken in a minute.

    Parameters
    ----------
    buyer : str
    price_per_mwh, volume_mwh : float
        What it was asked, and what it took at that.
    limited : bool
        Whether its need or the offer, not the price, has limited that.
    is_bid : bool
        Whether it was a bid before a period.
    """

    buyer: str
    price_per_mwh: float
    volume_mwh: float
    limited: bool
    is_bid: bool


class Opened(NamedTuple):
    """The price with which a minute was opened.

    Parameters
    ----------
    buyer : str
    cost_per_mwh, volume_mwh : float
        The seller's cost, and what it had for the buyer.
    price_per_mwh : float
        What it offered; nan for no offer.
    """

    buyer: str
    cost_per_mwh: float
    volume_mwh: float
    price_per_mwh: float


class Share(NamedTuple):
    """The part of a supply that one buyer was granted.

    Parameters
    ----------
    buyer : str
    cost_per_mwh, loss, line_mwh : float
        The seller's cost for it, the share of energy lost on the line, and most that the line delivers.
    asked_per_mwh : float
        What it was asked; nan where buyers declare.
    bid : Bid
        Its answer.
    volume_mwh, value_per_mwh : float
        What it was granted at its own end in each minute, and the price that it was told for it.
    """

    buyer: str
    cost_per_mwh: float
    loss: float
    line_mwh: float
    asked_per_mwh: float
    bid: Bid
    volume_mwh: float
    value_per_mwh: float


class Shared(NamedTuple):
    """How a supply was shared in a turn.

    Parameters
    ----------
    period, turn : int
    supply_mwh : float
        Most that could be sent in each minute.
    shares : tuple of Share
    """

    period: int
    turn: int
    supply_mwh: float
    shares: tuple[Share, ...]


Entry = Asked | Learnt | Opened | Shared


class Journal:
    """Entries in the order in which they were made.

    - `entries`: all of them
    - `note`: adds one

    Parameters
    ----------
    is_kept : callable
        Whether the run keeps what is said, message by message.
    """

    def __init__(self, is_kept: Callable[[], bool]) -> None:
        self._is_kept = is_kept
        self.entries: list[Entry] = []

    def note(self, entry: Entry) -> None:
        """Keep an entry, if the run keeps any."""
        if self._is_kept():
            self.entries.append(entry)
