"""Code of users that scenarios and studies name: imported before anything runs, each fault at its field."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gridarium.environment.errors import ScenarioError
from gridarium.experiments import cli, load_scenario, run
from gridarium.experiments.commands.console import messages, output
from gridarium.experiments.commands.options import BAD_INPUT, DONE

Command = Callable[..., Any]
AGENT, BEHAVIOUR = "consumers.residential.agent", "consumers.residential.behaviour"

MODULES = {
    "code19_fine": """
        from gridarium.agents.behaviour import Behaviour
        from gridarium.agents.feeder.consumer import Consumer

        class Thing:
            pass

        class Mine(Behaviour):
            def __init__(self, strength):
                self.strength = strength

        class Own(Consumer):
            pass

        def function(parameters, seed):
            return {"a": {"x": 1.0}}

        number = 7
    """,
    "code19_syntax": "class Thing(:\n    pass\n",
    "code19_raising": "weather = {}\nrain = weather['rain']\n",
    "code19_leaving": "import sys\nsys.exit(5)\n",
    "code19_lacking": "\nimport code19_nowhere\n",
}


@pytest.fixture
def gridarium(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Command]:
    """Return a function that runs the command line in a folder with modules."""
    for name, text in MODULES.items():
        lines = text.replace("\n        ", "\n")
        (tmp_path / f"{name}.py").write_text(lines)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)

    def call(*arguments: str) -> Any:
        output.cache_clear()
        messages.cache_clear()
        done = CliRunner().invoke(cli.app, list(arguments), catch_exceptions=False)
        # Consoles break lines where they are narrow.
        return done.exit_code, " ".join(done.output.split())

    yield call
    for name in MODULES:
        sys.modules.pop(name, None)


def settings(*overrides: str) -> list[str]:
    return [part for each in overrides for part in ("--set", each)]


@pytest.mark.parametrize(
    ("override", "told"),
    [
        (
            f"{BEHAVIOUR}=['code19_fine:Thing']",
            f"{BEHAVIOUR}.0: got 'code19_fine:Thing'; must be a subclass of Behaviour of "
            "gridarium.agents.behaviour, is the class Thing",
        ),
        (f"{BEHAVIOUR}=['code19_fine:number']", "must be a subclass of Behaviour of gridarium.agents"),
        (f"{BEHAVIOUR}=['code19_fine:Mine']", "must be parameters that code19_fine:Mine takes: missing a"),
        (
            f"{BEHAVIOUR}=[{{'code19_fine:Mine': {{strength: 1, weight: 2}}}}]",
            "must be parameters that code19_fine:Mine takes: got an unexpected keyword argument 'weight'",
        ),
        (f"{BEHAVIOUR}=['code19_fine:Nothing']", "a name in module code19_fine, which has no Nothing"),
        (
            f"{BEHAVIOUR}=['code19_syntax:Thing']",
            f"{BEHAVIOUR}.0: got 'code19_syntax:Thing'; must be importable; module code19_syntax raised "
            "SyntaxError: invalid syntax (code19_syntax.py, line 1)",
        ),
        (
            f"{AGENT}=code19_raising:Thing",
            f"{AGENT}: got 'code19_raising:Thing'; must be importable; module code19_raising raised "
            "KeyError: 'rain' (code19_raising.py, line 2)",
        ),
        (f"{AGENT}=code19_leaving:Thing", "code19_leaving raised SystemExit: 5 (code19_leaving.py, line 2)"),
        (
            f"{AGENT}=code19_lacking:Thing",
            "module code19_lacking raised ModuleNotFoundError: No module named 'code19_nowhere' "
            "(code19_lacking.py, line 2)",
        ),
        (
            f"{AGENT}=code19_fine:Mine",
            "must be a subclass of GridAgent of gridarium.agents.base, is the class Mine",
        ),
        (f"{AGENT}=os:getcwd", "must be a subclass of GridAgent of gridarium.agents.base, is a builtin"),
        (
            "tariff.kind=code19_fine:Thing",
            "tariff.kind: got 'code19_fine:Thing'; must be a class with offer, as Tariff of gridarium.market",
        ),
    ],
)  # fmt: skip
def test_what_a_dotted_path_leads_to_is_a_fault_at_its_field(
    gridarium: Command, tmp_path: Path, override: str, told: str
) -> None:
    status, said = gridarium("validate", "adcef-small", "--code", *settings(override))
    assert status == BAD_INPUT and told in said
    # The run says the same, and nothing is computed or written.
    status, said = gridarium("run", "adcef-small", "--workers", "1", *settings(override))
    assert status == BAD_INPUT and told in said
    assert not (tmp_path / "runs").exists()


def test_a_plain_validate_imports_nothing_and_says_so(gridarium: Command) -> None:
    for path in ("code19_syntax:Thing", "code19_fine:Own"):
        status, said = gridarium("validate", "adcef-small", *settings(f"{AGENT}={path}"))
        assert status == DONE and said.endswith(f"code not imported: {path}; check it with --code")
        assert path.partition(":")[0] not in sys.modules
    status, said = gridarium("validate", "adcef-small", "--code", *settings(f"{AGENT}=code19_fine:Own"))
    assert status == DONE and said.endswith("code imported and checked: code19_fine:Own")
    status, said = gridarium("validate", "adcef-small", "--code")
    assert status == DONE and said.endswith("code imported and checked: none but gridarium's own is named")
    assert gridarium("validate", "adcef-small")[1].endswith("tou-commanded")


def test_faults_of_code_stand_beside_all_others_and_at_the_case_they_are_in(
    gridarium: Command, tmp_path: Path
) -> None:
    (tmp_path / "mine.yaml").write_text(
        "extends: adcef-small\n"
        "seed: -1\n"
        "cases:\n"
        "  one: {}\n"
        "  two: {consumers: {residential: {behaviour: ['code19_raising:Thing']}}}\n"
    )
    status, said = gridarium("validate", "mine.yaml", "--code")
    assert status == BAD_INPUT and "2 faults" in said and "seed: got -1" in said
    assert "cases.two.consumers.residential.behaviour.0: got 'code19_raising:Thing'" in said
    # Who runs the other case needs none of that code.
    assert "seed" in gridarium("run", "mine.yaml", "--case", "one")[1]
    assert "code19_raising" not in gridarium("run", "mine.yaml", "--case", "one")[1]


def test_a_run_from_python_checks_the_code_of_the_cases_that_it_runs(gridarium: Command) -> None:
    study = load_scenario("adcef-small", ["cases.adcef.tariff.kind=code19_raising:Rule"])
    with pytest.raises(ScenarioError, match=r"tariff.kind: got 'code19_raising:Rule'; must be importable"):
        run(study, cases=["adcef"])
    with pytest.raises(ScenarioError, match=r"cases.adcef.tariff.kind: got"):
        run(study, cases=["adcef", "tou"])


STUDY = """
study: mine
base: adcef-small
cases: [tou]
factors:
  who:
    paths: [consumers.residential.agent]
    values: [consumer, "code19_fine:Thing"]
