"""Random systems with pools: what is drawn, how an outcome is judged, and the reference of what is short."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from gridarium.environment.errors import InfeasibleError, PowerFlowError
from gridarium.experiments.benchmarks import pools
from gridarium.experiments.benchmarks.pool_instances import draw_pool, write_pool_scenario
from gridarium.experiments.benchmarks.pool_supply import SUPPLIED_MWH, least_shortfall_mwh
from gridarium.experiments.benchmarks.pools import judged, play_pool, summarise
from gridarium.experiments.benchmarks.robustness import only_case
from gridarium.experiments.names.registry import entries
from gridarium.experiments.results.records import Certificate
from gridarium.experiments.running.case_run import run_case
from gridarium.experiments.scenario import load_scenario

SEEDS = (7, 39, 40)


def test_small_pools_end_with_all_that_must_hold() -> None:
    outcomes = [play_pool(seed, most_prosumers=4, most_days=1) for seed in SEEDS]
    told = "\n".join(f"{one.ending}: {one.detail}: {one.drawn.told()}" for one in outcomes)
    found = summarise(outcomes)
    assert found["failures"] == 0.0, told
    assert found["certified"] == 3.0, told
    assert found["pools_with_trade"] >= 1.0


def test_all_is_drawn_within_its_ranges_and_again_from_its_seed() -> None:
    drawn = [draw_pool(seed) for seed in range(1, 401)]
    assert drawn == [draw_pool(seed) for seed in range(1, 401)]
    rules = Counter(one.rule for one in drawn)
    assert set(rules) == set(entries("bargaining-rules"))
    assert max(rules.values()) - min(rules.values()) <= 1
    assert {one.days for one in drawn} == {1, 2, 3}
    assert {one.desk for one in drawn} == {True, False}
    for values, high in (
        ([one.n_prosumer for one in drawn], 40),
        ([one.storage_mwh for one in drawn], 300),
        ([one.wind_scale for one in drawn], 2),
        ([one.tank_tco2 for one in drawn], 200),
        ([one.latency_s for one in drawn], 2),
        ([one.loss for one in drawn], 0.15),
    ):
        assert min(values) == 0
        assert 0.9 * high <= max(values) <= high
    assert max(one.n_prosumer for one in drawn if one.days > 1) == 12
    assert {draw_pool(seed, most_days=1).days for seed in range(1, 101)} == {1}
    assert max(draw_pool(seed, most_prosumers=3).n_prosumer for seed in range(1, 101)) == 3


def test_what_is_drawn_stands_in_the_scenario(tmp_path: Path) -> None:
    drawn = replace(draw_pool(1), days=2, n_prosumer=5, storage_mwh=100.0, tank_tco2=80.0, wind_scale=1.5)
    scenario: Any = only_case(write_pool_scenario(drawn, tmp_path))
    assert scenario.horizon_h == 48
    assert len(scenario.prosumers) == 5
    assert sum(len(row) for row in scenario.lines.distance_km.values()) == 10
    assert scenario.trading.rule == drawn.rule
    assert scenario.provider.storage.e_max_mwh == 100.0
    assert [unit.capture.tank_tco2 for unit in scenario.thermal_units.values() if unit.capture] == [
        40.0,
        40.0,
    ]
    assert scenario.wind_farms["wind"].capacity_mw == 180.0
    none = replace(drawn, n_prosumer=0, storage_mwh=0.0, wind_scale=0.0)
    (tmp_path / "none").mkdir()
    bare: Any = only_case(write_pool_scenario(none, tmp_path / "none"))
    assert (bare.prosumers, bare.wind_farms, bare.provider.active) == ({}, {}, False)


def certificate(name: str, passed: bool, hard: bool = True) -> Certificate:
    return Certificate("case", name, 1.0, 0.5, "", passed, hard, "What it means.")


def test_only_hard_certificates_count() -> None:
    assert judged([certificate("ramps", True), certificate("reserve", False, hard=False)]) == (
        "certified",
        "",
    )
    ending, detail = judged([certificate("ramps", False), certificate("reserve", True)])
    assert ending == "uncertified"
    assert "ramps" in detail


# The reference: systems of one unit, which can be reckoned by hand.

UNIT = {
    "p_min_mw": 40.0,
    "p_max_mw": 100.0,
    "ramp_mw_per_h": 40.0,
    "min_up_h": 1,
    "min_down_h": 1,
    "on_initially": True,
    "p_initial_mw": 100.0,
}
STORAGE = {
    "p_max_mw": 20.0,
    "e_max_mwh": 50.0,
    "soc_min": 0.2,
    "soc_max": 0.9,
    "soc_initial": 0.5,
    "efficiency_charge": 0.9,
    "efficiency_discharge": 0.8,
}


def system(folder: Path, load_mw: Any, unit: dict[str, Any] | None = None, **sections: Any) -> Path:
    """A system of one unit and a load of a day."""
    profiles = folder / "profiles.csv"
    columns = {"load_mw": np.broadcast_to(load_mw, 96), "pv_mw": 0.0, "own_mw": 10.0}
    pd.DataFrame({"time": range(96), **columns}).to_csv(profiles, index=False)
    tree = {
        "profiles": str(profiles),
        "real_time_market": {"import_limit_mw": 30.0},
        "load": {"column": "load_mw"},
        "wind_farms": {},
        "flexible_loads": {},
        "thermal_units": {"unit": UNIT | (unit or {})},
        "provider": {"active": False},
        **sections,
    }
    path = folder / "scenario.yaml"
    path.write_text(yaml.safe_dump(tree), encoding="utf-8")
    return path


def test_a_unit_and_imports_serve_their_sum(tmp_path: Path) -> None:
    assert least_shortfall_mwh(system(tmp_path, 130.0)) == pytest.approx(0.0, abs=1e-9)
    assert least_shortfall_mwh(system(tmp_path, 131.0)) == pytest.approx(24.0)
    captured = {"capture": {"fixed_mw": 5.0}}
    assert least_shortfall_mwh(system(tmp_path, 130.0, captured)) == pytest.approx(5.0 * 24.0)


def test_a_unit_climbs_by_its_ramp(tmp_path: Path) -> None:
    # From 60 MW, 10 MW more in each quarter: 30, 20 and 10 MW are short of 130 MW in the first three.
    low = system(tmp_path, 130.0, {"p_initial_mw": 60.0})
    assert least_shortfall_mwh(low) == pytest.approx((30.0 + 20.0 + 10.0) / 4.0)


def test_a_unit_starts_at_its_least_output(tmp_path: Path) -> None:
    off = {"on_initially": False, "p_initial_mw": 0.0}
    assert least_shortfall_mwh(system(tmp_path, 130.0, off)) == pytest.approx(
        sum(60.0 - 10.0 * quarter for quarter in range(6)) / 4.0
    )


def test_a_storage_gives_what_is_above_its_least_content(tmp_path: Path) -> None:
    # 15 MWh above the least content give 12 MWh; what is short is 1 MW for a day.
    provider = {"active": True, "storage": STORAGE}
    short_mwh = least_shortfall_mwh(system(tmp_path, 131.0, provider=provider))
    assert short_mwh == pytest.approx(24.0 - 12.0)


def test_a_flexible_load_gives_way_by_its_band(tmp_path: Path) -> None:
    flexible = {"dr": {"share": 0.1, "lowest_share": 0.7, "highest_share": 1.3}}
    short_mwh = least_shortfall_mwh(system(tmp_path, 140.0, flexible_loads=flexible))
    assert short_mwh == pytest.approx(24.0 * (140.0 * 0.97 - 130.0))


@pytest.mark.parametrize(("above_mw", "is_short"), [(-0.5, True), (0.5, False)])
def test_operator_and_reference_part_at_the_same_import_limit(
    tmp_path: Path, above_mw: float, is_short: bool
) -> None:
    # In the first quarter two units climb from 60 and 50 MW by 15 and 12.5 MW, the third one starts at 20 MW,
    # and capture plants take 10 MW of it, under a load of 1.2 times 182.14 MW.
    needed_mw = 1.2 * 182.14 - 147.5
    nothing = {"n_prosumer": 0, "wind_scale": 0.0, "storage_mwh": 0.0, "flexible_share": 0.0}
    base = replace(draw_pool(1), days=1, load_scale=1.2, latency_s=0.0, loss=0.0, **nothing)
    path = write_pool_scenario(replace(base, import_limit_mw=needed_mw + above_mw), tmp_path)
    short_mwh = least_shortfall_mwh(path)
    if is_short:
        assert short_mwh > SUPPLIED_MWH
        with pytest.raises(
            InfeasibleError, match=r"import limit \(MW\): \S+ must be at most 70.568, needs 71.068"
        ):
            pools.measure_case("pools", only_case(path))
    else:
        assert short_mwh <= SUPPLIED_MWH
        _, certificates = pools.measure_case("pools", only_case(path))
        assert judged(certificates) == ("certified", "")


def test_a_unit_is_started_for_a_quarter_though_the_mean_of_its_hour_does_not_need_it(tmp_path: Path) -> None:
    # Two units climb to 210 MW within the hour, which is above its load, but not in its first quarter.
    needed_mw = 0.9 * 182.14 - 147.5
    nothing = {"n_prosumer": 0, "wind_scale": 0.0, "storage_mwh": 0.0, "flexible_share": 0.0}
    base = replace(draw_pool(1), days=1, load_scale=0.9, latency_s=0.0, loss=0.0, **nothing)
    path = write_pool_scenario(replace(base, import_limit_mw=needed_mw + 0.5), tmp_path)
    assert least_shortfall_mwh(path) <= SUPPLIED_MWH
    (morning,) = load_scenario(path, ["horizon_h=4"]).cases.values()
    outcome = run_case("pools", morning)
    assert judged(outcome.certificates) == ("certified", "")
    units = outcome.tables["units"]
    third = units[(units["agent"] == "unit_3") & (units["period"] == 0)]
    assert third["gross_mw"].tolist() == pytest.approx([20.0])


def test_a_day_beyond_the_import_limit_is_compared_with_no_other(tmp_path: Path) -> None:
    # In the first quarter prosumers draw what nobody had told the operator, and the limit is already reached.
    nothing = {"wind_scale": 0.0, "storage_mwh": 0.0, "flexible_share": 0.0, "latency_s": 0.0, "loss": 0.0}
    base = replace(draw_pool(4), days=1, n_prosumer=20, load_scale=0.9, **nothing)
    limit_mw = 0.9 * 182.14 - 147.5 + 0.5
    outcome = run_case(
        "pools", only_case(write_pool_scenario(replace(base, import_limit_mw=limit_mw), tmp_path))
    )
    dispatch = outcome.tables["dispatch"]
    head = dispatch[(dispatch["kind"] == "head") & (dispatch["period"] == 0)]
    assert float(head["p_supply_mw"].sum()) > limit_mw + 5.0
    assert "benchmarks" not in outcome.tables
    assert judged(outcome.certificates) == ("certified", "")


def test_a_verdict_of_infeasible_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    said = {
        "agent operator: infeasible: import limit (MW), period 3 must be at most 0, needs 12": 12.0,
        "agent operator: nothing helps": 12.0,
        "agent operator: infeasible: import limit (MW), period 4 must be at most 0, needs 9": 0.0,
    }
    endings = []
    for message, short_mwh in said.items():

        def refuse(name: str, scenario: object, message: str = message) -> None:
            raise InfeasibleError(message)

        monkeypatch.setattr(pools, "measure_case", refuse)
        monkeypatch.setattr(pools, "least_shortfall_mwh", lambda path, short_mwh=short_mwh: short_mwh)
        endings.append(play_pool(1, most_prosumers=2).ending)
    assert endings == ["infeasible", "unnamed", "unconfirmed"]


@pytest.mark.parametrize(
    ("error", "ending"),
    [(PowerFlowError("no solution"), "refused"), (ZeroDivisionError("by nobody"), "traceback")],
)
def test_any_other_error_is_a_failure(monkeypatch: pytest.MonkeyPatch, error: Exception, ending: str) -> None:
    def stumble(name: str, scenario: object) -> None:
        raise error

    monkeypatch.setattr(pools, "measure_case", stumble)
    outcome = play_pool(1, most_prosumers=2)
    assert outcome.ending == ending
    assert str(error) in outcome.detail
    assert summarise([outcome])["failures"] == 1.0
