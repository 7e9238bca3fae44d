"""Steps after computing, of which none may cost the others what a case has found."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from gridarium.experiments.processes.endings import in_one_line

T = TypeVar("T")


class Steps:
    """Takes steps one by one, and keeps what was wrong with those that fail.

    Attributes
    ----------
    broken : list of str
        What could not be made, and why.
    """

    def __init__(self) -> None:
        self.broken: list[str] = []

    def all_of(self, what: str, make: Callable[[], Iterable[T]]) -> list[T]:
        """Return everything that a step yields, up to where it fails.

        Parameters
        ----------
        what : str
            What it makes, for the message.
        make : callable
        """
        found: list[T] = []
        try:
            found.extend(make())
        # Evidence is read off a world that has run: whatever is wrong with it, its results stand.
        except Exception as error:  # noqa: BLE001
            self.broken.append(f"{what} cannot be made: {in_one_line(error)}")
        return found


class StrictSteps(Steps):
    """Lets the error of a step out."""

    def all_of(self, what: str, make: Callable[[], Iterable[T]]) -> list[T]:
        """Return everything that a step yields."""
        return list(make())


STRICT = StrictSteps()
