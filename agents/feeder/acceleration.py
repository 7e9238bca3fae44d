"""How a price comes to rest: steps drawn from all that was heard, and when they lead nowhere."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from gridarium.environment.arrays import Array
from gridarium.market.stackelberg import PATIENCE

STEP_CAP = 2.0
"""Longest step, times the distance from the price that was called for."""
PROGRESS = 0.9
"""A distance counts as progress once it is below this share of the one at the last progress."""
_RCOND = 1e-8


class Heard(NamedTuple):
    """A posted price and what its answers call for, money/MWh, of one shape: (..., n_period)."""

    posted: Array
    called_for: Array

    @property
    def distance_per_mwh(self) -> float:
        """Largest distance of the two."""
        return float(np.abs(self.called_for - self.posted).max())


class Acceleration:
    """Gets from the prices posted last, and from what they called for, to the next price.

    Parameters
    ----------
    damping : float
        Share of the way to the price called for, in (0, 1].
    memory : int
        Rounds before the last one that are drawn on; with 0 the step is the damped one.

    Notes
    -----
    Anderson acceleration [1]_: of all mixtures of the prices seen it takes the one whose distances cancel
    most in the sense of least squares, and goes part of the way to what that mixture called for. It solves
    for rest where answers depend linearly on the price, however steeply, and where they do so only nearby
    its steps are capped at twice the distance.

    References
    ----------
    .. [1] H. Walker and P. Ni, Anderson acceleration for fixed-point iterations, 2011, doi:10.1137/10078356X
    """

    def __init__(self, damping: float, memory: int) -> None:
        self._damping = damping
        self._heard: deque[Heard] = deque(maxlen=memory + 1)

    def step(self, heard: Heard) -> Array:
        """The next price, money/MWh, of the shape of those heard."""
        if self._heard and np.array_equal(self._heard[-1].posted, heard.posted):
            self._heard.pop()
        self._heard.append(heard)
        distance = heard.called_for - heard.posted
        damped = self._damping * distance
        if len(self._heard) == 1:
            return heard.posted + damped
        posted = np.diff([one.posted.ravel() for one in self._heard], axis=0)
        distances = np.diff([(one.called_for - one.posted).ravel() for one in self._heard], axis=0)
        weights = np.linalg.lstsq(distances.T, distance.ravel(), rcond=_RCOND)[0]
        mixed = weights @ (posted + self._damping * distances)
        step = damped - mixed.reshape(damped.shape)
        longest, most = float(np.abs(step).max()), STEP_CAP * heard.distance_per_mwh
        return np.asarray(heard.posted + (step if longest <= most else most / longest * step))


class ProgressWatch:
    """Notices when prices come no nearer to rest, and keeps the best one.

    - `best`: the price seen whose answers called for the least change

    Parameters
    ----------
    damping : float
        Share of the way that a step takes: who takes short steps is given more of them.
    patience : int
        Rounds without progress after which it is stuck; more where the damping is low.
    """

    def __init__(self, damping: float, patience: int = PATIENCE) -> None:
        self._window = max(patience, math.ceil(2.0 / damping))
        self._milestone = math.inf
        self._since: list[Heard] = []
        self.best: Heard | None = None

    def note(self, heard: Heard) -> None:
        """Take a price and its answers; a price posted again takes the place of its earlier answers."""
        distance = heard.distance_per_mwh
        if self.best is None or distance < self.best.distance_per_mwh:
            self.best = heard
        if distance <= PROGRESS * self._milestone:
            self._milestone, self._since = distance, [heard]
        elif self._since and np.array_equal(self._since[-1].posted, heard.posted):
            self._since[-1] = heard
        else:
            self._since.append(heard)

    @property
    def stuck(self) -> bool:
        """Whether the last rounds have brought no progress."""
        return len(self._since) > self._window

    @property
    def since(self) -> Sequence[Heard]:
        """All prices since the last progress."""
        return tuple(self._since)

    def is_large(self, share: float) -> bool:
        """Whether they differ by more than a share of the largest price posted."""
        largest = max(float(np.abs(heard.posted).max()) for heard in self._since)
        return bool(self.spread_per_mwh.max() > share * largest)

    @property
    def spread_per_mwh(self) -> Array:
        """How far prices differ that were posted or called for since the last progress, of their shape."""
        prices = np.array([price for heard in self._since for price in heard])
        return np.asarray(np.ptp(prices, axis=0))
