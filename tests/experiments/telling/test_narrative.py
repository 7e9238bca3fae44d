"""What happened in a run: carbon and money by class against sums by hand, and what cases differ in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import pytest

from gridarium.experiments.results.outcomes import Who, comparisons, copies_of, outcomes
from gridarium.experiments.results.records import Certificate
from gridarium.experiments.results.result import Result
from gridarium.experiments.running.runner import run
from gridarium.experiments.scenario import load_scenario
from gridarium.experiments.telling.narrative import comparison_rows, narrative
from gridarium.experiments.telling.report import render

CASES = {
    "on": {"grids": {"r": {"dso": {"storage": "pooled"}, "tariff": {"kind": "adcef"}}}},
    "no-pool": {"grids": {"r": {"dso": {"storage": "own"}, "tariff": {"kind": "adcef"}}}},
    "no-factor": {"grids": {"r": {"dso": {"storage": "pooled"}, "tariff": {"kind": "tou"}}}},
    "off": {"grids": {"r": {"dso": {"storage": "own"}, "tariff": {"kind": "tou"}}}},
}
COAL_T_PER_H = {"on": 10.0, "no-pool": 12.0, "no-factor": 11.0, "off": 14.0}
PAID = {"on": 100.0, "no-pool": 110.0, "no-factor": 100.0, "off": 130.0}


def _ledger(case: str) -> list[dict[str, Any]]:
    paid = PAID[case]
    pairs = (("r/home", "r/dso", paid), ("r/dso", "bulk/ties", 60.0), ("r/replicas", "bulk/ties", 120.0))
    return [
        {"case": case, "account": account, "amount_money": amount}
        for payer, receiver, money in (*pairs, ("bulk/ties", "carbon-market", 5.0))
        for account, amount in ((payer, -money), (receiver, money))
    ]


def _payoffs(case: str) -> list[dict[str, Any]]:
    rows = (
        ("bulk", "ties", "ties", "head energy", 180.0),
        ("bulk", "carbon-market", "counterparty", "carbon", 5.0),
        ("r", "home", "consumer", "retail", -PAID[case]),
        ("r", "home", "consumer", "utility", 500.0),
        ("r", "dso", "dso", "retail", PAID[case]),
        ("r", "carbon-market", "carbon_market", "carbon", 5.0),
    )
    names = ("grid", "agent", "kind", "item", "amount_money")
    return [{"case": case, **dict(zip(names, row, strict=True))} for row in rows]


def _units(case: str) -> list[dict[str, Any]]:
    shared = {"case": case, "emission_gross_tco2_per_h": COAL_T_PER_H[case]}
    coal = {**shared, "grid": "bulk", "agent": "coal", "kind": "thermal", "absorbed_tco2_per_h": 4.0}
    gas = {**shared, "grid": "r", "agent": "gas", "kind": "gas_turbine", "emission_gross_tco2_per_h": 1.0}
    return [coal, coal, gas]


def _heads(case: str) -> list[dict[str, Any]]:
    root = {"case": case, "grid": "bulk", "above": "", "carbon_t_per_h": 2.0}
    return [root, {**root, "grid": "r", "above": "bulk", "carbon_t_per_h": 100.0}]


@pytest.fixture
def stacked() -> Result:
    """Four cases of a world of a system over three equal feeders, of periods of half an hour."""
    base = {"period_h": 0.5, "currency": "cny", "grids": {"bulk": {}, "r": {"under": "bulk", "replicas": 3}}}
    makers = {"ledger": _ledger, "payoffs": _payoffs, "units": _units, "heads": _heads}
    tables = {
        name: pd.DataFrame([row for case in CASES for row in make(case)]) for name, make in makers.items()
    }
    days = [{"case": case, "grid": "r", "ended": "converged", "rounds": 3, "day": 0} for case in CASES]
    days[-1] |= {"ended": "gate closed", "cycle_size": float("nan")}
    certificates = [
        Certificate("on", "r: follower regret", 0.5, 1.0, "", True, True, "what it could gain"),
        Certificate("off", "r: reserve", 6.0, 2.0, "MW", False, False, "what is missing"),
        Certificate("on", "r: voltage", 0.0, 0.0, "p.u.", True, False, "how far it is off"),
    ]
    summary: dict[str, dict[str, float]] = {case: {} for case in CASES}
    return Result(
        summary, certificates, [], base | {"cases": CASES}, {}, tables | {"days": pd.DataFrame(days)}
    )


def test_carbon_and_money_are_those_of_all_replicas(stacked: Result) -> None:
    first = outcomes(stacked)[0]
    coal, gas, outside = Who("bulk", "thermal", 1), Who("r", "gas_turbine", 3), Who("bulk", "head", 1)
    assert first.carbon_tco2 == {coal: 6.0, gas: 1.5, outside: 1.0}
    assert first.money == {
        Who("bulk", "ties", 1): 175.0,
        Who("r", "consumer", 3): 1200.0,
        Who("r", "dso", 3): 120.0,
    }
    assert first.unvalued == frozenset()


def test_replicas_multiply_down_the_tree() -> None:
    grids = {"a": {}, "b": {"under": "a", "replicas": 4}, "c": {"under": "b", "replicas": 5}}
    assert copies_of({"grids": grids}) == {"a": 1, "b": 4, "c": 20}
    assert copies_of({"dso": {}}) == {"": 1}


def test_a_switch_is_what_no_other_case_makes_a_part_of(stacked: Result) -> None:
    found = {one.other.case: one for one in comparisons(stacked)}
    assert {name: one.is_single for name, one in found.items()} == {
        "no-pool": True,
        "no-factor": True,
        "off": False,
    }
    assert found["off"].carbon_tco2 == pytest.approx(4.0)
    assert found["off"].gains[Who("r", "consumer", 3)] == pytest.approx(-90.0)
    assert found["off"].total_money == pytest.approx(0.0)


def test_a_section_may_go_along_with_the_field_that_asks_for_it() -> None:
    study = load_scenario("shared-storage")
    tree = study.resolved()
    result = Result({case: {} for case in ("method-0", "method-1", "method-2")}, [], [], tree, {}, {})
    assert [one.is_single for one in comparisons(result)] == [True, False]


def test_sentences_tell_carbon_money_switches_and_rest(stacked: Result) -> None:
    told = {one.about: one.text for one in narrative(stacked)}
    assert told["Carbon"] == (
        "on emits 8.5000 tCO2, no-pool 10.500 (+2, +23.5%), no-factor 9.5000 (+1, +11.8%), off 12.500 "
        "(+4, +47.1%)."
    )
    assert told["Where"] == "off against on, in tCO2: +4 thermal of bulk."
    assert told["Who gained"] == (
        "by off instead of on, in CNY: DSO of r (x 3) +90; consumer of r (x 3) -90; all together 0."
    )
    assert told["Which switch"] == (
        "alone against on, by how far each moves carbon: "
        "no-pool (grids.r.dso.storage pooled → own) +2 tCO2, all together 0 CNY; "
        "no-factor (grids.r.tariff.kind adcef → tou) +1 tCO2, all together 0 CNY."
    )
    assert told["Interaction"] == (
        "off flips no-pool, no-factor at once: +4 tCO2, where one by one they add up to +3."
    )
    assert told["Equilibrium"] == (
        "3 of 4 negotiations came to rest; the largest regret is r: follower regret in on, 0.5000 "
        "(tolerance 1)."
    )
    assert told["Soft certificates"] == (
        "1 of 2 passed; the largest gap against its tolerance is that of r: reserve in off, 6 MW "
        "(tolerance 2 MW): what is missing."
    )


def test_the_page_has_the_story_first_and_the_long_table_below(stacked: Result) -> None:
    stacked.summary["on"]["loss_mwh"] = 1.0
    page = render(stacked, [])
    places = [
        page.index(f"<h2>{title}") for title in ("Findings", "What happened", "Summary", "Certificates")
    ]
    assert places == sorted(places)
    rows = comparison_rows(stacked)
    assert rows[0][:2] == ("no-pool", "grids.r.dso.storage pooled → own")
    assert all(f">{text}</" in page for row in rows for text in row)


def test_who_tells_no_worth_of_energy_is_marked(stacked: Result) -> None:
    payoffs = stacked.tables["payoffs"]
    tables: Mapping[str, pd.DataFrame] = {**stacked.tables, "payoffs": payoffs[payoffs["item"] != "utility"]}
    told = narrative(Result(stacked.summary, [], [], stacked.scenario, {}, tables))
    money = next(one.text for one in told if one.about == "Who gained")
    assert "consumer of r (x 3) -90 (its bill alone)" in money


def test_carbon_of_a_real_run_is_that_of_its_summary() -> None:
    result = run(load_scenario("adcef-small"), cases=["tou", "tou-commanded"])
    for one in outcomes(result):
        assert one.total_tco2 == pytest.approx(result.summary[one.case]["emission_tco2"], rel=1e-9)
        revenue = one.money[Who("", "dso", 1)]
        assert revenue == pytest.approx(result.summary[one.case]["dso_net_revenue_money"], rel=1e-9)
    (one,) = comparisons(result)
    assert one.is_single
    assert [str(each) for each in one.found] == ["dso.storage self-scheduled → commanded"]
