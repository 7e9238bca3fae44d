"""Cases of one run side by side: the same bytes, what has finished is kept, whatever fails or is stopped."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import pytest

from gridarium.environment.errors import GridariumError, InfeasibleError, InputError, MessageError
from gridarium.experiments.processes.workers import Answer, Done, Ended, ExecutorError, Failed, Said
from gridarium.experiments.results.result import read_run
from gridarium.experiments.running import runner
from gridarium.experiments.running.case_outcome import CaseOutcome
from gridarium.experiments.running.case_workers import CaseTask, Standing, play_cases
from gridarium.experiments.running.runner import RunInterrupted, run
from gridarium.experiments.scenario import Study, load_scenario
from gridarium.experiments.schema.scenario import Scenario

TIMES = {"started", "ended", "wall_s", "solver_s", "checksums_sha256"}
OF_TIMES = (
    "<tr><th>started<",
    "<tr><th>ended<",
    "<tr><th>wall (s)<",
    "<tr><th>solver (s)<",
    "2 cases · seed",
)
NOTHING = CaseOutcome({}, {}, [], {}, {})


def small(*settings: str) -> Study:
    return load_scenario("adcef-small", ["horizon_h=4", *settings])


def files_of(folder: Path) -> dict[str, bytes]:
    """Every file of a run but what time it took, and but checksums of what tells it."""
    files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    manifest = json.loads(files["manifest.json"])
    files["manifest.json"] = json.dumps([(k, v) for k, v in manifest.items() if k not in TIMES]).encode()
    del files["manifest.sha256"]
    listing = json.loads(files["checksums.json"])
    del listing["files"]["report.html"]
    files["checksums.json"] = json.dumps(listing).encode()
    report = files["report.html"].decode().splitlines()
    files["report.html"] = "\n".join(line for line in report if not any(map(line.count, OF_TIMES))).encode()
    return files


def test_same_bytes_whatever_the_number_of_workers(tmp_path: Path) -> None:
    for workers in (1, 2):
        run(small(), cases=["tou", "adcef"], out=tmp_path / str(workers), workers=workers)
    one, two = files_of(tmp_path / "1"), files_of(tmp_path / "2")
    assert one.keys() == two.keys()
    assert [name for name in one if one[name] != two[name]] == []
    assert any(name.endswith(".svg") for name in one)


class Here:
    """A crew that does its tasks in this process, the last first, and may be interrupted after some."""

    interrupted_after = 9

    def __init__(self, workers: int) -> None:
        self.left = workers

    def __len__(self) -> int:
        return 0

    def __enter__(self) -> Here:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        self.left = 0

    def answers(self, waiting: deque[CaseTask]) -> Iterator[tuple[CaseTask, Answer]]:
        tasks = list(waiting)[::-1]
        waiting.clear()
        for number, task in enumerate(tasks):
            if number == self.interrupted_after:
                raise KeyboardInterrupt
            try:
                yield task, Done(task.do(lambda said: None))
            except GridariumError as error:
                yield task, Failed(error)


def test_a_case_that_fails_beside_another_is_named_and_the_other_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "Crew", Here)
    wind = next(iter(small().cases["tou"].renewables))  # type: ignore[attr-defined]
    outage = f"cases.tou.communication.outages=[{{agent: {wind}, start_s: 0, end_s: 14400}}]"
    with pytest.raises(MessageError, match="no forecast from"):
        run(small(outage), cases=["tou", "tou-commanded"], out=tmp_path / "run", workers=2)
    left = read_run(tmp_path / "run")
    assert list(left.summary) == ["tou-commanded"]
    assert left.failed["tou"].startswith("agent dso: no forecast from")
    assert left.manifest["status"] == "failed"


def test_ctrl_c_keeps_the_cases_that_have_finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "Crew", Here)
    monkeypatch.setattr(Here, "interrupted_after", 1)
    with pytest.raises(RunInterrupted, match=r"before the end of tou; what had finished is in .*run"):
        run(small(), cases=["tou", "tou-commanded"], out=tmp_path / "run", workers=2)
    left = read_run(tmp_path / "run")
    assert list(left.summary) == ["tou-commanded"]
    assert left.failed == {"tou": "interrupted before its end"}
    assert left.manifest["status"] == "failed"


def test_ctrl_c_before_the_end_of_a_case_leaves_nothing(tmp_path: Path) -> None:
    def stop(share: float, doing: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(RunInterrupted, match="before the end of tou, adcef; nothing had finished"):
        run(small(), cases=["tou", "adcef"], out=tmp_path / "run", progress=stop)
    assert list(tmp_path.iterdir()) == []


class Script:
    """A crew that answers by the book: of tasks by name."""

    def __init__(self, *lines: tuple[str, Answer]) -> None:
        self.lines = lines

    def answers(self, waiting: deque[CaseTask]) -> Iterator[tuple[CaseTask, Answer]]:
        tasks = {task.name: task for task in waiting}
        for name, answer in self.lines:
            yield tasks[name], answer
        self.left = [task.name for task in waiting]


def played(script: Script, seen: list[tuple[float, str]] | None = None) -> dict[str, object]:
    cases = dict.fromkeys("abcde", Scenario())
    tell = None if seen is None else lambda share, doing: seen.append((round(share, 3), doing))
    return dict(play_cases(cases, script, tell))  # type: ignore[arg-type]


def test_progress_says_which_cases_run() -> None:
    seen: list[tuple[float, str]] = []
    shares = (("a", 0.5), ("b", 0.1), ("a", 1.0), ("b", 1.0))
    lines = [(name, Said(Standing(share))) for name, share in shares]
    lines += [(name, Said(Standing(0.2))) for name in "cdeb"]
    played(Script(*lines), seen)
    assert seen[:4] == [(0.1, "a"), (0.12, "a, b"), (0.22, "a, b"), (0.4, "b")]
    assert seen[-2:] == [(0.52, "c, d, e"), (0.36, "c, d, e and 1 more")]


def test_progress_says_the_round_of_each_case() -> None:
    seen: list[tuple[float, str]] = []
    lines = [("a", Standing(0.0, "round 1")), ("b", Standing(0.0, "round 7")), ("a", Standing(0.5))]
    played(Script(*((name, Said(standing)) for name, standing in lines)), seen)
    assert seen == [(0.0, "a: round 1"), (0.0, "a: round 1, b: round 7"), (0.1, "a, b: round 7")]


@pytest.mark.parametrize(
    ("scenario", "case", "root"), [("adcef-small", "adcef", ""), ("ties-feeders-small", "ladder", "bulk")]
)
def test_progress_says_each_round_of_the_root(scenario: str, case: str, root: str) -> None:
    seen: list[tuple[float, str]] = []
    study = load_scenario(scenario, ["horizon_h=4"])
    result = run(study, cases=[case], progress=lambda share, doing: seen.append((share, doing)))
    numbers = result.table("rounds").query("grid == @root")["round"]
    assert len(numbers) > 1
    assert [doing for share, doing in seen if share == 0.0] == [
        f"{case}: day 1, day ahead: round {number}" for number in numbers
    ]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Failed(InfeasibleError("no")), InfeasibleError),
        (Failed(InputError("file", [])), InputError),
        (Failed(ZeroDivisionError()), ZeroDivisionError),
        (Ended("by SIGKILL"), ExecutorError),
    ],
)
def test_a_failure_ends_its_case_alone(answer: Answer, kind: type[Exception]) -> None:
    found = played(Script(("b", answer), ("a", Done(NOTHING)), ("c", Done(NOTHING))))
    assert list(found) == ["b", "a", "c"]
    assert isinstance(found["b"], kind)
    assert found["a"] is found["c"] is NOTHING
