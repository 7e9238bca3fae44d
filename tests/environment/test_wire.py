"""Secured links on the bus: handshakes as frames that take time and get lost, copies, refusals."""

from __future__ import annotations

import pytest

from gridarium.environment.links import LinkQuality
from gridarium.environment.wire import HELLOS
from guarded_bus import GuardedBus, Order


def test_a_first_message_waits_for_one_round_trip_and_the_next_ones_do_not() -> None:
    day = GuardedBus(True, LinkQuality(latency_s=0.2)).send(3).run()
    assert [envelope.delivered_s for envelope in day.got["b"]] == pytest.approx([0.6, 1.2, 2.2])
    assert [envelope.sent_s for envelope in day.got["b"]] == [0.0, 1.0, 2.0]
    log = day.bus.log()
    assert log["topic"].tolist() == ["hello", "answer", "Order", "Order", "Order"]
    assert (day.bus.sent, day.bus.delivered, day.bus.lost) == (3, 3, 0)


def test_what_is_handed_over_says_what_was_sent() -> None:
    plain, secured = (GuardedBus(secured).send(4).run() for secured in (False, True))
    assert secured.got["b"] == plain.got["b"]
    connection = secured.connections["b"]
    connection.send("a", Order(7), topic="reply", question=5, answers=True)
    secured.clock.run_until(3700.0)
    (reply,) = secured.got["a"]
    assert (reply.sender, reply.topic, reply.question, reply.answers) == ("b", "reply", 5, True)


def test_only_the_named_pairs_are_secured() -> None:
    day = GuardedBus(False)
    day.bus.secure(day.ends, {frozenset("ab")})
    assert [day.bus.is_secured(*ends) for ends in ("ab", "ba", "ac", "bc")] == [True, True, False, False]
    day.send(1).send(1, recipient="c").run()
    assert day.bus.log()["topic"].tolist().count("hello") == 1
    assert (day.numbers("b"), day.numbers("c")) == ([0], [0])


def test_a_lost_hello_is_said_again_and_nothing_that_waits_is_lost() -> None:
    day = GuardedBus(True, LinkQuality(latency_s=0.1))
    day.bus.add_outage("b", 0.0, 2.5)
    day.send(2, each_s=0.5).run()
    log = day.bus.log()
    assert log.loc[log["topic"] == "hello", "outcome"].tolist() == ["lost", "lost", "lost", "delivered"]
    assert day.numbers() == [0, 1]
    assert (day.bus.sent, day.bus.delivered, day.bus.lost) == (2, 2, 0)


def test_after_the_last_hello_what_waits_is_lost_and_later_messages_start_anew() -> None:
    day = GuardedBus(True)
    day.bus.add_outage("b", 0.0, 100.0)
    day.send(5).run(50.0)
    log = day.bus.log()
    assert (log["topic"] == "hello").sum() == HELLOS
    assert (day.bus.sent, day.bus.delivered, day.bus.lost) == (5, 0, 5)
    day.run(200.0)
    day.connections["a"].send("b", Order(9))
    day.run()
    assert day.numbers() == [9]


def test_a_session_that_ends_is_followed_by_another_without_a_gap() -> None:
    day = GuardedBus(True, LinkQuality(latency_s=0.3), session_s=30.0).send(300).run()
    assert day.numbers() == list(range(300))
    assert day.bus.refused.total() == day.bus.lost == 0
    # Each is renewed in its last tenth.
    assert 10 <= (day.bus.log()["topic"] == "hello").sum() <= 12


def test_a_revoked_name_is_refused_until_it_joins_again() -> None:
    day = GuardedBus(True).send(10)
    day.clock.wait_until(3.5).callbacks.append(lambda _: day.authority.revoke("a"))

    def join(_event: object) -> None:
        day.authority.reinstate("a")
        day.ends["a"].join(day.clock.now_s)

    day.clock.wait_until(7.5).callbacks.append(join)
    day.run()
    assert day.numbers() == [0, 1, 2, 3, 8, 9]
    assert day.bus.refused == {"certificate revoked": 4}
    assert (day.bus.log()["outcome"] == "refused: certificate revoked").sum() == 4


@pytest.mark.parametrize("seed", [1, 2])
def test_of_10000_honest_messages_none_is_refused_and_a_copy_acts_once(seed: int) -> None:
    rough = LinkQuality(0.3, 0.25, loss=0.1, duplication=0.1, reordering=0.2)
    day = GuardedBus(True, rough, seed, session_s=60.0)
    day.send(2500, 0.1).send(2500, 0.1, "b", "a").run()
    assert day.bus.refused.total() == 0
    for name in "ab":
        assert len(set(day.numbers(name))) == len(day.numbers(name)) > 2000
    assert day.bus.duplicated > 400
    assert day.bus.delivered + day.bus.lost == day.bus.sent == 5000


def test_the_last_arrival_counts_what_waits_for_a_handshake() -> None:
    day = GuardedBus(True, LinkQuality(0.2, 0.1)).send(1)
    day.clock.run_until(0.1)
    day.clock.run_until(day.bus.last_arrival_s)
    assert (day.numbers(), day.bus.delivered) == ([0], 1)


def test_on_links_that_lose_messages_security_changes_no_fate() -> None:
    rough = LinkQuality(0.3, 0.2, loss=0.3)
    kept = []
    for secured in (False, True):
        day = GuardedBus(secured, rough)
        day.bus.set_link("b", "a", LinkQuality(loss=0.3))
        kept.append(day.send(200, 2.0).run().numbers())
    assert kept[0] == kept[1]


@pytest.mark.parametrize("seed", range(4))
def test_none_is_refused_on_links_that_take_as_long_as_a_session(seed: int) -> None:
    """A frame that is held back may be overtaken, in the end, by a slow one."""
    slow = LinkQuality(10.0, 9.5, loss=0.3, duplication=0.1, reordering=0.4)
    day = GuardedBus(True, slow, seed, session_s=40.0)
    day.send(300, 7.0).send(300, 9.0, "b", "a").run()
    assert day.bus.refused.total() == 0
    for name in "ab":
        assert len(set(day.numbers(name))) == len(day.numbers(name)) > 10
