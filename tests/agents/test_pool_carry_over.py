"""The virtual carbon pool over several days: neutral on each, or handed on and returned on the last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gridarium.agents.feeder.carbon_pool import CarbonPool, CarbonPoolPlan, PoolDay, PoolTerms
from gridarium.agents.feeder.dso import Dso
from gridarium.agents.storage.storage_owner import StorageOwner
from gridarium.environment.arrays import Array
from gridarium.environment.errors import ScenarioError
from gridarium.experiments.evidence.feeder.carbon_certificates import dso_carbon
from gridarium.experiments.evidence.grid_evidence import GridEvidence, evidence_of
from gridarium.experiments.evidence.tables import collect
from gridarium.experiments.reading.scenario_files import profile_path
from gridarium.experiments.running.world_build import BuiltWorld, build
from gridarium.experiments.scenario import load_scenario
from small_cases import FREE_TO_RUN


def lived(folder: Path, profiles: Sequence[str], *changes: str) -> BuiltWorld:
    """The small feeder over days of different profiles."""
    days = [pd.read_csv(profile_path(name), comment="#") for name in profiles]
    for number, day in enumerate(days):
        times = pd.to_datetime(days[0]["time"]) + pd.Timedelta(days=number)
        day["time"] = [time.isoformat() for time in times]
    path = folder / f"{'-'.join(profiles)}.csv"
    pd.concat(days).to_csv(path, index=False)
    settings = (f"profiles={path}", *PRINTED_GAS, *FREE_TO_RUN, *changes)
    built = build(load_scenario("adcef-small", settings).cases["adcef"])
    while built.world.running:
        built.world.step()
    return built


# As printed, gas is so cheap that storages charge at noon, where a sale earns much: carbon is put off there.
PRINTED_GAS = (
    "gas_turbines.gas_turbine_12.cost_linear_per_mwh=20",
    "gas_turbines.gas_turbine_25.cost_linear_per_mwh=35",
)
TWO_DAYS = ("adcef-ordinary", "adcef-high-res")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("days")


@pytest.fixture(scope="module")
def carried(folder: Path) -> BuiltWorld:
    return lived(folder, TWO_DAYS, "tariff.pool_carries_over=true", "tariff.pool_first_tco2_per_mwh=0.2")


@pytest.fixture(scope="module")
def daily(folder: Path) -> BuiltWorld:
    return lived(folder, TWO_DAYS, "tariff.pool_first_tco2_per_mwh=0.2")


def contents(built: BuiltWorld) -> Array:
    """Of all pools before and after each day, tCO2, shape (n_storage, n_day, 2)."""
    plans = [day.plan.pool for day in built.one(Dso).days]
    return np.array([[plan.first_tco2, plan.last_tco2(1.0)] for plan in plans]).transpose(2, 0, 1)


def evidence(built: BuiltWorld) -> GridEvidence:
    tables = collect("adcef", built.world, built.sections)
    return evidence_of("adcef", built.world.grid, built.sections, tables)


def test_the_first_content_is_an_input_and_told(daily: BuiltWorld, carried: BuiltWorld) -> None:
    for built in (daily, carried):
        first = [0.2 * 0.5 * unit.e_max_mwh for unit in built.one(Dso).shape.storages]
        assert contents(built)[:, 0, 0] == pytest.approx(first)
        days = evidence(built).tables["days"]
        assert days["pool_first_tco2"].iloc[0] == pytest.approx(sum(first))
        assert days["pool_last_tco2"].iloc[-1] == pytest.approx(sum(first), abs=1e-6)


def test_each_day_is_neutral_by_default(daily: BuiltWorld) -> None:
    assert np.ptp(contents(daily), axis=(1, 2)).max() < 1e-9


def test_what_a_day_leaves_the_next_one_begins_with_and_the_last_returns(carried: BuiltWorld) -> None:
    pools = contents(carried)
    assert np.abs(pools[:, 0, 1] - pools[:, 0, 0]).max() > 0.05
    assert pools[:, 1, 0] == pytest.approx(pools[:, 0, 1], abs=1e-12)
    assert pools[:, 1, 1] == pytest.approx(pools[:, 0, 0], abs=1e-6)
    for row, unit in enumerate(carried.of(StorageOwner)):
        assert unit.carbon.pool_tco2[[23, 47]] == pytest.approx(pools[row, :, 1], abs=1e-6)
        assert unit.carbon.pool_tco2.min() >= -1e-6


def test_emission_is_charged_over_both_days(carried: BuiltWorld) -> None:
    days = carried.one(Dso).days
    charged = [float(day.accounts.settled_factor @ day.accounts.load_mw()) for day in days]
    owed = [float(day.accounts.emission_tco2().sum() - day.accounts.credit_tco2.sum()) for day in days]
    assert abs(charged[0] - owed[0]) > 0.05
    assert sum(charged) == pytest.approx(sum(owed), abs=1e-5)


def test_certificates_of_a_pool_that_carries_over(carried: BuiltWorld) -> None:
    known = evidence(carried)
    found = {reading.name: reading for reading in dso_carbon(known)}
    for name in ("carbon balance", "pool neutrality", "pool limits", "pool carried over"):
        assert found[name].hard and found[name].value <= found[name].tolerance, name
    days = known.tables["days"].assign(pool_first_tco2=known.tables["days"]["pool_first_tco2"] + [0.0, 0.1])
    wrong = {
        reading.name: reading for reading in dso_carbon(replace(known, tables={**known.tables, "days": days}))
    }
    for name in ("pool neutrality", "pool carried over"):
        assert wrong[name].value > wrong[name].tolerance, name


def test_the_limits_of_the_pool_are_certified(carried: BuiltWorld) -> None:
    known, day = evidence(carried), carried.one(Dso).days[0]
    plan = day.plan
    more = replace(plan.pool, inflow_t_per_h=plan.pool.inflow_t_per_h + 0.01)
    day.plan = replace(plan, pool=more)
    try:
        limits = next(reading for reading in dso_carbon(known) if reading.name == "pool limits")
    finally:
        day.plan = plan
    # What is put off while nothing is charged.
    assert limits.hard and limits.value == pytest.approx(0.01, abs=1e-3)


def test_the_same_day_alone_carries_nothing(folder: Path) -> None:
    changes = ("tariff.pool_first_tco2_per_mwh=0.2",)
    alone = lived(folder, TWO_DAYS[:1], *changes, "tariff.pool_carries_over=true")
    neutral = lived(folder, TWO_DAYS[:1], *changes)
    assert contents(alone)[:, 0, 1] == pytest.approx(contents(alone)[:, 0, 0], abs=1e-9)
    price = alone.one(Dso).today.signal.price_per_mwh
    assert price == pytest.approx(neutral.one(Dso).today.signal.price_per_mwh, abs=0.05)


def test_what_cannot_be_returned_stays_and_is_seen(daily: BuiltWorld) -> None:
    dso = daily.one(Dso)
    plan = dso.days[0].plan
    pool = CarbonPool(dso.world, "test", dso.shape.storages, "managed", 1.0, PoolTerms(carries_over=True))
    first = plan.pool.first_tco2
    highest = float(plan.situation.supply.grid_factor_tco2_per_mwh.max())
    possible = highest * plan.dispatch.discharge_mw.sum(axis=1)

    def returned(beyond: Array) -> CarbonPoolPlan:
        day = PoolDay(first + beyond, first, is_last=True)
        return pool.allocate(plan.dispatch, plan.situation.supply, np.zeros(24), day)

    assert returned(0.9 * possible).last_tco2(1.0) == pytest.approx(first, abs=1e-6)
    # Nothing goes in, and all that may goes out: a tenth of it is left over.
    assert returned(1.1 * possible).last_tco2(1.0) == pytest.approx(first + 0.1 * possible, abs=1e-4)


@pytest.mark.parametrize("carries", [False, True])
def test_what_lies_in_a_pool_out_of_reach_changes_no_flow(daily: BuiltWorld, carries: bool) -> None:
    dso = daily.one(Dso)
    plan = dso.days[0].plan
    pool = CarbonPool(dso.world, "test", dso.shape.storages, "managed", 1.0, PoolTerms(carries_over=carries))
    wanted, first = dso.days[0].outlook.wanted_transfer_t_per_h, plan.pool.first_tco2
    few, many = (
        pool.allocate(plan.dispatch, plan.situation.supply, wanted, PoolDay(held, held, is_last=False))
        for held in (first + 100.0, first + 1.75e5)
    )
    assert np.abs(few.inflow_t_per_h).max() > 0.01
    np.testing.assert_allclose(many.inflow_t_per_h.sum(axis=0), few.inflow_t_per_h.sum(axis=0), atol=1e-4)
    np.testing.assert_allclose(many.outflow_t_per_h.sum(axis=0), few.outflow_t_per_h.sum(axis=0), atol=1e-4)
    assert many.first_tco2 == pytest.approx(first + 1.75e5)


@pytest.mark.parametrize("change", ["tariff.pool_carries_over=true", "tariff.pool_first_tco2_per_mwh=0.1"])
def test_strict_mixing_takes_no_terms(change: str) -> None:
    with pytest.raises(ScenarioError, match="must be left out where the pool mixes strictly"):
        load_scenario("adcef-small", ["tariff.pool=strict", change])
