"""Synthetic records of a load: past days and those to come, drawn around a profile."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gridarium.environment.arrays import Array
from gridarium.environment.errors import Fault, ProfileError
from gridarium.environment.forecast_error import ForecastError

WEEK_DAYS = 7
_SATURDAY = 5


@dataclass(frozen=True)
class LoadRecord:
    """What a load has drawn on past days, and what it will draw, MW.

    Parameters
    ----------
    days_mw : ndarray, shape (n_past + n_day, n_step)
        Past days first.
    profile_mw : ndarray, shape (n_day, n_step)
        Around which the days to come were drawn.
    """

    days_mw: Array
    profile_mw: Array

    @property
    def n_past(self) -> int:
        """How many days are over."""
        return len(self.days_mw) - len(self.profile_mw)


@dataclass(frozen=True)
class DayPattern:
    """How days of a load differ from its profile.

    Parameters
    ----------
    deviation : ForecastError
        Relative, and remembered from step to step across midnight.
    weekend_share : float
        Load of Saturdays and Sundays over that of the profile, above 0.

    Raises
    ------
    ProfileError
        If the share is not above 0.
    """

    deviation: ForecastError
    weekend_share: float = 1.0

    def __post_init__(self) -> None:
        if not 0.0 < self.weekend_share < np.inf:
            fault = Fault("weekend_share", self.weekend_share, "must be above 0, and finite")
            raise ProfileError("day pattern", [fault])

    def draw(
        self, profile_mw: Array, n_past: int, first_weekday: int, random: np.random.Generator
    ) -> LoadRecord:
        """Draw past days and those of the profile.

        Parameters
        ----------
        profile_mw : ndarray, shape (n_day, n_step)
            Of working days; further back its days repeat.
        n_past : int
            Days before the first one.
        first_weekday : int
            Of the first day of the profile, Monday is 0.
        random : numpy.random.Generator
        """
        n_day, n_step = profile_mw.shape
        day = np.arange(-n_past, n_day)
        is_weekend = (first_weekday + day) % WEEK_DAYS >= _SATURDAY
        shape = profile_mw[day % n_day] * np.where(is_weekend, self.weekend_share, 1.0)[:, None]
        error = self.deviation.draw(len(day) * n_step, random).reshape(len(day), n_step)
        return LoadRecord(shape * (1.0 + error), profile_mw)
