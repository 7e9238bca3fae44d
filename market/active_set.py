"""Whom an asynchronous coordinator asks in a round: all, some at random, the farthest ones, or in turn."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from gridarium.environment.arrays import Array, Flags

ActiveRule = Literal["all", "random", "priority", "round-robin"]
_ROUNDING = 1e-9
"""By which a product that should be whole may lie above it."""


class ActiveSet:
    """Chooses followers round by round.

    Parameters
    ----------
    rule : {"all", "random", "priority", "round-robin"}
        Everybody; a random part, nobody twice before all have been chosen once; those whose answer is likely
        to move most; a part after the other.
    share : float
        Of followers that are chosen, rounded up, in (0, 1]; of no effect where all are.
    random : numpy.random.Generator

    Notes
    -----
    D.1.5: random, top m by the size of the step, round robin.
    """

    def __init__(self, rule: ActiveRule, share: float, random: np.random.Generator) -> None:
        self._rule, self._share, self._random = rule, share, random
        self._turn = 0
        self._order: list[int] = []

    def choose(self, idle: Flags, urgency: Array) -> Flags:
        """Whom to ask.

        Parameters
        ----------
        idle : ndarray of bool, shape (n_follower,)
            Who owes no answer.
        urgency : ndarray, shape (n_follower,)
            How far what it would be asked is from what it has answered last.

        Returns
        -------
        ndarray of bool, shape (n_follower,)
            Among those who are idle.
        """
        count = len(idle)
        most = math.ceil(self._share * count - _ROUNDING)
        if self._rule == "all":
            return idle
        if self._rule == "random":
            chosen = np.array(self._shuffled(count, most))
        elif self._rule == "priority":
            chosen = np.argsort(-np.where(idle, urgency, -np.inf), kind="stable")[:most]
        else:
            chosen = (self._turn + np.arange(most)) % count
            self._turn = (self._turn + most) % count
        active = np.zeros(count, dtype=bool)
        active[chosen] = True
        return active & idle

    def _shuffled(self, count: int, most: int) -> list[int]:
        """The next ones of a random order; a new order begins where all have had their turn."""
        chosen, self._order = self._order[:most], self._order[most:]
        if len(chosen) < most:
            order = [one for one in self._random.permutation(count).tolist() if one not in chosen]
            missing = most - len(chosen)
            # Who has just had the last turn of one order comes last in the next one.
            chosen, self._order = chosen + order[:missing], order[missing:] + chosen
        return chosen
