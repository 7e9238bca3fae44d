"""What several commands do: check what they are given, run, name a folder, report errors."""

from __future__ import annotations

import gc
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from gridarium.environment.errors import Fault, GridariumError, InputError
from gridarium.experiments.cli_options import BAD_INPUT, FAILED

if TYPE_CHECKING:
    from gridarium.experiments.results import Result
    from gridarium.experiments.scenario import Study


def load_cases(scenario: str, overrides: Sequence[str], cases: Sequence[str] | None = None) -> Study:
    """Check the cases that will run: all of a scenario, or those named; none named are its main cases."""
    from gridarium.experiments.scenario import load_scenario

    return load_scenario(scenario, overrides, cases)


def run_cases(study: Study, cases: Sequence[str] | None, out: Path | None, workers: int | None) -> Result:
    """Check everything that can be checked beforehand, then run."""
    from gridarium.experiments.console import progress_bar
    from gridarium.experiments.results import check_out_folder

    folder = out or default_folder(study.name)
    check_out_folder(folder)
    from gridarium.experiments.runner import run as run_study

    # What is imported stays to the end: the collector need not look through it again and again.
    gc.freeze()
    with progress_bar() as progress:
        return run_study(study, cases=cases, out=folder, workers=workers, progress=progress)


def check_out_file(option: str, file: Path | None) -> None:
    """Refuse a file that cannot be written for want of its folder, or that is a folder."""
    if file is not None and (file.is_dir() or not file.absolute().parent.is_dir()):
        raise InputError(option, [Fault(option, str(file), "must be a file in an existing folder")])


def default_folder(name: str) -> Path:
    """Folder of a run or a sweep that is told none: under `runs`, by its name and the time."""
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    folder = Path("runs") / f"{name}-{now}"
    attempt = 1
    while folder.exists():
        attempt += 1
        folder = folder.with_name(f"{name}-{now}-{attempt}")
    return folder


def print_path(result: Result) -> None:
    """Say where the report of a run is."""
    from gridarium.experiments.console import output

    if result.path is not None:
        output().print(f"report: {result.path / 'report.html'}", soft_wrap=True)


@contextmanager
def reported_errors(debug: bool) -> Iterator[None]:
    """Turn the project's errors into a message on standard error and an exit status."""
    try:
        yield
    except GridariumError as error:
        from gridarium.experiments.console import messages

        if debug:
            traceback.print_exc()
        else:
            messages().print(f"gridarium: {error}")
        raise typer.Exit(BAD_INPUT if isinstance(error, InputError) else FAILED) from None
