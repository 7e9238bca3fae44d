"""What an intruder on a link can do, and that none of it acts."""

from __future__ import annotations

from collections import Counter

import numpy as np

from gridarium.environment.random_streams import RandomStreams
from gridarium.environment.security.certificates import Certificate
from gridarium.environment.security.endpoint import Endpoint
from gridarium.environment.security.frames import Frame, FrameKind, Refusal
from gridarium.environment.security.handshake import hello_to
from gridarium.environment.security.identity import Membership
from secured_wire import endpoints, message, shaken

N_ATTACK = 10_000


class Intruder:
    """On the link between "a" and "b": has all frames, keys of its own, and an accomplice, a member."""

    def __init__(self, seed: int, member: Endpoint) -> None:
        self.rng = np.random.default_rng(seed)
        self.member = member
        self.frames: list[Frame] = []
        authority, own = endpoints("ab", seed=seed)
        self.own = shaken(own["a"], own["b"]) + own["b"].seal(message("b", "a", ("forged",)), 0.0)
        self.rogues = {name: Membership(name, authority, RandomStreams(seed + 1), 0.0) for name in "ab"}
        self.read: dict[str, Certificate] = {}

    def attack(self) -> tuple[str, str, object]:
        """What it does, to whom it sends, and what."""
        frame = self.frames[self.rng.integers(len(self.frames))]
        kinds = ("altered", "forged", "spoofed", "replayed", "reflected", "plain")
        kind = kinds[self.rng.integers(len(kinds))]
        made: object = frame
        if kind == "altered":
            made = self._altered(frame)
        elif kind == "forged":
            made = self._forged(frame.sender, frame.recipient)
        elif kind == "spoofed":
            [sealed] = self.member.seal(message("c", frame.recipient, ("spoofed",)), 0.0)[:1]
            made = sealed._replace(sender=frame.sender)
        elif kind == "reflected":
            made = frame._replace(sender=frame.recipient, recipient=frame.sender)
        elif kind == "plain":
            made = message(frame.sender, frame.recipient, ("plain",))
        return kind, made.recipient if isinstance(made, Frame) else frame.recipient, made

    def _altered(self, frame: Frame) -> Frame:
        other = self.frames[self.rng.integers(len(self.frames))]
        field = self.rng.choice(
            ["sender", "kind", "session", "counter", "body", "bit", "bit", "cut", "longer"]
        )
        if field == "bit":
            at, bit = self.rng.integers(len(frame.body)), self.rng.integers(8)
            return frame._replace(body=_flipped(frame.body, 8 * int(at) + int(bit)))
        if field == "cut":
            return frame._replace(body=frame.body[: self.rng.integers(len(frame.body))])
        if field == "longer":
            return frame._replace(body=frame.body + self.rng.bytes(1 + self.rng.integers(40)))
        if field == "counter":
            return frame._replace(counter=int(self.rng.integers(-3, 2**62)))
        return frame._replace(**{field: getattr(other, field)})

    def _forged(self, sender: str, recipient: str) -> Frame:
        """Made from nothing, by keys of its own, or with a certificate whose text it has read."""
        choice, live = self.rng.integers(4), self.frames[-1].session
        if choice == 0:
            return Frame(sender, recipient, FrameKind.SEALED, live, 7, self.rng.bytes(60))
        if choice == 1:
            return self.own[self.rng.integers(len(self.own))]._replace(session=live)
        identity = self.rogues[sender].identity
        if choice == 2:
            identity = identity._replace(certificate=self.read[sender])
        return hello_to(identity, recipient, self.rng.bytes(32), 0.0, 10.0).frame


def _flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8 % len(data)] ^= 1 << bit % 8
    return bytes(changed)


