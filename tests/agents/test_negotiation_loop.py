"""The negotiation loop, led by somebody who knows nothing of prices for energy, loads or feeders."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest

from gridarium.agents.base import GridAgent, on
from gridarium.agents.leading import Led, Setter, lead
from gridarium.environment.links import LinkQuality
from gridarium.environment.world import World
from gridarium.market.stackelberg import Judgement, NegotiationRules

MakeWorld = Callable[..., World]

RULES = NegotiationRules(
    opens_s=0.0,
    closes_s=1000.0,
    tolerance=1e-9,
    damping=1.0,
    memory=0,
    round_limit=500,
    reply_timeout_s=5.0,
    resend_after_s=1.0,
)
TOTAL, RHO = 10.0, 0.5
STEEPNESS, LIKED = {"ann": 1.0, "bob": 0.25}, {"ann": 4.0, "bob": 12.0}


@dataclass(frozen=True)
class Wish:
    """What one follower is asked for: close to a target, at a fee for each unit."""

    round: int
    fee: float
    target: float


@dataclass(frozen=True)
class Shortfall(Judgement):
    """Also keeps by how much the answers miss the total."""

    missed: float


class Giver(GridAgent):
    """Gives what costs it least: ``a/2 (x - b)^2 + fee x + rho/2 (x - target)^2``."""

    def __init__(self, world: World, name: str) -> None:
        super().__init__(world.grid.head, name)
        self.wishes: list[Wish] = []

    @on(Wish)
    def give(self, wish: Wish, sender: str) -> float:
        self.wishes.append(wish)
        steepness = STEEPNESS[self.name]
        return (steepness * LIKED[self.name] - wish.fee + RHO * wish.target) / (steepness + RHO)


class Sharing:
    """Has two givers share a total: the exchange form of the method of multipliers."""

    def __init__(self) -> None:
        self.fee, self.gifts = 0.0, dict.fromkeys(LIKED, 0.0)
        self.closings: list[bool] = []

    def first(self, round_: int) -> Mapping[str, Wish]:
        return self.revise(round_)

    def judge(
        self, round_: int, answers: Mapping[str, float], silent: frozenset[str], closing: bool
    ) -> Shortfall:
        self.closings.append(closing)
        moved = max((abs(gift - self.gifts[name]) for name, gift in answers.items()), default=0.0)
        self.gifts |= answers
        missed = sum(self.gifts.values()) - TOTAL
        self.fee += RHO * missed / len(self.gifts)
        return Shortfall(max(abs(missed), moved), len(silent), False, missed)

    def revise(self, round_: int) -> Mapping[str, Wish]:
        each = (sum(self.gifts.values()) - TOTAL) / len(self.gifts)
        return {name: Wish(round_, self.fee, gift - each) for name, gift in self.gifts.items()}

    def settle(self, round_: int) -> Mapping[str, Wish] | None:
        return None


class Collector(GridAgent):
    """Leads by the same loop as any operator."""

    def __init__(
        self,
        world: World,
        setter: Setter[Wish, float, Judgement],
        rules: NegotiationRules,
        rounds_before: int = 0,
    ) -> None:
        super().__init__(world.grid.head, "collector")
        self.setter, self.rules, self.rounds_before = setter, rules, rounds_before
        self.led: Led[Wish, Judgement]

    def process(self) -> Generator[Any, Any, None]:
        self.led = yield from lead(self, self.setter, self.rules, self.rounds_before)


def played(
    world: World, setter: Setter[Wish, float, Judgement] | None = None, before: int = 0, **rules: Any
) -> tuple[Led[Wish, Judgement], dict[str, Giver]]:
    givers = {name: Giver(world, name) for name in LIKED}
    collector = Collector(world, setter or Sharing(), replace(RULES, **rules), before)
    for agent in world.agents:
        agent.start()
    world.clock.run_until(3000.0)
    return collector.led, givers


def test_another_leader_reaches_its_closed_form(make_world: MakeWorld) -> None:
    setter = Sharing()
    led, givers = played(make_world(), setter)
    assert led.ended == "converged"
    # Both marginal costs equal the fee, and both gifts sum to the total.
    fee = (sum(LIKED.values()) - TOTAL) / sum(1.0 / each for each in STEEPNESS.values())
    gifts = {name: LIKED[name] - fee / STEEPNESS[name] for name in LIKED}
    assert setter.fee == pytest.approx(fee, abs=1e-7)
    assert setter.gifts == pytest.approx(gifts, abs=1e-7)
    # Each was told what it was meant to be told, once a round.
    for name, giver in givers.items():
        assert [wish.round for wish in giver.wishes] == [one.round for one in led.rounds]
        assert giver.wishes[-1] == led.signals[name]
        assert giver.wishes[-1].target == pytest.approx(gifts[name], abs=1e-7)


def test_each_round_keeps_what_its_leader_made_of_it(make_world: MakeWorld) -> None:
    setter = Sharing()
    led, _ = played(make_world(quality=LinkQuality(latency_s=0.5)), setter)
    assert [one.round for one in led.rounds] == list(range(1, len(led.rounds) + 1))
    assert [one.time_s for one in led.rounds] == [float(one.round) for one in led.rounds]
    assert {(one.replies, one.missing) for one in led.rounds} == {(2, 0)}
    assert [one.ended for one in led.rounds] == [""] * (len(led.rounds) - 1) + ["converged"]
    *earlier, last = [one.judgement for one in led.rounds]
    assert last.distance <= RULES.tolerance < min(one.distance for one in earlier)
    assert isinstance(last, Shortfall)
    assert last.missed == pytest.approx(sum(setter.gifts.values()) - TOTAL)


def test_the_round_in_which_the_gate_closes_is_the_last(make_world: MakeWorld) -> None:
    led, _ = played(make_world(quality=LinkQuality(latency_s=1.0)), closes_s=7.0)
    assert [one.time_s for one in led.rounds] == [2.0, 4.0, 6.0, 8.0]
    assert led.ended == "gate closed"


def test_the_limit_counts_the_rounds_of_this_negotiation(make_world: MakeWorld) -> None:
    led, givers = played(make_world(), before=7, round_limit=3)
    assert led.ended == "round limit"
    assert [one.round for one in led.rounds] == [8, 9, 10]
    assert [wish.round for wish in givers["ann"].wishes] == [8, 9, 10]


def test_without_a_silent_follower_nothing_converges(make_world: MakeWorld) -> None:
    world = make_world()
    world.bus.add_outage("bob", 0.0, float("inf"))
    led, givers = played(world, round_limit=150)
    assert led.ended == "round limit"
    assert {(one.replies, one.missing) for one in led.rounds} == {(1, 1)}
    # It waits for an answer as long as the rules say, and no longer.
    assert [one.time_s for one in led.rounds] == [5.0 * one.round for one in led.rounds]
    assert (len(givers["ann"].wishes), givers["bob"].wishes) == (150, [])
    # Ann gives all of it, which is no agreement.
    assert led.rounds[-1].judgement.distance <= RULES.tolerance


def test_nobody_is_heard_until_the_gate_closes(make_world: MakeWorld) -> None:
    world = make_world()
    world.bus.add_outage("collector", 0.0, float("inf"))
    led, _ = played(world, closes_s=12.0)
    assert led.ended == "gate closed"
    assert [(one.time_s, one.replies, one.missing) for one in led.rounds] == [
        (5.0, 0, 2),
        (10.0, 0, 2),
        (15.0, 0, 2),
    ]


def test_a_follower_that_comes_back_is_led_to_the_same_end(make_world: MakeWorld) -> None:
    whole, broken = Sharing(), Sharing()
    played(make_world(), whole)
    world = make_world()
    world.bus.add_outage("bob", 0.0, 28.0)
    led, _ = played(world, broken)
    assert led.ended == "converged"
    assert [one.missing for one in led.rounds[:7]] == [1, 1, 1, 1, 1, 0, 0]
    assert broken.gifts == pytest.approx(whole.gifts, abs=1e-7)


class Rounding(Sharing):
    """Announces whole numbers in the end."""

    def settle(self, round_: int) -> Mapping[str, Wish] | None:
        return {name: Wish(round_, self.fee, float(round(gift))) for name, gift in self.gifts.items()}


def test_what_a_leader_settles_on_is_posted_once_more(make_world: MakeWorld) -> None:
    setter = Rounding()
    led, givers = played(make_world(), setter, round_limit=4)
    assert [one.ended for one in led.rounds] == ["", "", "", "round limit", "round limit"]
    assert setter.closings == [False] * 4 + [True]
    for name, giver in givers.items():
        assert giver.wishes[-1] == led.signals[name]
        assert giver.wishes[-1].target.is_integer()
        assert [wish.round for wish in giver.wishes] == [1, 2, 3, 4, 5]


class Circling(Rounding):
    """Finds in its fifth round that it goes round."""

    def judge(
        self, round_: int, answers: Mapping[str, float], silent: frozenset[str], closing: bool
    ) -> Shortfall:
        return replace(super().judge(round_, answers, silent, closing), stuck=round_ >= 5)


def test_a_leader_that_goes_round_ends_it_and_posts_what_it_settles_on(make_world: MakeWorld) -> None:
    led, givers = played(make_world(), Circling())
    assert led.ended == "cycle"
    assert [one.ended for one in led.rounds] == ["", "", "", "", "cycle", "cycle"]
    assert all(giver.wishes[-1].target.is_integer() for giver in givers.values())


class Deaf(Sharing):
    """Goes by its own idea, which asks for no change, until it has listened for some rounds."""

    def judge(
        self, round_: int, answers: Mapping[str, float], silent: frozenset[str], closing: bool
    ) -> Shortfall:
        if round_ <= 3:
            return Shortfall(0.0, len(self.gifts), False, 0.0)
        return super().judge(round_, answers, silent, closing)


def test_a_leader_that_has_heard_nobody_yet_does_not_take_silence_for_agreement(
    make_world: MakeWorld,
) -> None:
    led, _ = played(make_world(), Deaf())
    assert [one.judgement.distance for one in led.rounds[:3]] == [0.0] * 3
    assert led.ended == "converged"
    assert len(led.rounds) > 4
