from __future__ import annotations

from gridarium.environment.links import Envelope
from gridarium.environment.random_streams import RandomStreams
from gridarium.environment.security.authority import Authority
from gridarium.environment.security.endpoint import Endpoint
from gridarium.environment.security.frames import Frame, FrameKind

HOUR_S, GRACE_S = 3600.0, 60.0


def envelope(sender: str, recipient: str, number: int, sent_s: float = 0.0) -> Envelope:
    return Envelope(sender, recipient, "tuple", sent_s, sent_s, (number,))


def test_a_message_waits_for_a_handshake_and_arrives_as_it_was() -> None:
    streams = RandomStreams(1)
    authority = Authority("dso", streams, 24 * HOUR_S)
    ends = {name: Endpoint(name, authority, streams, HOUR_S, GRACE_S) for name in ("a", "b")}
    one, other = ends["a"], ends["b"]
    [hello] = one.seal(envelope("a", "b", 1), 0.0)
    assert one.seal(envelope("a", "b", 2), 0.1) == []
    answered = other.receive(hello, 0.5)
    [answer] = answered.replies
    assert answered.envelope is answered.refusal is None and not answered.released
    granted = one.receive(answer, 1.0)
    assert [told.payload for told in granted.released] == [(1,), (2,)]
    assert [frame.kind for frame in granted.replies] == [FrameKind.FIRST] * 2
    told = [other.receive(frame, 1.5).envelope for frame in granted.replies]
    assert told == [envelope("a", "b", number)._replace(delivered_s=1.5, sent_s=0.0) for number in (1, 2)]
    [reply] = other.seal(envelope("b", "a", 3, 1.5), 1.5)
    assert isinstance(reply, Frame) and reply.kind == FrameKind.SEALED
    assert one.receive(reply, 2.0).envelope == envelope("b", "a", 3, 1.5)._replace(delivered_s=2.0)
    assert one.receive(reply, 2.0) == (None, (), (), None, True)
    [again] = one.seal(envelope("a", "b", 4), 2.0)
    assert again.kind == FrameKind.SEALED and other.receive(again, 2.0).envelope is not None
