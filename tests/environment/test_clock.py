from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridarium.environment.clock import DAY_S, HOUR_S, MINUTE_S, QUARTER_S, Clock, ClockError, Gate
from gridarium.environment.errors import Fault, MessageError, ProfileError

START = pd.Timestamp("2026-01-15", tz="Asia/Shanghai")
Process = Generator[Any, Any, Any]


def test_calendar_counts_elapsed_seconds_over_daylight_saving_changes() -> None:
    clock = Clock(pd.Timestamp("2026-03-29", tz="Europe/Berlin"), HOUR_S)
    clock.run_until(2 * HOUR_S)
    assert clock.timestamp == pd.Timestamp("2026-03-29 03:00", tz="Europe/Berlin")
    assert clock.at(pd.Timestamp("2026-03-30", tz="Europe/Berlin")) == 23 * HOUR_S
    autumn = Clock(pd.Timestamp("2026-10-25", tz="Europe/Berlin"), HOUR_S)
    assert autumn.at(pd.Timestamp("2026-10-26", tz="Europe/Berlin")) == 25 * HOUR_S


def test_at_takes_any_time_zone() -> None:
    assert Clock(START, HOUR_S).at(pd.Timestamp("2026-01-15 00:00", tz="UTC")) == 8 * HOUR_S


@given(st.integers(0, 10**9))
def test_calendar_and_seconds_are_inverse(t_ms: int) -> None:
    clock = Clock(START, HOUR_S)
    assert clock.at(clock.timestamp_at(t_ms / 1000)) == pytest.approx(t_ms / 1000, abs=1e-8)


@pytest.mark.parametrize("period_s", [QUARTER_S, 0.1, 7.0])
def test_period_index_at_each_boundary(period_s: float) -> None:
    clock = Clock(START, period_s)
    for index in range(50):
        clock.run_until(index * period_s)
        assert clock.period_index == index


def test_different_beats_run_side_by_side() -> None:
    clock = Clock(START, HOUR_S)
    beats: dict[float, list[float]] = {}

    def beat(length_s: float) -> Process:
        for start in clock.periods(length_s):
            yield start
            beats.setdefault(length_s, []).append(clock.now_s)

    for length_s in (DAY_S, HOUR_S, QUARTER_S, MINUTE_S):
        clock.process(beat(length_s))
    clock.run_until(2 * DAY_S)
    for length_s, times in beats.items():
        assert times == [index * length_s for index in range(round(2 * DAY_S / length_s))]


def test_periods_skips_what_a_busy_process_missed() -> None:
    clock = Clock(START, HOUR_S)
    seen = []

    def busy() -> Process:
        for start in clock.periods(10.0):
            yield start
            seen.append(clock.now_s)
            yield clock.timeout(25.0)

    clock.process(busy())
    clock.run_until(100.0)
    assert seen == [0.0, 30.0, 60.0, 90.0]


@given(now_s=st.floats(0, 3000), gate_s=st.integers(3000, 10**6))
def test_gate_closes_exactly_on_time_whenever_the_wait_began(now_s: float, gate_s: int) -> None:
    clock = Clock(START, HOUR_S)

    def negotiation() -> Process:
        yield clock.timeout(now_s)
        yield clock.wait_until(gate_s)
        return clock.now_s

    ended = clock.process(negotiation())
    clock.run_until(gate_s + 1.0)
    assert ended.value == gate_s


def test_gate_is_half_open() -> None:
    gate = Gate(10.0, 20.0)
    assert [gate.is_open(t_s) for t_s in (9.9, 10.0, 19.9, 20.0)] == [False, True, True, False]
    with pytest.raises(ClockError, match=r"closes_s must be in \(10.0, inf\) s, got 10.0 s"):
        Gate(10.0, 10.0)


def test_run_until_leaves_what_is_due_then_to_the_next_run() -> None:
    clock = Clock(START, HOUR_S)
    seen = []
    clock.timeout(HOUR_S).callbacks.append(lambda _: seen.append(clock.now_s))
    clock.run_until(HOUR_S)
    clock.run_until(HOUR_S)
    assert (seen, clock.now_s) == ([], HOUR_S)
    clock.run_until(HOUR_S + 1)
    assert seen == [HOUR_S]


def test_time_never_goes_back() -> None:
    clock = Clock(START, HOUR_S)
    clock.run_until(5.0)
    with pytest.raises(ClockError, match=r"t_s must be in \[5.0, inf\) s, got 4.0 s"):
        clock.run_until(4.0)
    with pytest.raises(ClockError):
        clock.wait_until(4.0)
    for delay_s in (-1.0, float("nan"), float("inf")):
        with pytest.raises(ClockError, match="delay_s"):
            clock.timeout(delay_s)


def test_clock_refuses_bad_input() -> None:
    with pytest.raises(ClockError, match="time zone"):
        Clock(pd.Timestamp("2026-01-15"), HOUR_S)
    with pytest.raises(ClockError, match="period_s"):
        Clock(START, 0.0)
    with pytest.raises(ClockError, match="time zone"):
        Clock(START, HOUR_S).at(pd.Timestamp("2026-01-15"))
    with pytest.raises(ClockError, match="length_s"):
        next(Clock(START, HOUR_S).periods(0.0))


def test_unhandled_failure_stops_the_run_with_the_original_error() -> None:
    clock = Clock(START, HOUR_S)

    def failing() -> Process:
        yield clock.timeout(3.0)
        raise ProfileError("data.csv", [Fault("data.csv", "nothing", "must be there")])

    clock.process(failing())
    with pytest.raises(ProfileError, match="must be there") as caught:
        clock.run_until(HOUR_S)
    assert caught.value.faults[0].place == "data.csv"
    assert clock.now_s == 3.0


def test_what_a_failure_came_from_stays_with_it() -> None:
    clock = Clock(START, HOUR_S)

    def failing() -> Process:
        yield clock.timeout(3.0)
        raise MessageError("no answer") from ZeroDivisionError("below")

    clock.process(failing())
    with pytest.raises(MessageError) as caught:
        clock.run_until(HOUR_S)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_failure_that_a_waiting_process_handles_does_not_stop_the_run() -> None:
    clock = Clock(START, HOUR_S)

    def lost_its_meter() -> Process:
        yield clock.timeout(3.0)
        raise MessageError("no answer")

    def careful() -> Process:
        try:
            yield clock.process(lost_its_meter())
        except MessageError:
            yield clock.timeout(1.0)
            return "handled"

    answer = clock.process(careful())
    clock.run_until(HOUR_S)
    assert (answer.value, clock.now_s) == ("handled", HOUR_S)
