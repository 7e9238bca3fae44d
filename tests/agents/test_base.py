"""Handlers by message type, and asking until answered."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

import pytest

from gridarium.agents.base import GridAgent, on
from gridarium.environment.errors import MessageError
from gridarium.environment.message_bus import LinkQuality
from gridarium.environment.world import World

MakeWorld = Callable[..., World]


@dataclass(frozen=True)
class Question:
    number: int


@dataclass(frozen=True)
class Answer:
    number: int


class Pupil(GridAgent):
    """Answers from the given attempt on."""

    def __init__(self, world: World, name: str, answers_from: int = 1) -> None:
        super().__init__(world.grid.head, name)
        self.answers_from, self.asked_s = answers_from, list[float]()

    @on(Question)
    def answer(self, question: Question, sender: str) -> None:
        self.asked_s.append(self.world.clock.now_s)
        if len(self.asked_s) >= self.answers_from:
            self.send(sender, Answer(question.number))


class Absent(Pupil):
    """A pupil with a handler of its own in place of its parent's, and the rest of the parent's."""

    @on(Question)
    def ignore(self, question: Question, sender: str) -> None:
        self.asked_s.append(self.world.clock.now_s)


class Teacher(GridAgent):
    def __init__(self, world: World, pupils: tuple[str, ...]) -> None:
        super().__init__(world.grid.head, "teacher")
        self.pupils, self.heard = pupils, list[tuple[str, int]]()
        self.silent: frozenset[str] | None = None
        self.done_s = -1.0

    def process(self) -> Generator[Any, Any, None]:
        self.silent = yield from self.ask({name: Question(7) for name in self.pupils}, 5.0, 1.0)
        self.done_s = self.world.clock.now_s

    @on(Answer)
    def hear(self, answer: Answer, sender: str) -> None:
        self.heard.append((sender, answer.number))
        self.answered(sender)


def run(world: World) -> None:
    for agent in world.agents:
        agent.start()
    world.clock.run_until(100.0)


def test_a_message_without_handler_names_agent_type_and_sender(make_world: MakeWorld) -> None:
    world = make_world()
    Pupil(world, "ann")
    teacher = Teacher(world, ())
    teacher.send("ann", Answer(1))
    with pytest.raises(MessageError, match="agent ann: no handler for Answer from teacher"):
        world.clock.run_until(1.0)


def test_a_name_is_taken_once(make_world: MakeWorld) -> None:
    world = make_world()
    Pupil(world, "ann")
    with pytest.raises(MessageError, match="ann"):
        Pupil(world, "ann")


def test_ask_ends_with_the_last_answer(make_world: MakeWorld) -> None:
    world = make_world(quality=LinkQuality(latency_s=0.2))
    pupils = Pupil(world, "ann"), Pupil(world, "bob")
    teacher = Teacher(world, ("ann", "bob"))
    run(world)
    assert teacher.silent == frozenset()
    assert teacher.done_s == pytest.approx(0.4)
    assert teacher.heard == [("ann", 7), ("bob", 7)]
    assert [pupil.asked_s for pupil in pupils] == [[0.2], [0.2]]


def test_ask_resends_to_the_silent_only(make_world: MakeWorld) -> None:
    world = make_world(quality=LinkQuality(latency_s=0.2))
    quick, slow = Pupil(world, "ann"), Pupil(world, "bob", answers_from=3)
    teacher = Teacher(world, ("ann", "bob"))
    run(world)
    assert quick.asked_s == [0.2]
    assert slow.asked_s == pytest.approx([0.2, 1.2, 2.2])
    assert teacher.silent == frozenset()
    assert teacher.done_s == pytest.approx(2.4)


def test_ask_stops_at_the_deadline_and_tells_who_was_silent(make_world: MakeWorld) -> None:
    world = make_world()
    absent = Absent(world, "cid")
    Pupil(world, "ann")
    teacher = Teacher(world, ("ann", "cid"))
    run(world)
    assert absent.asked_s == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert teacher.silent == {"cid"}
    assert teacher.done_s == 5.0
    # An answer after the end counts for nothing.
    teacher.answered("cid")
    assert teacher.silent == {"cid"}


def test_asking_nobody_takes_no_time(make_world: MakeWorld) -> None:
    world = make_world()
    teacher = Teacher(world, ())
    run(world)
    assert (teacher.silent, teacher.done_s) == (frozenset(), 0.0)


def test_streams_are_the_agents_own(make_world: MakeWorld) -> None:
    draws = []
    for names in (("ann", "bob"), ("zoe", "bob", "ann")):
        world = make_world(seed=5)
        pupils = {name: Pupil(world, name) for name in names}
        draws.append(pupils["ann"].stream("behaviour").random(4).tolist())
        assert draws[-1] != pupils["bob"].stream("behaviour").random(4).tolist()
    assert draws[0] == draws[1]
