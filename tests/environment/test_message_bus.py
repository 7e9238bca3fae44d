from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridarium.environment.clock import HOUR_S, Clock
from gridarium.environment.errors import MessageError
from gridarium.environment.links import Envelope, LatencyDraw, LinkQuality
from gridarium.environment.message_bus import MessageBus
from gridarium.environment.random_streams import RandomStreams

START = pd.Timestamp("2026-01-15", tz="Asia/Shanghai")


@dataclass(frozen=True)
class Price:
    number: int


class Offer(NamedTuple):
    number: int


@dataclass
class Mutable:
    number: int


class World:
    """A bus with a sender "dso" and recipients that keep what they get."""

    def __init__(self, quality: LinkQuality | None = None, seed: int = 1, names: str = "ab") -> None:
        self.clock = Clock(START, HOUR_S)
        self.bus = MessageBus(self.clock, RandomStreams(seed), quality)
        self.bus.record = True
        self.got: dict[str, list[Envelope]] = {name: [] for name in names}
        self.ends = {name: self.bus.connect(name, self.got[name].append) for name in names}
        self.ends["dso"] = self.bus.connect("dso", lambda _: None)

    def send_each_second(self, n_messages: int, recipient: str = "a") -> None:
        for number in range(n_messages):
            delay_s = number - self.clock.now_s
            self.clock.timeout(delay_s).callbacks.append(
                lambda _, number=number: self.ends["dso"].send(recipient, Price(number))
            )

    def numbers(self, recipient: str = "a") -> list[int]:
        return [envelope.payload.number for envelope in self.got[recipient]]


def test_ideal_link_delivers_instantly_in_order_but_not_within_the_call() -> None:
    world = World()
    world.ends["dso"].send("a", Price(0))
    for name in "ab":
        world.ends["dso"].send(name, Price(1))
    assert world.got == {"a": [], "b": []}
    world.clock.run_until(1.0)
    assert world.got["a"][0] == Envelope("dso", "a", "Price", 0.0, 0.0, Price(0))
    assert (world.numbers("a"), world.numbers("b")) == ([0, 1], [1])


def test_envelopes_carry_the_number_of_a_question_whatever_happens_on_the_way() -> None:
    world = World(LinkQuality(latency_s=0.1, duplication=1.0, reordering=0.5), seed=3)
    for number in range(20):
        world.ends["dso"].send("a", Price(number), question=number, answers=number % 2 == 1)
    world.ends["dso"].send("a", Price(20))
    world.clock.run_until(10.0)
    told = {(envelope.payload.number, envelope.question, envelope.answers) for envelope in world.got["a"]}
    assert told == {(number, number, number % 2 == 1) for number in range(20)} | {(20, None, False)}
    assert len(world.got["a"]) == 42


def test_the_bus_says_who_sends_and_nobody_else_can() -> None:
    world = World()
    with pytest.raises(TypeError, match="sender"):
        world.ends["b"].send("a", Price(0), sender="dso")  # type: ignore[call-arg]
    world.ends["b"].send("a", Price(1))
    world.clock.run_until(1.0)
    assert [(envelope.sender, envelope.payload) for envelope in world.got["a"]] == [("b", Price(1))]
    assert {name for name in dir(world.bus) if "send" in name or "broadcast" in name} == {"_send"}


def test_a_message_costs_one_event() -> None:
    world = World()
    world.ends["dso"].send("a", Price(0))
    world.clock.env.step()
    assert (world.numbers(), world.clock.env.peek()) == ([0], math.inf)


def test_an_answer_within_a_handler_waits_its_turn() -> None:
    world = World()
    story: list[Any] = []

    def leader(envelope: Envelope) -> None:
        connection.send("b", Price(9))
        story.append(("leader done", len(world.got["b"])))

    connection = world.bus.connect("leader", leader)
    world.ends["a"].send("leader", Price(0))
    world.clock.run_until(1.0)
    assert story == [("leader done", 0)]
    assert world.numbers("b") == [9]


def test_latency_is_kept_and_constant_latency_is_first_in_first_out() -> None:
    world = World(LinkQuality(latency_s=2.5))
    world.send_each_second(5)
    world.clock.run_until(HOUR_S)
    assert [envelope.delivered_s for envelope in world.got["a"]] == [2.5, 3.5, 4.5, 5.5, 6.5]
    assert world.numbers() == [0, 1, 2, 3, 4]


@given(st.floats(0, 10), st.lists(st.floats(0, 100), min_size=2, max_size=20))
@settings(max_examples=50)
def test_constant_latency_never_reorders(latency_s: float, times: list[float]) -> None:
    world = World(LinkQuality(latency_s=latency_s))
    for number, t_s in enumerate(sorted(times)):
        world.clock.timeout(t_s).callbacks.append(
            lambda _, number=number: world.ends["dso"].send("a", Price(number))
        )
    world.clock.run_until(HOUR_S)
    assert world.numbers() == list(range(len(times)))


