"""Who stands between two names: relays, answers itself, repeats hellos, knows a fresh key."""

from __future__ import annotations

import hashlib
import hmac
import math

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gridarium.environment.random_streams import RandomStreams
from gridarium.environment.security.authority import Authority
from gridarium.environment.security.encoding import Encoder, decoded
from gridarium.environment.security.endpoint import Endpoint
from gridarium.environment.security.frames import Frame, FrameKind, Refusal, joined, parted
from gridarium.environment.security.handshake import answer_to, hello_to, read_answer, read_hello
from gridarium.environment.security.identity import Identity, Membership
from gridarium.environment.security.session import Session
from secured_wire import GRACE_S, HOUR_S, endpoints, message, number_of_hello, shaken


def _members(names: str) -> tuple[Authority, dict[str, Identity]]:
    """Identities whose keys the test holds."""
    authority = Authority("dso", RandomStreams(1), HOUR_S)
    return authority, {name: Membership(name, authority, RandomStreams(1), 0.0).identity for name in names}


def _hello_with(identity: Identity, public_key: bytes, ends_s: float = HOUR_S) -> Frame:
    """A hello to "b" as docs/security.md describes it, with a fresh key that was found somewhere."""
    _, _, times, _ = parted(hello_to(identity, "b", bytes(32), 0.0, ends_s).frame.body, 4)
    fields = (identity.certificate.encoded(), public_key, times)
    name = identity.name.encode()
    body = joined(*fields, identity.key.sign(joined(b"gridarium hello", name, b"b", *fields)))
    number = number_of_hello(identity.name, "b", body)
    return Frame(identity.name, "b", FrameKind.HELLO, number, 0, body)


def test_nobody_answers_in_another_name() -> None:
    authority, ends = endpoints("ab")
    between = Membership("c", authority, RandomStreams(7), 0.0).identity
    [hello] = ends["a"].seal(message("a", "b"), 0.0)
    asked = read_hello(hello, authority.trust, 0.0)
    rogue = Membership("b", Authority("dso", RandomStreams(8), HOUR_S), RandomStreams(8), 0.0).identity
    pretended = {
        Refusal.WRONG_NAME: [between, between._replace(name="b")],
        Refusal.UNKNOWN_ISSUER: [rogue],
        Refusal.BAD_SIGNATURE: [Identity("b", between.key, ends["b"].certificate)],
    }
    for refusal, identities in pretended.items():
        for identity in identities:
            answer, _ = answer_to(asked, hello, identity, bytes(range(32)), 10.0)
            assert ends["a"].receive(answer, 0.0) == (None, (), (), refusal, False)
    [answer] = ends["b"].receive(hello, 0.0).replies
    assert ends["a"].receive(answer, 0.0).released


def test_a_member_cannot_take_over_the_fresh_key_of_another() -> None:
    """The answer is for who has signed the hello: no two names think of one session in different ways."""
    authority, ends = endpoints("ab")
    between = Membership("c", authority, RandomStreams(7), 0.0).identity
    [hello] = ends["a"].seal(message("a", "b"), 0.0)
    stolen = _hello_with(between, parted(hello.body, 4)[1])
    [answer] = ends["b"].receive(stolen, 0.0).replies
    assert answer.recipient == "c"
    carried = answer._replace(recipient="a", session=hello.session)
    assert ends["a"].receive(carried, 0.0).refusal == Refusal.BAD_SIGNATURE


def test_a_fresh_key_that_has_leaked_is_of_no_use_without_the_certificate_s_key() -> None:
    authority, ends = endpoints("bc")
    _, members = _members("ac")
    trusted = authority.issue("a", members["a"].certificate.public_key, 0.0)
    leaked = hello_to(members["a"]._replace(certificate=trusted), "b", bytes(range(32)), 0.0, 100.0)
    [answer] = ends["b"].receive(leaked.frame, 0.0).replies
    agreed = read_answer(answer, leaked, authority.trust, 0.0)
    for proof in (bytes(64), members["c"].key.sign(agreed.proof_statement)):
        forged = Session("a", agreed, Encoder(), math.inf, proof).seal(message("a", "b", ("forged",)))
        assert ends["b"].receive(forged, 0.0).refusal == Refusal.BAD_SIGNATURE
    proof = members["a"].key.sign(agreed.proof_statement)
    genuine = Session("a", agreed, Encoder(), math.inf, proof).seal(message("a", "b", ("genuine",)))
    told = ends["b"].receive(genuine, 0.0).envelope
    assert told is not None and told.payload == ("genuine",)


def test_a_hello_without_a_point_on_the_curve_is_refused() -> None:
    authority, ends = endpoints("b")
    _, members = _members("c")
    trusted = authority.issue("c", members["c"].certificate.public_key, 0.0)
    member = members["c"]._replace(certificate=trusted)
    for public_key in (bytes(32), bytes(31)):
        assert ends["b"].receive(_hello_with(member, public_key), 0.0).refusal == Refusal.MALFORMED


