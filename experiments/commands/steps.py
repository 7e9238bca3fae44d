"""What several commands do: check what they are given, run, name a folder, report errors."""

from __future__ import annotations

import gc
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import typer

from gridarium.environment.errors import Fault, GridariumError, InputError
from gridarium.experiments.commands.options import BAD_INPUT, DONE, FAILED

if TYPE_CHECKING:
    from gridarium.experiments.results.played import Played
    from gridarium.experiments.scenario import Study
    from gridarium.experiments.sweeps.study import SweepStudy


def load_cases(scenario: str, overrides: Sequence[str], cases: Sequence[str] | None = None) -> Study:
    """Check the cases that will run: all of a scenario, or those named; none named are its main cases.

    Code that they name is imported, so that nothing is computed with half of it.
    """
    from gridarium.experiments.scenario import load_scenario

    return load_scenario(scenario, overrides, cases, code=True)


def checked_study(source: str, overrides: Sequence[str], code: bool) -> tuple[SweepStudy, list[str]]:
    """Check a study; return it and the code from outside gridarium that it names, imported if wanted."""
    from gridarium.experiments.sweeps.study import load_study
    from gridarium.experiments.sweeps.study_code import StudyCode, check_study_code

    study = load_study(source, overrides)
    if code:
        check_study_code(study)
    return study, StudyCode(study).names


def checked_scenario(source: str, overrides: Sequence[str], code: bool) -> tuple[Study, list[str]]:
    """Check a scenario; return it and the code from outside gridarium that it names, imported if wanted."""
    from gridarium.experiments.checking.named_code import named_code
    from gridarium.experiments.scenario import load_scenario

    study = load_scenario(source, overrides, code=code)
    names = dict.fromkeys(one.target for case in study.cases.values() for one in named_code(case))
    return study, list(names)


def run_cases(study: Study, cases: Sequence[str] | None, out: Path | None, workers: int | None) -> Played:
    """Check everything that can be checked beforehand, then run."""
    from gridarium.experiments.commands.console import progress_bar
    from gridarium.experiments.results.folder import check_out_folder

    folder = out or default_folder(study.name)
    check_out_folder(folder)
    from gridarium.experiments.running.runner import play

    # What is imported stays to the end: the collector need not look through it again and again.
    gc.freeze()
    with progress_bar() as progress:
        return play(study, cases=cases, out=folder, workers=workers, progress=progress)


def end(played: Played, debug: bool) -> NoReturn:
    """Say on standard error what went wrong with a run, if anything, and exit with its status."""
    from gridarium.experiments.commands.console import messages

    if debug:
        for error in played.errors():
            traceback.print_exception(error)
    for line in played.told():
        messages().print(f"gridarium: {line}")
    if played.printed:
        messages().print(f"what was printed:\n{played.printed.rstrip()}")
    passed = not played.errors() and not played.interrupted and played.result is not None
    if passed and played.result is not None and played.result.passed:
        raise typer.Exit(DONE)
    raise typer.Exit(BAD_INPUT if played.is_bad_input else FAILED)


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


def print_path(folder: Path | None) -> None:
    """Say where the report of a run or a sweep is, and the SHA-256 of its manifest."""
    from gridarium.experiments.commands.console import output
    from gridarium.experiments.results.manifest import told_digest

    if folder is not None:
        output().print(f"report: {folder / 'report.html'}", soft_wrap=True)
        if digest := told_digest(folder):
            output().print(f"manifest: {digest}", soft_wrap=True)


@contextmanager
def reported_errors(debug: bool) -> Iterator[None]:
    """Turn the project's errors into a message on standard error and an exit status."""
    try:
        yield
    except GridariumError as error:
        from gridarium.experiments.commands.console import messages

        if debug:
            traceback.print_exc()
        else:
            messages().print(f"gridarium: {error}")
        raise typer.Exit(BAD_INPUT if isinstance(error, InputError) else FAILED) from None
    except KeyboardInterrupt:
        from gridarium.experiments.commands.console import messages

        messages().print("gridarium: interrupted")
        raise typer.Exit(FAILED) from None
    except (typer.Exit, typer.Abort):
        raise
    # A fault of gridarium, or of code that it was given: one line, and where it comes from.
    except Exception as error:  # noqa: BLE001
        from gridarium.experiments.commands.console import messages
        from gridarium.experiments.processes.endings import in_one_line

        if debug:
            traceback.print_exc()
        else:
            messages().print(f"gridarium: {in_one_line(error)}; --debug shows the way there")
        raise typer.Exit(FAILED) from None
