"""Whatever ends a case or a step after it: it is named, nothing computed is lost, and all is marked."""

from __future__ import annotations

import errno
import json
import os
import pickle
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from gridarium.agents.base import GridAgent
from gridarium.agents.behaviour import Behaviour
from gridarium.environment.errors import InfeasibleError
from gridarium.experiments import cli
from gridarium.experiments.claims.kinds import directional
from gridarium.experiments.claims.paper import Paper
from gridarium.experiments.claims.verdicts import judge
from gridarium.experiments.commands.console import messages, output
from gridarium.experiments.evidence import certificates, metrics
from gridarium.experiments.figures import drawings
from gridarium.experiments.processes.endings import in_one_line, settled
from gridarium.experiments.processes.interrupts import Interrupts
from gridarium.experiments.results.folder import RunWriteError
from gridarium.experiments.results.result import read_run
from gridarium.experiments.running import runner
from gridarium.experiments.running.case_outcome import CaseOutcome
from gridarium.experiments.running.case_workers import CaseTask
from gridarium.experiments.running.runner import play, run
from gridarium.experiments.scenario import Study, load_scenario

SMALL = "horizon_h=2"


class Ends(Behaviour):
    """Ends in a way, in the second period."""

    def __init__(self, how: str) -> None:
        self.how = how

    def act(self, agent: GridAgent, period: int, planned: float) -> float:
        if period == 1:
            print(f"about to end by {self.how}")  # noqa: T201
            ENDINGS[self.how]()
        return planned


def _raises(error: BaseException) -> Callable[[], None]:
    def end() -> None:
        raise error

    return end


ENDINGS: dict[str, Callable[[], object]] = {
    "key": _raises(KeyError("weather")),
    "exit": lambda: sys.exit(3),
    "memory": _raises(MemoryError()),
    "infeasible": _raises(InfeasibleError("agent x: no way")),
}


def three(how: str = "", *settings: str) -> Study:
    """Three cases, of which the second ends in a way."""
    ends = f"cases.static-carbon.consumers.residential.behaviour=[{{'{__name__}:Ends': {{how: {how}}}}}]"
    return load_scenario("adcef-small", [SMALL, *([ends] if how else ()), *settings])


CASES = ["tou", "static-carbon", "adcef"]
ACT = f"agent residential, period 1: behaviour {__name__}:Ends raised"


@pytest.fixture(scope="module")
def outcomes() -> dict[str, CaseOutcome]:
    """What the cases leave that end well."""
    study = three()
    return {name: CaseTask(name, study.cases[name]).do(lambda said: None) for name in CASES}


