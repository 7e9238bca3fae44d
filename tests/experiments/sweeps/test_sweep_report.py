"""What a sweep's folder says in the end: statistics, figures, page; and the price of bounded rationality."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy import stats

from gridarium.experiments.sweeps.bounded_price import with_efficiency_loss
from gridarium.experiments.sweeps.folder import SweepFolderError
from gridarium.experiments.sweeps.report import build_sweep_report
from gridarium.experiments.sweeps.study import load_study
from tests.support.sweep_here import sweep_here

ANGLE = {"distribution": {"name": "uniform", "args": {"loc": -np.pi, "scale": 2 * np.pi}}}


def ishigami(folder: Path, **more: object) -> Path:
    study = {
        "study": "Ishigami <function>",
        "function": "ishigami",
        "factors": dict.fromkeys(("x1", "x2", "x3"), ANGLE),
        **more,
    }
    (folder / "study.yaml").write_text(yaml.safe_dump(study), encoding="utf-8")
    return sweep_here(load_study(folder / "study.yaml"), folder / "out").path


def test_statistics_and_page_of_a_sample(tmp_path: Path) -> None:
    folder = ishigami(tmp_path, design={"kind": "latin-hypercube", "samples": 200})
    results = pd.read_parquet(folder / "results.parquet")
    mean = json.loads((folder / "statistics.json").read_bytes())["means"][0]
    assert mean["mean"] == pytest.approx(results["y"].mean())
    low, high = stats.t.interval(0.95, 199, results["y"].mean(), stats.sem(results["y"]))
    assert (mean["low"], mean["high"]) == (pytest.approx(low), pytest.approx(high))
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "Ishigami &lt;function&gt;" in page
    assert page.count("<figure ") == len(list((folder / "figures").glob("*.svg"))) == 6


def test_indices_of_a_saltelli_design(tmp_path: Path) -> None:
    pytest.importorskip("SALib")
    folder = ishigami(tmp_path, design={"kind": "saltelli", "samples": 128, "second_order": False})
    rows = pd.DataFrame(json.loads((folder / "statistics.json").read_bytes())["sensitivity"])
    total = rows[rows["index"] == "total"].set_index("factor")
    for factor, exact in {"x1": 0.5576, "x2": 0.4424, "x3": 0.2437}.items():
        # Twice the interval: one sample of 128 may miss a 95 % interval.
        reach = total["high"][factor] - total["low"][factor]
        assert abs(total["value"][factor] - exact) < reach
    assert [path.name for path in (folder / "figures").glob("sensitivity*")] == ["sensitivity-y.svg"]


def test_money_is_shown_in_the_currency_of_the_base(tmp_path: Path) -> None:
    study = {
        "study": "Carbon prices",
        "base": "adcef-small",
        "cases": ["static-carbon"],
        "factors": {"carbon_price_per_tco2": {"paths": ["prices.carbon_price_per_tco2"], "values": [40, 90]}},
        "replications": 2,
        "metrics": ["user_cost_money"],
    }
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(study), encoding="utf-8")
    folder = sweep_here(load_study(tmp_path / "study.yaml"), tmp_path / "out").path
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "user cost (CNY)" in page
    assert "carbon price (CNY/tCO2)" in page
    assert "(money" not in page


def test_report_is_rebuilt_from_the_folder_alone(tmp_path: Path) -> None:
    folder = ishigami(tmp_path, design={"kind": "latin-hypercube", "samples": 20})
    names = ("statistics.json", "report.html")
    before = {name: (folder / name).read_bytes() for name in names}
    for name in names:
        (folder / name).unlink()
    (folder / "figures" / "old.svg").touch()
    build_sweep_report(folder)
    assert {name: (folder / name).read_bytes() for name in names} == before
    assert not (folder / "figures" / "old.svg").exists()
    (folder / "results.parquet").unlink()
    with pytest.raises(SweepFolderError, match="folder of a sweep"):
        build_sweep_report(folder)


def test_a_folder_of_an_earlier_version_is_refused(tmp_path: Path) -> None:
    folder = ishigami(tmp_path, design={"kind": "latin-hypercube", "samples": 20})
    manifest = json.loads((folder / "manifest.json").read_bytes())
    del manifest["format"]
    manifest |= {"gridarium": "0.1.0"}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(SweepFolderError, match=r"was left by gridarium 0\.1\.0"):
        build_sweep_report(folder)
    with pytest.raises(SweepFolderError, match=r"was left by gridarium 0\.1\.0"):
        sweep_here(load_study(tmp_path / "study.yaml"), folder, resume=True)


def test_sweep_of_which_every_run_failed(tmp_path: Path) -> None:
    folder = ishigami(tmp_path, factors={"x1": {"values": [0, 1]}})
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "2 failures" in page
    assert "KeyError" in page
    assert json.loads((folder / "statistics.json").read_bytes())["means"] == []


def test_efficiency_loss_is_against_the_exact_agents_of_the_same_draw() -> None:
    rows = [
        # replication, share, degree, consumers' surplus, operator's revenue
        (0, 0.0, 1, 60.0, 40.0),
        (0, 1.0, 1, 55.0, 40.0),
        (1, 0.0, 1, 30.0, 20.0),
        (1, 1.0, 1, 30.0, 25.0),
        (1, 1.0, 2, 30.0, 25.0),
    ]
    columns = ["replication", "share", "degree", "user_surplus_money", "dso_net_revenue_money"]
    results = pd.DataFrame(rows, columns=columns).assign(case="adcef")
    found = with_efficiency_loss(results, ["share", "degree"])["efficiency_loss_percent"]
    np.testing.assert_allclose(found, [0, 5, 0, -10, np.nan])
    assert with_efficiency_loss(results, ["degree"]) is results


def test_efficiency_loss_under_a_ties_is_what_social_cost_rises_by() -> None:
    rows = [
        # replication, share, social cost
        (0, 0.0, 200.0),
        (0, 0.5, 210.0),
        (1, 0.0, 100.0),
        (1, 0.5, np.nan),
    ]
    results = pd.DataFrame(rows, columns=["replication", "share", "bulk.social_cost_money"])
    found = with_efficiency_loss(results.assign(case="full"), ["share"])["efficiency_loss_percent"]
    np.testing.assert_allclose(found, [0, 5, 0, np.nan])


def test_a_figure_for_each_factor_that_is_moved_alone(tmp_path: Path) -> None:
    folder = ishigami(
        tmp_path,
        factors={
            "x1": {"values": [0.0, 1.0, 2.0]},
            "x2": {"values": [0.5, 1.5]},
            "x3": {"values": [0.0, 1.0]},
        },
        design={"kind": "one-at-a-time"},
        replications=2,
    )
    # Two values alone make no line, and x3 alone does nothing where x1 is 0.
    assert [path.name for path in (folder / "figures").glob("*")] == ["alone-x1.svg"]