def test_jitter_stays_in_its_range() -> None:
    world = World(LinkQuality(latency_s=0.3, latency_jitter_s=0.2))
    world.send_each_second(2000)
    world.clock.run_until(HOUR_S)
    delays_s = np.array([envelope.delivered_s - envelope.sent_s for envelope in world.got["a"]])
    assert (delays_s.min() >= 0.1 - 1e-9) and (delays_s.max() <= 0.5 + 1e-9)
    assert abs(delays_s.mean() - 0.3) < 5 * (0.4 / math.sqrt(12)) / math.sqrt(2000)


def test_a_link_can_have_any_distribution_of_latency() -> None:
    world = World()
    world.bus.set_link("dso", "a", LinkQuality(), latency=lambda rng: rng.exponential(2.0))
    world.send_each_second(2000)
    world.clock.run_until(HOUR_S)
    delays_s = np.array([envelope.delivered_s - envelope.sent_s for envelope in world.got["a"]])
    assert abs(delays_s.mean() - 2.0) < 5 * 2.0 / math.sqrt(2000)
    never: list[LatencyDraw] = [lambda _: -1.0, lambda _: math.nan]
    for latency in never:
        world.bus.set_link("dso", "b", LinkQuality(), latency)
        with pytest.raises(MessageError, match="drawn latency"):
            world.ends["dso"].send("b", Price(0))


@given(loss=st.floats(0, 1), seed=st.integers(0, 2**32))
@settings(max_examples=30, deadline=None)
def test_the_share_lost_is_binomial(loss: float, seed: int) -> None:
    n_messages = 1000
    world = World(LinkQuality(loss=loss), seed)
    world.send_each_second(n_messages)
    world.clock.run_until(HOUR_S)
    bound = 6 * math.sqrt(n_messages * loss * (1 - loss)) + 1
    assert abs(world.bus.lost - n_messages * loss) <= bound
    assert world.bus.sent == n_messages == world.bus.delivered + world.bus.lost
    assert world.numbers() == sorted(world.numbers())


def test_a_worse_link_loses_the_same_messages_and_more() -> None:
    kept = []
    for loss in (0.2, 0.5):
        world = World(LinkQuality(latency_s=0.2, latency_jitter_s=0.1, loss=loss))
        world.send_each_second(300)
        world.clock.run_until(HOUR_S)
        kept.append({(envelope.sent_s, envelope.delivered_s) for envelope in world.got["a"]})
    assert kept[1] < kept[0]


def test_duplicates_arrive_twice() -> None:
    world = World(LinkQuality(duplication=1.0, latency_s=0.5))
    world.send_each_second(3)
    world.clock.run_until(10.0)
    assert world.numbers() == [0, 0, 1, 1, 2, 2]
    assert (world.bus.sent, world.bus.delivered, world.bus.duplicated) == (3, 3, 3)
    assert world.bus.log()["outcome"].tolist() == ["delivered", "duplicate"] * 3


def test_a_message_held_back_is_overtaken_by_the_next_one() -> None:
    world = World(LinkQuality(reordering=1.0, latency_s=0.5, hold_s=5.0))
    world.send_each_second(5)
    world.clock.run_until(4.4)
    assert world.numbers() == [1, 0, 3, 2]
    world.clock.run_until(9.5)
    assert world.numbers() == [1, 0, 3, 2]
    world.clock.run_until(9.6)
    assert world.numbers() == [1, 0, 3, 2, 4]
    assert world.got["a"][-1].delivered_s == 9.5


@given(st.floats(0.05, 0.95), st.floats(0, 3), st.integers(0, 999))
@settings(max_examples=40, deadline=None)
def test_reordering_neither_loses_nor_misdates(reordering: float, latency_s: float, seed: int) -> None:
    world = World(LinkQuality(latency_s, latency_s / 2, reordering=reordering, hold_s=2.0), seed)
    arrivals: list[tuple[float, float]] = []
    world.bus.connect("c", lambda envelope: arrivals.append((envelope.delivered_s, world.clock.now_s)))
    world.send_each_second(60, "c")
    world.clock.run_until(HOUR_S)
    assert len(arrivals) == 60 == world.bus.delivered
    assert all(stated == pytest.approx(real, abs=1e-9) for stated, real in arrivals)


