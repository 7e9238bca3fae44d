"""A storage that gets too hot disconnects itself: no message is needed for that."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from gridarium.agents.devices.breaker import Breaker
from gridarium.environment.arrays import Array
from gridarium.environment.clock import HOUR_S, Clock
from gridarium.environment.thermal_mass import ThermalMass, ThermalRatings

OVERHEATING = "overheating"
"""What holds a breaker open while its unit is too hot."""


class ThermalProtection:
    """Follows the temperature of a unit and holds its breaker open from trip to reset.

    - `heat`: losses have changed
    - `worsen`, `mend`: its cooling fails, and works again
    - `temperature_c`: now
    - `end_period`: keep the temperature at the end of a period, and the highest one within it

    Parameters
    ----------
    clock : Clock
    breaker : Breaker
    ratings : ThermalRatings
    n_period : int
    """

    def __init__(self, clock: Clock, breaker: Breaker, ratings: ThermalRatings, n_period: int) -> None:
        self._clock, self._breaker, self._mass = clock, breaker, ThermalMass(ratings)
        self._since_s, self._is_tripped, self._looks = clock.now_s, False, 0
        self._highest_c = ratings.ambient_c
        self.last_c, self.highest_c = np.full((2, n_period), ratings.ambient_c)

    @property
    def temperature_c(self) -> float:
        """Temperature at this instant."""
        self._catch_up()
        return self._mass.temperature_c

    def heat(self, loss_mw: float) -> None:
        """Be heated by other losses from this instant on, MW."""
        self._catch_up()
        self._mass.loss_mw = loss_mw
        self._look_ahead()

    def worsen(self, factor: float) -> None:
        """Be cooled less from this instant on: its thermal resistance is so many times what it was."""
        self._catch_up()
        self._mass.resistance_factor *= factor
        self._look_ahead()

    def mend(self, factor: float) -> None:
        """Be cooled as before that."""
        self.worsen(1.0 / factor)

    def end_period(self, period: int) -> None:
        """Keep the temperatures of a period that ends."""
        self._catch_up()
        self.last_c[period], self.highest_c[period] = self._mass.temperature_c, self._highest_c
        self._highest_c = self._mass.temperature_c

    @property
    def columns(self) -> Mapping[str, Array]:
        """Temperatures at the end of each period, and the highest within it, for a table."""
        return {"temperature_c": self.last_c, "temperature_max_c": self.highest_c}

    def _catch_up(self) -> None:
        """Between two changes the temperature only rises or only falls."""
        now_s = self._clock.now_s
        if now_s > self._since_s:
            self._mass.advance((now_s - self._since_s) / HOUR_S)
            self._since_s = now_s
            self._highest_c = max(self._highest_c, self._mass.temperature_c)

    @property
    def _next_c(self) -> float:
        """The temperature at which the breaker moves."""
        return self._mass.ratings.reset_c if self._is_tripped else self._mass.ratings.trip_c

    def _look_ahead(self) -> None:
        """Be there when the breaker has to move; what was looked for before counts no longer."""
        self._looks += 1
        look, in_h = self._looks, self._mass.reaches_h(self._next_c)
        if math.isfinite(in_h):
            self._clock.timeout(in_h * HOUR_S).callbacks.append(lambda event: self._move(event, look))

    def _move(self, event: Any, look: int) -> None:
        if look != self._looks:
            return
        self._catch_up()
        # What the closed form says of this very instant, without its last digits.
        self._mass.temperature_c = self._next_c
        self._highest_c = max(self._highest_c, self._next_c)
        self._is_tripped = not self._is_tripped
        if self._is_tripped:
            self._breaker.open(OVERHEATING)
        else:
            self._breaker.release(OVERHEATING)
        # Where something else holds the breaker open, or holds it no longer, nothing has changed the losses.
        self._look_ahead()
