"""A search for the terms of leased lines: its bounds, its rule, and what names the terms of each day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from gridarium.environment.errors import GridariumError
from gridarium.market.messages.leasing import LeaseTerms

Point = tuple[float, ...]


class LeaseSearchError(GridariumError):
    """Bounds of a search that cannot be used."""


@dataclass(frozen=True, slots=True)
class LeaseBounds:
    """Where a search starts and how far it may go.

    Parameters
    ----------
    first : LeaseTerms
        Terms of the first day.
    lowest, highest : LeaseTerms
        Bounds; a term whose bounds are equal stays.

    Raises
    ------
    LeaseSearchError
        If the first terms are outside the bounds.
    """

    first: LeaseTerms
    lowest: LeaseTerms
    highest: LeaseTerms

    def __post_init__(self) -> None:
        for name, low, value, high in zip(
            LeaseTerms._fields, self.lowest, self.first, self.highest, strict=True
        ):
            if not low <= value <= high:
                raise LeaseSearchError(f"lease search: {name} must be in [{low}, {high}], got {value}")

    def share_of(self, terms: LeaseTerms) -> Point:
        """Terms as shares of the way from lowest to highest; 0 where nothing is free."""
        low, high = np.array(self.lowest), np.array(self.highest)
        width = np.where(high > low, high - low, 1.0)
        return tuple(((np.array(terms) - low) / width).tolist())

    def terms_at(self, share: Point) -> LeaseTerms:
        """Terms at such shares."""
        low, high = np.array(self.lowest), np.array(self.highest)
        return LeaseTerms(*(low + np.array(share) * (high - low)).tolist())

    @property
    def free(self) -> tuple[int, ...]:
        """Places of the terms that may move."""
        pairs = zip(self.lowest, self.highest, strict=True)
        return tuple(place for place, (low, high) in enumerate(pairs) if low < high)


class LeaseSearch(Protocol):
    """A search that runs: it names terms for each day and learns what the day earned."""

    @property
    def terms(self) -> LeaseTerms:
        """Terms of the coming day."""

    def learn(self, profit_money: float) -> None:
        """Take note of what the lines earned under these terms, money per day."""


class LeaseSearchRule(Protocol):
    """A way of searching; its parameters are its own."""

    def begin(self, bounds: LeaseBounds, random: np.random.Generator) -> LeaseSearch:
        """Begin a search within bounds, with random numbers of its own."""
