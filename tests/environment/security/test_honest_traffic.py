"""10,000 honest messages under latency, reordering, loss and copies: none refused, each acts once."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import chain, pairwise, repeat

import numpy as np
import pytest

from gridarium.environment.links import Envelope
from gridarium.environment.random_streams import RandomStreams
from gridarium.environment.security.endpoint import Endpoint
from gridarium.environment.security.frames import Frame, FrameKind, Refusal
from secured_wire import GRACE_S, HOUR_S, SecuredWire, drawn_delays, endpoints, message, shaken

N_MESSAGE = 10_000


def _play(seed: int, session_s: float, loss: float, copies: float, n_message: int = N_MESSAGE) -> SecuredWire:
    """Messages among three names at random times of an hour, numbered."""
    rng = np.random.default_rng(seed)
    _, ends = endpoints("abc", session_s, valid_s=3 * session_s)
    wire = SecuredWire(ends, drawn_delays(seed, 5.0, 5.0, loss, copies))
    pairs = [(sender, recipient) for sender in "abc" for recipient in "abc" if sender != recipient]
    for number, time_s in enumerate(np.sort(rng.uniform(0.0, HOUR_S, n_message)).tolist()):
        sender, recipient = pairs[rng.integers(len(pairs))]
        wire.at(time_s, wire.send, sender, recipient, (number,))
    wire.run()
    return wire


def _numbered(number: int) -> Envelope:
    return message("a", "b", (number,))


def _numbers(wire: SecuredWire) -> list[int]:
    return [told.payload[0] for name in "abc" for told in wire.acted[name]]


@pytest.mark.parametrize("session_s", [HOUR_S * 2, 300.0])
def test_none_is_refused_and_each_acts_once_though_copied_and_reordered(session_s: float) -> None:
    wire = _play(1, session_s, loss=0.0, copies=0.2)
    numbers = _numbers(wire)
    assert sorted(numbers) == list(range(N_MESSAGE))
    assert not wire.refused and wire.copies > 0.5 * N_MESSAGE
    assert any(one > other for one, other in pairwise(numbers))
    sessions = {frame.session for frame in wire.frames if frame.kind == FrameKind.ANSWER}
    assert len(sessions) >= 3 * HOUR_S / session_s


def test_under_loss_what_arrives_acts_once_and_nothing_is_refused() -> None:
    wire = _play(2, 300.0, loss=0.2, copies=0.1)
    numbers = _numbers(wire)
    # One copy in five is lost, hence less than that of the messages; each of which was tried once only.
    assert 0.8 * N_MESSAGE < len(numbers) == len(set(numbers)) < N_MESSAGE
    assert not wire.refused


def test_all_messages_are_as_they_were_sent() -> None:
    wire = _play(3, 300.0, loss=0.0, copies=0.1, n_message=300)
    for name in "abc":
        for told in wire.acted[name]:
            assert told.recipient == name and told.sender in "abc" and told.topic == "tuple"
            # Hello and answer add a round trip to what waits for them.
            assert 0.0 <= told.delivered_s - told.sent_s <= 3 * 10.0


def test_no_nonce_is_used_twice_under_a_key() -> None:
    wire = _play(4, 300.0, loss=0.1, copies=0.1, n_message=2000)
    bodies: dict[tuple[str, bytes, int], set[bytes]] = defaultdict(set)
    for frame in wire.frames:
        if frame.kind in (FrameKind.FIRST, FrameKind.SEALED):
            bodies[frame.sender, frame.session, frame.counter].add(frame.body)
    assert len(bodies) == 2000 and set(map(len, bodies.values())) == {1}


@pytest.mark.parametrize("session_s", [100.0, 30.0])
def test_sessions_are_renewed_ahead_so_that_traffic_never_waits(session_s: float) -> None:
    _, ends = endpoints("ab", session_s, valid_s=250.0)
    wire = SecuredWire(ends, lambda: [1.0], retry_s=3.0)
    for number in range(2000):
        wire.at(0.5 * number, wire.send, "a", "b", (number,))
    wire.run()
    waits_s = [told.delivered_s - told.sent_s for told in wire.acted["b"]]
    assert len(waits_s) == 2000 and not wire.refused
    assert waits_s[:4] == [3.0, 2.5, 2.0, 1.5] and set(waits_s[4:]) == {1.0}
    kinds = Counter(frame.kind for frame in wire.frames)
    assert 1000.0 / session_s <= kinds["hello"] == kinds["answer"] <= 1200.0 / session_s
    assert ends["a"].certificate.serial > 2 and ends["a"].certificate.valid_until_s > 1000.0


def test_only_one_who_answers_may_send_for_long() -> None:
    _, ends = endpoints("ab", session_s=100.0)
    wire = SecuredWire(ends, lambda: [1.0])
    wire.at(0.0, wire.send, "a", "b", ("ask",))
    for number in range(1000):
        wire.at(10.0 + 0.5 * number, wire.send, "b", "a", (number,))
    wire.run()
    assert [told.payload[0] for told in wire.acted["a"]] == list(range(1000)) and not wire.refused
    assert {told.delivered_s - told.sent_s for told in wire.acted["a"]} == {1.0}


def test_without_traffic_a_session_ends_and_the_next_message_makes_another() -> None:
    _, ends = endpoints("ab", session_s=100.0)
    wire = SecuredWire(ends, lambda: [1.0])
    for time_s in (0.0, 50.0, 500.0):
        wire.at(time_s, wire.send, "a", "b", (time_s,))
    wire.run()
    assert [told.delivered_s for told in wire.acted["b"]] == [3.0, 51.0, 503.0]
    assert len({frame.session for frame in wire.frames if frame.kind == FrameKind.FIRST}) == 2


def test_frames_that_are_on_their_way_when_their_session_ends_are_taken() -> None:
    _, ends = endpoints("ab", session_s=100.0)
    delays_s = iter([0.0, 0.0, 0.0, GRACE_S])
    wire = SecuredWire(ends, lambda: [next(delays_s)])
    for time_s in (0.0, 89.0):
        wire.at(time_s, wire.send, "a", "b", (time_s,))
    wire.run()
    assert [told.delivered_s for told in wire.acted["b"]] == [0.0, 89.0 + GRACE_S] and not wire.refused


def test_hellos_that_cross_each_other_lead_to_one_session_that_both_send_in() -> None:
    _, ends = endpoints("ab")
    wire = SecuredWire(ends, lambda: [1.0], retry_s=3.0)
    for sender, recipient in ("ab", "ba"):
        for number in range(3):
            wire.at(0.0, wire.send, sender, recipient, (number,))
            wire.at(10.0 + number, wire.send, sender, recipient, (3 + number,))
    wire.run()
    for name in "ab":
        assert [told.payload[0] for told in wire.acted[name]] == list(range(6))
    late = [frame.session for frame in wire.frames[-6:]]
    assert len(set(late)) == 1 and not wire.refused and not wire.copies


def test_a_lost_hello_or_answer_is_repeated_and_a_late_one_still_counts() -> None:
    lossy = ([[]], [[], [], []], [[1.0], []], [[], [1.0], [], [1.0], []], [[1.0], [9.5]])
    for drawn in lossy:
        _, ends = endpoints("ab")
        delays_s = chain(drawn, repeat([1.0]))
        wire = SecuredWire(ends, lambda delays_s=delays_s: next(delays_s))  # type: ignore[misc]
        wire.send("a", "b", ("told",))
        wire.run()
        assert [told.payload for told in wire.acted["b"]] == [("told",)] and not wire.refused
        assert wire.acted["b"][0].delivered_s <= 15.0


def test_who_gives_up_gets_back_what_has_waited_and_starts_anew() -> None:
    _, ends = endpoints("ab")
    one, other = ends["a"], ends["b"]
    wire = SecuredWire(ends, lambda: [])
    [hello] = one.seal(_numbered(1), 0.0)
    assert one.seal(_numbered(2), 1.0) == [] and one.again("b", 1.0) == [hello]
    assert one.gives_up("b") == [_numbered(1), _numbered(2)] and one.gives_up("b") == []
    assert one.again("b", 2.0) == [] and one.gives_up("c") == [] and one.again("c", 2.0) == []
    assert one.seal(_numbered(3), 3.0) == [hello]
    assert one.again("b", GRACE_S + 1.0) != [hello]
    # The answer to the first hello is late, yet as good as any.
    [answer] = other.receive(hello, 2 * GRACE_S).replies
    assert one.receive(answer, 2 * GRACE_S + 1.0).released == (_numbered(3),)
    assert not wire.frames


def test_same_seed_same_frames_and_a_further_name_changes_none() -> None:
    def play(seed: int, names: str) -> list[Frame]:
        _, ends = endpoints(names, session_s=10.0, valid_s=15.0, seed=seed)
        wire = SecuredWire(ends, drawn_delays(1, 1.0, 0.5))
        for number in range(40):
            wire.at(float(number), wire.send, "a", "b", (number,))
            wire.at(number + 100.0, wire.send, names[-1], "a", (number,))
        wire.run(90.0)
        return wire.frames

    frames = play(1, "ab")
    assert frames == play(1, "ab") == play(1, "cab")
    assert frames[0].body != play(2, "ab")[0].body


def test_the_shorter_of_two_sessions_holds_and_no_certificate_is_outlived() -> None:
    for asker_s, answerer_s in ((10.0, HOUR_S), (HOUR_S, 10.0)):
        authority, _ = endpoints("", valid_s=24 * HOUR_S)
        one = Endpoint("a", authority, RandomStreams(1), asker_s, GRACE_S)
        other = Endpoint("b", authority, RandomStreams(1), answerer_s, GRACE_S)
        shaken(one, other)
        assert one.seal(_numbered(1), 9.9)[0].kind == FrameKind.FIRST
        assert one.seal(_numbered(2), 10.0) == []
        assert other.seal(message("b", "a"), 10.0)[0].kind == FrameKind.HELLO
    authority, _ = endpoints("", valid_s=100.0)
    other = Endpoint("b", authority, RandomStreams(1), HOUR_S, GRACE_S)
    authority.revoke("b")
    authority.trust.revoked.clear()  # Barred, and yet believed as long as its certificate lasts.
    one = Endpoint("a", authority, RandomStreams(1), HOUR_S, GRACE_S, now_s=60.0)
    shaken(one, other, 70.0)
    assert one.certificate.valid_until_s == 160.0 and one.seal(_numbered(1), 99.9)
    assert one.seal(_numbered(2), 100.0) == []


def test_nothing_is_sealed_in_a_session_that_has_ended_meanwhile() -> None:
    _, ends = endpoints("ab", session_s=10.0)
    [hello] = ends["a"].seal(_numbered(1), 0.0)
    [answer] = ends["b"].receive(hello, 0.0).replies
    [first] = ends["a"].receive(answer, 1.0).replies
    [own_hello] = ends["b"].seal(message("b", "a", ("waits",)), 9.0)
    opened = ends["b"].receive(first, 10.0)
    assert opened.envelope is not None and opened.replies == opened.released == ()
    assert ends["b"].again("a", 10.0) == [own_hello]


def test_an_answer_that_comes_after_its_session_has_ended_is_honest_and_of_no_use() -> None:
    _, ends = endpoints("ab", session_s=10.0)
    [hello] = ends["a"].seal(_numbered(1), 0.0)
    [late] = ends["b"].receive(hello, 5.0).replies
    assert ends["a"].receive(late, 10.0) == (None, (), (), None, False)
    [another] = ends["a"].again("b", 10.0)
    assert another.session != hello.session
    [answer] = ends["b"].receive(another, 11.0).replies
    assert ends["a"].receive(answer, 12.0).released == (_numbered(1),)


def test_what_is_over_is_forgotten() -> None:
    _, ends = endpoints("abc", session_s=10.0)
    one, other = ends["a"], ends["b"]
    [hello] = one.seal(_numbered(1), 0.0)
    [late] = other.receive(hello, 2 * GRACE_S).replies
    one.gives_up("b")
    shaken(one, other, 2 * GRACE_S)
    [sealed] = one.seal(_numbered(2), 2 * GRACE_S)
    shaken(one, ends["c"], 3 * GRACE_S + 1.0)
    assert one.receive(late, 3 * GRACE_S + 1.0).refusal == Refusal.UNKNOWN_HELLO
    assert other.receive(sealed, 4 * GRACE_S).refusal == Refusal.SESSION_ENDED
    shaken(one, other, 4 * GRACE_S)
    assert other.receive(sealed, 4 * GRACE_S).refusal == Refusal.UNKNOWN_SESSION
