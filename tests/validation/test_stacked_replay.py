"""Each grid of a stack, run alone on what the stacked run has recorded at its head, does the same again."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gridarium.experiments import load_scenario, run
from gridarium.experiments.reading.plain_yaml import dump_yaml, parse_yaml
from gridarium.experiments.reading.scenario_files import profile_path
from gridarium.experiments.results.result import Result

SETTINGS = ("horizon_h=4", "grids.bulk.operator.benchmark_nodes=0")


@pytest.fixture(scope="module")
def stacked() -> Result:
    return run(load_scenario("two-levels", SETTINGS))


def alone(stacked: Result, grid: str, folder: Path, columns: pd.DataFrame, **changes: Any) -> Result:
    """Run one grid of the resolved stack on its own day, profiles with more columns, its section changed."""
    tree = parse_yaml(dump_yaml(stacked.scenario), "stacked")
    section = tree["grids"][grid] | {"under": None, "at": None, "replicas": 1}
    profiles = pd.read_csv(profile_path(section["profiles"]), comment="#")
    for name, values in columns.items():
        profiles[name] = np.resize(values, len(profiles))
    path = folder / f"{grid}.csv"
    profiles.to_csv(path, index=False)
    section["profiles"] = str(path)
    for place, value in changes.items():
        section[place] = section.get(place, {}) | value
    kept = {key: value for key, value in tree.items() if key not in ("cases", "start")}
    file = folder / f"{grid}.yaml"
    file.write_text(dump_yaml(kept | {"grids": {grid: section}}))
    return run(load_scenario(file))


def recorded(stacked: Result, grid: str) -> pd.DataFrame:
    heads = stacked.table("heads")
    return heads[heads["grid"] == grid].reset_index(drop=True)


def hourly(values: pd.Series) -> np.ndarray:
    return values.to_numpy().reshape(-1, 4).mean(axis=1)


def same(stacked: Result, single: Result, grid: str, metrics: list[str]) -> None:
    (case,), (own,) = stacked.summary, single.summary
    for name in metrics:
        key = f"{grid}.{name}"
        assert single.summary[own][key] == pytest.approx(stacked.summary[case][key], rel=1e-6, abs=1e-6), name


def everything(result: Result, grid: str) -> tuple[set[str], set[str], set[str]]:
    """Names of the tables, metrics and certificates of one grid."""
    tables = {name for name, table in result.tables.items() if "grid" in table and grid in set(table["grid"])}
    metrics = {name for metrics in result.summary.values() for name in metrics if name.startswith(f"{grid}.")}
    certificates = {one.name for one in result.certificates if one.name.startswith(f"{grid}: ")}
    return tables, metrics, certificates


def is_complete(stacked: Result, single: Result, grid: str) -> None:
    """A stack tells of a grid whatever it tells alone; the seam above comes in addition, and its account."""
    names = zip(everything(stacked, grid), everything(single, grid), strict=True)
    for ours, theirs in names:
        assert theirs
        assert ours >= theirs
    added = everything(stacked, grid)[2] - everything(single, grid)[2]
    above = stacked.scenario["grids"][grid].get("under")
    seams = {f"{grid}: seam energy", f"{grid}: seam carbon"} if above else set()
    assert added == seams | {f"{grid}: discomfort told"}


@pytest.mark.parametrize("grid", ["r1", "r2"])
def test_a_feeder_alone_on_the_signals_that_it_was_told(stacked: Result, tmp_path: Path, grid: str) -> None:
    head = recorded(stacked, grid)
    rate = {"r1": 1.0, "r2": 7.8}[grid]
    columns = pd.DataFrame(
        {
            "head_price_per_mwh": hourly(head["price_per_mwh"]) / rate,
            "grid_tco2_per_mwh": hourly(head["factor_told_tco2_per_mwh"]),
            "head_metered_tco2_per_mwh": hourly(head["factor_metered_tco2_per_mwh"].fillna(0.0)),
        }
    )
    prices = {
        "wholesale_column": "head_price_per_mwh",
        "metered_factor_column": "head_metered_tco2_per_mwh",
        "wholesale_share_of_tou": 0.6,
        "export_share_of_wholesale": 0.0,
    }
    single = alone(stacked, grid, tmp_path, columns, prices=prices)
    energy = ["load_mwh", "import_mwh", "shifted_mwh", "loss_mwh", "renewable_used_mwh", "head_import_mwh"]
    money = ["sales_money", "purchase_money", "turbine_cost_money", "carbon_revenue_money", "user_cost_money"]
    same(stacked, single, grid, [*energy, *money, "emission_tco2", "allocated_tco2", "head_carbon_tco2"])
    is_complete(stacked, single, grid)


def test_the_upper_level_alone_with_recorded_heads(stacked: Result, tmp_path: Path) -> None:
    columns, grids = {}, {}
    for grid in ("r1", "r2"):
        head = recorded(stacked, grid)
        for field in ("forecast", "plan", "metered"):
            columns[f"{grid}_{field}_mw"] = head[f"p_{field}_mw"].to_numpy()
        grids[grid] = {f"{field}_column": f"{grid}_{field}_mw" for field in ("forecast", "plan", "metered")}
        grids[grid]["replicas"] = int(head["replicas"].iloc[0])
    single = alone(stacked, "bulk", tmp_path, pd.DataFrame(columns), recorded_grids=grids)
    names = [name.removeprefix("bulk.") for name in stacked.summary["base"] if name.startswith("bulk.")]
    assert len(names) > 20
    same(stacked, single, "bulk", names)
    is_complete(stacked, single, "bulk")
    ledger = {kind: run_.table("ledger") for kind, run_ in (("stacked", stacked), ("alone", single))}
    earned = {
        kind: table.loc[(table["account"] == "bulk/operator") & (table["purpose"] == "head energy")]
        for kind, table in ledger.items()
    }
    totals = {kind: table["amount_money"].sum() for kind, table in earned.items()}
    assert totals["alone"] == pytest.approx(totals["stacked"], rel=1e-6)
