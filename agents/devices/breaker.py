"""The breaker of a unit: whatever holds it open, and who wants to know."""

from __future__ import annotations

from collections.abc import Callable

FAILURE = "failure"
"""What holds a breaker open while its unit is out of order and tells nothing."""


class Breaker:
    """Closed unless something holds it open; acts at once, and needs no message to do so.

    - `open`, `release`: by whoever holds it open
    - `is_closed`, `causes`, `openings`: its state, and how often it has opened
    - `is_silent`: whether its unit tells nothing
    - `watch`: be called after it has opened or closed
    """

    def __init__(self) -> None:
        self._causes: list[str] = []
        self._watchers: list[Callable[[], None]] = []
        self.openings = 0

    @property
    def is_closed(self) -> bool:
        """Whether the unit is connected."""
        return not self._causes

    @property
    def causes(self) -> tuple[str, ...]:
        """What holds it open, the first cause first."""
        return tuple(self._causes)

    @property
    def is_silent(self) -> bool:
        """Whether its unit is out of order, so that nothing is heard of it."""
        return FAILURE in self._causes

    def open(self, cause: str) -> None:
        """Hold it open for a cause; one that comes twice has to go twice."""
        self._causes.append(cause)
        if len(self._causes) == 1:
            self.openings += 1
            self._tell()

    def release(self, cause: str) -> None:
        """Hold it open no longer for a cause; it closes with the last one."""
        self._causes.remove(cause)
        if not self._causes:
            self._tell()

    def watch(self, watcher: Callable[[], None]) -> None:
        """Have something called after it has opened or closed."""
        self._watchers.append(watcher)

    def _tell(self) -> None:
        for watcher in self._watchers:
            watcher()
