"""A short run of model E, from 8 to 12 h of its day, shared by all tests of this folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gridarium.experiments.results import Result
from gridarium.experiments.runner import run
from gridarium.experiments.scenario import load_scenario
from gridarium.experiments.scenario_files import profile_path

Run = Callable[..., Result]


@pytest.fixture(scope="session")
def from_eight(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """Settings with which a day begins at 8 h and ends at 12 h."""
    lines = profile_path("net-zero").read_text(encoding="utf-8").splitlines()
    head, rows = lines[:3], [line.split(",", 1) for line in lines[3:]]
    later = [row[1] for row in rows[32:] + rows[:32]]
    times = [row[0] for row in rows[32:]] + [row[0].replace("04-15", "04-16") for row in rows[:32]]
    path = Path(tmp_path_factory.mktemp("profiles")) / "from-eight.csv"
    text = "\n".join([*head, *(f"{time},{rest}" for time, rest in zip(times, later, strict=True))])
    path.write_text(text, encoding="utf-8")
    return (f"profiles={path}", "start=2026-04-15T08:00:00+08:00", "horizon_h=4")


@pytest.fixture(scope="session")
def run_short(from_eight: tuple[str, ...]) -> Run:
    """Return a function that runs cases of the short day."""

    def short(
        *settings: str, cases: tuple[str, ...] = ("shared-storage",), out: Path | None = None
    ) -> Result:
        return run(load_scenario("net-zero", [*from_eight, *settings]), cases=list(cases), out=out)

    return short


@pytest.fixture(scope="session")
def short_run(run_short: Run, tmp_path_factory: pytest.TempPathFactory) -> Result:
    """The short day in all cases, with its folder."""
    folder = tmp_path_factory.mktemp("short") / "run"
    return run_short(cases=("capture", "shared-storage", "decentralised"), out=folder)


@pytest.fixture(scope="session")
def bargaining_run() -> Result:
    """A whole day of the pool alone under two rules."""
    return run(load_scenario("net-zero-bargaining"), cases=["nash-quadratic", "posted"])
