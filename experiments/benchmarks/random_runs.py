"""Random instances played in several processes; those that do not end as they should are told."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
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


class Kept(Protocol[Outcome]):
    """Outcomes that an earlier run has left, and where new ones go."""

    def known(self, seed: int) -> Outcome | None:
        """The outcome of a seed that was played already."""

    def keep(self, seed: int, outcome: Outcome) -> None:
        """Leave an outcome for later runs."""


def known_of(seeds: Iterable[int], kept: Kept[Outcome] | None) -> dict[int, Outcome]:
    """Outcomes by seed that are known and need not be played."""
    if kept is None:
        return {}
    return {seed: outcome for seed in seeds if (outcome := kept.known(seed)) is not None}


def play_all(
    play: Callable[[int], Outcome],
    seeds: Iterable[int],
    workers: int,
    wanted: str,
    kept: Kept[Outcome] | None = None,
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
    kept : Kept, optional
        What it knows is not played again; what is played is left there as soon as it ends.
    """
    every = list(seeds)
    found = known_of(every, kept)
    with ProcessPoolExecutor(workers) as processes:
        playing = {processes.submit(play, seed): seed for seed in every if seed not in found}
        for ended in as_completed(playing):
            found[playing[ended]] = outcome = ended.result()
            if kept is not None:
                kept.keep(playing[ended], outcome)
    outcomes = [found[seed] for seed in every]
    warn_of(outcomes, wanted)
    return outcomes


def warn_of(outcomes: Iterable[Ended], wanted: str) -> None:
    """Tell each outcome that is not the wanted one, with what was drawn for it."""
    for one in outcomes:
        if one.ending != wanted:
            logger.warning("%s: %s; drawn: %s", one.ending, one.detail, one.drawn.told())