def test_outage_cuts_both_directions() -> None:
    world = World()
    world.bus.add_outage("a", 2.0, 4.0)
    world.send_each_second(6)
    for number in range(6):
        world.clock.timeout(number).callbacks.append(
            lambda _, number=number: world.ends["a"].send("b", Price(number))
        )
    world.clock.run_until(10.0)
    assert (world.numbers("a"), world.numbers("b")) == ([0, 1, 4, 5], [0, 1, 4, 5])
    assert world.bus.lost == 4


def test_a_message_on_its_way_into_an_outage_is_lost_with_its_copy() -> None:
    world = World(LinkQuality(latency_s=1.5, duplication=1.0))
    world.bus.add_outage("a", 2.0, 3.0)
    world.send_each_second(4)
    world.clock.run_until(10.0)
    assert world.numbers() == [0, 0, 3, 3]
    assert (world.bus.lost, world.bus.duplicated) == (2, 2)
    with pytest.raises(MessageError, match="outage of a"):
        world.bus.add_outage("a", 3.0, 3.0)


def lossy_run(seed: int, further_link: bool) -> list[Envelope]:
    world = World(LinkQuality(0.5, 0.4, loss=0.2, duplication=0.2, reordering=0.2), seed, "abc")
    if further_link:
        world.send_each_second(200, "c")
        world.bus.set_link("a", "b", LinkQuality(loss=0.5), latency=lambda rng: rng.exponential())
        world.ends["a"].send("b", Price(0))
    world.send_each_second(200, "a")
    world.clock.run_until(HOUR_S)
    return world.got["a"]


def test_same_seed_same_deliveries_and_a_further_link_changes_none() -> None:
    assert lossy_run(5, False) == lossy_run(5, False) == lossy_run(5, True)
    assert lossy_run(5, False) != lossy_run(6, False)


def test_log_has_a_row_for_each_outcome() -> None:
    world = World()
    world.bus.set_link("dso", "b", LinkQuality(loss=1.0))
    world.ends["dso"].send("a", Offer(1))
    world.ends["dso"].send("b", Offer(2), topic="bid")
    world.clock.run_until(1.0)
    log = world.bus.log()
    assert list(log.columns) == ["sent_s", "delivered_s", "sender", "recipient", "topic", "outcome"]
    assert log[["recipient", "topic", "outcome"]].to_numpy().tolist() == [
        ["b", "bid", "lost"],
        ["a", "Offer", "delivered"],
    ]
    assert math.isnan(log["delivered_s"][0])
    assert log["delivered_s"].dtype == World().bus.log()["delivered_s"].dtype == float


def test_counters_run_without_the_log() -> None:
    world = World()
    world.bus.record = False
    world.ends["dso"].send("a", Price(0))
    world.clock.run_until(1.0)
    assert (world.bus.sent, world.bus.delivered, len(world.bus.log())) == (1, 1, 0)


@pytest.mark.parametrize("payload", [Price(1), Offer(1), (1, 2), "text", 1.0, None, frozenset({1})])
def test_immutable_payloads_pass(payload: object) -> None:
    world = World()
    world.ends["dso"].send("a", payload)
    world.clock.run_until(1.0)
    assert world.got["a"][0].payload is payload


@pytest.mark.parametrize("payload", [Mutable(1), [1], {"price": 1}, np.zeros(2), object()])
def test_mutable_payloads_are_refused(payload: object) -> None:
    world = World()
    for _ in range(2):
        with pytest.raises(MessageError, match=f"immutable type, got {type(payload).__name__}"):
            world.ends["dso"].send("a", payload)
    assert world.bus.sent == 0


def test_unknown_and_taken_names_are_refused() -> None:
    world = World()
    with pytest.raises(MessageError, match="message from dso: recipient 'nobody'"):
        world.ends["dso"].send("nobody", Price(0))
    with pytest.raises(MessageError, match="'a' is taken"):
        world.bus.connect("a", lambda _: None)


@pytest.mark.parametrize(
    "values",
    [
        {"latency_s": -0.1},
        {"latency_s": math.nan},
        {"hold_s": math.inf},
        {"latency_s": 0.1, "latency_jitter_s": 0.2},
        {"loss": 1.1},
        {"duplication": -0.1},
        {"reordering": math.nan},
    ],
)
def test_link_quality_is_checked(values: dict[str, float]) -> None:
    with pytest.raises(MessageError, match=f"link: {list(values)[-1]} must be in"):
        LinkQuality(**values)


def test_an_error_in_a_receiver_stops_the_run() -> None:
    world = World()

    def broken(_: Envelope) -> None:
        raise MessageError("cannot be understood")

    world.bus.connect("c", broken)
    world.ends["dso"].send("c", Price(0))
    with pytest.raises(MessageError, match="cannot be understood"):
        world.clock.run_until(1.0)