def test_of_10_000_attacks_none_acts_and_honest_messages_among_them_do() -> None:
    _, ends = endpoints("abc")
    intruder = Intruder(5, ends["c"])
    shaken(ends["c"], ends["a"])
    shaken(ends["c"], ends["b"])
    intruder.frames += shaken(ends["a"], ends["b"])
    intruder.read = {name: ends[name].certificate for name in "ab"}
    seen: Counter[tuple[str, str]] = Counter()
    n_acted, turns = 0, [("a", "b"), ("b", "a")]
    for number in range(N_ATTACK):
        if number % 10 == 0:
            sender, recipient = turns[number // 10 % 2]
            if number % 4950 == 500:
                # A unit joins anew: frames of its earlier sessions are no good any more.
                ends[sender].join(0.0)
                intruder.frames += shaken(ends[sender], ends[recipient])
                shaken(ends["c"], ends[sender])
                intruder.read[sender] = ends[sender].certificate
            [honest, *_] = ends[sender].seal(message(sender, recipient, (number,)), 0.0)
            # What is altered before it has arrived must neither act nor keep the honest frame from it.
            for altered in (intruder._altered(honest), honest._replace(body=_flipped(honest.body, number))):
                if altered != honest:
                    opened = ends[recipient].receive(altered, 0.0)
                    assert opened.envelope is None and (opened.refusal or opened.is_copy)
            told = ends[recipient].receive(honest, 0.0).envelope
            assert told is not None and told.payload == (number,)
            intruder.frames.append(honest)
            n_acted += 1
        kind, name, made = intruder.attack()
        opened = ends[name].receive(made, 0.0)
        assert opened.envelope is None, (kind, made)
        outcome = opened.refusal or ("copy" if opened.is_copy else "answer")
        seen[kind, outcome] += 1
    assert n_acted == N_ATTACK / 10
    assert all(seen[one] > 300 for one in _EXPECTED)
    assert {reason for what, reason in seen if what in ("plain", "spoofed")} == {
        Refusal.NOT_SEALED,
        Refusal.WRONG_NAME,
    }
    # Only who joins anew answers a hello of before once more; nobody but its sender could make use of that.
    assert {what for what, reason in seen if reason == "answer"} <= {"replayed", "altered"}


_EXPECTED = (
    ("plain", Refusal.NOT_SEALED),
    ("spoofed", Refusal.WRONG_NAME),
    ("replayed", "copy"),
    ("reflected", Refusal.ALTERED),
    ("altered", Refusal.ALTERED),
    ("forged", Refusal.ALTERED),
    ("forged", Refusal.UNKNOWN_ISSUER),
    ("forged", Refusal.BAD_SIGNATURE),
)


def test_every_single_bit_of_every_frame_counts() -> None:
    """The genuine frame still works after all of its alterations were refused."""
    _, ends = endpoints("ab")
    one, other = ends["a"], ends["b"]
    [hello] = one.seal(message("a", "b"), 0.0)
    assert _all_refused(other, hello) == _HEADER | {Refusal.MALFORMED, Refusal.UNKNOWN_ISSUER}
    [answer] = other.receive(hello, 0.0).replies
    assert _all_refused(one, answer) == _HEADER | {
        Refusal.MALFORMED, Refusal.UNKNOWN_ISSUER, Refusal.BAD_SIGNATURE
    }  # fmt: skip
    [first] = one.receive(answer, 0.0).replies
    assert _all_refused(other, first) == _HEADER | {Refusal.MALFORMED}
    assert other.receive(first, 0.0).envelope is not None
    [sealed] = other.seal(message("b", "a"), 0.0)
    assert _all_refused(one, sealed) == _HEADER | {Refusal.MALFORMED}
    assert one.receive(sealed, 0.0).envelope is not None


_HEADER = {
    Refusal.NOT_SEALED,
    Refusal.WRONG_RECIPIENT,
    Refusal.WRONG_NAME,
    Refusal.UNKNOWN_HELLO,
    Refusal.UNKNOWN_SESSION,
    Refusal.ALTERED,
}


def _all_refused(end: Endpoint, frame: Frame) -> set[Refusal]:
    """Reasons why an endpoint refuses a frame with one bit or one field of its header changed."""
    altered = [frame._replace(body=_flipped(frame.body, bit)) for bit in range(8 * len(frame.body))]
    altered += [frame._replace(session=_flipped(frame.session, bit)) for bit in range(8 * len(frame.session))]
    altered += [frame._replace(counter=frame.counter ^ 1 << bit) for bit in range(64)]
    altered += [frame._replace(kind=kind) for kind in (*FrameKind, "Hello", "") if kind != frame.kind]
    altered += [frame._replace(sender=name) for name in ("c", frame.recipient, "")]
    altered += [frame._replace(recipient=name) for name in ("c", frame.sender, "")]
    reasons = set()
    for one in altered:
        opened = end.receive(one, 0.0)
        assert opened.refusal is not None and opened == (None, (), (), opened.refusal, False)
        reasons.add(opened.refusal)
    return reasons
