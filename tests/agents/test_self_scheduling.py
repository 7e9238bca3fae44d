"""Storages that their owners schedule: what they earn, what commands cost, and what the grid cannot carry."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linprog

from gridarium.environment.arrays import Array
from gridarium.environment.connection import Connection
from gridarium.experiments.results.result import Result
from gridarium.experiments.running.runner import run
from gridarium.experiments.scenario import load_scenario
from gridarium.market.accounts import CHARGE, DISCHARGE, STORAGE_COMPENSATION, WEAR
from gridarium.market.messages.tariffs import TariffSignal

STORAGES = ("storage_7", "storage_14", "storage_24")
NO_GAS = ("gas_turbines={}",)


def ran(case: str, *settings: str) -> Result:
    return run(load_scenario("adcef-small", settings), cases=[case])


def failed(result: Result) -> list[str]:
    return [one.name for one in result.certificates if not one.passed]


def income(result: Result, owner: str) -> pd.Series:
    paid = result.table("payoffs").query("agent == @owner")
    return paid.set_index("item")["amount_money"]


def best_money(price: Array, p_mw: float, e_mwh: float) -> float:
    """What a storage earns at most at a price of both ways, by a linear programme of another package."""
    n = len(price)
    gains = np.hstack([0.92 * np.tri(n), -np.tri(n) / 0.95])
    answer = linprog(
        np.concatenate([price, -price]),
        A_ub=np.vstack([gains, -gains]),
        b_ub=np.full(2 * n, 0.4 * e_mwh),
        A_eq=gains[-1:],
        b_eq=[0.0],
        bounds=(0.0, p_mw),
    )
    return float(-answer.fun)


def posted(result: Result) -> pd.DataFrame:
    return result.table("signals").query("kind == 'dso'")


@pytest.fixture(scope="module")
def own() -> Result:
    return ran("static-carbon")


@pytest.fixture(scope="module")
def commanded() -> Result:
    return ran("adcef")


def test_owners_earn_the_most_that_the_tariff_allows_and_the_grid_carries_it(own: Result) -> None:
    assert failed(own) == []
    price = posted(own)["price_per_mwh"].to_numpy()
    for name, p_mw in zip(STORAGES, (0.5, 0.4, 0.8), strict=True):
        earned = income(own, name)
        assert set(earned.index) == {CHARGE, DISCHARGE}
        assert earned.sum() == pytest.approx(best_money(price, p_mw, 2.0 * p_mw), abs=1e-4)
    metrics = own.summary["static-carbon"]
    assert metrics["storage_redispatched_mwh"] == 0.0
    assert metrics["storage_compensation_money"] == 0.0


def test_an_owner_bears_its_wear_itself() -> None:
    result = ran("tou", "storages.storage_7.wear_cost_per_mwh=30")
    earned, dispatch = income(result, "storage_7"), result.table("dispatch")
    discharged = dispatch.query("agent == 'storage_7'")["p_supply_mw"].sum()
    assert discharged > 0.5
    assert earned[WEAR] == pytest.approx(-30.0 * discharged, abs=1e-6)
    assert WEAR not in income(result, "dso").index


def test_whoever_is_commanded_gets_what_it_would_have_earned_at_the_plain_tariff(commanded: Result) -> None:
    plain = posted(commanded)["tou_price_per_mwh"].to_numpy()
    for name, p_mw in zip(STORAGES, (0.5, 0.4, 0.8), strict=True):
        earned = income(commanded, name)
        assert set(earned.index) == {STORAGE_COMPENSATION}
        assert earned.sum() == pytest.approx(best_money(plain, p_mw, 2.0 * p_mw), abs=1e-4)
    paid = income(commanded, "dso")[STORAGE_COMPENSATION]
    assert paid == pytest.approx(-commanded.summary["adcef"]["storage_income_money"], abs=1e-9)
    schedules = commanded.table("storage_schedules")
    assert schedules["p_own_mw"].isna().all()
    assert (schedules["p_planned_mw"] - schedules["p_baseline_mw"]).abs().max() > 0.1


def test_equally_good_schedules_differ_in_what_becomes_of_them(own: Result) -> None:
    table, metrics = own.table("equal_schedules"), own.summary["static-carbon"]
    assert table["rule"].tolist() == ["spread", "earliest", "latest"]
    assert np.ptp(table["earnings_money"].to_numpy()) < 1e-3
    # The first row is the rule that was lived by.
    assert table["emission_tco2"].iloc[0] == pytest.approx(metrics["emission_tco2"], abs=1e-3)
    assert metrics["equal_schedules_least_emission_tco2"] == table["emission_tco2"].min()
    assert metrics["equal_schedules_most_emission_tco2"] > metrics["equal_schedules_least_emission_tco2"]


def test_an_owner_that_hears_no_tariff_does_what_it_has_declared(monkeypatch: pytest.MonkeyPatch) -> None:
    send = Connection.send

    def lossy(connection: Connection, recipient: str, payload: object, **more: Any) -> None:
        if not (isinstance(payload, TariffSignal) and recipient == "storage_24"):
            send(connection, recipient, payload, **more)

    monkeypatch.setattr(Connection, "send", lossy)
    result = ran("static-carbon", "negotiation.round_limit=2")
    drawn = result.table("dispatch").query("agent == 'storage_24'")
    told = result.table("storage_schedules").query("agent == 'storage_24'")
    net = (drawn["p_demand_mw"] - drawn["p_supply_mw"]).to_numpy()
    assert np.abs(net).max() > 0.1
    assert net == pytest.approx(told["p_baseline_mw"].to_numpy(), abs=1e-9)
    hard = [one.name for one in result.certificates if one.hard and not one.passed]
    assert hard == []


LARGE = ("storages.storage_14.p_max_mw=4", "storages.storage_14.e_max_mwh=8")
POWERS_MW, ENERGIES_MWH = (0.5, 4.0, 0.8), (1.0, 8.0, 1.6)
LIMIT_MW = 3.9


def least_change_mwh(own_mw: Array, most_mw: Array, least_mw: Array) -> float:
    """Least change of schedules, shape (n_storage, n), that keeps their sum within limits."""
    count, n = own_mw.shape
    one = np.hstack([0.92 * np.tri(n), -np.tri(n) / 0.95])
    gains = np.kron(np.eye(count), np.hstack([one, np.zeros((n, 2 * n))]))
    net = np.hstack([np.eye(n), -np.eye(n), np.zeros((n, 2 * n))])
    total = np.tile(net, count)
    change = np.kron(np.eye(count), np.hstack([np.eye(n), -np.eye(n), -np.eye(n), np.eye(n)]))
    band = 0.4 * np.repeat(ENERGIES_MWH, n)
    bounds = [bound for p_mw in POWERS_MW for bound in [(0.0, p_mw)] * (2 * n) + [(0.0, None)] * (2 * n)]
    answer = linprog(
        np.tile(np.concatenate([np.zeros(2 * n), np.ones(2 * n)]), count),
        A_ub=np.vstack([gains, -gains, total, -total]),
        b_ub=np.concatenate([band, band, most_mw, -least_mw]),
        A_eq=np.vstack([gains[n - 1 :: n], change]),
        b_eq=np.concatenate([np.zeros(count), own_mw.ravel()]),
        bounds=bounds,
    )
    return float(answer.fun)


@pytest.mark.parametrize("ties", ["earliest", "latest"])
def test_a_schedule_that_the_head_cannot_carry_is_changed_least_and_paid_for(ties: str) -> None:
    rule = f"storages.storage_14.equal_schedules={ties}"
    result = ran("tou", *NO_GAS, *LARGE, f"prices.import_limit_mw={LIMIT_MW}", rule)
    assert [one.name for one in result.certificates if one.hard and not one.passed] == []
    schedules, dispatch = result.table("storage_schedules").set_index("agent"), result.table("dispatch")
    own, planned = (
        np.array([schedules.loc[name, column].to_numpy() for name in STORAGES])
        for column in ("p_own_mw", "p_planned_mw")
    )
    sun = dispatch.query("kind == 'renewable'").groupby("period")["p_available_mw"].sum().to_numpy()
    load = dispatch.query("kind == 'consumer'").groupby("period")["p_demand_mw"].sum().to_numpy()
    moved = result.summary["tou"]["storage_redispatched_mwh"]
    assert moved == pytest.approx(np.abs(planned - own).sum(), abs=1e-6)
    least = least_change_mwh(own, LIMIT_MW + sun - load, -load)
    # Losses, which the linear programme leaves out, move the limits a little.
    assert least > 0.5
    assert moved == pytest.approx(least, rel=0.05)
    head = dispatch.query("kind == 'head'")
    assert head["p_supply_mw"].max() <= LIMIT_MW + 1e-5
    assert head["p_demand_mw"].max() <= 1e-5
    price = posted(result)["price_per_mwh"].to_numpy()
    for row, (name, p_mw, e_mwh) in enumerate(zip(STORAGES, POWERS_MW, ENERGIES_MWH, strict=True)):
        drawn = dispatch.query("agent == @name")
        assert (drawn["p_demand_mw"] - drawn["p_supply_mw"]).to_numpy() == pytest.approx(
            planned[row], abs=1e-9
        )
        lost, earned = max(0.0, float(price @ (planned[row] - own[row]))), income(result, name)
        assert earned.get(STORAGE_COMPENSATION, 0.0) == pytest.approx(lost, abs=1e-6)
        assert earned.sum() >= best_money(price, p_mw, e_mwh) - 1e-3
    assert result.summary["tou"]["storage_compensation_money"] > 1.0


def test_a_schedule_that_breaks_the_band_of_voltage_is_changed() -> None:
    weak = ("renewables={}", "network.impedance_factor=2", "network.loading_max=null")
    result = ran("tou", *NO_GAS, *LARGE, *weak, "storages.storage_14.equal_schedules=earliest")
    assert [one.name for one in result.certificates if one.hard and not one.passed] == []
    assert result.summary["tou"]["storage_redispatched_mwh"] > 0.5
    assert result.summary["tou"]["voltage_min_pu"] == pytest.approx(0.95, abs=1e-3)


def test_schedules_against_a_day_of_negative_prices_are_carried_without_export(tmp_path: Path) -> None:
    shipped = resources.files("gridarium.experiments") / "data" / "adcef-ordinary.csv"
    prices = pd.read_csv(str(shipped), comment="#")
    prices["tou_price_per_mwh"] *= -1.0
    prices.to_csv(tmp_path / "negative.csv", index=False)
    result = ran("tou", f"profiles={tmp_path / 'negative.csv'}")
    assert [one.name for one in result.certificates if one.hard and not one.passed] == []
    # What owners discharge beyond the load is burnt, for nothing may be fed back.
    fed = result.table("storages").groupby("period")["p_discharge_mw"].sum()
    assert (fed - result.table("loads").groupby("period")["p_metered_mw"].sum()).max() > 0.05
    assert result.table("heads")["p_metered_mw"].min() >= -1e-6
