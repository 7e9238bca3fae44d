"""Forecasts of a base load from its past, and what is drawn when they err."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from gridarium.agents.feeder.consumer import Consumer
from gridarium.agents.feeder.consumer_day import Demand
from gridarium.agents.feeder.elastic_consumer import ElasticConsumer, ElasticDemand
from gridarium.agents.feeder.load_forecast import LoadOutturn, WeeklySmoothing, foresee
from gridarium.environment.arrays import series
from gridarium.environment.forecast_error import ForecastError
from gridarium.environment.load_record import DayPattern, LoadRecord
from gridarium.environment.world import World
from gridarium.market.elasticity import Elasticity, ResponseBounds
from gridarium.market.messages.tariffs import TariffSignal

MakeWorld = Callable[..., World]
SHAPE = 2.0 + np.sin(np.arange(24) / 4.0)[None, :]


def drawn(bound: float, weekend: float = 1.0, seed: int = 3) -> LoadRecord:
    pattern = DayPattern(ForecastError(bound, 0.9), weekend)
    return pattern.draw(SHAPE, 28, 3, np.random.default_rng(seed))


def test_smoothing_follows_its_recursion() -> None:
    # Holt-Winters without a trend, written out: level and season of a week, from the same first values.
    days = drawn(0.1, 0.8).days_mw
    smoothing = WeeklySmoothing(0.4, 0.2, "mul")
    from statsmodels.tsa.holtwinters import ExponentialSmoothing

    start = ExponentialSmoothing(
        days.ravel(), seasonal="mul", seasonal_periods=168, initialization_method="heuristic"
    ).fit(smoothing_level=0.4, smoothing_seasonal=0.2, optimized=False).params  # fmt: skip
    level, season = float(start["initial_level"]), list(start["initial_seasons"])
    for load in days.ravel():
        before, level = level, 0.4 * load / season[0] + 0.6 * level
        season = [*season[1:], 0.2 * load / before + 0.8 * season[0]]
    assert smoothing.next_day(days) == pytest.approx(level * np.array(season[:24]), rel=1e-9)


def test_a_regular_load_is_foreseen_and_yesterday_is_not_today() -> None:
    record = drawn(0.0, 0.5)
    expected, outturn = foresee(record, "exponential-smoothing", 7)
    assert expected == pytest.approx(record.days_mw[-1], rel=1e-6)
    smoothed, yesterday = outturn.errors
    assert (smoothed.method, yesterday.method) == ("exponential-smoothing", "as-yesterday")
    assert smoothed.mape < 1e-6
    # Of seven days Saturday is told twice too large, Monday half too small.
    assert yesterday.mape == pytest.approx((1.0 + 0.5) / 7.0)
    assert outturn.actual_mw == pytest.approx(record.days_mw[-1])


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("load_mw", [0.0, 1.5])
def test_a_load_that_never_changes_is_foreseen_without_a_word(load_mw: float) -> None:
    days = np.full((21, 4), load_mw)
    assert WeeklySmoothing.fitted(days).next_day(days) == pytest.approx(np.full(4, load_mw), abs=1e-9)


@pytest.mark.parametrize("kind", ["profile", "as-yesterday"])
def test_plain_forecasts(kind: str) -> None:
    record = drawn(0.1)
    expected, outturn = foresee(record, kind, 2)  # type: ignore[arg-type]
    told = SHAPE[0] if kind == "profile" else record.days_mw[-2]
    assert expected == pytest.approx(told)
    held_out = record.days_mw[26:28]
    away = np.abs((SHAPE if kind == "profile" else record.days_mw[25:27]) - held_out)
    assert outturn.errors[0].mape == pytest.approx((away / held_out).mean())
    assert outturn.errors[0].rmse_mw == pytest.approx(np.sqrt((away**2).mean()))


def test_past_days_are_all_that_is_used() -> None:
    record = drawn(0.1)
    other = LoadRecord(np.vstack([record.days_mw[:-1], 2.0 * record.days_mw[-1:]]), record.profile_mw)
    first, second = (foresee(one, "exponential-smoothing", 7)[0] for one in (record, other))
    assert np.array_equal(first, second)


def test_response_is_kept_when_the_base_load_turns_out_otherwise(make_world: MakeWorld) -> None:
    foreseen, actual = np.array([1.0, 2.0, 0.5]), np.array([1.2, 1.8, 0.4])
    told = TariffSignal(1, series([550.0, 450.0, 500.0]), series(np.zeros(3)), series(np.full(3, 500.0)))
    world = make_world()
    elastic = ElasticDemand(foreseen, Elasticity(-0.2, 0.0), ResponseBounds(0.2), 0.0, LoadOutturn(actual))
    consumer = ElasticConsumer(world.grid.spread(), "elastic", "homes", elastic, "leader")
    consumer.respond(told, "leader")
    assert consumer.plan_mw == pytest.approx(foreseen * [0.98, 1.02, 1.0])
    assert consumer.today.turned_out_mw == pytest.approx(actual * [0.98, 1.02, 1.0])
    quadratic = Demand(foreseen, 100.0, 0.2, outturn=LoadOutturn(actual))
    other = Consumer(world.grid.spread(), "quadratic", "homes", quadratic, "leader")
    other.respond(told, "leader")
    assert other.today.turned_out_mw / actual == pytest.approx(other.plan_mw / foreseen)
    assert other.loads_mw["base"] == pytest.approx(actual)
