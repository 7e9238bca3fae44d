"""The day-ahead market of net-zero: who declares what, what lost messages do, and what certificates see."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from gridarium.agents.system.day_ahead_market import DayAheadMarket
from gridarium.agents.system.system_operator import SystemOperator
from gridarium.environment.errors import Fault, ScenarioError
from gridarium.experiments.evidence.grid_evidence import GridEvidence, evidence_of
from gridarium.experiments.evidence.metrics import summarise
from gridarium.experiments.evidence.system.day_ahead_certificates import settlements
from gridarium.experiments.evidence.tables import collect
from gridarium.experiments.reading.scenario_files import profile_path
from gridarium.experiments.running.world_build import BuiltWorld, build
from gridarium.experiments.scenario import load_scenario
from gridarium.market.accounts import DAY_AHEAD, GENERATION, IMBALANCE

CASE = "capture"
SHORT = ("horizon_h=2", "operator.benchmark_nodes=0")
PARTICIPANTS = {"unit_1", "unit_2", "unit_3", "wind", "load", "dr_1", "dr_2"}


def finished(*settings: str) -> BuiltWorld:
    built = build(load_scenario("net-zero", [*SHORT, *settings]).cases[CASE])
    while built.world.running:
        built.world.step()
    return built


def known_of(built: BuiltWorld) -> GridEvidence:
    return evidence_of(CASE, built.world.grid, built.sections, collect(CASE, built.world, built.sections))


def metrics_of(known: GridEvidence) -> dict[str, float]:
    messages = pd.DataFrame({"messages": [known.world.bus.sent]})
    return summarise({**known.tables, "traffic": messages}, [""], 0.25)


@pytest.fixture(scope="module")
def built() -> BuiltWorld:
    return finished()


@pytest.fixture(scope="module")
def known(built: BuiltWorld) -> GridEvidence:
    return known_of(built)


@pytest.fixture(scope="module")
def lossy() -> GridEvidence:
    return known_of(finished("communication.loss=0.4", "communication.latency_s=0.05"))


def declared_mw(known: GridEvidence) -> pd.DataFrame:
    return known.tables["settlements"].pivot_table(
        index="period", columns="agent", values="declared_mw", dropna=False
    )


def test_units_wind_and_loads_are_declared_and_nobody_else(known: GridEvidence) -> None:
    table = known.tables["settlements"]
    assert set(table["agent"]) == PARTICIPANTS
    assert len(table) == 8 * len(PARTICIPANTS)
    assert np.isfinite(table["declared_mw"]).all()
    loads = table["kind"].isin(["load", "flexible_load"])
    assert (table.loc[loads, "declared_mw"] < 0.0).all()
    assert (table.loc[~loads, "declared_mw"] >= 0.0).all()


def test_without_surprises_what_is_declared_is_what_is_metered() -> None:
    still = [
        f"{place}={value}"
        for place, value in (
            ("wind_farms.wind.error_bound", 0),
            ("load.error_bound", 0),
            ("operator.trigger_mw", 1000),
        )
    ]
    table = known_of(finished(*still)).tables["settlements"]
    steady = table[table["kind"] != "renewable"]
    assert (steady["declared_mw"] - steady["metered_mw"]).abs().max() < 1e-6
    assert steady["declared_mw"].abs().sum() > 1000.0
    # The plan counts with deficits of prosumers, which depart from what they nominate; wind gives way.
    wind = table[table["kind"] == "renewable"]
    assert (wind["declared_mw"] > 50.0).all()


def test_declarations_are_the_plan_before_it_is_changed(built: BuiltWorld, known: GridEvidence) -> None:
    (operator,) = (one for one in built.world.agents if isinstance(one, SystemOperator))
    table, day = known.tables["settlements"], operator.plans[0]
    declared = declared_mw(known)
    # Of the commitment, which nothing changes later, and of the energy that flexible loads keep.
    runs = (declared[["unit_1", "unit_2", "unit_3"]].to_numpy() > 0.0).tolist()
    assert runs == day.on.tolist()
    drawn = table[table["kind"] == "flexible_load"].groupby("agent")[["declared_mw", "metered_mw"]].sum()
    assert drawn["declared_mw"].tolist() == pytest.approx(drawn["metered_mw"].tolist(), abs=1e-4)
    fired = known.tables["quarters"]["fired"].to_numpy(dtype=bool)
    assert fired.any()
    moved = (table["declared_mw"] - table["metered_mw"]).abs()
    assert moved[table["kind"] == "thermal"].max() > 0.1


def test_nothing_but_money_depends_on_the_market(known: GridEvidence) -> None:
    other = known_of(finished("day_ahead_market=null"))
    with_market, without = map(metrics_of, (known, other))
    assert set(without) < set(with_market)
    changed = {name for name, value in without.items() if value != with_market[name]}
    assert changed == {"messages"}
    assert with_market["messages"] == without["messages"] + 2
    for name in ("dispatch", "units", "loads", "storages", "quarters"):
        if name in other.tables:
            pd.testing.assert_frame_equal(known.tables[name], other.tables[name])
    for one, purposes in ((known, {DAY_AHEAD, IMBALANCE}), (other, {GENERATION})):
        told = set(one.tables["ledger"]["purpose"])
        assert told & {DAY_AHEAD, IMBALANCE, GENERATION} == purposes


def test_metrics_split_the_table_by_who_is_settled(known: GridEvidence) -> None:
    metrics, table = metrics_of(known), known.tables["settlements"]
    kinds = {"units": ["thermal"], "wind": ["renewable"], "loads": ["load", "flexible_load"]}
    for name, of in kinds.items():
        own = table[table["kind"].isin(of)]
        assert metrics[f"{name}_day_ahead_money"] == pytest.approx(own["day_ahead_money"].sum())
        assert metrics[f"{name}_imbalance_money"] == pytest.approx(own["imbalance_money"].sum())
        assert own["day_ahead_money"].abs().sum() > 0.0


def test_lost_declarations_are_repeated(known: GridEvidence, lossy: GridEvidence) -> None:
    assert lossy.world.bus.lost > 50
    pd.testing.assert_frame_equal(declared_mw(lossy), declared_mw(known))


def test_what_never_arrives_is_settled_in_real_time() -> None:
    outage = "communication.outages=[{agent: day-ahead-market, start_s: 0, end_s: 7200}]"
    known = known_of(finished(outage))
    table = known.tables["settlements"]
    assert table["declared_mw"].isna().all()
    assert (table["day_ahead_money"] == 0.0).all()
    np.testing.assert_allclose(table["imbalance_money"], 300.0 * 0.25 * table["metered_mw"], atol=1e-9)
    assert failed(known) == set()


def test_a_price_of_its_own_column() -> None:
    column = "wind_forecast_mw"
    settings = ["day_ahead_market.price_per_mwh=null", f"day_ahead_market.price_column={column}"]
    built = finished(*settings)
    known = known_of(built)
    (market,) = (one for one in built.world.agents if isinstance(one, DayAheadMarket))
    assert market.name == "day-ahead-market"
    from gridarium.environment.profiles import read_profiles

    expected = read_profiles(profile_path("net-zero")).column(column)[:8]
    table = known.tables["settlements"].query("agent == 'load'")
    np.testing.assert_array_equal(table["day_ahead_price_per_mwh"], expected)
    np.testing.assert_allclose(table["day_ahead_money"], 0.25 * expected * table["declared_mw"])
    assert failed(known) == set()


# Certificates.


def failed(
    known: GridEvidence, table: str = "ledger", change: Callable[[pd.DataFrame], None] | None = None
) -> set[str]:
    """What fails if a table had been another."""
    told = known.tables[table].copy()
    if change is not None:
        change(told)
    readings = list(settlements(replace(known, tables={**known.tables, table: told})))
    assert [reading.name for reading in readings] == ["two settlements", "positions closed"]
    return {reading.name for reading in readings if not reading.value <= reading.tolerance}


def test_certificates_hold(known: GridEvidence, lossy: GridEvidence) -> None:
    assert failed(known) == set()
    assert failed(lossy) == set()


def of(ledger: pd.DataFrame, account: str, purpose: str) -> int:
    return int(ledger.index[(ledger["account"] == account) & (ledger["purpose"] == purpose)][0])


@pytest.mark.parametrize("purpose", [DAY_AHEAD, IMBALANCE])
def test_a_wrong_payment_is_seen(known: GridEvidence, purpose: str) -> None:
    def of_a_unit(ledger: pd.DataFrame) -> None:
        ledger.loc[of(ledger, "unit_1", purpose), "amount_money"] += 0.1

    def of_the_operator(ledger: pd.DataFrame) -> None:
        ledger.loc[of(ledger, "operator", purpose), "amount_money"] += 0.1

    assert failed(known, "ledger", of_a_unit) == {"two settlements"}
    assert failed(known, "ledger", of_the_operator) == {"positions closed"}


def test_a_payment_that_is_missing_is_seen(known: GridEvidence) -> None:
    def without(ledger: pd.DataFrame) -> None:
        own = (ledger["account"] == "wind") & (ledger["purpose"] == DAY_AHEAD)
        ledger.drop(ledger.index[own], inplace=True)

    assert failed(known, "ledger", without) == {"two settlements"}


def test_declarations_and_meters_that_were_not_settled_are_seen(known: GridEvidence) -> None:
    def declared(table: pd.DataFrame) -> None:
        table.loc[table.index[0], "declared_mw"] += 1.0

    def drawn(table: pd.DataFrame) -> None:
        table.loc[table.index[0], "p_metered_mw"] += 1.0

    both = {"two settlements", "positions closed"}
    assert failed(known, "settlements", declared) == both
    assert failed(known, "loads", drawn) == both


def test_another_price_is_seen(known: GridEvidence) -> None:
    section = known.scenario.day_ahead_market.model_copy(update={"price_per_mwh": 38.0})
    other = replace(known, scenario=known.scenario.model_copy(update={"day_ahead_market": section}))
    assert "two settlements" in failed(other)


# Scenarios.


@pytest.mark.parametrize(
    ("settings", "place", "part"),
    [
        (["day_ahead_market.price_per_mwh=-1"], "day_ahead_market.price_per_mwh", "[0, "),
        (["day_ahead_market.price_per_mwh=null"], "day_ahead_market.price_per_mwh", "no price_column"),
        (["day_ahead_market.price_column=load_mw"], "day_ahead_market.price_column", "left out"),
        (["day_ahead_market.price=1"], "day_ahead_market.price", "unknown field"),
        (
            ["day_ahead_market.price_per_mwh=null", "day_ahead_market.price_column=nothing"],
            "profiles",
            "nothing",
        ),
        (["operator=null"], "day_ahead_market", "where there is no operator"),
    ],
)
def test_faults_name_their_place_and_what_is_allowed(settings: list[str], place: str, part: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        load_scenario("net-zero", settings)
    found: list[Fault] = [fault for fault in caught.value.faults if fault.place.endswith(place)]
    assert any(part in str(fault) for fault in found), caught.value.faults
