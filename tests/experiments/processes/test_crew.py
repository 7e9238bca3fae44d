"""Processes that do the tasks of a run: every task once, errors brought home, ends told."""

from __future__ import annotations

import multiprocessing
import traceback
from collections import deque
from collections.abc import Iterator

import pytest
from toy_tasks import ToyTask

from gridarium.environment.errors import InfeasibleError, InputError
from gridarium.experiments.processes.crew import Crew
from gridarium.experiments.processes.workers import Done, Ended, Failed, Said, checked_workers


@pytest.fixture(scope="module")
def crew() -> Iterator[Crew]:
    with Crew(2) as made:
        yield made


def test_every_task_is_done_once_and_tells_on_the_way(crew: Crew) -> None:
    tasks = [ToyTask(number) for number in range(7)]
    answers = list(crew.answers(deque(tasks)))
    assert sorted((task.number, one.content) for task, one in answers if isinstance(one, Done)) == [
        (number, 2 * number) for number in range(7)
    ]
    for task in tasks:
        assert [type(one) for other, one in answers if other == task] == [Said, Done]


def test_what_waits_can_be_called_off(crew: Crew) -> None:
    waiting = deque(ToyTask(number) for number in range(9))
    done = []
    for task, answer in crew.answers(waiting):
        waiting.clear()
        done += [task.number] if isinstance(answer, Done) else []
    assert sorted(done) == [0, 1]


def test_errors_come_home_with_the_traceback_of_the_process(crew: Crew) -> None:
    tasks = [ToyTask(1, "infeasible"), ToyTask(2, "homeless"), ToyTask(3)]
    ends = {task.number: one for task, one in crew.answers(deque(tasks)) if not isinstance(one, Said)}
    assert isinstance(ends[1], Failed)
    assert isinstance(ends[1].error, InfeasibleError)
    assert str(ends[1].error) == "task 1: no way"
    assert "in do" in "".join(traceback.format_exception(ends[1].error))
    assert isinstance(ends[2], Failed)
    assert str(ends[2].error) == "HomelessError: no home (toy_tasks.py, line 38, in do)"
    assert ends[3] == Done(6)


def test_logs_and_warnings_come_to_the_terminal_of_the_parent_no_warning_twice(
    crew: Crew, caplog: pytest.LogCaptureFixture
) -> None:
    tasks = [ToyTask(number, "noisy") for number in range(4)]
    assert len([one for _, one in crew.answers(deque(tasks)) if isinstance(one, Done)]) == 4
    assert sorted(one.message for one in caplog.records if one.name == "toy") == [
        f"task {number}" for number in range(4)
    ]
    (warned,) = (one.message for one in caplog.records if one.name == "py.warnings")
    assert "UserWarning: all processes say so" in warned


def test_a_process_that_dies_is_told_and_the_rest_goes_on() -> None:
    with Crew(2) as crew:
        tasks = [ToyTask(1, "deadly"), *(ToyTask(number) for number in range(2, 6))]
        answers = list(crew.answers(deque(tasks)))
        assert [one for task, one in answers if task.number == 1][-1] == Ended("by SIGKILL (out of memory?)")
        assert sorted(one.content for _, one in answers if isinstance(one, Done)) == [4, 6, 8, 10]
        assert len(crew) >= 1
        own = {worker.pid for worker in multiprocessing.active_children()}
        crew.stop()
        assert own - {worker.pid for worker in multiprocessing.active_children()}
        assert len(crew) == 0


@pytest.mark.parametrize("workers", [0, -1, 513])
def test_numbers_of_workers_that_cannot_be_had(workers: int) -> None:
    with pytest.raises(InputError, match=rf"--workers: got {workers}; must be in \[1, 512\]"):
        checked_workers(workers)