@pytest.fixture
def quick(outcomes: dict[str, CaseOutcome], monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the cases done before they begin."""
    monkeypatch.setattr(CaseTask, "do", lambda task, tell: outcomes[task.name])
    monkeypatch.setattr(drawings, "DRAWINGS", ())
    monkeypatch.setattr(drawings, "OF_RUN", ())


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("key", f"{ACT} KeyError: 'weather' ("),
        ("exit", f"{ACT} SystemExit: 3 ("),
        ("memory", f"{ACT} MemoryError"),
        ("infeasible", "agent x: no way"),
    ],
)
def test_a_case_that_ends_badly_is_told_and_the_others_are_run(
    how: str, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = three(how)
    if how != "key":
        # One with the others is enough.
        played = play(study, cases=["static-carbon"])
        assert played.result is None
        assert played.told()[0].startswith(f"case static-carbon: {told}")
        assert f"about to end by {how}" in played.printed
    else:
        played = play(study, cases=CASES, out=tmp_path / "run")
        left = read_run(tmp_path / "run")
        assert list(left.summary) == ["tou", "adcef"]
        assert left.failed["static-carbon"].startswith(told)
        assert left.manifest["status"] == "failed"
        assert not left.passed
        log = (tmp_path / "run" / "log.txt").read_text()
        assert "about to end by key" in log and "Traceback" in log
        page = (tmp_path / "run" / "report.html").read_text()
        assert "FAILED: static-carbon" in page[: page.index("<section")]
        assert played.told()[-1] == f"what had finished is in {tmp_path / 'run'}"
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (KeyError("weather"), "KeyError: 'weather'"),
        (SystemExit(3), "sys.exit(3) was called"),
        (MemoryError(), "MemoryError: out of memory"),
        (ValueError(), "ValueError: no message"),
    ],
)
def test_an_error_is_one_line_that_says_where_it_was_raised(error: BaseException, line: str) -> None:
    try:
        np.apply_along_axis(lambda row: _raises(error)(), 0, np.ones(1))
    except BaseException as caught:  # noqa: BLE001
        kept = settled(caught)
    assert kept.__traceback__ is None
    found = in_one_line(pickle.loads(pickle.dumps(kept)))
    assert found.startswith(f"{line} (test_failing_cases.py, line ")
    assert found.endswith(", in end)")


def test_from_python_the_error_itself_comes_back(quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    do = CaseTask.do

    def fail(task: CaseTask, tell: Callable[[object], None]) -> CaseOutcome:
        if task.name == "tou":
            raise ZeroDivisionError("by nothing")
        return do(task, tell)

    monkeypatch.setattr(CaseTask, "do", fail)
    with pytest.raises(ZeroDivisionError, match="by nothing") as caught:
        run(three(), cases=CASES)
    assert "case tou: ZeroDivisionError: by nothing" in "".join(caught.value.__notes__)


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[set[str]]:
    """A disk on which folders whose names begin in a way are full."""
    write_bytes, full = Path.write_bytes, set[str]()

    def refuse(path: Path, content: bytes) -> int:
        if any(part.startswith(tuple(full)) for part in path.parts if full):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write_bytes(path, content)

    monkeypatch.setattr(Path, "write_bytes", refuse)
    yield full


def test_a_full_disk_moves_the_results_elsewhere(
    quick: None, full_disk: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "spare"))
    (tmp_path / "spare").mkdir()
    full_disk.add(".run.unfinished")
    played = play(three(), cases=CASES, out=tmp_path / "run")
    (line,) = played.told()
    assert "run: cannot be written (No space left on device)" in line
    assert played.result is not None and played.result.path is not None
    assert f"all results are in {played.result.path}: make room, move" in line
    assert list(read_run(played.result.path).summary) == CASES


def test_a_disk_that_is_full_everywhere_leaves_the_results_in_hand(
    quick: None, full_disk: set[str], tmp_path: Path
) -> None:
    full_disk.update((".run.unfinished", ".gridarium-run"))
    played = play(three(), cases=CASES, out=tmp_path / "run")
    assert played.result is not None
    assert list(played.result.summary) == CASES
    assert isinstance(played.trouble, RunWriteError)
    (left,) = tmp_path.iterdir()
    assert f"what could be written is in {left}" in str(played.trouble)
    with pytest.raises(RunWriteError, match="No space left"):
        played.checked()


def test_evidence_that_breaks_costs_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise KeyError("prosumer_1_profit_money")

    monkeypatch.setattr(metrics, "METRICS", (*metrics.METRICS[:3], broken, *metrics.METRICS[4:]))
    monkeypatch.setattr(certificates, "CERTIFICATES", (broken, *certificates.CERTIFICATES[1:]))
    monkeypatch.setattr(drawings, "OF_RUN", (broken,))
    played = play(three(), cases=["tou"], out=tmp_path / "run")
    result = read_run(tmp_path / "run")
    assert "sales_money" in result.summary["tou"]
    assert "money balance" in {one.name for one in result.certificates}
    why = "KeyError: 'prosumer_1_profit_money' (test_failing_cases.py, line "
    assert f"metrics broken cannot be made: {why}" in result.failed["tou"]
    assert f"certificate broken cannot be made: {why}" in result.failed["tou"]
    assert result.manifest["not_drawn"]["broken"].startswith(why)
    assert list((tmp_path / "run" / "figures").glob("*.svg"))
    assert played.result is not None and not played.result.passed


def test_claims_that_break_are_not_comparable(monkeypatch: pytest.MonkeyPatch) -> None:
    def odd_claim(evidence: object) -> None:
        raise ZeroDivisionError

    def by_name(evidence: object) -> None:
        raise KeyError("prosumer_1")

    paper = Paper("Odd", (odd_claim, directional("X1", "1", "It falls", "< 0", by_name)))  # type: ignore[arg-type]
    monkeypatch.setattr("gridarium.experiments.claims.verdicts.papers", lambda names: [paper])
    found = judge(three(), {}, {}, [])
    assert [(one.id, one.verdict) for one in found] == [
        ("odd_claim", "not comparable"),
        ("X1", "not comparable"),
    ]
    assert "KeyError: 'prosumer_1' (test_failing_cases.py" in found[1].reason


def test_a_report_that_breaks_leaves_the_numbers(
    quick: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object, **__: object) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(runner, "build_report", stop)
    played = play(three(), cases=CASES, out=tmp_path / "run")
    assert "interrupted before figures and report were drawn; the results are whole" in played.told()[0]
    assert json.loads((tmp_path / "run" / "manifest.json").read_bytes())["status"] == "unfinished"
    assert list(read_run(tmp_path / "run").summary) == CASES


def test_a_second_ctrl_c_does_not_cut_short_what_the_first_left(
    quick: None, outcomes: dict[str, CaseOutcome], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def press(task: CaseTask, tell: object) -> CaseOutcome:
        if task.name == "static-carbon":
            os.kill(os.getpid(), signal.SIGINT)
        return outcomes[task.name]

    write_run = runner.write_run

    def written(*arguments: object, **more: object) -> object:
        os.kill(os.getpid(), signal.SIGINT)
        return write_run(*arguments, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(CaseTask, "do", press)
    monkeypatch.setattr(runner, "write_run", written)
    played = play(three(), cases=CASES, out=tmp_path / "run")
    assert played.told() == [
        "interrupted before the end of static-carbon, adcef",
        f"what had finished is in {tmp_path / 'run'}",
    ]
    left = read_run(tmp_path / "run")
    assert list(left.summary) == ["tou"]
    assert left.manifest["status"] == "failed"
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_interrupts_are_heard_once() -> None:
    with Interrupts() as interrupts:
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        interrupts.open()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_the_command_line_shows_what_has_finished(tmp_path: Path) -> None:
    output.cache_clear()
    messages.cache_clear()
    (tmp_path / "mine.yaml").write_text(
        "extends: adcef-small\nhorizon_h: 2\ncases:\n"
        "  one: {tariff: {kind: tou}, dso: {carbon_in_cost: false}}\n"
        "  two: {tariff: {kind: tou}, dso: {carbon_in_cost: false}, consumers: {residential: "
        f"{{behaviour: [{{'{__name__}:Ends': {{how: key}}}}]}}}}}}\n"
    )
    arguments = ["run", str(tmp_path / "mine.yaml"), "--workers", "1", "--out", str(tmp_path / "run")]
    called = CliRunner().invoke(cli.app, arguments)
    assert called.exit_code == cli.FAILED
    assert called.stdout.startswith(f"FAILED: case two: {ACT[:30]}")
    assert "emission (tCO2)" in called.stdout
    assert f"gridarium: what had finished is in {tmp_path / 'run'}\n" in called.stderr
