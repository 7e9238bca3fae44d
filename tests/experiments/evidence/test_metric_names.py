"""Names of metrics known before a run: those in the code, all that scenarios have measured, no others."""

from __future__ import annotations

import ast
import contextlib
import inspect
import json
import re
from pathlib import Path

import pytest
import yaml

from gridarium.environment.errors import ScenarioError
from gridarium.experiments.claims.asked import _Rehearsal, claim_faults
from gridarium.experiments.claims.kinds import Evidence, Finding, directional
from gridarium.experiments.claims.paper import Paper
from gridarium.experiments.claims.verdicts import papers
from gridarium.experiments.evidence import metrics
from gridarium.experiments.evidence.metric_names import (
    DECLARED,
    OF_BUS,
    OF_WORLD,
    hint,
    is_metric,
    names_in,
    possible_metrics,
)
from gridarium.experiments.evidence.world.world_metrics import WORLD_METRICS
from gridarium.experiments.names import registry
from gridarium.experiments.running.runner import play
from gridarium.experiments.scenario import load_scenario
from gridarium.experiments.sweeps.study import load_study

GOLDEN = Path(__file__).parents[2] / "golden"


def _forms(function: object) -> set[str]:
    """Names that a function and what it calls in its file yield, `*` for what is put in when it runs."""
    tree = ast.parse(inspect.getsource(inspect.getmodule(function)))  # type: ignore[arg-type]
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    found, waiting, seen = set[str](), [function.__name__], set[str]()  # type: ignore[attr-defined]
    while waiting:
        name = waiting.pop()
        seen.add(name)
        for node in ast.walk(functions[name]):
            called = node.func if isinstance(node, ast.Call) else None
            if isinstance(called, ast.Name) and called.id in functions and called.id not in seen:
                waiting.append(called.id)
            if isinstance(node, ast.Yield) and isinstance(node.value, ast.Tuple):
                found |= {_form(node.value.elts[0])}
    return found


def _form(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "*" for part in node.values)
    return "*"


@pytest.mark.parametrize("function", metrics.METRICS, ids=lambda one: one.__name__)
def test_each_metric_in_the_code_is_declared(function: object) -> None:
    declared = DECLARED[function.__name__].names.split()  # type: ignore[attr-defined]
    for form in _forms(function):
        pattern = re.escape(form).replace(r"\*", ".+")
        assert any(re.fullmatch(pattern, name) for name in declared), form


def test_nothing_is_declared_that_no_function_measures() -> None:
    assert list(DECLARED) == [one.__name__ for one in metrics.METRICS]
    assert OF_WORLD.names.split() == list(WORLD_METRICS)


@pytest.mark.parametrize(
    "path", sorted({*GOLDEN.glob("*.json")} - {GOLDEN / "renamed.json"}), ids=lambda path: path.stem
)
def test_whatever_a_scenario_has_measured_it_could_have(path: Path) -> None:
    golden = json.loads(path.read_bytes())
    cases = load_scenario(golden["scenario"], golden["settings"]).cases
    for name, found in golden["cases"].items():
        tree = cases[name].model_dump(mode="json")
        possible, named = possible_metrics(tree), set(names_in(tree))
        assert [each for each in found["summary"] if not is_metric(each, possible, named)] == []


def test_metrics_go_by_the_parts_and_names_of_a_scenario() -> None:
    tree = load_scenario("net-zero").cases["shared-storage"].model_dump(mode="json")
    possible, named = possible_metrics(tree), set(names_in(tree))
    for name in ("total_cost_money", "prosumer_1_profit_money", *OF_BUS.names.split()):
        assert is_metric(name, possible, named)
    for name in (
        "sales_money",
        "prosumer_9_profit_money",
        "world_emission_tco2",
        "bulk.rounds",
        "emision_tco2",
    ):
        assert not is_metric(name, possible, named)
    assert hint("emision_tco2", possible) == "; did you mean emission_tco2?"
    assert hint("ties_net_money", possible) == "; only a grid with ties has it"
    world = load_scenario("two-levels").cases
    of_grids = possible_metrics(next(iter(world.values())).model_dump(mode="json"))
    assert re.fullmatch(r"; did you mean \w+\.loss_mwh.*\?", hint("loss_mwh", of_grids))


def test_claims_ask_for_metrics_that_scenarios_can_have() -> None:
    study = load_scenario("adcef-small")
    shipped = list(registry.entries("papers"))
    assert list(claim_faults(study, zip(shipped, papers(shipped), strict=True))) == []
    asked = _Rehearsal(study, {}, {}, [])
    for paper in papers(shipped):
        for claim in paper.claims:
            with contextlib.suppress(Exception):
                claim(asked)
    assert len(asked.asked) > 40


def test_a_claim_on_a_metric_that_does_not_exist_is_refused_before_a_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def falls(evidence: Evidence) -> Finding:
        change = evidence.change("emision_tco2", "adcef", "tou")
        return Finding(f"{change}", change < 0.0, "")

    paper = Paper("Mine", (directional("M1", "1", "It falls", "< 0", falls),))
    monkeypatch.setattr("gridarium.experiments.running.runner.papers", lambda names: [paper for _ in names])
    with pytest.raises(
        ScenarioError, match=r"papers\.adcef: got 'emision_tco2'; .* did you mean emission_tco2"
    ):
        play(load_scenario("adcef-small"))


def test_a_study_with_metrics_that_do_not_exist_is_refused_before_the_first_run(tmp_path: Path) -> None:
    study = {
        "study": "a misspelt metric",
        "base": "adcef-small",
        "cases": ["tou"],
        "factors": {"x": {"paths": ["prices.carbon_price_per_tco2"], "values": [50, 75]}},
        "design": {"kind": "one-at-a-time"},
        "metrics": ["emission_tco2", "emision_tco2"],
        "expected": [{"factor": "x", "metric": "emision_tco2", "sign": "falls", "reason": "It costs."}],
    }
    path = tmp_path / "study.yaml"
    path.write_text(yaml.safe_dump(study), encoding="utf-8")
    with pytest.raises(ScenarioError) as caught:
        load_study(path)
    told = "is no metric of the cases of this study; did you mean emission_tco2?"
    assert {fault.place: fault.allowed for fault in caught.value.faults} == {
        "metrics.1": told,
        "expected.0.metric": told,
    }
    path.write_text(
        yaml.safe_dump(
            {"study": "s", "base": "adcef-small", "replications": 40}
            | {"stop": {"metric": "p2p_mwh", "case": "tou", "width": 0.1}}
        )
    )
    with pytest.raises(
        ScenarioError, match=r"stop\.metric: got 'p2p_mwh'; is no metric of this case; only a"
    ):
        load_study(path)


def test_a_factor_may_bring_the_part_that_a_metric_needs(tmp_path: Path) -> None:
    study = {"study": "s", "base": "net-zero", "cases": ["shared-storage"], "metrics": ["p2p_mwh"]}
    study["factors"] = {
        "pool": {"levels": {"with": {}, "without": dict.fromkeys(("prosumers", "trading", "lines"))}}
    }
    path = tmp_path / "study.yaml"
    path.write_text(yaml.safe_dump(study | {"set": {"horizon_h": 4}}), encoding="utf-8")
    assert load_study(path).file.metrics == ["p2p_mwh"]
