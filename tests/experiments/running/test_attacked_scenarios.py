"""What forged messages cost whom in shipped scenarios, made small; on secured links none of them acts."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import pytest

from gridarium.experiments import load_scenario, run
from gridarium.experiments.results.result import Result

HALF_A_DAY, MORNING = ("horizon_h=12",), ("horizon_h=10",)


@pytest.fixture(scope="module")
def feeder() -> Result:
    return run(load_scenario("adcef-attacked", HALF_A_DAY))


@pytest.fixture(scope="module")
def system() -> Result:
    return run(load_scenario("net-zero-attacked", MORNING))


def acted(result: Result) -> Mapping[str, float]:
    return {case: row.get("intrusions_acted", 0.0) for case, row in result.summary.items()}


@pytest.mark.parametrize("name", ["feeder", "system"])
def test_forged_messages_act_on_plain_links_and_on_secured_ones_none_does(
    name: str, request: pytest.FixtureRequest
) -> None:
    result: Result = request.getfixturevalue(name)
    first, *attacked, secured = result.summary
    found = acted(result)
    assert found[first] == found[secured] == 0.0
    assert all(found[case] > 0.0 for case in attacked)
    assert result.summary[secured]["intrusions_refused"] > 0.0
    assert result.passed


def test_whoever_believes_a_cheap_tariff_loses_by_it(feeder: Result) -> None:
    def gain(case: str) -> float:
        rows = feeder.table("payoffs")
        own = rows[(rows["case"] == case) & (rows["agent"] == "commercial")]
        return float(own["amount_money"].sum())

    regret = {one.case: one.value for one in feeder.certificates if one.name == "follower regret"}
    assert regret["adcef"] < 1e-6 < 1e-4 < regret["forged-tariff"]
    assert gain("forged-tariff") < gain("adcef") - 0.1


def test_an_operator_that_counts_on_a_forged_plan_sees_another_load_than_it_planned(feeder: Result) -> None:
    signals = feeder.table("signals")

    def error(case: str) -> float:
        own = signals[(signals["case"] == case) & (signals["agent"] == "dso")]
        loads = feeder.table("loads")
        drawn = loads[loads["case"] == case].groupby("period")["p_metered_mw"].sum()
        return float((own.set_index("period")["p_load_plan_mw"] - drawn).abs().max())

    assert error("adcef") < 1e-6 < 0.1 < error("forged-plan")


def test_a_storage_that_is_told_never_to_discharge_ends_the_day_full(feeder: Result) -> None:
    held = feeder.table("storages")
    last = held[held["agent"] == "storage_24"].groupby("case")["e_mwh"].last()
    assert last["forged-command"] > last["adcef"] + 0.1


def test_on_secured_links_the_day_is_that_of_no_attack(feeder: Result) -> None:
    def told(case: str) -> pd.DataFrame:
        table = feeder.table("dispatch")
        return table[table["case"] == case].drop(columns="case").reset_index(drop=True)

    pd.testing.assert_frame_equal(told("secured"), told("adcef"))


def test_forged_set_points_make_a_system_buy_what_its_unit_does_not_deliver(system: Result) -> None:
    bought = {case: row["real_time_mwh"] for case, row in system.summary.items()}
    assert bought["forged-set-point"] > bought["shared-storage"] + 10.0
    assert system.summary["forged-offers"]["p2p_price_per_mwh"] != pytest.approx(
        system.summary["shared-storage"]["p2p_price_per_mwh"], rel=1e-3
    )
