"""Random instances played in several processes; those that do not end as they should are told."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from typing import Protocol, TypeVar

logger = logging.getLogger(__name__)


class Drawn(Protocol):
    """What was drawn for an instance."""

    def told(self) -> str:
        """The seed and the fields drawn, for a reader who wants to play it again."""


class Ended(Protocol):
    """How an instance ended."""

    @property
    def drawn(self) -> Drawn:
        """What was played."""

    @property
    def ending(self) -> str:
        """In a word."""

    @property
    def detail(self) -> str:
        """Why."""


Outcome = TypeVar("Outcome", bound=Ended)


def play_all(
    play: Callable[[int], Outcome], seeds: Iterable[int], workers: int, wanted: str
) -> list[Outcome]:
    """Play the instances of some seeds, and warn of each that does not end as wanted.

    Parameters
    ----------
    play : callable
        Plays the instance of a seed; must be known to other processes.
    seeds : iterable of int
    workers : int
        Processes.
    wanted : str
        The ending that needs no word.
    """
    with ProcessPoolExecutor(workers) as processes:
        outcomes = list(processes.map(play, seeds))
    for outcome in outcomes:
        if outcome.ending != wanted:
            logger.warning("%s: %s; drawn: %s", outcome.ending, outcome.detail, outcome.drawn.told())
    return outcomes
