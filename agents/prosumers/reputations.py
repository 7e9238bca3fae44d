"""What a buyer thinks of its sellers: how much of what they promised has arrived, and what that is worth."""

from __future__ import annotations

from collections.abc import Callable

from gridarium.market.messages.leasing import Rating
from gridarium.market.reputation import updated
from gridarium.market.residual import residual
from gridarium.market.utility import Utility

_FULL = 1.0 - 1e-6
_LEAST_REPUTATION = 1e-6
"""A seller that never delivers is worth next to nothing, but still something to compare."""


class Reputations:
    """Reputations of sellers with one buyer, in [0, 1].

    - `of`, `worth`: what to expect of a seller
    - `judge`, `hear`: learn from a delivery, or from what is said about a stranger
    - `known`: of sellers it has dealt with, where it is not 1; `news`: those to tell

    Parameters
    ----------
    weight : float
        Of the last delivery.
    perceive : callable
        What the buyer makes of a `Rating` that it knows.
    trust_money : float
        What buying from a seller of full reputation is worth by itself in each minute, money (q2 of E9).
    """

    def __init__(self, weight: float, perceive: Callable[[Rating], Rating], trust_money: float = 0.0) -> None:
        self.known: dict[str, float] = {}
        self._weight, self._perceive, self._trust_money = weight, perceive, trust_money
        self._hearsay: dict[str, float] = {}
        self._told: dict[str, float] = {}

    def of(self, seller: str) -> float:
        """Reputation of a seller as the buyer perceives it; hearsay about strangers."""
        known = self.known.get(seller)
        if known is None:
            known = self._hearsay.get(seller)
            if known is None:
                return 1.0
        return self._perceive(Rating(seller, known)).reputation

    def worth(self, utility: Utility, seller: str, held_mwh: float) -> Utility:
        """What energy from a seller is worth in a minute, on top of what is held from others."""
        return residual(utility, held_mwh, self.expected(seller))

    def expected(self, seller: str) -> float:
        """Share of what a seller promises that the buyer reckons with, above 0."""
        return max(self.of(seller), _LEAST_REPUTATION)

    def preference(self, seller: str) -> float:
        """What buying from a seller is worth in a minute beside its energy, money: q2 R_j of E9."""
        return self._trust_money * self.of(seller) if self._trust_money > 0.0 else 0.0

    def hear(self, seller: str, reputation: float) -> None:
        """Take note of what a seller is told about itself."""
        if reputation < 1.0 or seller in self._hearsay:
            self._hearsay[seller] = reputation

    def judge(self, seller: str, delivered_mwh: float, contracted_mwh: float) -> None:
        """Judge a seller by what has arrived of what it had agreed to send."""
        before = self.known.get(seller, self._hearsay.get(seller, 1.0))
        if before < 1.0 or delivered_mwh < contracted_mwh * _FULL:
            self.known[seller] = updated(before, delivered_mwh, contracted_mwh, self._weight)

    def news(self) -> tuple[Rating, ...]:
        """Reputations that have changed since the last call."""
        changed = {name: value for name, value in self.known.items() if self._told.get(name, 1.0) != value}
        self._told |= changed
        return tuple(Rating(name, value) for name, value in changed.items())
