"""A package outside adds a part with an agent, a tariff and a paper; no file of the house knows of it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from gridarium.experiments.figures.dispatch import dispatch_figure
from gridarium.experiments.figures.loads import load_figure
from gridarium.experiments.results.result import Result, read_run

PACKAGE = Path(__file__).parent / "package"
PAPER = PACKAGE / "heat_pumps" / "paper.yaml"


def gridarium(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The command line in a process of its own, in which the package is installed."""
    path = os.pathsep.join(filter(None, (str(PACKAGE), os.environ.get("PYTHONPATH"))))
    return subprocess.run(
        [sys.executable, "-m", "gridarium.experiments.cli", *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Result:
    folder = tmp_path_factory.mktemp("outside") / "run"
    done = gridarium("compare", str(PAPER), "--out", str(folder))
    assert done.returncode == 0, done.stderr
    return read_run(folder)


def test_its_agents_tell_tables_beside_those_of_the_house(result: Result) -> None:
    loads = result.table("loads")
    pumps = loads[loads["kind"] == "heat_pump"]
    assert set(pumps["agent"]) == {"home", "hall"}
    assert list(result.table("buildings").columns[:6]) == ["case", "grid", "agent", "kind", "period", "time"]
    assert len(result.table("buildings")) == 2 * 2 * 24
    # What it draws is paid like any consumer's load, and is part of the emission and of the balance.
    paid = result.table("payoffs")
    assert set(paid[paid["kind"] == "heat_pump"]["item"]) >= {"retail"}


def test_its_local_problem_keeps_the_heat_and_saves_money(result: Result) -> None:
    """Heat balances by hand: what is stored is what is kept of before, and power beyond the demand."""
    loads, buildings = result.table("loads"), result.table("buildings")
    for (case, agent), stored in buildings.groupby(["case", "agent"], sort=False)["stored_mwh"]:
        own = loads[(loads["case"] == case) & (loads["agent"] == agent)]
        mean = {"home": 0.05, "hall": 0.1}[agent]
        first = 0.5 * mean * {"home": 3.0, "hall": 6.0}[agent]
        before = [first, *stored.iloc[:-1]]
        power, demand = own["p_metered_mw"].to_numpy(), own["p_base_mw"].to_numpy()
        expected = 0.99 * np.array(before)
        assert stored.to_numpy() == pytest.approx(expected + power - demand, abs=1e-6)
        assert stored.iloc[-1] >= first - 1e-6
        assert demand.mean() == pytest.approx(mean)


def test_its_tariff_is_what_consumers_are_told(result: Result) -> None:
    signals = result.table("signals")
    dso = signals[(signals["kind"] == "dso") & (signals["case"] == "adder")]
    adder = (dso["price_per_mwh"] - dso["tou_price_per_mwh"]).to_numpy()
    assert adder.tolist() == pytest.approx([400.0 if 17 <= hour < 21 else 0.0 for hour in range(24)])


def test_its_paper_is_judged_and_drawn(result: Result) -> None:
    assert [(claim.id, claim.verdict) for claim in result.claims] == [("H-evening", "direction reproduced")]
    assert result.passed
    assert result.path is not None
    figures = {file.stem for file in (result.path / "figures").iterdir()}
    assert {"buildings", "prices", "load", "dispatch", "storage", "feeder-plain"} <= figures
    assert "Heat that the buildings hold." in (result.path / "report.html").read_text(encoding="utf-8")


def test_its_agents_have_a_place_of_their_own_in_figures_of_the_house(result: Result) -> None:
    (area,) = [
        patch
        for patch in dispatch_figure(result.table("dispatch")).axes[0].patches
        if patch.get_label() == "heat pump"
    ]
    loads = result.table("loads").query("case == 'plain' and kind == 'heat_pump'")
    values, _, baseline = area.get_data()
    drawn = loads.groupby("period")["p_metered_mw"].sum().to_numpy()
    np.testing.assert_allclose(values - baseline, drawn, atol=1e-9)
    labels = [axes.get_ylabel() for axes in load_figure(result.table("loads")).axes]
    assert labels == ["load (MW)", "change of\nconsumers\n(MW)", "change of\nheat pumps\n(MW)"]


def test_what_it_adds_can_be_listed() -> None:
    parts, mechanisms = gridarium("list", "parts").stdout, gridarium("list", "mechanisms").stdout
    assert "heat_pumps" in parts
    assert "evening-adder" in mechanisms
    assert "adder_per_mwh" in mechanisms


def test_faults_of_its_section_are_told_like_those_of_the_house() -> None:
    done = gridarium("validate", str(PAPER), "--set", "heat_pumps.home.mean_mw=-1", "--set", "dso=null")
    assert done.returncode == 2
    assert "heat_pumps.home.mean_mw: got -1; must be a number in (0, 1e+06]" in done.stderr
