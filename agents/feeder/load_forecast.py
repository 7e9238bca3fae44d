"""Consumers foresee their base load from their own past, and see how wrong they were."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from gridarium.environment.arrays import Array
from gridarium.environment.horizon import Horizon
from gridarium.environment.load_record import WEEK_DAYS, LoadRecord

ForecastKind = Literal["profile", "exponential-smoothing", "as-yesterday"]
LEAST_WEEKS = 3
"""Weeks of the past that smoothing begins with, before any day is held out."""


@dataclass(frozen=True)
class HeldOutError:
    """How wrong a method was on past days that it was not fitted on.

    Parameters
    ----------
    method : str
    mape : float
        Mean of |error| over the load, a share; nan for a load of 0.
    rmse_mw : float
    """

    method: ForecastKind
    mape: float
    rmse_mw: float


@dataclass(frozen=True)
class LoadOutturn:
    """What a base load that was foreseen turns out to be.

    Parameters
    ----------
    actual_mw : ndarray, shape (n_step,)
        Of a day or of several.
    errors : tuple of HeldOutError
        Of the method that it was foreseen by, and of "as yesterday".
    """

    actual_mw: Array
    errors: tuple[HeldOutError, ...] = ()

    def on(self, horizon: Horizon, day: int) -> LoadOutturn:
        """Of one day."""
        return replace(self, actual_mw=horizon.of_day(self.actual_mw, day))


def scaled_response(plan_mw: Array, foreseen_mw: Array, actual_mw: Array) -> Array:
    """A plan for a base load that was foreseen, at the one that turns out, MW: each step keeps its share."""
    share = np.divide(plan_mw, foreseen_mw, out=np.ones_like(plan_mw), where=foreseen_mw > 0.0)
    return np.asarray(share * actual_mw)


def foresee(record: LoadRecord, kind: ForecastKind, held_out_days: int) -> tuple[Array, LoadOutturn]:
    """Foresee the days to come, each from all days before it, and measure the method on the last past days.

    The day before counts as known when the next one is foreseen, its last hours too.

    Parameters
    ----------
    record : LoadRecord
    kind : {"profile", "exponential-smoothing", "as-yesterday"}
        The profile itself, Holt-Winters smoothing, or the day before once more.
    held_out_days : int
        Past days at the end on which the error is taken, at least 1.

    Returns
    -------
    ndarray, shape (n_day * n_step,)
        The base load as foreseen, MW.
    LoadOutturn
    """
    days, n_past, n_day = record.days_mw, record.n_past, len(record.profile_mw)
    foreseen = _method(record, kind, n_past)
    expected = np.array([foreseen(day) for day in range(n_past, n_past + n_day)])
    held_out = range(n_past - held_out_days, n_past)
    kinds: tuple[ForecastKind, ...] = (kind,) if kind == "as-yesterday" else (kind, "as-yesterday")
    errors = []
    for each in kinds:
        fitted = _method(record, each, held_out.start)
        told = np.array([fitted(day) for day in held_out])
        errors.append(_error(each, told, days[held_out.start : held_out.stop]))
    return expected.ravel(), LoadOutturn(days[n_past:].ravel(), tuple(errors))


def _method(record: LoadRecord, kind: ForecastKind, n_known: int) -> Callable[[int], Array]:
    """Foresees a day of the record from those before it, with parameters fitted on the first ones."""
    days, n_day = record.days_mw, len(record.profile_mw)
    if kind == "as-yesterday":
        return lambda day: days[day - 1]
    if kind == "profile":
        return lambda day: record.profile_mw[(day - record.n_past) % n_day]
    smoothing = WeeklySmoothing.fitted(days[:n_known])
    return lambda day: smoothing.next_day(days[:day])


def _error(method: ForecastKind, told_mw: Array, actual_mw: Array) -> HeldOutError:
    away, drawn = np.abs(told_mw - actual_mw), actual_mw > 0.0
    mape = float((away[drawn] / actual_mw[drawn]).mean()) if drawn.any() else float("nan")
    return HeldOutError(method, mape, float(np.sqrt((away**2).mean())))


@dataclass(frozen=True)
class WeeklySmoothing:
    """Exponential smoothing of a load with the season of a week.

    Parameters
    ----------
    level, seasonal : float
        Smoothing parameters, in [0, 1].
    season : {"mul", "add"}
        Whether the season multiplies the level, as it can where no load is 0, or adds to it.

    Notes
    -----
    Holt-Winters without a trend [1]_, by statsmodels.

    References
    ----------
    .. [1] P. R. Winters, Forecasting sales by exponentially weighted moving averages, 1960,
       doi:10.1287/mnsc.6.3.324
    """

    level: float
    seasonal: float
    season: Literal["mul", "add"]

    @classmethod
    def fitted(cls, days_mw: Array) -> WeeklySmoothing:
        """The parameters with the least squared errors one step ahead; the best of a search that ends early.

        Parameters
        ----------
        days_mw : ndarray, shape (n_day, n_step)
            At least `LEAST_WEEKS` weeks.
        """
        from statsmodels.tools.sm_exceptions import ConvergenceWarning

        season: Literal["mul", "add"] = "mul" if days_mw.min() > 0.0 else "add"
        with warnings.catch_warnings(), _perfect_fits():
            warnings.simplefilter("ignore", ConvergenceWarning)
            params = _model(days_mw, season).fit(use_brute=False).params
        return cls(float(params["smoothing_level"]), float(params["smoothing_seasonal"]), season)

    def next_day(self, days_mw: Array) -> Array:
        """The day after some days, shape (n_step,), never below 0."""
        with _perfect_fits():
            fitted = _model(days_mw, self.season).fit(
                smoothing_level=self.level, smoothing_seasonal=self.seasonal, optimized=False
            )
            told = fitted.forecast(days_mw.shape[1])
        return np.maximum(0.0, np.asarray(told, dtype=np.float64))


def _perfect_fits() -> np.errstate:
    """Let information criteria of a fit without errors be minus infinity in silence: nobody reads them."""
    return np.errstate(divide="ignore")


def _model(days_mw: Array, season: str) -> Any:
    # Imported here: it takes a second, and few scenarios need it.
    from statsmodels.tsa.holtwinters import ExponentialSmoothing

    return ExponentialSmoothing(
        days_mw.ravel(),
        seasonal=season,
        seasonal_periods=WEEK_DAYS * days_mw.shape[1],
        initialization_method="heuristic",
    )
