"""Handlers by message type, and asking until answered."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

import pytest

from gridarium.agents.base import GridAgent, Listener, on
from gridarium.agents.questions import Asked
from gridarium.environment.errors import MessageError
from gridarium.environment.message_bus import LinkQuality
from gridarium.environment.world import World

MakeWorld = Callable[..., World]


@dataclass(frozen=True)
class Sum:
    number: int


@dataclass(frozen=True)
class Result:
    number: int


@dataclass(frozen=True)
class Riddle:
    number: int


class Pupil(GridAgent):
    """Answers from the given attempt on, and riddles only when time has passed."""

    def __init__(self, world: World, name: str, answers_from: int = 1) -> None:
        super().__init__(world.grid.head, name)
        self.answers_from, self.asked_s = answers_from, list[float]()

    @on(Sum)
    def answer(self, question: Sum, sender: str) -> Result | None:
        self.asked_s.append(self.world.clock.now_s)
        return Result(2 * question.number) if len(self.asked_s) >= self.answers_from else None

    @on(Riddle)
    def think(self, riddle: Riddle, sender: str) -> None:
        asked = self.asked
        later = self.world.clock.timeout(0.7)
        later.callbacks.append(lambda _: self.reply(asked, Result(riddle.number)))


class Absent(Pupil):
    """A pupil with a handler of its own in place of its parent's, and the rest of the parent's."""

    @on(Sum)
    def ignore(self, question: Sum, sender: str) -> None:
        self.asked_s.append(self.world.clock.now_s)


class Teacher(GridAgent):
    """Asks questions, each of all pupils at once and all of them at a time."""

    def __init__(self, world: World, pupils: tuple[str, ...], *questions: object) -> None:
        super().__init__(world.grid.head, "teacher")
        self.questions = [self.ask(dict.fromkeys(pupils, each), 5.0, 1.0) for each in questions or (Sum(7),)]
        self.heard = list[tuple[str, int]]()
        self.silent: list[frozenset[str]] = []
        self.done_s = -1.0

    def process(self) -> Generator[Any, Any, None]:
        clock = self.world.clock
        done = [clock.process(question.answered()) for question in self.questions]
        for each in done:
            self.silent.append((yield each))
        self.done_s = self.world.clock.now_s

    def replies(self, question: int = 0) -> list[tuple[str, int]]:
        return [(name, reply.number) for name, reply in self.questions[question].replies.items()]

    @on(Result)
    def hear(self, result: Result, sender: str) -> None:
        self.heard.append((sender, result.number))


def run(world: World) -> None:
    for agent in world.agents:
        agent.start()
    world.clock.run_until(100.0)


def test_a_message_without_handler_names_agent_type_and_sender(make_world: MakeWorld) -> None:
    world = make_world()
    Pupil(world, "ann")
    teacher = Teacher(world, ())
    teacher.send("ann", Result(1))
    with pytest.raises(MessageError, match="agent ann: no handler for Result from teacher"):
        world.clock.run_until(1.0)


class Ears(Listener):
    """A part that knows only what it is given."""

    def __init__(self, heard: list[tuple[str, int]]) -> None:
        self.heard = heard

    @on(Sum, Riddle)
    def note(self, payload: Sum | Riddle, sender: str) -> Result:
        self.heard.append((sender, payload.number))
        return Result(payload.number)


def test_a_part_that_is_mounted_handles_its_own_messages(make_world: MakeWorld) -> None:
    world = make_world()
    host, heard = GridAgent(world.grid.head, "ann"), list[tuple[str, int]]()
    host.mount(Ears(heard))
    deaf = GridAgent(world.grid.head, "bob")
    teacher = Teacher(world, ())
    teacher.send("ann", Sum(3))
    teacher.send("ann", Riddle(4))
    world.clock.run_until(1.0)
    assert heard == [("teacher", 3), ("teacher", 4)]
    assert teacher.heard == [("ann", 3), ("ann", 4)]
    teacher.send(deaf.name, Sum(3))
    with pytest.raises(MessageError, match="agent bob: no handler for Sum from teacher"):
        world.clock.run_until(2.0)


def test_a_message_has_one_handler(make_world: MakeWorld) -> None:
    world = make_world()
    pupil = Pupil(world, "ann")
    with pytest.raises(MessageError, match="agent ann: a second handler for Sum in Ears"):
        pupil.mount(Ears([]))
    with pytest.raises(MessageError, match="Torn: think and forget both handle Riddle"):

        class Torn(Listener):
            @on(Riddle)
            def think(self, riddle: Riddle, sender: str) -> None: ...

            @on(Riddle)
            def forget(self, riddle: Riddle, sender: str) -> None: ...


def test_a_name_is_taken_once(make_world: MakeWorld) -> None:
    world = make_world()
    Pupil(world, "ann")
    with pytest.raises(MessageError, match="ann"):
        Pupil(world, "ann")


def test_a_question_ends_with_the_last_reply(make_world: MakeWorld) -> None:
    world = make_world(quality=LinkQuality(latency_s=0.2))
    pupils = Pupil(world, "ann"), Pupil(world, "bob")
    teacher = Teacher(world, ("bob", "ann"))
    run(world)
    assert teacher.silent == [frozenset()]
    assert teacher.done_s == pytest.approx(0.4)
    assert teacher.replies() == [("bob", 14), ("ann", 14)]
    assert [pupil.asked_s for pupil in pupils] == [[0.2], [0.2]]
    # Replies go to the question and not to a handler.
    assert teacher.heard == []


def test_a_question_is_repeated_to_the_silent_only(make_world: MakeWorld) -> None:
    world = make_world(quality=LinkQuality(latency_s=0.2))
    slow, quick = Pupil(world, "bob", answers_from=3), Pupil(world, "ann")
    teacher = Teacher(world, ("bob", "ann"))
    run(world)
    assert quick.asked_s == [0.2]
    assert slow.asked_s == pytest.approx([0.2, 1.2, 2.2])
    assert teacher.silent == [frozenset()]
    assert teacher.done_s == pytest.approx(2.4)
    # In the order of asking, whoever was first.
    assert teacher.replies() == [("bob", 14), ("ann", 14)]


def test_a_question_ends_in_time_and_tells_who_was_silent(make_world: MakeWorld) -> None:
    world = make_world()
    absent = Absent(world, "cid")
    Pupil(world, "ann")
    teacher = Teacher(world, ("ann", "cid"))
    run(world)
    assert absent.asked_s == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert teacher.silent == [{"cid"}]
    assert teacher.done_s == 5.0
    assert teacher.replies() == [("ann", 14)]


def test_questions_that_are_open_at_once_get_their_own_replies(make_world: MakeWorld) -> None:
    world = make_world(quality=LinkQuality(latency_s=0.2, latency_jitter_s=0.2, loss=0.2, reordering=0.3))
    for name in ("ann", "bob", "cid"):
        Pupil(world, name)
    teacher = Teacher(world, ("ann", "bob", "cid"), Sum(1), Riddle(9), Sum(2))
    run(world)
    assert world.bus.lost > 0
    assert teacher.silent == [frozenset()] * 3
    assert len({question.number for question in teacher.questions}) == 3
    for question, expected in enumerate((2, 9, 4)):
        assert teacher.replies(question) == [("ann", expected), ("bob", expected), ("cid", expected)]


def test_a_reply_that_comes_twice_counts_once_and_the_first_one_counts(make_world: MakeWorld) -> None:
    world = make_world(quality=LinkQuality(duplication=1.0))
    ann = Pupil(world, "ann")
    Pupil(world, "bob", answers_from=4)
    teacher = Teacher(world, ("ann", "bob"))
    asked = Asked("teacher", teacher.questions[0].number)
    later = world.clock.timeout(0.5)
    later.callbacks.append(lambda _: ann.reply(asked, Result(1)))
    run(world)
    assert teacher.replies() == [("ann", 14), ("bob", 14)]
    # The question waited for bob, whatever ann said again.
    assert teacher.done_s == 1.0


@pytest.mark.parametrize(("sender", "number"), [("bob", 1), ("cid", 1), ("ann", 99)])
def test_a_reply_to_a_closed_question_or_by_nobody_asked_changes_nothing(
    make_world: MakeWorld, sender: str, number: int
) -> None:
    world = make_world()
    pupils = {"ann": Pupil(world, "ann"), "bob": Absent(world, "bob"), "cid": Pupil(world, "cid")}
    teacher = Teacher(world, ("ann", "bob"))
    if sender == "bob":
        run(world)
    pupils[sender].reply(Asked("teacher", number), Result(3))
    for agent in world.agents if sender != "bob" else ():
        agent.start()
    world.clock.run_until(200.0)
    assert teacher.replies() == [("ann", 14)]
    assert (teacher.silent, teacher.heard) == ([{"bob"}], [])


def test_a_plain_message_is_answered_by_a_plain_one(make_world: MakeWorld) -> None:
    world = make_world()
    Pupil(world, "ann")
    teacher = Teacher(world, ())
    teacher.send("ann", Sum(5))
    teacher.send("ann", Riddle(6))
    world.clock.run_until(1.0)
    assert teacher.heard == [("ann", 10), ("ann", 6)]
    with pytest.raises(MessageError, match="agent teacher: nothing is asked while no message is handled"):
        _ = teacher.asked


def test_asking_nobody_takes_no_time(make_world: MakeWorld) -> None:
    world = make_world()
    teacher = Teacher(world, ())
    run(world)
    assert (teacher.silent, teacher.done_s) == ([frozenset()], 0.0)


def test_streams_are_the_agents_own(make_world: MakeWorld) -> None:
    draws = []
    for names in (("ann", "bob"), ("zoe", "bob", "ann")):
        world = make_world(seed=5)
        pupils = {name: Pupil(world, name) for name in names}
        draws.append(pupils["ann"].stream("behaviour").random(4).tolist())
        assert draws[-1] != pupils["bob"].stream("behaviour").random(4).tolist()
    assert draws[0] == draws[1]
