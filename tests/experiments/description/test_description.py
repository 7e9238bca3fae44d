"""The ODD protocol of a scenario names everybody who lives in it, and is read off it alone."""

import ast
from collections.abc import Mapping
from pathlib import Path

import pytest
from typer.testing import CliRunner

import gridarium.experiments.description as package
from gridarium.agents.base import GridAgent
from gridarium.environment.errors import ScenarioError
from gridarium.experiments import cli
from gridarium.experiments.description.document import describe
from gridarium.experiments.description.entities import kinds_of
from gridarium.experiments.description.reach import reach_of
from gridarium.experiments.names.message_types import message_types
from gridarium.experiments.names.registry import KINDS, entries
from gridarium.experiments.reading.scenario_files import shipped_names
from gridarium.experiments.results.case_differences import differences, listed
from gridarium.experiments.running.world_build import build
from gridarium.experiments.scenario import load_scenario

SECTIONS = (
    "1. Purpose and patterns",
    "2. Entities, state variables and scales",
    "3. Process overview and scheduling",
    "4. Design concepts",
    "5. Initialisation",
    "6. Input data",
    "7. Submodels",
)
SMALL = ("adcef-small", "ties-feeders-small", "green-vpp-small")


@pytest.fixture(scope="module")
def described() -> Mapping[str, str]:
    return {name: describe(load_scenario(name)) for name in SMALL}


def _agents(name: str, case: str | None = None) -> list[GridAgent]:
    cases = load_scenario(name).cases
    world = build(cases[case or next(iter(cases))]).world
    return [agent for agent in world.agents if isinstance(agent, GridAgent)]


@pytest.mark.parametrize("name", SMALL)
def test_every_agent_of_every_case_is_named(name: str, described: Mapping[str, str]) -> None:
    text = described[name]
    for case in load_scenario(name).cases:
        for agent in _agents(name, case):
            own = type(agent)
            assert f"#### {agent.kind}: {own.__name__}\n" in text
            assert f"`{own.__module__}:{own.__name__}`" in text
            assert f"`{agent.grid.local(agent.name)}`" in text
            for message in agent.hears:
                assert f"`{message.__name__}`" in text


@pytest.mark.parametrize("name", SMALL)
def test_sections_come_in_the_order_of_the_protocol(name: str, described: Mapping[str, str]) -> None:
    titles = [line[3:] for line in described[name].splitlines() if line.startswith("## ")]
    assert titles == list(SECTIONS)


def test_cases_tell_in_what_they_differ(described: Mapping[str, str]) -> None:
    text = described["adcef-small"]
    assert describe(load_scenario("adcef-small")) == text
    assert "- `tou-commanded` (S1 with storage commanded): dso.storage self-scheduled → commanded\n" in text


def test_values_come_with_units_and_members_side_by_side(described: Mapping[str, str]) -> None:
    text = described["ties-feeders-small"]
    bulk, feeder = text.index("### Grid bulk (money in USD)"), text.index("### Grid r1 (money in CNY)")
    assert 0 < bulk < feeder
    assert "| `p_max_mw` | 0.5000 / 0.4000 / 0.8000 | MW |" in text
    assert "| r1 | bus 3 of bulk | 20 | 5 (five-bus) | `dso` |" in text


def test_problems_are_those_that_somebody_poses(described: Mapping[str, str]) -> None:
    assert "#### consumer_problem" in described["adcef-small"]
    assert "-most_down <= shift <= most_up (C14, C16)" in described["adcef-small"]
    assert "#### region_problem" in described["ties-feeders-small"]
    assert "#### network_dispatch" in described["ties-feeders-small"]
    assert "#### green_dispatch_problem" in described["green-vpp-small"]
    assert "consumer_problem" not in described["green-vpp-small"]
    assert "region_problem" not in described["adcef-small"]


def test_messages_that_are_sent_are_found_in_what_agents_are_made_of() -> None:
    operator = next(agent for agent in _agents("adcef-small") if agent.kind == "dso")
    sent = reach_of(operator).messages
    assert {"ForecastRequest", "TariffSignal", "UnitSchedule"} <= set(sent) <= set(message_types())


def test_bounded_agents_are_counted_and_learning_is_told(described: Mapping[str, str]) -> None:
    named = "{inattention: {price_threshold_per_mwh: 20}}, {roth-erev: {plans: 2}}"
    bounded = f"consumers.residential.behaviour=[{named}]"
    text = describe(load_scenario("adcef-small", [bounded]))
    assert "1 of 3 consumer: `Inattention`" in text
    learning = text[text.index("### Learning") : text.index("### Prediction")]
    assert "RothErev" in learning
    exact = described["adcef-small"]
    assert "RothErev" not in exact
    assert "Nothing says of itself that it learns." in exact


def test_a_class_from_elsewhere_describes_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere.py").write_text(
        '"""Agents of a study."""\n'
        "from gridarium.agents.feeder.consumer import Consumer\n\n\n"
        'class Baker(Consumer):\n    """Bakes at night, whatever power costs."""\n'
    )
    monkeypatch.syspath_prepend(tmp_path)
    text = describe(load_scenario("adcef-small", ["consumers.residential.agent=elsewhere:Baker"]))
    assert "#### consumer: Baker\n\nBakes at night, whatever power costs." in text
    assert "`elsewhere:Baker`" in text


def test_nothing_is_known_of_any_scenario_beforehand() -> None:
    agents = [agent for name in SMALL for agent in _agents(name)]
    known = {kind.kind for kind in kinds_of(agents)} | {agent.name.rpartition("/")[2] for agent in agents}
    named = {entry for kind in KINDS for entry in entries(kind)}
    written = {
        node.value
        for path in Path(package.__path__[0]).glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    # Words that the code needs for itself: "pool" to find what is about several agents.
    assert written & (known | named | set(shipped_names())) <= {"pool"}


def test_a_case_that_is_not_there_is_refused() -> None:
    with pytest.raises(ScenarioError, match="must be one of tou, static-carbon"):
        describe(load_scenario("adcef-small"), "none")


def test_the_command_writes_a_file_or_prints(tmp_path: Path) -> None:
    run = CliRunner().invoke
    file = tmp_path / "odd.md"
    written = run(cli.app, ["describe", "green-vpp-small", "--out", str(file)])
    assert (written.exit_code, written.stdout) == (cli.DONE, "")
    printed = run(cli.app, ["describe", "green-vpp-small"])
    assert printed.exit_code == cli.DONE
    assert all(title in printed.stdout for title in SECTIONS)
    assert max(map(len, printed.stdout.splitlines())) <= 80
    assert file.read_text(encoding="utf-8").startswith("# ")
    refused = run(cli.app, ["describe", "green-vpp-small", "--out", str(tmp_path)])
    assert refused.exit_code == cli.BAD_INPUT
    assert "must be a file in an existing folder" in refused.stderr


def test_differences_of_cases_are_fields() -> None:
    first = {"title": "a", "dso": {"storage": "pooled", "plan": {"drawn": 5}}, "lines": {"x": 1}, "seed": 1}
    other = {"title": "b", "dso": {"storage": "pooled", "plan": {"drawn": 7}}, "lines": None, "seed": 1}
    found = differences(first, other)
    assert [(one.place, one.before, one.after) for one in found] == [
        ("dso.plan.drawn", 5, 7),
        ("lines", {"x": 1}, None),
    ]
    assert listed(found) == "dso.plan.drawn 5 → 7; lines given → none"
    assert listed(found, most=1) == "dso.plan.drawn 5 → 7; 1 more"
    assert differences(first, first) == []
