"""The command line: what it prints, its exit status, and what it does not import."""

import hashlib
import json
import subprocess
import sys
import types
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gridarium.environment.errors import InfeasibleError, NetworkError
from gridarium.experiments import cli, load_scenario
from gridarium.experiments.benchmarks.catalogue import BENCHMARKS, Benchmark
from gridarium.experiments.claims.paper import Paper
from gridarium.experiments.commands.console import messages, output, summary_tables
from gridarium.experiments.names import registry
from gridarium.experiments.names.formatting import label, number, side_by_side
from gridarium.experiments.results.folder import write_run
from gridarium.experiments.results.played import Played
from gridarium.experiments.scenario import Study

Make = Callable[..., dict[str, Any]]

HEAVY = (
    "pandapower",
    "power_grid_model",
    "highspy",
    "piqp",
    "pyomo",
    "matplotlib",
    "scipy",
    "pyarrow.parquet",
    "mesa",
)


@pytest.fixture
def gridarium(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Any]:
    """Return a function that runs the command line in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> Any:
        # Consoles keep the streams they first met; every call has its own.
        output.cache_clear()
        messages.cache_clear()
        return CliRunner().invoke(cli.app, list(arguments))

    return call


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch, make: Make) -> dict[str, Any]:
    """Put a runner in place that writes made-up results; return what it was called with."""
    called: dict[str, Any] = {}

    def play(
        study: Study,
        *,
        cases: Sequence[str] | None,
        out: Path,
        workers: int | None,
        progress: Callable[..., None],
    ) -> Played:
        called.update(study=study, cases=cases, out=out, workers=workers)
        progress(0.5, "half")
        failures = called.get("failures", {})
        finished = tuple(name for name in cases or study.cases if name not in failures)
        if not finished:
            return Played(None, failures, ())
        made = make(finished)
        if failures:
            made["manifest"]["failed"] = {name: str(error) for name, error in failures.items()}
        for metrics in made["summary"].values():
            metrics.update(called.get("summary", {}))
        for change in called.get("certificates", ()):
            made["certificates"].append(replace(made["certificates"][0], **change))
        return Played(write_run(out, **made), failures, called.get("interrupted", ()))

    module = types.ModuleType("gridarium.experiments.running.runner")
    module.play = module.run = play  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "gridarium.experiments.running.runner", module)
    return called


@pytest.mark.parametrize("arguments", [["--help"], ["list"], ["run", "--help"], ["validate", "adcef"]])
def test_light_commands_load_no_solver_and_no_network_library(arguments: list[str]) -> None:
    code = (
        "import sys\nfrom gridarium.experiments.cli import app\n"
        f"app({arguments!r}, standalone_mode=False)\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_module_runs_as_a_program() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gridarium.experiments.cli", "validate", "no-such-file"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == cli.BAD_INPUT
    assert done.stdout == ""
    assert done.stderr.startswith("gridarium: ")
    assert "Traceback" not in done.stderr


def test_the_package_loads_what_is_asked_for(runner: dict[str, Any]) -> None:
    import gridarium.experiments as experiments

    assert experiments.load_scenario("adcef").name == "adcef"
    assert callable(experiments.run)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = experiments.nothing


def test_list(gridarium: Callable[..., Any]) -> None:
    result = gridarium("list")
    assert result.exit_code == 0
    for name in ("adcef-beta", "storages", "exact", "static-carbon"):
        assert name in result.stdout
    assert "static-carbon" not in gridarium("list", "scenarios").stdout
    assert {"mutations", "world-variants"} <= {*gridarium("list", "benchmarks").stdout.split()}
    assert gridarium("list", "things").exit_code == cli.BAD_INPUT


def test_registered_names_can_be_imported() -> None:
    for kind in registry.KINDS:
        for name in registry.entries(kind):
            found = registry.load(kind, name)
            assert isinstance(found, Paper) if kind == "papers" else callable(found)
    assert registry.load("functions", "json:loads") is json.loads
    with pytest.raises(registry.ScenarioError, match="must be one of exact"):
        registry.load("behaviours", "nowhere:Nothing")


def test_validate(gridarium: Callable[..., Any], tmp_path: Path) -> None:
    result = gridarium("validate", "adcef")
    assert (result.exit_code, result.stderr) == (0, "")
    n_case = len(load_scenario("adcef").cases)
    assert f"valid, {n_case} cases" in result.stdout
    (tmp_path / "bad.yaml").write_text("extends: adcef\nseed: -1\ntariff: {kind: x}\ncases: {a: {}}\n")
    result = gridarium("validate", "bad.yaml")
    assert (result.exit_code, result.stdout) == (cli.BAD_INPUT, "")
    assert "bad.yaml: 2 faults" in result.stderr
    assert "seed: got -1" in result.stderr
    result = gridarium("validate", "bad.yaml", "--debug")
    assert result.exit_code == cli.BAD_INPUT
    assert "Traceback" in result.stderr


def test_run_without_arguments_runs_the_main_cases_of_the_main_job(
    gridarium: Callable[..., Any], runner: dict[str, Any]
) -> None:
    result = gridarium("run")
    assert result.exit_code == cli.DONE, result.stderr
    assert runner["study"].name == "one-world"
    assert runner["cases"] == ("all-on", "all-off")
    assert runner["workers"] is None
    assert runner["out"].parent == Path("runs")
    assert runner["out"].name.startswith("one-world-")
    assert "certificates: 2 of 2 passed" in result.stdout
    n_case = len(runner["study"].cases)
    assert f"these are 2 of its {n_case} cases; all of them: gridarium compare one-world\n" in result.stdout
    assert f"report: {runner['out'] / 'report.html'}" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80
    for case in ("all-on", "all-off"):
        assert case in result.stdout


def test_run_runs_every_case_of_a_scenario_without_main_cases(
    gridarium: Callable[..., Any], runner: dict[str, Any]
) -> None:
    result = gridarium("run", "adcef", "--workers", "3")
    assert result.exit_code == cli.DONE, result.stderr
    assert runner["cases"] == tuple(runner["study"].cases)
    assert runner["workers"] == 3
    assert "these are" not in result.stdout


def test_run_takes_cases_seed_and_overrides(gridarium: Callable[..., Any], runner: dict[str, Any]) -> None:
    settings = ["--case", "tou", "--case", "adcef", "--seed", "7", "--set", "prices.quota_tco2_per_mwh=0.4"]
    result = gridarium("run", "adcef", *settings, "--out", "here")
    assert result.exit_code == cli.DONE, result.stderr
    assert (runner["cases"], runner["out"]) == (["tou", "adcef"], Path("here"))
    for case in runner["study"].cases.values():
        assert (case.seed, case.prices.quota_tco2_per_mwh) == (7, 0.4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "nowhere"], "must be one of adcef"),
        (["run", "--case", "x"], "must be one of all-on, all-off"),
        (["run", "--set", "seed=x"], "whole number"),
        (["run", "--seed", "-1"], "whole number"),
        (["run", "--out", "full"], "must be a new or an empty folder"),
        (["report", "full"], "must be a folder that gridarium run left"),
        (["bench", "nothing"], "must be one of active-network, admm, agent-solve"),
        (["bench", "bus", "--json", "no/such/folder.json"], "existing folder"),
        (["bench", "bus", "--set", "count=3"], "bus has no settings"),
        (["bench", "robustness", "--set", "number=3"], "must be one of count, first, most_buses, workers"),
        (["bench", "robustness", "--set", "count=few"], "count=NUMBER, a whole number from 1"),
    ],
)
def test_bad_input(
    gridarium: Callable[..., Any], runner: dict[str, Any], tmp_path: Path, arguments: list[str], message: str
) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    result = gridarium(*arguments)
    assert result.exit_code == cli.BAD_INPUT
    assert message in result.stderr
    assert result.stdout == ""
    assert runner == {}


def test_a_run_that_fails(gridarium: Callable[..., Any], runner: dict[str, Any]) -> None:
    said = "agent dso, period 3: voltage limits cannot be kept"
    runner["failures"] = dict.fromkeys(("all-on", "all-off"), InfeasibleError(said))
    result = gridarium("run")
    assert result.exit_code == cli.FAILED
    assert result.stderr == f"gridarium: case all-on, all-off: {said}\ngridarium: nothing had finished\n"
    assert "InfeasibleError" in gridarium("run", "--debug").stderr


@pytest.mark.parametrize(
    ("error", "status"),
    [(InfeasibleError("no way"), cli.FAILED), (NetworkError("net", []), cli.BAD_INPUT), (MemoryError(), 1)],
)
def test_a_case_that_fails_is_named_and_the_finished_ones_are_shown(
    gridarium: Callable[..., Any], runner: dict[str, Any], error: Exception, status: int
) -> None:
    runner["failures"] = {"all-off": error}
    result = gridarium("run", "--out", "kept")
    assert result.exit_code == status
    assert result.stdout.startswith("FAILED: case all-off: ")
    assert "emission (tCO2)" in result.stdout
    lines = result.stderr.splitlines()
    assert lines[0] == f"gridarium: case all-off: {str(error) or 'MemoryError: out of memory'}"
    assert lines[-1] == "gridarium: what had finished is in kept"


def test_an_error_that_nobody_thought_of_is_one_line(
    gridarium: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, runner: dict[str, Any]
) -> None:
    def stumble(*_: object) -> None:
        raise KeyError("prosumer_1")

    monkeypatch.setattr("gridarium.experiments.commands.console.print_narrative", stumble)
    result = gridarium("run", "--out", "kept")
    assert result.exit_code == cli.FAILED
    (line,) = result.stderr.splitlines()
    assert line.startswith("gridarium: KeyError: 'prosumer_1' (test_cli.py, line ")
    monkeypatch.setattr("gridarium.experiments.commands.console.print_narrative", _interrupt)
    assert gridarium("run", "--out", "again").stderr == "gridarium: interrupted\n"


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def test_failed_certificates_are_listed(gridarium: Callable[..., Any], runner: dict[str, Any]) -> None:
    runner["certificates"] = [{"name": "cone gap", "value": 2.0, "passed": False, "hard": False}]
    result = gridarium("run", "adcef", "--case", "tou", "--out", "soft")
    assert result.exit_code == cli.DONE
    assert "certificates: 1 of 2 passed" in result.stdout
    assert "warning: tou, cone gap: 2 MW, tolerance 1.00e-06 MW:" in " ".join(result.stdout.split())
    runner["certificates"] = [{"name": "cone gap", "value": 2.0, "passed": False}]
    result = gridarium("run", "adcef", "--case", "tou", "--out", "hard")
    assert result.exit_code == cli.FAILED
    assert "FAILED: tou, cone gap" in result.stdout


def test_a_handful_of_soft_certificates_is_told_of_each_case_and_all_hard_ones(
    gridarium: Callable[..., Any], runner: dict[str, Any]
) -> None:
    soft = [{"name": f"soft {n}", "value": float(n), "passed": False, "hard": False} for n in range(1, 7)]
    hard = [{"name": f"hard {n}", "value": 2.0, "passed": False} for n in range(6)]
    runner["certificates"] = [*soft, *hard]
    result = gridarium("run", "adcef", "--case", "tou", "--case", "adcef", "--out", "many")
    shown = " ".join(result.stdout.split())
    assert "certificates: 2 of 14 passed; of the hard ones 2 of 8" in shown
    assert all(f"FAILED: tou, hard {n}" in shown for n in range(6))
    # The worst of them.
    assert [f"tou, soft {n}:" in shown for n in range(1, 7)] == [False] * 3 + [True] * 3
    assert "tou: 3 more soft ones are in the report" in shown
    # What they mean is the same and is said once.
    assert shown.rpartition("certificates: 2 of")[2].count("Supply equals <demand>.") == 1


def test_metrics_of_single_grids_are_left_to_the_report_where_they_are_many(
    gridarium: Callable[..., Any], runner: dict[str, Any]
) -> None:
    runner["summary"] = {"world_emission_tco2": 3.0} | {f"r1.measure_{n}_mwh": 1.0 for n in range(100)}
    few = gridarium("run", "adcef", "--case", "tou", "--out", "few").stdout
    assert "measure 99 (MWh)" in few and "world emission" in few
    runner["summary"] |= {f"r1.measure_{n}_mwh": 1.0 for n in range(100, 200)}
    many = gridarium("run", "adcef", "--case", "tou", "--out", "many").stdout
    assert "world emission" in many and "measure" not in many
    assert "200 metrics of single grids: see the report and summary.json" in many


def test_compare_prints_the_claims(gridarium: Callable[..., Any], runner: dict[str, Any]) -> None:
    result = gridarium("compare", "adcef")
    assert result.exit_code == cli.DONE
    assert "Emission falls" in result.stdout
    assert result.stdout.index("emission (tCO2)") < result.stdout.index("reproduced")
    assert runner["cases"] is None


def test_compare_runs_more_than_the_main_cases(gridarium: Callable[..., Any], runner: dict[str, Any]) -> None:
    result = gridarium("compare", "one-world-small", "--workers", "1")
    assert result.exit_code == cli.DONE, result.stderr
    assert (runner["cases"], runner["workers"]) == (None, 1)
    assert "these are" not in result.stdout


def test_report(gridarium: Callable[..., Any], make: Make, tmp_path: Path) -> None:
    write_run(tmp_path / "run", **make(("tou",)))
    result = gridarium("report", "run")
    digest = hashlib.sha256((tmp_path / "run" / "manifest.json").read_bytes()).hexdigest()
    told = f"report: {Path('run') / 'report.html'}\nmanifest: {digest}\n"
    assert (result.exit_code, result.stdout) == (cli.DONE, told)
    assert (tmp_path / "run" / "report.html").is_file()


def test_bench(gridarium: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    module = types.ModuleType("made_up_benchmark")
    module.measure = lambda count: {"ratio": 0.5 * count}  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(BENCHMARKS, "bus", Benchmark(module.__name__, "measure", "", ("count",)))
    result = gridarium("bench", "bus", "--set", "count=5", "--json", "bench.json")
    assert result.exit_code == cli.DONE, result.stderr
    assert "ratio" in result.stdout
    assert json.loads((tmp_path / "bench.json").read_text()) == {"bus": {"ratio": 2.5}}


def test_bench_without_a_name_resumes_what_can_resume(
    gridarium: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    module = types.ModuleType("made_up_benchmark")
    module.measure = lambda resume: {"ratio": float(len(resume.name))}  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    made_up = Benchmark(module.__name__, "measure", "", resumes=True)
    for name in [name for name, one in BENCHMARKS.items() if one.resumes]:
        monkeypatch.delitem(BENCHMARKS, name)
    monkeypatch.setitem(BENCHMARKS, "world-variants", made_up)
    result = gridarium("bench", "--resume", "kept.jsonl", "--json", "bench.json")
    assert result.exit_code == cli.DONE, result.stderr
    assert json.loads((tmp_path / "bench.json").read_text()) == {"world-variants": {"ratio": 10.0}}
    refused = gridarium("bench", "bus", "--resume", "kept.jsonl")
    assert refused.exit_code == cli.BAD_INPUT
    assert "bus does not resume; world-variants can" in refused.stderr


def test_sweep_takes_overrides(gridarium: Callable[..., Any], tmp_path: Path) -> None:
    result = gridarium("validate", "smoke", "--set", "prices.nothing=3")
    assert result.exit_code == cli.BAD_INPUT
    assert "prices.nothing: got 3; " in result.stderr
    result = gridarium("sweep", "smoke", "--set", "seed=x")
    assert result.exit_code == cli.BAD_INPUT
    assert "seed: got 'x'; must be a whole number" in result.stderr
    assert not (tmp_path / "runs").exists()


def test_numbers_and_names_for_readers() -> None:
    values = (42500.0, 19.0901, 0.95123, 1.3e-7, 12.0, float("nan"), None, 0.0, -3.5, True, "x", 12345678.0)
    shown = [number(value) for value in values]
    expected = [
        "42,500",
        "19.090",
        "0.9512",
        "1.30e-07",
        "12",
        "-",
        "-",
        "0",
        "-3.5000",
        "True",
        "x",
        "1.23e+07",
    ]
    assert shown == expected
    assert label("dso_net_revenue_money", "CNY") == "DSO net revenue (CNY)"
    assert label("carbon_price_per_tco2", "CNY") == "carbon price (CNY/tCO2)"
    assert label("renewable_used_share") == "renewable used share"


def test_grids_of_a_world_stand_side_by_side() -> None:
    summary = {
        "base": {"bulk.fuel_money": 1.0, "bulk.loss_mwh": 2.0, "r1.loss_mwh": 3.0, "messages": 4.0},
        "few": {"bulk.fuel_money": 5.0, "bulk.loss_mwh": 6.0, "messages": 7.0},
    }
    grids, world = side_by_side(summary)
    assert grids == {
        "bulk-base": {"fuel_money": 1.0, "loss_mwh": 2.0},
        "bulk-few": {"fuel_money": 5.0, "loss_mwh": 6.0},
        "r1-base": {"loss_mwh": 3.0},
        "r1-few": {},
    }
    assert world == {"base": {"messages": 4.0}, "few": {"messages": 7.0}}
    assert side_by_side(world) == [world]
    assert side_by_side({}) == []
    # A metric that no column of a table has does not fill a row of it.
    many = {"base": {f"r{n}.loss_mwh": 1.0 for n in range(12)} | {"a.fuel_money": 2.0}}
    sizes = [(len(table.columns) - 1, table.row_count) for table in summary_tables(many)]
    assert sum(columns for columns, _ in sizes) == 13
    assert [rows for _, rows in sizes].count(2) == 1
    assert max(rows for _, rows in sizes) == 2