def test_who_relays_faithfully_learns_nothing() -> None:
    _, ends = endpoints("ab")
    told = ("a price that nobody else shall know",)
    frames = shaken(ends["a"], ends["b"])
    frames += ends["a"].seal(message("a", "b", told), 0.0) + ends["b"].seal(message("b", "a", told), 0.0)
    assert len(frames) == 5
    assert not any(b"price" in frame.body or b"tuple" in frame.body for frame in frames)


def test_a_replayed_hello_displaces_nothing_and_is_too_old_later() -> None:
    _, ends = endpoints("abc")
    hello, answer, first = shaken(ends["a"], ends["b"])
    shaken(ends["c"], ends["b"], GRACE_S)
    for time_s in (GRACE_S, 2 * GRACE_S):
        assert ends["b"].receive(hello, time_s) == (None, (), (), None, True)
        assert ends["a"].receive(answer, time_s) == (None, (), (), None, True)
        assert ends["b"].receive(first, time_s) == (None, (), (), None, True)
    for time_s in (2 * GRACE_S, 10 * GRACE_S):
        [sealed] = ends["b"].seal(message("b", "a", (time_s,)), time_s)
        assert sealed.session == first.session and ends["a"].receive(sealed, time_s).envelope is not None
    assert ends["a"].receive(answer, 10 * GRACE_S).is_copy


def test_a_hello_that_was_held_back_changes_no_session_in_use() -> None:
    _, ends = endpoints("ab")
    [held] = ends["a"].seal(message("a", "b", ("first",)), 0.0)
    [later] = ends["b"].seal(message("b", "a", ("other",)), 1.0)
    [answer] = ends["a"].receive(later, 1.0).replies
    [first] = ends["b"].receive(answer, 1.0).replies
    opened = ends["a"].receive(first, 1.0)
    assert opened.envelope is not None and [told.payload for told in opened.released] == [("first",)]
    assert ends["b"].receive(opened.replies[0], 1.0).envelope is not None
    # Let out now, it is answered; the answer is lost, and nobody sends in that session.
    assert [frame.kind for frame in ends["b"].receive(held, 2.0).replies] == [FrameKind.ANSWER]
    for sender, recipient in ("ab", "ba"):
        [sealed] = ends[sender].seal(message(sender, recipient), 3.0)
        assert sealed.session == first.session
    assert ends["b"].receive(held, 2 * GRACE_S + 1.0).is_copy
    _, others = endpoints("b")
    assert others["b"].receive(held, 2 * GRACE_S + 1.0).refusal == Refusal.OUT_OF_TIME


def test_frames_open_by_the_page_s_description_alone() -> None:
    """Keys by X25519 and by HKDF as RFC 5869 writes it, without any of the project's code for it."""
    authority, members = _members("a")
    ends = {"b": Endpoint("b", authority, RandomStreams(2), HOUR_S, GRACE_S)}
    hello = hello_to(members["a"], "b", bytes(range(32)), 0.0, HOUR_S)
    [answer] = ends["b"].receive(hello.frame, 0.0).replies
    *fields, _ = parted(answer.body, 4)
    transcript = hashlib.sha256(joined(b"a", b"b", hello.frame.body, *fields)).digest()
    public_key = X25519PublicKey.from_public_bytes(fields[1])
    secret = X25519PrivateKey.from_private_bytes(bytes(range(32))).exchange(public_key)
    extracted = hmac.digest(transcript, secret, "sha256")
    blocks = [b""]
    for number in (b"\x01", b"\x02"):
        blocks.append(hmac.digest(extracted, blocks[-1] + b"gridarium keys" + number, "sha256"))

    agreed = read_answer(answer, hello, authority.trust, 0.0)
    proof = members["a"].key.sign(joined(b"gridarium proof", transcript))
    session = Session("a", agreed, Encoder(), math.inf, proof)
    for counter in range(3):
        frame = session.seal(message("a", "b", (counter,)))
        header = joined(b"a", b"b", b"first", frame.session) + frame.body[:64]
        nonce = (1).to_bytes(4, "big") + counter.to_bytes(8, "big")
        data = AESGCM(blocks[1]).decrypt(nonce, frame.body[64:], header)
        assert decoded(data, "a", "b", 0.0).payload == (counter,) and frame.body[:64] == proof
        assert ends["b"].receive(frame, 0.0).envelope is not None
    [reply] = ends["b"].seal(message("b", "a", ("reply",)), 0.0)
    header = joined(b"b", b"a", b"sealed", reply.session)
    data = AESGCM(blocks[2]).decrypt((2).to_bytes(4, "big") + bytes(8), reply.body, header)
    assert decoded(data, "b", "a", 0.0).payload == ("reply",)
