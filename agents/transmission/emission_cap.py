"""A cap on a day's emission, and the level of carbon prices that meets it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from gridarium.environment.errors import Fault, ScenarioError

_TOLERANCE = 1e-4
"""Distance from the cap that counts as met, relative."""
_MOST_LEVELS = 12
_MOST_LEVEL = 1e3


@dataclass(frozen=True)
class EmissionCap:
    """Emission of a day that carbon prices are to bring about.

    With it schemes are compared at equal emission: each sets its own level.

    Parameters
    ----------
    tco2_per_day : float
        Above 0.

    Raises
    ------
    ScenarioError
        If it is not above 0.
    """

    tco2_per_day: float

    def __post_init__(self) -> None:
        if not self.tco2_per_day > 0.0:
            raise ScenarioError("cap", [Fault("tco2_per_day", self.tco2_per_day, "must be above 0")])

    def search(self, level: float, emission_tco2: float) -> LevelSearch:
        """A search that starts from what a first level has brought about."""
        return LevelSearch(self, level, emission_tco2)


class LevelSearch:
    """Finds a level by regula falsi, as Illinois has it, once there is one on each side of the cap.

    - `goes_on`, `next_level`: whether to try another, and which
    - `note`: what came of it

    Parameters
    ----------
    cap : EmissionCap
    level, emission_tco2 : float
        The first try.
    """

    def __init__(self, cap: EmissionCap, level: float, emission_tco2: float) -> None:
        self._cap = cap
        self._low: tuple[float, float] | None = None
        self._high: tuple[float, float] | None = None
        self._distance = math.inf
        self._tried = 0
        self._last_side = 0
        self.note(level, emission_tco2)

    def note(self, level: float, emission_tco2: float) -> None:
        """Take what a level has brought about."""
        beyond = emission_tco2 / self._cap.tco2_per_day - 1.0
        self._distance, self._tried = abs(beyond), self._tried + 1
        side = 1 if beyond > 0.0 else -1
        if side > 0:
            self._low = level, beyond
            if self._last_side == 1 and self._high is not None:
                self._high = self._high[0], 0.5 * self._high[1]
        else:
            self._high = level, beyond
            if self._last_side == -1 and self._low is not None:
                self._low = self._low[0], 0.5 * self._low[1]
        self._last_side = side

    @property
    def goes_on(self) -> bool:
        """Whether another level is worth a try."""
        is_left = self._tried < _MOST_LEVELS and self.next_level <= _MOST_LEVEL
        return self._distance > _TOLERANCE and is_left

    @property
    def next_level(self) -> float:
        """The level to try next."""
        if self._low is None:
            assert self._high is not None
            return 0.5 * self._high[0]
        if self._high is None:
            return 2.0 * max(self._low[0], 0.05)
        (a, above), (b, below) = self._low, self._high
        return a + (b - a) * above / (above - below)
