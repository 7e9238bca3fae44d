"""What sellers and buyers should have told each other before each period, from what each had heard by then.

Words are taken in the order in which they arrived; volumes are energy of a minute at the buyer's end, MWh.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from gridarium.agents.prosumers.journal import Share, Shared
from gridarium.agents.prosumers.prosumer import Prosumer
from gridarium.environment.links import Envelope
from gridarium.experiments.evidence.grid_evidence import GridEvidence
from gridarium.experiments.evidence.prosumers.buyer_replayed import Buying
from gridarium.market.messages.leasing import Ask, Bid, Confirm, Grant, Release

_CRUMB_MWH = 1e-9
_UNTOLD = 1e-3
"""Part of a share by which it may change without a word."""


class Turn(NamedTuple):
    """A turn of a seller before a period."""

    seller: str
    period: int
    turn: int


@dataclass
class Off:
    """Largest difference found so far of each kind of word; MWh of a minute, or money/MWh.

    Parameters
    ----------
    bids, grants, releases, confirmed : float
        Of volumes; what was due and never said counts whole.
    prices : float
        Of costs and values told with a share.
    """

    bids: float = 0.0
    grants: float = 0.0
    releases: float = 0.0
    confirmed: float = 0.0
    prices: float = 0.0


@dataclass
class Standing:
    """What a seller has told a buyer that it would get, and in which turn."""

    volume_mwh: float = 0.0
    turn: int = 0


@dataclass
class _Due:
    """Words that are due, by who says them and about which turn; bids in each way in which they may be."""

    bids: dict[tuple[str, Turn], tuple[Bid, ...]] = field(default_factory=dict)
    grants: dict[tuple[str, Turn], Grant] = field(default_factory=dict)
    releases: dict[tuple[str, Turn], list[float]] = field(default_factory=dict)


class Deals:
    """The words of a grid's traders replayed.

    - `off`: how far they were from those that were due
    - `standing`: by seller, period and buyer, what was agreed as the period began

    Parameters
    ----------
    known : GridEvidence
    buyers : mapping of str to Buying
        What each buyer knows, by its name on the bus.
    """

    def __init__(self, known: GridEvidence, buyers: Mapping[str, Buying]) -> None:
        self.off, self.standing = Off(), dict[tuple[str, int], dict[str, Standing]]()
        self._buyers, self._due = buyers, _Due()
        self._shares: dict[Turn, Shared] = {
            Turn(one.name, entry.period, entry.turn): entry
            for one in known.of(Prosumer)
            for entry in one.journal.entries
            if isinstance(entry, Shared)
        }
        heard = [one for one, outcome in known.world.bus.words if outcome == "delivered"]
        own = [one for one in heard if one.sender in buyers and one.recipient in buyers]
        self._waiting = Counter(_turn_of(one) for one in own if isinstance(one.payload, Ask))
        for one in own:
            self._take(one)
        self._never_said()

    def _take(self, one: Envelope) -> None:
        told = one.payload
        if isinstance(told, Ask):
            self._due.bids[one.recipient, _turn_of(one)] = self._buyers[one.recipient].bids(told, one.sender)
        elif isinstance(told, Bid):
            self._take_bid(one, told)
        elif isinstance(told, Grant):
            self._take_grant(one, told)
        elif isinstance(told, Release):
            self._take_release(one, told)
        elif isinstance(told, Confirm):
            self._take_confirm(one, told)

    def _take_bid(self, one: Envelope, told: Bid) -> None:
        turn = Turn(one.recipient, told.period, told.turn)
        due = self._due.bids.pop((one.sender, turn), None)
        if due is not None:
            self.off.bids = max(self.off.bids, min(_apart(told, one_due) for one_due in due))
        self._waiting[turn] -= 1
        if not self._waiting[turn] and turn in self._shares:
            standing = self.standing.setdefault((turn.seller, turn.period), {})
            for share in self._shares[turn].shares:
                self._share(turn, share, standing.setdefault(share.buyer, Standing()))

    def _share(self, turn: Turn, share: Share, standing: Standing) -> None:
        """A share that has changed is told."""
        volume = share.volume_mwh if share.volume_mwh >= _CRUMB_MWH else 0.0
        if abs(volume - standing.volume_mwh) <= _UNTOLD * max(volume, standing.volume_mwh):
            return
        standing.volume_mwh, standing.turn = volume, turn.turn
        cost = share.cost_per_mwh if share.bid.utility is not None else share.asked_per_mwh
        self._due.grants[share.buyer, turn] = Grant(turn.period, turn.turn, volume, cost, share.value_per_mwh)

    def _take_grant(self, one: Envelope, told: Grant) -> None:
        turn = Turn(one.sender, told.period, told.turn)
        due = self._due.grants.pop((one.recipient, turn), None)
        if due is None:
            self.off.grants = max(self.off.grants, told.volume_mwh, 2.0 * _CRUMB_MWH)
        else:
            self.off.grants = max(self.off.grants, abs(told.volume_mwh - due.volume_mwh))
            prices = (told.cost_per_mwh - due.cost_per_mwh, told.value_per_mwh - due.value_per_mwh)
            self.off.prices = max(self.off.prices, *map(abs, prices))
        for seller, at, kept in self._buyers[one.recipient].keep(told, one.sender):
            released = self._due.releases.setdefault((one.recipient, Turn(seller, told.period, at)), [])
            released.append(kept)

    def _take_release(self, one: Envelope, told: Release) -> None:
        turn = Turn(one.recipient, told.period, told.turn)
        due = self._due.releases.get((one.sender, turn), [])
        apart = abs(told.volume_mwh - due.pop(0)) if due else max(told.volume_mwh, 2.0 * _CRUMB_MWH)
        self.off.releases = max(self.off.releases, apart)
        standing = self.standing.get((turn.seller, turn.period), {}).get(one.sender)
        if standing is not None and standing.turn == told.turn:
            standing.volume_mwh = min(standing.volume_mwh, told.volume_mwh)

    def _take_confirm(self, one: Envelope, told: Confirm) -> None:
        held = self._buyers[one.sender].held_mwh(told.period, one.recipient)
        self.off.confirmed = max(self.off.confirmed, abs(told.volume_mwh - held))
        standing = self.standing.get((one.recipient, told.period), {}).get(one.sender)
        if standing is not None:
            standing.volume_mwh = min(standing.volume_mwh, told.volume_mwh)

    def _never_said(self) -> None:
        for due in self._due.grants.values():
            self.off.grants = max(self.off.grants, due.volume_mwh, 2.0 * _CRUMB_MWH)
        if any(self._due.releases.values()):
            self.off.releases = max(self.off.releases, 2.0 * _CRUMB_MWH)


def _turn_of(one: Envelope) -> Turn:
    """Of an `Ask`."""
    return Turn(one.sender, one.payload.period, one.payload.turn)


def _apart(told: Bid, due: Bid) -> float:
    """Of what is bid for, and of what would be left for it."""
    if len(told.leaves) != len(due.leaves) or told.limited != due.limited:
        return 2.0 * _CRUMB_MWH
    leaves = [
        abs(one.volume_mwh - other.volume_mwh) for one, other in zip(told.leaves, due.leaves, strict=True)
    ]
    return max(abs(told.volume_mwh - due.volume_mwh), *leaves, 0.0)
