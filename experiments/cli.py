"""The command line `gridarium`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from gridarium.environment.errors import Fault, InputError
from gridarium.experiments.commands.options import (
    BAD_INPUT,
    DONE,
    FAILED,
    MAIN_JOB,
    Debug,
    Kind,
    OutFolder,
    Overrides,
    ScenarioArgument,
    Workers,
)
from gridarium.experiments.commands.steps import (
    check_out_file,
    checked_scenario,
    checked_study,
    default_folder,
    end,
    load_cases,
    print_path,
    reported_errors,
    run_cases,
)

__all__ = ["BAD_INPUT", "DONE", "FAILED", "app", "main"]

app = typer.Typer(
    help="Multi-agent co-simulation of low-carbon distribution grids.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Run the command line."""
    app()


@app.command("list")
def list_(
    kind: Annotated[Kind | None, typer.Argument(help="What to list; everything if left out.")] = None,
) -> None:
    """List scenarios and studies, and what can be used in them."""
    from gridarium.experiments.commands.console import output, plain_table
    from gridarium.experiments.commands.listing import LISTED, listed

    for shown in (kind,) if kind else LISTED:
        for heading, rows in listed(shown):
            output().print(plain_table(heading, rows))
            if kind is None:
                output().print()


@app.command()
def run(
    scenario: ScenarioArgument = MAIN_JOB,
    case: Annotated[
        list[str] | None,
        typer.Option(help="Run only this case; may be repeated. By default the scenario's main cases."),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Root of all random streams.")] = None,
    settings: Overrides = None,
    out: OutFolder = None,
    workers: Workers = None,
    debug: Debug = False,
) -> None:
    """Run a scenario and write its results, figures and report."""
    from gridarium.experiments.commands.console import (
        output,
        print_certificates,
        print_findings,
        print_narrative,
        print_summary,
    )

    with reported_errors(debug):
        overrides = [*(settings or ()), *([] if seed is None else [f"seed={seed}"])]
        study = load_cases(scenario, overrides, case or [])
        played = run_cases(study, case or study.main_cases, out, workers)
        if result := played.result:
            print_findings(result)
            print_narrative(result)
            print_summary(result)
            print_certificates(result)
            if not case and len(study.main_cases) < len(study.cases):
                told = f"these are {len(study.main_cases)} of its {len(study.cases)} cases"
                output().print(f"{told}; all of them: gridarium compare {scenario}", soft_wrap=True)
            print_path(result.path)
    end(played, debug)


@app.command()
def compare(
    scenario: ScenarioArgument = MAIN_JOB,
    settings: Overrides = None,
    out: OutFolder = None,
    workers: Workers = None,
    debug: Debug = False,
) -> None:
    """Run all cases of a scenario, and hold them against the paper's claims."""
    from gridarium.experiments.commands.console import (
        output,
        print_certificates,
        print_claims,
        print_findings,
        print_narrative,
        print_summary,
    )

    with reported_errors(debug):
        played = run_cases(load_cases(scenario, settings or ()), None, out, workers)
        if result := played.result:
            print_findings(result)
            print_narrative(result)
            print_summary(result)
            print_claims(result)
            output().print()
            print_certificates(result)
            print_path(result.path)
    end(played, debug)


@app.command()
def validate(
    file: Annotated[str, typer.Argument(help="A YAML file, a shipped scenario or study.")],
    settings: Overrides = None,
    code: Annotated[
        bool, typer.Option("--code", help="Import what dotted paths name, and check it too.")
    ] = False,
    debug: Debug = False,
) -> None:
    """Check a scenario or a study and list everything that is wrong with it."""
    from gridarium.experiments.commands.console import output
    from gridarium.experiments.sweeps.study import is_study

    with reported_errors(debug):
        if is_study(file):
            swept, names = checked_study(file, settings or (), code)
            output().print(f"{swept.source}: valid, {swept.n_job:,} runs", soft_wrap=True)
        else:
            study, names = checked_scenario(file, settings or (), code)
            count = "1 case" if len(study.cases) == 1 else f"{len(study.cases)} cases"
            output().print(f"{study.source}: valid, {count}: {', '.join(study.cases)}")
        if code:
            named = ", ".join(names) or "none but gridarium's own is named"
            output().print(f"code imported and checked: {named}", soft_wrap=True)
        elif names:
            output().print(f"code not imported: {', '.join(names)}; check it with --code", soft_wrap=True)


@app.command("describe")
def describe_(
    scenario: ScenarioArgument = MAIN_JOB,
    case: Annotated[str | None, typer.Option(help="Describe this case; the first if left out.")] = None,
    settings: Overrides = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write it here.")] = None,
    debug: Debug = False,
) -> None:
    """Describe a scenario after the ODD protocol of agent-based modelling; nothing is run."""
    from gridarium.experiments.commands.console import print_markdown, progress_bar
    from gridarium.experiments.description.document import describe
    from gridarium.experiments.scenario import load_scenario

    with reported_errors(debug):
        check_out_file("--out", out)
        with progress_bar() as progress:
            text = describe(load_scenario(scenario, settings or ()), case, progress)
        if out is None:
            print_markdown(text)
        else:
            out.write_text(text, encoding="utf-8")


@app.command()
def verify(
    run_folder: Annotated[Path, typer.Argument(metavar="RUN", help="A folder that a run or a sweep left.")],
    again: Annotated[
        int, typer.Option("--again", min=0, metavar="N", help="Of a sweep: run so many drawn runs again.")
    ] = 1,
    debug: Debug = False,
) -> None:
    """Check a finished run or sweep from its folder alone: files, sums, flows, money, certificates."""
    from gridarium.experiments.commands.console import print_checks

    with reported_errors(debug):
        if (run_folder / "study.yaml").is_file():
            from gridarium.experiments.sweeps.rerun import verify_sweep

            checks = verify_sweep(run_folder, again)
        else:
            from gridarium.experiments.verification.run_folder import verify as verify_run

            checks = verify_run(run_folder)
        print_checks(checks)
    raise typer.Exit(DONE if all(check.passed for check in checks) else FAILED)


@app.command("replay")
def replay_(
    run_folder: Annotated[Path, typer.Argument(metavar="RUN", help="A folder that a stacked run left.")],
    grid: Annotated[str, typer.Option(help="The grid to run alone.")],
    case: Annotated[str | None, typer.Option(help="Of this case; the first if left out.")] = None,
    debug: Debug = False,
) -> None:
    """Run one grid of a stacked run alone on what was recorded at its seams, and compare."""
    from gridarium.experiments.commands.console import print_replay
    from gridarium.experiments.results.result import read_run
    from gridarium.experiments.running.replay import SAME, replay

    with reported_errors(debug):
        table = replay(read_run(run_folder), grid, case)
        print_replay(table, SAME)
    raise typer.Exit(DONE if (table["difference"] <= SAME).all() else FAILED)


@app.command("sweep")
def sweep_(
    study: Annotated[str, typer.Argument(help="A shipped study or a YAML file.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="A new or empty folder, or an unfinished sweep."),
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Processes; one for each processor by default.")] = None,
    dask: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Run on the workers of this Dask scheduler.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with what is in --out.")] = False,
    retry: Annotated[
        bool, typer.Option("--retry", help="With --resume: run again, too, what ran out of its time.")
    ] = False,
    settings: Overrides = None,
    debug: Debug = False,
) -> None:
    """Run a study: many runs, none lost, with their statistics."""
    from gridarium.experiments.commands.console import print_sweep, progress_bar
    from gridarium.experiments.sweeps.study import load_study

    with reported_errors(debug):
        if resume and out is None:
            fault = Fault("--resume", "no folder", "must come with --out DIR, the folder of the sweep")
            raise InputError("sweep", [fault])
        if retry and not resume:
            fault = Fault("--retry", "no --resume", "must come with --resume: nothing has run before")
            raise InputError("sweep", [fault])
        loaded = load_study(study, settings or ())
        from gridarium.experiments.sweeps.sweeper import sweep

        folder = out or default_folder(loaded.name)
        with progress_bar(own_estimate=True) as progress:
            result = sweep(
                loaded, folder, workers=workers, dask=dask, resume=resume, retry=retry, progress=progress
            )
        print_sweep(result)
        print_path(result.path)
    raise typer.Exit(DONE if result.passed else BAD_INPUT if result.is_bad_input else FAILED)


@app.command()
def report(
    run_folder: Annotated[Path, typer.Argument(metavar="RUN", help="A folder that a run or a sweep left.")],
    debug: Debug = False,
) -> None:
    """Rebuild the figures and the report of a run or a sweep."""
    from gridarium.experiments.sweeps.report import build_sweep_report
    from gridarium.experiments.telling.report import build_report

    with reported_errors(debug):
        swept = (run_folder / "study.yaml").is_file()
        page = build_sweep_report(run_folder) if swept else build_report(run_folder)
        print_path(page.parent)


@app.command()
def bench(
    name: Annotated[str | None, typer.Argument(help="One benchmark; all if left out.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write them here.")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=NUMBER", help="Set what a benchmark lets be set; may be repeated."
        ),
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option(
            "--resume",
            metavar="FILE",
            help="Keep outcomes here, play only what is not there; without NAME of all that can resume.",
        ),
    ] = None,
    debug: Debug = False,
) -> None:
    """Measure speed as ratios on this machine, and how often negotiations come to rest."""
    from gridarium.experiments.benchmarks.catalogue import BENCHMARKS, run_benchmark
    from gridarium.experiments.commands.console import output, plain_table, progress_bar
    from gridarium.experiments.names.formatting import label, number

    with reported_errors(debug):
        check_out_file("--json", json_file)
        check_out_file("--resume", resume)
        able = [one for one, other in BENCHMARKS.items() if other.resumes or resume is None]
        names = [name] if name else able
        measured: dict[str, dict[str, float]] = {}
        with progress_bar() as progress:
            for done, each in enumerate(names):
                progress(done / len(names), each)
                measured[each] = run_benchmark(each, settings or (), resume)
        rows = [
            (each, label(metric), number(value))
            for each, metrics in measured.items()
            for metric, value in metrics.items()
        ]
        output().print(plain_table(("benchmark", "measure", "value"), rows, numbers=1))
        if json_file is not None:
            json_file.write_text(json.dumps(measured, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
