"""Intruders on links: on plain ones everything acts, on secured ones nothing does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from gridarium.environment.alteration import Alteration
from gridarium.environment.errors import MessageError, UnitError
from gridarium.environment.intrusion import Attack, AttackKind
from gridarium.environment.links import Envelope, LinkQuality
from gridarium.environment.security.endpoint import Endpoint
from gridarium.environment.security.frames import Frame, Opened
from guarded_bus import CHANGE, GuardedBus, Order

FAR = 1_000_000


def attacked(secured: bool, attack: Attack, n_order: int = 5, **more: Any) -> GuardedBus:
    day = GuardedBus(secured, LinkQuality(latency_s=0.1), **more)
    day.attack(attack)
    return day.send(n_order).run()


def test_a_forged_message_in_the_senders_name_arrives_before_the_honest_one() -> None:
    day = attacked(False, Attack("x", AttackKind.SPOOF, "Order", CHANGE))
    assert day.numbers() == [FAR, 0, FAR + 1, 1, FAR + 2, 2, FAR + 3, 3, FAR + 4, 4]
    assert {envelope.sender for envelope in day.got["b"]} == {"a"}
    assert (day.bus.sent, day.bus.delivered, day.bus.injected) == (5, 10, 5)
    assert day.outcomes() == {"acted": 5}


def test_a_message_in_a_strangers_name_is_delivered_as_such() -> None:
    day = attacked(False, Attack("x", AttackKind.INJECT, "Order", CHANGE))
    strange = [envelope for envelope in day.got["b"] if envelope.sender != "a"]
    assert {envelope.sender for envelope in strange} == {"intruder x"}
    assert [envelope.payload.number for envelope in strange] == [FAR + number for number in range(5)]


def test_altered_replayed_and_held_messages() -> None:
    assert attacked(False, Attack("x", AttackKind.ALTER, "Order", CHANGE)).numbers() == [
        FAR + number for number in range(5)
    ]
    assert attacked(False, Attack("x", AttackKind.REPLAY, "Order", delay_s=1.5)).numbers() == [
        0, 1, 0, 2, 1, 3, 2, 4, 3, 4,
    ]  # fmt: skip
    held = attacked(False, Attack("x", AttackKind.DELAY, "Order", delay_s=10.0, from_s=1.5, until_s=3.5))
    assert held.numbers() == [0, 1, 4, 2, 3]
    assert held.got["b"][-1].delivered_s == pytest.approx(13.1)
    assert held.outcomes() == {"carried": 2}


def test_a_flood_repeats_the_last_message_at_its_rate_until_it_ends() -> None:
    day = attacked(False, Attack("x", AttackKind.FLOOD, rate_per_s=20.0, until_s=4.0))
    # Between the first message, at 0 s, and 4 s.
    assert day.bus.injected == day.outcomes()["acted"] == 79
    assert day.bus.intrusions()["what"].unique().tolist() == ["sent again in a flood"]


def test_only_the_meant_messages_in_the_meant_time_and_share_are_touched() -> None:
    other = attacked(False, Attack("x", AttackKind.ALTER, "Bill", CHANGE))
    assert (other.numbers(), len(other.bus.intrusions())) == ([0, 1, 2, 3, 4], 0)
    some = attacked(False, Attack("x", AttackKind.ALTER, "Order", CHANGE, probability=0.3), 400)
    assert 80 < sum(number >= FAR for number in some.numbers()) < 160
    away = GuardedBus(False)
    away.attack(Attack("x", AttackKind.ALTER, "Order", CHANGE))
    assert away.send(3, recipient="c").send(3, sender="b", recipient="a").run().numbers("c") == [0, 1, 2]
    assert away.numbers("a") == [0, 1, 2]


def test_an_intruder_leaves_the_fate_of_honest_messages_alone() -> None:
    rough = LinkQuality(0.3, 0.2, loss=0.3, duplication=0.2)
    runs = []
    for attack in (None, Attack("x", AttackKind.SPOOF, "Order", CHANGE)):
        day = GuardedBus(False, rough)
        if attack is not None:
            day.attack(attack)
        day.send(300).run()
        runs.append([envelope for envelope in day.got["b"] if envelope.payload.number < FAR])
    assert runs[0] == runs[1]


@pytest.mark.parametrize("kind", list(AttackKind))
def test_on_a_secured_link_nothing_acts(kind: AttackKind) -> None:
    change = CHANGE if kind in (AttackKind.INJECT, AttackKind.SPOOF, AttackKind.ALTER) else None
    attack = Attack("x", kind, "Order", change, 1.0, 0.0, 30.0, 0.5, 10.0)
    day = attacked(True, attack, 50)
    honest = range(30, 50) if kind is AttackKind.ALTER else range(50)
    assert sorted(day.numbers()) == list(honest)
    assert {envelope.sender for envelope in day.got["b"]} == {"a"}
    assert set(day.outcomes()) == {"carried" if kind is AttackKind.DELAY else "refused"}
    assert day.bus.intrusions()["is_secured"].all()


def test_every_way_of_forging_is_refused_for_its_own_reason() -> None:
    day = attacked(True, Attack("x", AttackKind.SPOOF, "Order", CHANGE), 50)
    assert day.bus.refused == {
        "not sealed": 10, "unknown session": 10, "unknown issuer": 10, "bad signature": 10, "altered": 10,
    }  # fmt: skip
    refused = day.bus.log().query("outcome.str.startswith('refused')")
    assert len(refused) == 50


def test_a_hello_that_is_altered_or_sent_again_takes_no_session() -> None:
    for kind in (AttackKind.ALTER, AttackKind.REPLAY):
        day = attacked(True, Attack("x", kind, until_s=2.5, delay_s=0.5), 10)
        assert sorted(day.numbers()) == list(range(10))
        assert set(day.outcomes()) == {"refused"}


def test_of_10000_forged_altered_and_replayed_messages_none_acts() -> None:
    day = GuardedBus(True, LinkQuality(0.1, 0.05, loss=0.05, duplication=0.05, reordering=0.1))
    for kind in (AttackKind.SPOOF, AttackKind.INJECT):
        day.attack(Attack(str(kind), kind, "Order", CHANGE))
        day.attack(Attack(f"{kind} back", kind, "Order", CHANGE), "b", "a")
    for ends in ("ab", "ba"):
        day.attack(Attack(f"replay {ends}", AttackKind.REPLAY, None, None, delay_s=0.4), *ends)
        day.attack(Attack(f"alter {ends}", AttackKind.ALTER, "Order", CHANGE, 0.3), *ends)
    day.send(1600, 0.5).send(1600, 0.5, "b", "a").run()
    assert len(day.bus.intrusions()) > 10_000
    assert "acted" not in day.outcomes()
    for name in "ab":
        assert len(day.numbers(name)) == len(set(day.numbers(name))) > 900
        assert max(day.numbers(name)) < 1600
        assert {envelope.sender for envelope in day.got[name]} == set("ab") - {name}


class Blind(Endpoint):
    """Takes what is not sealed."""

    def receive(self, frame: object, now_s: float) -> Opened:
        return super().receive(frame, now_s) if isinstance(frame, Frame) else Opened(_message(frame))


def _message(frame: object) -> Envelope:
    assert isinstance(frame, Envelope)
    return frame


def test_without_the_check_forged_messages_act_and_are_counted() -> None:
    day = attacked(True, Attack("x", AttackKind.SPOOF, "Order", CHANGE), 50, end=Blind)
    assert day.outcomes() == {"refused": 40, "acted": 10}
    assert sum(number >= FAR for number in day.numbers()) == 10


@dataclass(frozen=True, slots=True)
class Bid:
    price_per_mwh: float
    least_mw: float | None = None

    def __post_init__(self) -> None:
        if self.price_per_mwh < 0.0:
            raise UnitError("price below 0")


def test_what_a_message_does_not_say_is_not_forged_and_what_it_cannot_say_names_the_attack() -> None:
    for field, n_forged in (("least_mw", 0), ("price_per_mwh", 1)):
        day = GuardedBus(False)
        day.attack(Attack("x", AttackKind.ALTER, "Bid", Alteration(field, 2.0)))
        day.connections["a"].send("b", Bid(50.0))
        day.run()
        assert len(day.bus.intrusions()) == n_forged
    day = GuardedBus(False)
    day.attack(Attack("x", AttackKind.SPOOF, "Bid", Alteration("price_per_mwh", -1.0)))
    with pytest.raises(
        MessageError, match="attack x on a -> b: Bid allows no such price_per_mwh: price below"
    ):
        day.connections["a"].send("b", Bid(50.0))


def test_same_seed_same_intrusions() -> None:
    attack = Attack("x", AttackKind.ALTER, None, None, 0.5)
    runs = [attacked(True, attack, 40, seed=seed).bus.log() for seed in (3, 3, 4)]
    assert runs[0].equals(runs[1])
    assert not runs[0].equals(runs[2])


def test_a_world_may_hold_anything_immutable() -> None:
    day = GuardedBus(False)
    day.attack(Attack("x", AttackKind.REPLAY, delay_s=0.5))
    day.connections["a"].send("b", (1, 2))
    day.connections["a"].send("b", Order(1))
    day.run()
    assert [envelope.topic for envelope in day.got["b"]] == ["tuple", "Order", "tuple", "Order"]
