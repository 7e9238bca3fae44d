"""Forecast errors of wind and load: a multiplicative first-order autoregression, cut off at a bound."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gridarium.environment.arrays import Array
from gridarium.environment.errors import Fault, ProfileError


@dataclass(frozen=True)
class ForecastError:
    """A relative forecast error that remembers itself from period to period.

    Parameters
    ----------
    bound : float
        Largest relative error, in [0, 1); 0 makes forecasts exact.
    persistence : float
        Autocorrelation of neighbouring periods (rho), in [0, 1).
    spread : float, optional
        Standard deviation before the cut; half the bound if left out, which cuts 4.6 % of the draws.

    Raises
    ------
    ProfileError
        If a value is out of its range.

    Notes
    -----
    ``e_t = rho e_{t-1} + sqrt(1 - rho**2) spread * normal``, started from its stationary distribution, so
    that mean 0, variance ``spread**2`` and autocorrelation ``rho**k`` hold from the first period on.
    """

    bound: float = 0.15
    persistence: float = 0.9
    spread: float | None = None

    def __post_init__(self) -> None:
        faults = [
            Fault(name, value, "must be in [0, 1), a share")
            for name, value in (("bound", self.bound), ("persistence", self.persistence))
            if not 0.0 <= value < 1.0
        ]
        if self.spread is not None and not 0.0 <= self.spread < math.inf:
            faults.append(Fault("spread", self.spread, "must be in [0, inf), a share"))
        if faults:
            raise ProfileError("forecast error", faults)

    @property
    def _spread(self) -> float:
        """Standard deviation before the cut."""
        return 0.5 * self.bound if self.spread is None else self.spread

    def at_scores(self, scores: Array) -> Array:
        """Errors within the bound that belong to standard normal scores, in the shape of these."""
        errors: Array = np.clip(self._spread * scores, -self.bound, self.bound)
        return errors

    def process(self, n_period: int, random: np.random.Generator) -> Array:
        """One path of the error before it is cut, shape (n_period,)."""
        steps = self._spread * random.standard_normal(n_period)
        steps[1:] *= math.sqrt(1.0 - self.persistence**2)
        path = np.empty(n_period)
        error = 0.0
        for period, step in enumerate(steps):
            path[period] = error = self.persistence * error + step
        return path

    def draw(self, n_period: int, random: np.random.Generator) -> Array:
        """One path of the error within its bound, shape (n_period,)."""
        path: Array = np.clip(self.process(n_period, random), -self.bound, self.bound)
        return path

    def actual(self, forecast_mw: Array, random: np.random.Generator, most_mw: float = math.inf) -> Array:
        """What comes of a forecast: ``forecast * (1 + error)``, at most what is installed.

        Parameters
        ----------
        forecast_mw : ndarray, shape (n_period,)
        random : numpy.random.Generator
        most_mw : float
            Installed power, MW.
        """
        return np.minimum(forecast_mw * (1.0 + self.draw(len(forecast_mw), random)), most_mw)

    def expected(self, forecast_mw: Array, period: int, actual_mw: float, most_mw: float = math.inf) -> Array:
        """The forecast of the rest of the day, given what is known of this period.

        Parameters
        ----------
        forecast_mw : ndarray, shape (n_period,)
            The forecast of the whole day, as made before it.
        period : int
            The period whose actual value is known.
        actual_mw : float
            That value, MW.
        most_mw : float
            Installed power, MW.

        Returns
        -------
        ndarray, shape (n_period,)
            `forecast_mw` before `period`; the actual value at it; after it the conditional expectation
            ``forecast * (1 + error * rho**k)``, k periods later.
        """
        expected = forecast_mw.astype(float)
        now = float(forecast_mw[period])
        error = actual_mw / now - 1.0 if now > 0.0 else 0.0
        lead = np.arange(len(forecast_mw) - period)
        expected[period:] *= 1.0 + error * self.persistence**lead
        expected[period] = actual_mw
        return np.asarray(np.minimum(expected, most_mw))
