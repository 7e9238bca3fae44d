"""No prosumers, two of own names, lines on which nothing arrives: claims, tables and figures all work."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from gridarium.experiments.figures.figure_files import FigureFile, figure_files
from gridarium.experiments.results.result import Result
from gridarium.experiments.running.runner import play
from gridarium.experiments.scenario import load_scenario

Run = Callable[..., Result]

CASES: dict[str, dict[str, object]] = {
    "no-prosumers": {"prosumers": None, "lines": None, "trading": None},
    "two-prosumers-own-names": {
        "prosumers": {
            "prosumer_1": None,
            "prosumer_2": None,
            "prosumer_3": None,
            "a": {"pv_column": "prosumer_1_pv_mw", "load_column": "prosumer_1_load_mw"},
            "b": {"pv_column": "prosumer_3_pv_mw", "load_column": "prosumer_3_load_mw"},
        },
        "lines": {"distance_km": {"prosumer_1": None, "prosumer_2": None, "a": {"b": 10}}},
    },
    "lines-lose-everything": {"lines": {"loss_per_km": 0.1}},
}


@pytest.fixture
def run_of(tmp_path: Path, from_eight: tuple[str, ...]) -> Callable[[str], Result]:
    """Return a function that runs an hour of a case from 8 h."""

    def made(name: str) -> Result:
        tree = {"extends": "net-zero", "operator": {"benchmark_nodes": 0}, **CASES[name]}
        tree["cases"] = {"shared-storage": {"title": name}}
        (tmp_path / "mine.yaml").write_text(yaml.safe_dump(tree), encoding="utf-8")
        settings = [*from_eight, "horizon_h=1"]
        played = play(load_scenario(tmp_path / "mine.yaml", settings), cases=["shared-storage"])
        assert played.told() == []
        assert played.result is not None and played.result.failed == {}
        return played.result

    return made


@pytest.mark.parametrize("name", CASES)
def test_claims_tables_and_figures(
    name: str, run_of: Callable[[str], Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gridarium.experiments.figures.figure_files.svg_bytes", lambda figure: b"")
    result = run_of(name)
    assert result.passed
    verdicts = {claim.id: claim.verdict for claim in result.claims}
    assert verdicts["E-prosumer-profits"] == "not comparable"
    assert not any("could not be judged" in claim.reason for claim in result.claims)
    assert all(isinstance(one, FigureFile) for one in figure_files(result))
    profits = {metric for metric in result.summary["shared-storage"] if metric.endswith("_profit_money")}
    names = {f"{each}_profit_money" for each in "ab"} if name == "two-prosumers-own-names" else set()
    assert profits - {"esp_profit_money"} <= names
    trades = result.tables.get("trades")
    assert name == "two-prosumers-own-names" or trades is None or "prosumer" not in set(trades["kind"])