"""


def test_a_study_checks_the_code_of_all_its_values_before_its_first_run(
    gridarium: Command, tmp_path: Path
) -> None:
    (tmp_path / "mine.yaml").write_text(STUDY)
    status, said = gridarium("validate", "mine.yaml")
    assert status == DONE and said.endswith("code not imported: code19_fine:Thing; check it with --code")
    for command in (("validate", "mine.yaml", "--code"), ("sweep", "mine.yaml", "--workers", "1")):
        status, said = gridarium(*command)
        assert status == BAD_INPUT
        assert f"{AGENT}: got 'code19_fine:Thing'; must be a subclass of GridAgent" in said
        assert "(design point 1, case tou)" in said
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("function", "told"),
    [
        ("code19_raising:f", "function: got 'code19_raising:f'; must be importable; module code19_raising"),
        ("code19_fine:number", "function: got 'code19_fine:number'; must be a function"),
        ("code19_fine:function", "code imported and checked: code19_fine:function"),
    ],
)  # fmt: skip
def test_the_function_of_a_study_is_imported(
    gridarium: Command, tmp_path: Path, function: str, told: str
) -> None:
    (tmp_path / "toy.yaml").write_text(f"study: toy\nfunction: '{function}'\n")
    status, said = gridarium("validate", "toy.yaml", "--code")
    assert told in said and status == (DONE if "checked" in told else BAD_INPUT)
    assert f"not imported: {function}" in gridarium("validate", "toy.yaml")[1]
