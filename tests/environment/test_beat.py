from __future__ import annotations

import pandas as pd
import pytest

from gridarium.environment.beat import Beat
from gridarium.environment.clock import MINUTE_S, Clock, ClockError

START = pd.Timestamp("2026-01-15", tz="Asia/Shanghai")


class Drummer:
    """Beats each minute as long as it has beats left."""

    def __init__(self, clock: Clock, beat: Beat, beats: int, story: list[tuple[float, int]]) -> None:
        self.clock, self.beat, self.left, self.beats, self.story = clock, beat, beats, beats, story
        beat.at(0.0, self.strike)

    def strike(self) -> None:
        self.story.append((self.clock.now_s, self.beats))
        self.left -= 1
        if self.left:
            self.beat.at(self.clock.now_s + MINUTE_S, self.strike)


def test_all_who_wait_for_an_instant_share_one_event_in_the_order_of_asking() -> None:
    clock = Clock(START, 900.0)
    beat, story = Beat(clock), list[tuple[float, int]]()
    for beats in (3, 1, 2):
        Drummer(clock, beat, beats, story)
    steps = 0
    while clock.env.peek() < 900.0:
        clock.env.step()
        steps += 1
    assert story == [(0.0, 3), (0.0, 1), (0.0, 2), (60.0, 3), (60.0, 2), (120.0, 3)]
    assert steps == 3


def test_catching_up_calls_what_is_due_now_once() -> None:
    clock = Clock(START, 900.0)
    beat, story = Beat(clock), list[str]()
    beat.at(900.0, lambda: story.append("at the end"))
    beat.at(901.0, lambda: story.append("later"))
    clock.run_until(900.0)
    assert story == []
    beat.catch_up()
    assert story == ["at the end"]
    clock.run_until(902.0)
    assert story == ["at the end", "later"]


def test_what_is_asked_for_this_instant_comes_in_a_second_call() -> None:
    clock = Clock(START, 900.0)
    beat, story = Beat(clock), list[str]()

    def first() -> None:
        beat.at(5.0, lambda: story.append("second"))
        story.append("first")

    beat.at(5.0, first)
    clock.run_until(6.0)
    assert story == ["first", "second"]


def test_the_past_is_refused() -> None:
    clock = Clock(START, 900.0)
    clock.run_until(10.0)
    with pytest.raises(ClockError, match=r"t_s must be in \[10.0, inf\) s, got 9.0 s"):
        Beat(clock).at(9.0, lambda: None)
