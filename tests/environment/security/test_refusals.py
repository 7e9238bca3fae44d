"""One frame for each reason to refuse one, and what the authority refuses."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gridarium.environment.errors import SecurityError
from gridarium.environment.random_streams import RandomStreams
from gridarium.environment.security.authority import Authority, verify_signature
from gridarium.environment.security.endpoint import Endpoint
from gridarium.environment.security.frames import Frame, FrameKind, Refusal, RefusedError, joined, parted
from gridarium.environment.security.handshake import answer_to, read_hello
from gridarium.environment.security.identity import Membership
from secured_wire import GRACE_S, HOUR_S, endpoints, message, number_of_hello, shaken

Arriving = tuple[Endpoint, object, float]


def _hello(now_s: float = 0.0, valid_s: float = HOUR_S) -> tuple[Authority, Endpoint, Frame]:
    """A hello of "a" for "b"."""
    authority, ends = endpoints("ab", valid_s=valid_s)
    [hello] = ends["a"].seal(message("a", "b"), now_s)
    return authority, ends["b"], hello


def _sealed(now_s: float = 0.0) -> tuple[Authority, Endpoint, Frame]:
    """A message of "a" for "b" in a session."""
    authority, ends = endpoints("ab")
    shaken(ends["a"], ends["b"])
    [sealed] = ends["a"].seal(message("a", "b"), now_s)
    return authority, ends["b"], sealed


def _not_sealed() -> Arriving:
    _, end, sealed = _sealed()
    return end, message(sealed.sender, sealed.recipient), 0.0


def _wrong_recipient() -> Arriving:
    _, end, sealed = _sealed()
    return end, sealed._replace(recipient="c"), 0.0


def _malformed() -> Arriving:
    _, end, hello = _hello()
    return end, hello._replace(body=hello.body[:-1]), 0.0


def _unknown_issuer() -> Arriving:
    _, _, hello = _hello()
    return endpoints("b", seed=2)[1]["b"], hello, 0.0


def _wrong_name() -> Arriving:
    _, end, hello = _hello()
    return end, hello._replace(sender="c"), 0.0


def _not_yet_valid() -> Arriving:
    authority, end, _ = _hello()
    early = Endpoint("c", authority, RandomStreams(1), HOUR_S, GRACE_S, now_s=100.0)
    return end, early.seal(message("c", "b"), 50.0)[0], 99.9


def _expired() -> Arriving:
    _, end, hello = _hello(now_s=49.0, valid_s=100.0)
    return end, hello, 100.0


def _revoked() -> Arriving:
    authority, end, hello = _hello()
    authority.revoke("a")
    return end, hello, 0.0


def _bad_signature() -> Arriving:
    _, end, hello = _hello()
    body = hello.body[:-64] + bytes(64)
    return end, hello._replace(session=number_of_hello("a", "b", body), body=body), 0.0


def _out_of_time() -> Arriving:
    _, end, hello = _hello()
    return end, hello, 2 * GRACE_S + 0.1


def _unknown_hello() -> Arriving:
    _, end, hello = _hello()
    [answer] = end.receive(hello, 0.0).replies
    return endpoints("a")[1]["a"], answer, 0.0


def _unknown_session() -> Arriving:
    _, end, sealed = _sealed()
    end.join(0.0)
    return end, sealed, 0.0


def _session_ended() -> Arriving:
    _, end, sealed = _sealed(now_s=1.0)
    return end, sealed, HOUR_S + GRACE_S + 0.1


def _altered() -> Arriving:
    _, end, sealed = _sealed()
    return end, sealed._replace(counter=sealed.counter + 1), 0.0


ARRIVING: dict[Refusal, Callable[[], Arriving]] = {
    Refusal.NOT_SEALED: _not_sealed,
    Refusal.WRONG_RECIPIENT: _wrong_recipient,
    Refusal.MALFORMED: _malformed,
    Refusal.UNKNOWN_ISSUER: _unknown_issuer,
    Refusal.WRONG_NAME: _wrong_name,
    Refusal.NOT_YET_VALID: _not_yet_valid,
    Refusal.EXPIRED: _expired,
    Refusal.REVOKED: _revoked,
    Refusal.BAD_SIGNATURE: _bad_signature,
    Refusal.OUT_OF_TIME: _out_of_time,
    Refusal.UNKNOWN_HELLO: _unknown_hello,
    Refusal.UNKNOWN_SESSION: _unknown_session,
    Refusal.SESSION_ENDED: _session_ended,
    Refusal.ALTERED: _altered,
}


@pytest.mark.parametrize("refusal", Refusal)
def test_every_reason_has_a_frame(refusal: Refusal) -> None:
    end, frame, now_s = ARRIVING[refusal]()
    assert end.receive(frame, now_s) == (None, (), (), refusal, False)


def test_further_frames_that_are_refused() -> None:
    _, end, sealed = _sealed()
    for counter in (-1, 2**64):
        assert end.receive(sealed._replace(counter=counter), 0.0).refusal == Refusal.ALTERED
    _, end, hello = _hello(now_s=100.0)
    assert end.receive(hello, 99.0).refusal == Refusal.OUT_OF_TIME
    fields = parted(hello.body, 4)
    for times in (fields[2][:-1], b""):
        body = joined(*fields[:2], times, fields[3])
        short = hello._replace(session=number_of_hello("a", "b", body), body=body)
        assert end.receive(short, 100.0).refusal == Refusal.MALFORMED


@pytest.mark.parametrize("ends_s", [HOUR_S + 0.1, float("nan")])
def test_an_answer_cannot_grant_more_than_was_asked_for(ends_s: float) -> None:
    authority, ends = endpoints("a")
    [hello] = ends["a"].seal(message("a", "b"), 0.0)
    member = Membership("b", authority, RandomStreams(7), 0.0).identity
    asked = read_hello(hello, authority.trust, 0.0)
    answer, _ = answer_to(asked, hello, member, bytes(range(32)), ends_s)
    assert ends["a"].receive(answer, 10.0).refusal == Refusal.OUT_OF_TIME
    *fields, ends_bytes, signature = parted(answer.body, 4)
    short = answer._replace(body=joined(*fields, ends_bytes[1:], signature))
    assert ends["a"].receive(short, 10.0).refusal == Refusal.MALFORMED


def test_what_is_within_its_limits_is_taken() -> None:
    for now_s, valid_s, arrives_s in ((49.0, 100.0, 99.9), (0.0, HOUR_S, 2 * GRACE_S)):
        _, end, hello = _hello(now_s, valid_s)
        assert end.receive(hello, arrives_s).replies
    _, end, sealed = _sealed(now_s=1.0)
    assert end.receive(sealed, HOUR_S + GRACE_S).envelope is not None


def test_a_unit_that_is_revoked_is_out_at_once_and_comes_back_with_a_new_key() -> None:
    authority, ends = endpoints("ab")
    one, other = ends["a"], ends["b"]
    shaken(one, other)
    [under_way] = one.seal(message("a", "b", ("under way",)), 9.0)
    authority.revoke("a")
    assert authority.bars("a") and not authority.bars("b")
    # Its messages are refused, also those of before; to it nothing is said in the session, nor in another.
    assert other.receive(under_way, 10.0).refusal == Refusal.REVOKED
    assert other.receive(one.seal(message("a", "b"), 10.0)[0], 10.0).refusal == Refusal.REVOKED
    [hello] = other.seal(message("b", "a", ("waits",)), 10.0)
    [answer] = one.receive(hello, 10.0).replies
    assert other.receive(answer, 10.0).refusal == Refusal.REVOKED
    with pytest.raises(SecurityError, match="'a'; a name that is barred"):
        one.join(11.0)

    authority.reinstate("a")
    old = one.certificate
    one.join(20.0)
    assert one.certificate.public_key != old.public_key and one.certificate.serial == old.serial + 1
    [hello] = other.again("a", 20.0)
    [answer] = one.receive(hello, 20.0).replies
    [first] = other.receive(answer, 20.0).replies
    told = one.receive(first, 20.0).envelope
    assert told is not None and told.payload == ("waits",)
    [sealed] = one.seal(message("a", "b", ("back",)), 21.0)
    told = other.receive(sealed, 21.0).envelope
    assert told is not None and told.payload == ("back",)
    assert other.receive(under_way, 21.0).refusal == Refusal.REVOKED


def test_a_new_key_takes_back_the_old_one_and_a_renewal_does_not() -> None:
    authority, ends = endpoints("ab", session_s=100.0, valid_s=1000.0)
    shaken(ends["a"], ends["b"], 0.0)
    first = ends["a"].certificate
    shaken(ends["a"], ends["b"], 950.0)
    second = ends["a"].certificate
    assert second.public_key == first.public_key and second.valid_until_s == 1950.0
    assert not authority.trust.revoked
    ends["a"].join(960.0)
    assert authority.trust.revoked == {first.title, second.title}


def test_a_session_ends_with_the_certificates_if_they_cannot_be_renewed() -> None:
    authority, ends = endpoints("ab", session_s=10 * HOUR_S, valid_s=HOUR_S)
    shaken(ends["a"], ends["b"], 0.0)
    authority.revoke("a")
    authority.trust.revoked.clear()  # Barred, and yet believed as long as its certificate lasts.
    ahead, after = HOUR_S - 1.0, HOUR_S + 1.0
    kinds = [frame.kind for frame in ends["a"].seal(message("a", "b"), ahead)]
    assert kinds == [FrameKind.FIRST, FrameKind.HELLO] and ends["a"].seal(message("a", "b"), HOUR_S) == []
    assert ends["b"].receive(ends["a"].again("b", ahead)[0], HOUR_S).refusal == Refusal.EXPIRED
    assert ends["b"].receive(ends["a"].again("b", ahead)[0], after).refusal == Refusal.EXPIRED


def test_signatures_of_the_authority_are_for_what_it_has_signed() -> None:
    authority = Authority("dso", RandomStreams(1), HOUR_S)
    signature = authority.sign(b"head of a ledger")
    assert signature == Authority("dso", RandomStreams(1), HOUR_S).sign(b"head of a ledger")
    assert verify_signature(authority.public_key, b"head of a ledger", signature)
    assert not verify_signature(authority.public_key, b"head of a Ledger", signature)
    assert not verify_signature(authority.public_key, b"head of a ledger", signature[:-1] + b"x")
    assert not verify_signature(authority.public_key[:-1], b"head of a ledger", signature)
    other = Authority("other", RandomStreams(1), HOUR_S)
    assert not verify_signature(other.public_key, b"head of a ledger", signature)
    # What it signs for others can be no certificate, and no certificate is such a signature.
    certificate = authority.issue("a", bytes(32), 0.0)
    assert not verify_signature(authority.public_key, certificate.signed_part(), certificate.signature)
    forged = certificate._replace(signature=authority.sign(certificate.signed_part()))
    assert authority.trust.certificate(certificate.encoded(), "a", 0.0) == certificate
    with pytest.raises(RefusedError, match=Refusal.UNKNOWN_ISSUER):
        authority.trust.certificate(forged.encoded(), "a", 0.0)


def test_what_cannot_be_is_said() -> None:
    streams = RandomStreams(1)
    for valid_s in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(SecurityError, match=r"authority dso: 1 fault\n  valid_s: got .*in \(0, inf\)"):
            Authority("dso", streams, valid_s)
    authority = Authority("dso", streams, HOUR_S)
    with pytest.raises(SecurityError, match=r"endpoint a: 2 faults\n  session_s: .*\n  grace_s: "):
        Endpoint("a", authority, streams, 0.0, -1.0)
    with pytest.raises(SecurityError, match="name: got 'b'; must have a certificate"):
        authority.revoke("b")
