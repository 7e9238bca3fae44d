"""Factors of a study: what is varied, and over which values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from gridarium.environment.errors import Fault
from gridarium.experiments.schema.distribution import Floats, is_number

_MOST_VALUES = 1_000_000


def is_whole(value: object, low: int, high: int | None = None) -> bool:
    """Whether a value is a whole number in [low, high]; flags are none."""
    if isinstance(value, bool) or not isinstance(value, int) or value < low:
        return False
    return high is None or value <= high


class Source(Protocol):
    """Where the values of a factor come from."""

    @property
    def size(self) -> int:
        """Number of values on the grid of a full factorial."""

    def grid(self) -> list[Any]:
        """Return the values, as designs that list their points take them."""

    def at(self, unit: Floats, levels: int | None) -> list[Any]:
        """Return the values at coordinates in [0, 1]; `levels` if these lie on a grid that has both ends."""

    def faults(self, place: str, gridded: bool) -> Iterator[Fault]:
        """Yield what is wrong; a gridded source must have a size."""


@dataclass(frozen=True, slots=True)
class Factor:
    """One thing that a study varies.

    Parameters
    ----------
    name : str
        Column of the design and of the results.
    source : ValueList, ValueRange or Distribution
        Where its values come from.
    """

    name: str
    source: Source

    def faults(self, gridded: bool) -> Iterator[Fault]:
        """Yield what is wrong with the values, for a full factorial (gridded) or a sample."""
        yield from self.source.faults(f"factors.{self.name}", gridded)


@dataclass(frozen=True, slots=True)
class ValueList:
    """Values one by one: numbers, texts or flags; a sample takes each equally often.

    Parameters
    ----------
    values : tuple
        At least one, all different.
    """

    values: tuple[Any, ...]

    @property
    def size(self) -> int:
        """Number of values."""
        return len(self.values)

    def grid(self) -> list[Any]:
        """Return the values."""
        return list(self.values)

    def at(self, unit: Floats, levels: int | None = None) -> list[Any]:
        """Return the value in whose equal share of [0, 1] each coordinate lies."""
        index = np.minimum((unit * self.size).astype(int), self.size - 1)
        return [self.values[i] for i in index]

    def faults(self, place: str, gridded: bool = True) -> Iterator[Fault]:
        """Yield what is wrong with the list."""
        if not 1 <= self.size <= _MOST_VALUES:
            yield Fault(f"{place}.values", self.values, f"must be 1 to {_MOST_VALUES:,} values")
        seen: set[Any] = set()
        for number, value in enumerate(self.values):
            if not (isinstance(value, str | bool) or is_number(value)):
                yield Fault(f"{place}.values.{number}", value, "must be a finite number, a text or a flag")
            elif value in seen:
                yield Fault(f"{place}.values.{number}", value, "must differ from the other values")
            else:
                seen.add(value)


@dataclass(frozen=True, slots=True)
class ValueRange:
    """Numbers from one to another: a grid of `count` in a full factorial, anything between in a sample.

    Parameters
    ----------
    start, stop : float
        Ends, both included.
    count : int or None
        Number of equidistant values; only a full factorial needs it.
    """

    start: float
    stop: float
    count: int | None = None

    @property
    def size(self) -> int:
        """Number of values on the grid."""
        return self.count or 0

    def grid(self) -> list[float]:
        """Return equidistant values, both ends included."""
        return [float(value) for value in np.linspace(self.start, self.stop, self.size)]

    def at(self, unit: Floats, levels: int | None = None) -> list[float]:
        """Return the numbers at coordinates between start (0) and stop (1)."""
        return [float(value) for value in self.start + unit * (self.stop - self.start)]

    def faults(self, place: str, gridded: bool) -> Iterator[Fault]:
        """Yield what is wrong with the range."""
        ends = {"start": self.start, "stop": self.stop}
        wrong = {end: value for end, value in ends.items() if not is_number(value)}
        for end, value in wrong.items():
            yield Fault(f"{place}.range.{end}", value, "must be a finite number")
        if not wrong and self.start >= self.stop:
            yield Fault(f"{place}.range.stop", self.stop, f"must be above start, {self.start:g}")
        if (gridded or self.count is not None) and not is_whole(self.count, 2, _MOST_VALUES):
            yield Fault(f"{place}.range.count", self.count, f"must be a whole number in [2, {_MOST_VALUES}]")
