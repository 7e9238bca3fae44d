"""Cases beyond the paper: many prosumers, sellers that default, a unit that starts, other tanks."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest

from gridarium.experiments.claims.kinds import Evidence
from gridarium.experiments.papers.net_zero_cases import CASE_CLAIMS
from gridarium.experiments.parts.prosumers import PROSUMERS
from gridarium.experiments.results.records import Claim
from gridarium.experiments.results.result import Result
from gridarium.experiments.running.runner import run
from gridarium.experiments.scenario import Study, load_scenario

Run = Callable[..., Result]
PAIR = ("defaults-forgiven", "defaults-remembered")
WITHOUT_BENCHMARK = "operator.benchmark_nodes=0"


@pytest.fixture(scope="module")
def defaults(run_short: Run) -> Result:
    return run_short(WITHOUT_BENCHMARK, cases=PAIR)


def claims_of(study: Study, result: Result, **summary: dict[str, float]) -> dict[str, Claim]:
    evidence = Evidence(study, {**result.summary, **summary}, result.tables, result.certificates)
    return {claim.id: claim for claim in (make(evidence) for make in CASE_CLAIMS)}


def test_metrics_are_of_classes_and_sum_up_their_members(defaults: Result) -> None:
    metrics = defaults.summary[PAIR[1]]
    profits = [name for name in metrics if name.endswith("_profit_money") and name.startswith("prosumer")]
    assert profits == [f"prosumer_{number}_profit_money" for number in (1, 2, 3)]
    own = defaults.table("prosumers").query(f"case == '{PAIR[1]}'")
    assert own["agent"].nunique() == 10
    of_class = own[own["class"] == "prosumer_3"]
    assert set(of_class["agent"]) == {"prosumer_3_1", "prosumer_3_2", "prosumer_3_3"}
    assert metrics["prosumer_3_utility_money"] == pytest.approx(of_class["utility_money"].sum())
    # Members are no copies of each other: some of a class sell to others of it.
    trades = defaults.table("trades").query("product == 'p2p'")
    within = trades["seller"].str.rsplit("_", n=1).str[0] == trades["buyer"].str.rsplit("_", n=1).str[0]
    assert 0 < within.sum() < len(trades)


def test_every_hard_certificate_passes_with_members_and_defaults(defaults: Result) -> None:
    assert [one for one in defaults.certificates if one.hard and not one.passed] == []
    assert {"line fees", "payments", "matching bound"} <= {one.name for one in defaults.certificates}


def test_defaults_are_counted(defaults: Result) -> None:
    trades = defaults.table("trades").query("product == 'p2p'")
    for case in PAIR:
        rows, metrics = trades[trades["case"] == case], defaults.summary[case]
        failed = rows[rows["outcome"] != "delivered"]
        # Who defaults sends half of all that it has sold; nobody else fails.
        assert failed["seller"].nunique() == 2
        assert rows[rows["seller"].isin(failed["seller"])]["outcome"].eq("short").all()
        assert metrics["p2p_of_defaulters_mwh"] == pytest.approx(failed["contracted_mwh"].sum())
        assert metrics["p2p_undelivered_mwh"] == pytest.approx(0.5 * failed["contracted_mwh"].sum())


def test_reputation_keeps_buyers_from_sellers_that_fail() -> None:
    # Without an operator, whose calls differ from case to case, for what was short and is called again.
    pair = load_scenario("net-zero").cases[PAIR[0]]
    classes = {name: one.model_dump(mode="json") for name, one in PROSUMERS.of(pair).items()}
    settings = [f"prosumers={json.dumps(classes)}", "horizon_h=14"]
    found = []
    for weight in (0, 0.1):
        study = load_scenario("net-zero-bargaining", [*settings, f"trading.reputation_weight={weight}"])
        found.append(run(study, cases=["concession-log"]).summary["concession-log"])
    forgiven, remembered = found
    assert remembered["p2p_of_defaulters_mwh"] < 0.6 * forgiven["p2p_of_defaulters_mwh"]
    assert remembered["p2p_undelivered_mwh"] < 0.6 * forgiven["p2p_undelivered_mwh"]
    assert remembered["p2p_mwh"] > forgiven["p2p_mwh"]


def test_claims_follow_what_was_found(defaults: Result) -> None:
    pool = {"p2p_mwh": 20.0, "p2p_welfare_money": 5000.0, "p2p_efficiency_percent": 80.0}
    tanks = {
        f"tank-{tank}-{case}": {"emission_tco2": emission}
        for tank in ("none", "small", "default")
        for case, emission in (("capture", 900.0), ("shared-storage", 600.0))
    }
    many = {"many-prosumers": pool, "many-decentralised": {**pool, "p2p_welfare_money": 4000.0}}
    claims = claims_of(load_scenario("net-zero"), defaults, **many, **tanks)
    assert claims["E-decentralised"].verdict == "not reproduced"
    sold = [defaults.summary[case]["p2p_of_defaulters_mwh"] for case in PAIR]
    fell = "direction reproduced" if sold[1] < sold[0] else "not reproduced"
    assert claims["E-reputation"].verdict == fell
    assert claims["E-emission-tank"].verdict == "direction reproduced"
    assert "none: 900 to 600 (-33.3 %)" in str(claims["E-emission-tank"].measured)
    many["many-decentralised"] = {**pool, "p2p_welfare_money": 5000.0}
    tanks["tank-small-shared-storage"] = {"emission_tco2": 901.0}
    claims = claims_of(load_scenario("net-zero"), defaults, **many, **tanks)
    assert claims["E-decentralised"].verdict == "direction reproduced"
    assert claims["E-emission-tank"].verdict == "not reproduced"
    assert claims["E-commitment"].verdict == "not comparable"


def test_a_unit_starts_for_the_peak_and_stops_after_it() -> None:
    settings = ["trading.active=false", "operator.trigger_mw=500", WITHOUT_BENCHMARK]
    result = run(load_scenario("net-zero", settings), cases=["derated-unit"])
    on = result.table("units").query("agent == 'unit_3'")["on"].to_numpy().astype(int)
    changes = np.flatnonzero(np.diff(on))
    assert [on[0], on[-1], len(changes)] == [0, 0, 2]
    assert result.summary["derated-unit"]["start_stop_money"] == 1000.0
    claim = claims_of(load_scenario("net-zero", settings), result)["E-commitment"]
    assert (claim.verdict, str(claim.measured)) == ("direction reproduced", "unit_3 2 times, 1,000 USD")
    assert [one for one in result.certificates if one.hard and not one.passed] == []


def test_without_a_tank_carbon_is_regenerated_as_it_is_absorbed() -> None:
    result = run(load_scenario("net-zero-tank", ["horizon_h=2"]), cases=["tank-none-shared-storage"])
    carbon = result.table("carbon").query("kind == 'thermal'")
    assert carbon["absorbed_tco2"].sum() > 0.0
    np.testing.assert_allclose(carbon["absorbed_tco2"], carbon["regenerated_tco2"], atol=1e-6)
    assert (carbon["tank_tco2"].abs() < 1e-9).all()
    assert [one for one in result.certificates if one.hard and not one.passed] == []
