"""Figures: any number of cases, periods and buses; real units; the same bytes every time."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest

from gridarium.experiments.figures.dispatch import dispatch_figure
from gridarium.experiments.figures.drawings import drawings
from gridarium.experiments.figures.loads import load_figure
from gridarium.experiments.figures.network_map import _intensity, network_map
from gridarium.experiments.figures.rounds import residual_figure
from gridarium.experiments.figures.signals import price_figure
from gridarium.experiments.figures.storages import storage_figure
from gridarium.experiments.figures.style import cases_of, panels_of, short_names, svg_bytes
from gridarium.experiments.figures.sweep import sweep_figure
from gridarium.experiments.reading.field_paths import swept_parameter
from gridarium.experiments.results.folder import write_run

Make = Callable[..., dict[str, Any]]

pytestmark = pytest.mark.filterwarnings("error")

LONG = tuple(f"a-rather-long-name-of-the-case-with-number-{number}" for number in range(12))


@pytest.mark.parametrize(
    ("cases", "n_period", "n_bus"),
    [(("tou",), 24, 4), (LONG[:5], 96, 4), (LONG, 24, 2), (("a", "b"), 1, 500), (("a",), 1440, 4)],
)
def test_any_size(tmp_path: Path, make: Make, cases: tuple[str, ...], n_period: int, n_bus: int) -> None:
    made = make(cases, n_period, n_bus)
    tables = made["tables"]
    for figure in (
        price_figure(tables["signals"]),
        load_figure(tables["loads"]),
        dispatch_figure(tables["dispatch"]),
        storage_figure(tables["storages"]),
        residual_figure(tables["rounds"]),
        network_map(tables["buses"], tables["branches"], cases[0]),
    ):
        assert svg_bytes(figure).startswith(b"<?xml")


def test_a_study_without_storage_and_without_any_change(make: Make) -> None:
    tables = make(("tou", "adcef"))["tables"]
    dispatch = tables["dispatch"][tables["dispatch"]["kind"] != "storage"]
    rounds = tables["rounds"].assign(price_change_per_mwh=0.0, load_change_mw=0.0)
    for figure in (
        dispatch_figure(dispatch),
        residual_figure(rounds),
        residual_figure(rounds[rounds["round"] == 1]),
    ):
        assert svg_bytes(figure)


def test_rows_in_any_order_give_the_same_figure(make: Make) -> None:
    table = make(("tou", "adcef"))["tables"]["signals"]
    shuffled = table.sort_values(["case", "period"], ascending=False)
    shuffled = shuffled.sort_values("case", key=lambda case: case.map({"tou": 0, "adcef": 1}), kind="stable")
    assert svg_bytes(price_figure(shuffled)) == svg_bytes(price_figure(table))


def test_axes_have_units_and_the_whole_day(make: Make) -> None:
    tables = make(("tou", "adcef"))["tables"]
    price, adder, factor = price_figure(tables["signals"], "CNY").axes
    assert "(CNY/MWh)" in price.get_ylabel()
    assert "(CNY/MWh)" in adder.get_ylabel()
    assert "(tCO₂/MWh)" in factor.get_ylabel()
    assert factor.get_xlabel() == "time (h)"
    assert factor.get_xlim() == (0.0, 24.0)
    assert [text.get_text() for text in price.get_legend().get_texts()] == [
        "TOU price, grid factor",
        "tou",
        "adcef",
    ]


def test_steps_show_the_values_of_the_table(make: Make) -> None:
    table = make(("tou", "adcef"), 48)["tables"]["signals"]
    adder = price_figure(table).axes[1]
    for steps, case in zip(adder.patches, ("tou", "adcef"), strict=True):
        rows = table[table["case"] == case]
        values, edges, _ = steps.get_data()
        np.testing.assert_allclose(values, rows["price_per_mwh"] - rows["tou_price_per_mwh"])
        np.testing.assert_allclose(edges, np.linspace(0, 24, 49))


def test_dispatch_stack_adds_up(make: Make) -> None:
    table = make(("tou",))["tables"]["dispatch"]
    figure = dispatch_figure(table)
    areas = {patch.get_label(): patch.get_data() for patch in figure.axes[0].patches}
    supply = table.groupby("period")["p_supply_mw"].sum()
    np.testing.assert_allclose(areas["import"].values, supply)
    renewable = table[table["kind"] == "renewable"].groupby("period")[["p_available_mw", "p_supply_mw"]].sum()
    curtailed = areas["curtailed"].values - areas["curtailed"].baseline
    np.testing.assert_allclose(curtailed, renewable["p_available_mw"] - renewable["p_supply_mw"], atol=1e-12)
    np.testing.assert_allclose(areas["storage charge"].baseline - areas["storage charge"].values, -0.2)
    demand = table[table["kind"] == "consumer"].groupby("period")["p_demand_mw"].sum()
    np.testing.assert_allclose(areas["demand"].values, demand)
    assert "export" not in areas


def test_intensity_is_weighted_by_load(make: Make) -> None:
    table = make(("tou",), 4, 2)["tables"]["buses"]
    leaf = table["bus"] == 2
    table.loc[leaf, "carbon_intensity_tco2_per_mwh"] = [np.nan, 0.2, 0.4, 0.6]
    table.loc[leaf, "p_load_mw"] = [5.0, 1.0, 1.0, 2.0]
    assert _intensity(table, None)["tou", 2] == pytest.approx((0.2 + 0.4 + 2 * 0.6) / 4)
    assert _intensity(table, 2)["tou", 2] == pytest.approx(0.4)


def test_sweep_is_drawn_in_order_of_its_parameter() -> None:
    values = {"b": 100.0, "a": 40.0, "c": 70.0}
    summary = {
        case: {"emission_tco2": value / 10, "dso_net_revenue_money": value} for case, value in values.items()
    }
    left, right = sweep_figure("carbon price (CNY/tCO2)", values, {"": summary}, "CNY").axes
    np.testing.assert_allclose(left.lines[0].get_xydata(), [[40, 4], [70, 7], [100, 10]])
    assert (left.get_ylabel(), right.get_ylabel()) == ("emission (tCO₂)", "DSO net revenue (CNY)")


def test_swept_parameter() -> None:
    def study(*own: dict[str, Any]) -> dict[str, Any]:
        return {"cases": {str(number): tree for number, tree in enumerate(own)}}

    one = study({"title": "x", "prices": {"p_money": 1}}, {"prices": {"p_money": 2.5}})
    assert swept_parameter(one, ("0", "1")) == ("p_money", {"0": 1.0, "1": 2.5})
    assert swept_parameter(one, ("0",)) is None
    together = study({"a": {"beta": 1}, "b": {"beta": 1}}, {"a": {"beta": 2}, "b": {"beta": 2}})
    assert swept_parameter(together, ("0", "1")) == ("beta", {"0": 1.0, "1": 2.0})
    assert (
        swept_parameter(study({"a": {"beta": 1}, "b": {"beta": 3}}, {"a": {"beta": 2}}), ("0", "1")) is None
    )
    assert swept_parameter(study({"x": 1}, {"y": 1}), ("0", "1")) is None
    assert swept_parameter(study({"on": True}, {"on": False}), ("0", "1")) is None
    assert swept_parameter(study({"kind": "tou"}, {"kind": "adcef"}), ("0", "1")) is None
    assert swept_parameter({}, ()) is None


def test_cases_are_spread_evenly_over_panels() -> None:
    assert [len(panel) for panel in panels_of("abcdef")] == [3, 3]
    assert [len(panel) for panel in panels_of("abcdefghijkl")] == [4, 4, 4]
    assert [len(panel) for panel in panels_of("abcde")] == [3, 2]
    assert panels_of("a") == [["a"]]


def test_short_names_stay_apart() -> None:
    names = short_names(LONG, 3)
    assert len(set(names.values())) == len(LONG)
    assert max(map(len, names.values())) < 30
    assert short_names(["tou", "adcef"], 1) == {"tou": "tou", "adcef": "adcef"}
    assert len(short_names(["x" * 200], 1)["x" * 200]) < 130


def test_drawing_leaves_the_settings_alone(make: Make) -> None:
    before = dict(mpl.rcParams)
    svg_bytes(price_figure(make()["tables"]["signals"]))
    assert dict(mpl.rcParams) == before


def test_same_tables_same_bytes(tmp_path: Path, make: Make) -> None:
    write_run(tmp_path / "run", **make(("tou", "adcef"), 24, 3))
    code = (
        "import hashlib, sys\n"
        "from gridarium.experiments.figures.drawings import drawings\n"
        "from gridarium.experiments.figures.style import svg_bytes\n"
        "from gridarium.experiments.results.result import read_run\n"
        "for each in drawings(read_run(sys.argv[1])):\n"
        "    print(each.name, hashlib.sha256(svg_bytes(each.figure)).hexdigest())\n"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / "run")],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    ]
    assert runs[0] == runs[1]
    assert len(runs[0].splitlines()) == 7


def test_other_packages_do_not_change_the_look(make: Make) -> None:
    tables = make(("tou",))["tables"]
    before = svg_bytes(network_map(tables["buses"], tables["branches"], "tou"))
    import pandapower.plotting  # noqa: F401  (gives every line round ends)

    assert svg_bytes(network_map(tables["buses"], tables["branches"], "tou")) == before


def test_a_run_without_a_table_lacks_its_figure(tmp_path: Path, make: Make) -> None:
    made = make(("tou",))
    made["tables"] = {"signals": made["tables"]["signals"], "rounds": made["tables"]["rounds"].iloc[:0]}
    result = write_run(tmp_path / "run", **made)
    assert [drawing.name for drawing in drawings(result)] == ["prices"]
    assert cases_of(result.table("signals")) == ["tou"]
