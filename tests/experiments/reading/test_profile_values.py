"""Rows of profiles that are numbers, and yet no share or no price that others are shares of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gridarium.environment.errors import ScenarioError
from gridarium.environment.profiles import read_profiles
from gridarium.experiments.scenario import load_scenario


def written(path: Path, scenario: str, column: str, rows: slice, factor: float) -> str:
    """The setting of a scenario's profiles with other values in some rows of a column."""
    shipped = read_profiles(next(iter(load_scenario(scenario).cases.values())).files[0])
    values = np.array(shipped.column(column))
    values[rows] *= factor
    times = [time.isoformat() for time in shipped.times]
    pd.DataFrame({"time": times, **shipped.columns, column: values}).to_csv(path, index=False)
    return f"profiles={path}"


def test_a_green_share_that_is_none_is_a_fault_before_a_run_if_it_is_run(tmp_path: Path) -> None:
    setting = written(tmp_path / "p.csv", "green-vpp-small", "green_share", slice(3, 4), 5.0)
    allowed = r"must be in \[0, 1\] in column green_share, is not in row 4"
    with pytest.raises(ScenarioError, match=allowed):
        load_scenario("green-vpp-small", [setting])
    load_scenario("green-vpp-small", [setting, "horizon_h=3"])


@pytest.mark.parametrize("asked", ["leader.kind=anticipating", "leader.certify=true"])
def test_a_leader_of_shares_of_nothing_is_a_fault_before_a_run(tmp_path: Path, asked: str) -> None:
    def load(rows: slice, *settings: str) -> None:
        setting = written(tmp_path / "p.csv", "adcef-small", "tou_price_per_mwh", rows, 0.0)
        load_scenario("adcef-small", [setting, *settings])

    with pytest.raises(ScenarioError, match="must not be 0 all day 0 in column tou_price_per_mwh"):
        load(slice(None), asked)
    load(slice(None))
    load(slice(23), asked)


@pytest.mark.parametrize(
    ("scenario", "column", "factor", "settings", "allowed"),
    [
        ("green-vpp-small", "carbon_price_per_tco2", -0.5, (), "must be at least 0"),
        ("shared-storage", "tou_price_per_mwh", 0.0, (), "must be above 0"),
    ],
)
def test_a_price_that_cannot_be_answered_is_a_fault_before_a_run(
    tmp_path: Path, scenario: str, column: str, factor: float, settings: tuple[str, ...], allowed: str
) -> None:
    setting = written(tmp_path / "p.csv", scenario, column, slice(3, 4), factor)
    with pytest.raises(ScenarioError, match=f"{allowed} in column {column}, is not in row 4"):
        load_scenario(scenario, [setting, *settings])
    load_scenario(scenario, [setting, *settings, "horizon_h=3"])
