"""Days and steps in which an agent plans, laid over the settlement periods of its world."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gridarium.environment.arrays import Array
from gridarium.environment.clock import HOUR_S, day_length
from gridarium.environment.errors import GridariumError

if TYPE_CHECKING:
    from gridarium.environment.commons import Commons


class HorizonError(GridariumError):
    """Steps that do not fit the settlement periods, or a series that does not fit the steps."""


@dataclass(frozen=True)
class Horizon:
    """Days of equal steps; whoever plans in hours holds its plan over the quarters of an hour.

    - `place`, `periods`, `rest_of_day`: from settlement period to day and step, and back
    - `fit`, `of_day`: a series in the steps of a day
    - `over_day`, `by_period`: a series in settlement periods

    Parameters
    ----------
    n_period : int
        Settlement periods of the world.
    period_h : float
        Length of each, h.
    per_step : int
        Settlement periods in a step.
    n_step : int
        Steps of a day; of all there is in a world of less than a day.
    """

    n_period: int
    period_h: float
    per_step: int
    n_step: int

    @classmethod
    def of(cls, world: Commons, step_h: float | None = None) -> Horizon:
        """The horizon of a world, in steps of a settlement period if nothing else is said.

        Raises
        ------
        HorizonError
            If a step is no whole number of settlement periods, or a day no whole number of steps.
        """
        per_step = 1 if step_h is None else round(step_h / world.period_h)
        day = min(world.n_period, day_length(world.n_period, world.clock.period_s))
        if per_step < 1 or abs(per_step * world.period_h - (step_h or world.period_h)) > 1e-9:
            allowed = f"must be a multiple of the settlement period of {world.period_h:g} h"
            raise HorizonError(f"horizon: step_h {allowed}, got {step_h} h")
        if day % per_step or world.n_period % day:
            steps = f"days of {day} settlement periods in steps of {per_step}"
            raise HorizonError(f"horizon: {world.n_period} settlement periods must be whole {steps}")
        return cls(world.n_period, world.period_h, per_step, day // per_step)

    @property
    def step_h(self) -> float:
        """Length of a step, h."""
        return self.per_step * self.period_h

    @property
    def day_length(self) -> int:
        """Settlement periods of a day."""
        return self.per_step * self.n_step

    @property
    def n_day(self) -> int:
        """Number of days."""
        return self.n_period // self.day_length

    @property
    def day_s(self) -> float:
        """Length of a day, s; other than 24 h only in a world of one day, or of a part of it."""
        return self.day_length * self.period_h * HOUR_S

    def place(self, period: int) -> tuple[int, int]:
        """Day of a settlement period, and its step within the day."""
        day, within = divmod(period, self.day_length)
        return day, within // self.per_step

    def periods(self, day: int) -> slice:
        """Settlement periods of a day."""
        return slice(day * self.day_length, (day + 1) * self.day_length)

    def rest_of_day(self, period: int) -> slice:
        """Settlement periods from one on to the end of its day."""
        return slice(period, self.periods(self.place(period)[0]).stop)

    def is_last(self, period: int) -> bool:
        """Whether a settlement period is the last one of its day."""
        return (period + 1) % self.day_length == 0

    def of_day(self, values: Array, day: int) -> Array:
        """The part of a series in steps, shape (..., n_day * n_step), that belongs to a day."""
        return values[..., day * self.n_step : (day + 1) * self.n_step]

    def fit(self, values: Array) -> Array:
        """A series of one day in the steps of somebody else, shape (n,), in one's own: means or repeats.

        Raises
        ------
        HorizonError
            If neither step is a multiple of the other.
        """
        n = len(values)
        if n == self.n_step:
            return values
        if n % self.n_step == 0:
            return np.asarray(values.reshape(self.n_step, n // self.n_step).mean(axis=1))
        if self.n_step % n == 0:
            return np.repeat(values, self.n_step // n)
        raise HorizonError(f"horizon: a day of {n} steps does not fit one of {self.n_step}")

    def over_day(self, values: Array) -> Array:
        """A series of one day in the steps of somebody else, by settlement period of that day.

        Raises
        ------
        HorizonError
            If these steps are no whole settlement periods.
        """
        held, rest = divmod(self.day_length, len(values))
        if rest:
            day = f"{self.day_length} settlement periods"
            raise HorizonError(f"horizon: a day of {len(values)} steps does not fit one of {day}")
        return np.repeat(values, held)

    def by_period(self, values: Array) -> Array:
        """A series in steps, shape (..., n), held over the settlement periods of each."""
        return values if self.per_step == 1 else np.repeat(values, self.per_step, axis=-1)
