"""Waiting for answers: for all of a round, or for a while, with late ones in a later round."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import pytest

from gridarium.agents.base import GridAgent, on
from gridarium.agents.correspondence import Correspondence, Listening, WaitForAll
from gridarium.environment.message_bus import LinkQuality
from gridarium.environment.world import World
from gridarium.market.stackelberg import NegotiationRules

MakeWorld = Callable[..., World]
RULES = NegotiationRules(0.0, 1e6, 1e-3, 1.0, 0, 100, reply_timeout_s=20.0, resend_after_s=6.0)
TIMES = {"ann": 1.0, "bob": 2.5, "eve": 7.0}
"""How long each thinks, s."""


@dataclass(frozen=True)
class Ask:
    round: int


@dataclass(frozen=True)
class Tell:
    """The round that is answered."""

    round: int


class Thinker(GridAgent):
    """Answers each question, every time it comes, after a while."""

    def __init__(self, world: World, name: str, takes_s: float) -> None:
        super().__init__(world.grid.head, name)
        self._takes_s = takes_s

    @on(Ask)
    def think(self, question: Ask, sender: str) -> None:
        asked = self.asked
        later = self.world.clock.timeout(self._takes_s)
        later.callbacks.append(lambda _: self.reply(asked, Tell(question.round)))


class Deaf(GridAgent):
    """Answers nothing."""

    @on(Ask)
    def ignore(self, question: Ask, sender: str) -> None:
        return None


@dataclass(frozen=True)
class Heard:
    """What a round has brought: when it ended, the answers, who was silent, and who owed one then."""

    ended_s: float
    told: Mapping[str, int]
    silent: frozenset[str]
    awaited: frozenset[str]


class Leader(GridAgent):
    """Asks in each round those that a plan names, or everybody who owes no answer."""

    def __init__(self, world: World, round_s: float | None, plan: list[set[str]] | int) -> None:
        super().__init__(world.grid.head, "leader")
        self._listening: Listening = (
            WaitForAll(self, RULES) if round_s is None else Correspondence(self, RULES, round_s)
        )
        self._plan, self.rounds = plan, list[Heard]()

    @property
    def _owing(self) -> frozenset[str]:
        return self._listening.awaited if isinstance(self._listening, Correspondence) else frozenset()

    def process(self) -> Generator[Any, Any, None]:
        everybody = {agent.name for agent in self.world.agents} - {self.name}
        many = self._plan if isinstance(self._plan, int) else len(self._plan)
        for number in range(1, many + 1):
            asked = everybody - self._owing if isinstance(self._plan, int) else self._plan[number - 1]
            posted = {name: Ask(number) for name in sorted(asked)}
            replies, silent = yield from self._listening.listen(posted)
            told = {name: reply.round for name, reply in replies.items()}
            self.rounds.append(Heard(self.world.clock.now_s, told, silent, self._owing))


def run(
    world: World,
    round_s: float | None,
    plan: list[set[str]] | int,
    times: Mapping[str, float] = TIMES,
    until_s: float = 1000.0,
) -> list[Heard]:
    """Rounds of a leader, to their end."""
    for name, takes_s in times.items():
        Thinker(world, name, takes_s)
    leader = Leader(world, round_s, plan)
    leader.start()
    world.clock.run_until(until_s)
    return leader.rounds


def owes(*names: str) -> frozenset[str]:
    return frozenset(names)


def test_who_waits_for_all_ends_a_round_with_the_slowest(make_world: MakeWorld) -> None:
    rounds = run(make_world(quality=LinkQuality(latency_s=0.5)), None, 2)
    # It is sent again after 6 s, and answered in 8 s to the first sending.
    assert [heard.ended_s for heard in rounds] == [8.0, 16.0]
    assert [heard.told for heard in rounds] == [{"ann": n, "bob": n, "eve": n} for n in (1, 2)]
    assert not any(heard.silent for heard in rounds)


def test_an_answer_that_comes_later_counts_in_a_later_round(make_world: MakeWorld) -> None:
    rounds = run(make_world(quality=LinkQuality(latency_s=0.5)), 3.0, 3)
    # Ann is back after 2 s, Bob after 3.5 s, Eve after 8 s; a round lasts 3 s.
    assert rounds == [
        Heard(3.0, {"ann": 1}, owes(), owes("bob", "eve")),
        Heard(6.0, {"bob": 1, "ann": 2}, owes(), owes("eve")),
        Heard(9.0, {"ann": 3, "eve": 1}, owes(), owes("bob")),
    ]


def test_a_round_ends_as_soon_as_nobody_owes_an_answer(make_world: MakeWorld) -> None:
    rounds = run(make_world(), 60.0, [{"ann", "bob"}, {"ann"}])
    assert rounds == [
        Heard(2.5, {"ann": 1, "bob": 1}, owes(), owes()),
        Heard(3.5, {"ann": 2}, owes(), owes()),
    ]


def test_a_round_waits_for_one_answer_however_long_it_takes(make_world: MakeWorld) -> None:
    rounds = run(make_world(), 0.5, [{"bob", "eve"}, set()])
    # After Bob at 2.5 s nobody new is asked; Eve has been asked at 0 s and comes at 7 s.
    assert rounds == [
        Heard(2.5, {"bob": 1}, owes(), owes("eve")),
        Heard(7.0, {"eve": 1}, owes(), owes()),
    ]


def test_a_round_in_which_nobody_is_asked_or_owes_anything_is_over_at_once(make_world: MakeWorld) -> None:
    rounds = run(make_world(), 5.0, [set(), {"ann"}])
    assert rounds == [Heard(0.0, {}, owes(), owes()), Heard(1.0, {"ann": 2}, owes(), owes())]


def test_of_who_is_asked_again_only_the_answer_to_the_newest_question_counts(make_world: MakeWorld) -> None:
    rounds = run(make_world(), 3.0, [{"ann", "eve"}, {"ann", "eve"}, {"ann"}, {"ann"}, {"ann"}])
    # Eve, asked at 0 s and at 3 s, answers the first question at 7 s and the second one at 10 s.
    assert [heard.told.get("eve") for heard in rounds] == [None, None, None, 2, None]
    assert [heard.ended_s for heard in rounds][:3] == [3.0, 6.0, 9.0]
    assert [heard.told["ann"] for heard in rounds] == [1, 2, 3, 4, 5]


def test_silence_ends_with_the_time_for_an_answer_and_is_told_once(make_world: MakeWorld) -> None:
    world = make_world()
    Deaf(world.grid.head, "sam")
    rounds = run(world, 3.0, [{"sam", "ann"}, {"ann"}, set(), {"ann"}])
    # Ann answers in both rounds; then only Sam is awaited, up to his 20 s.
    assert rounds == [
        Heard(3.0, {"ann": 1}, owes(), owes("sam")),
        Heard(6.0, {"ann": 2}, owes(), owes("sam")),
        Heard(20.0, {}, owes("sam"), owes()),
        Heard(21.0, {"ann": 4}, owes(), owes()),
    ]


def test_who_was_silent_can_be_asked_again(make_world: MakeWorld) -> None:
    world = make_world()
    world.bus.add_outage("bob", 0.0, 30.0)
    rounds = run(world, 1.0, [{"bob"}, {"bob"}], {"bob": 2.5})
    # The second question is sent at 20, 26 and 32 s.
    assert rounds == [Heard(20.0, {}, owes("bob"), owes()), Heard(34.5, {"bob": 2}, owes(), owes())]


@pytest.mark.parametrize("round_s", [None, 0.3, 2.0, 30.0])
def test_over_bad_links_no_round_hangs_and_each_answer_counts_once(
    make_world: MakeWorld, round_s: float | None
) -> None:
    quality = LinkQuality(
        latency_s=1.0, latency_jitter_s=1.0, loss=0.4, duplication=0.3, reordering=0.3, hold_s=2.0
    )
    worlds = [make_world(seed=seed, quality=quality) for seed in (1, 1, 2)]
    rounds = [run(world, round_s, 60, until_s=1e5) for world in worlds]
    # The same seed gives the same rounds to the last digit, another one does not.
    assert rounds[0] == rounds[1] and rounds[0] != rounds[2]
    for each in rounds:
        assert len(each) == 60
        ends = [0.0, *(heard.ended_s for heard in each)]
        # Silence is no longer than the time for an answer.
        limit = RULES.reply_timeout_s + (round_s or 0.0)
        assert all(before < after <= before + limit for before, after in pairwise(ends))
        for name in TIMES:
            told = [heard.told[name] for heard in each if name in heard.told]
            silent = sum(name in heard.silent for heard in each)
            assert told == sorted(set(told)) and len(told) > 5
            # Each of its questions ends once: by an answer, by silence, or open at the end.
            answered_or_lost = len(told) + silent
            open_still = name in each[-1].awaited
            asked = 1 + sum(name not in heard.awaited for heard in each[:-1])
            assert answered_or_lost + open_still == asked


def test_more_time_for_a_round_brings_more_answers_a_round(make_world: MakeWorld) -> None:
    quality = LinkQuality(latency_s=0.5)
    answers = [
        sum(len(heard.told) for heard in run(make_world(quality=quality), round_s, 20)) / 20
        for round_s in (0.1, 3.0, 9.0)
    ]
    assert answers[0] < answers[1] < answers[2] == 3.0


def test_rules_of_the_questions_are_those_of_the_negotiation(make_world: MakeWorld) -> None:
    world = make_world()
    world.bus.record = True
    rules = replace(RULES, reply_timeout_s=5.0, resend_after_s=2.0)
    Deaf(world.grid.head, "sam")
    leader = GridAgent(world.grid.head, "leader")
    listening = Correspondence(leader, rules, 1.0)
    world.clock.process(listening.listen({"sam": Ask(1)}))
    world.clock.run_until(60.0)
    assert world.bus.log()["sent_s"].tolist() == [0.0, 2.0, 4.0]
    assert listening.awaited == frozenset()
