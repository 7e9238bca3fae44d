"""Claims of model D: exact ones hold, the others follow what a run found, none is left without a verdict."""

from __future__ import annotations

import pandas as pd
import pytest

from gridarium.experiments.claims.kinds import Evidence
from gridarium.experiments.names.registry import load
from gridarium.experiments.papers.ries_carbon import CLAIMS
from gridarium.experiments.papers.ries_carbon_sweeps import SWEEP_CLAIMS
from gridarium.experiments.results.records import Certificate, Claim
from gridarium.experiments.scenario import load_scenario

SCHEMES = ("none", "fixed", "ladder", "dynamic", "full")
EQUAL = ("fixed-equal", "ladder-equal", "dynamic-equal", "full-equal", "pigouvian-equal")
FALLING = ("emission_tco2", "ties_cost_money", "fuel_money", "own_carbon_money", "loss_share", "satisfaction")
RISING = ("resource_cost_money", "regions_cost_money", "regions_carbon_share", "renewable_used_share")


def summary() -> dict[str, dict[str, float]]:
    """A run in which everything goes the way of the paper, and costs rise with stringency."""
    found = {}
    for place, case in enumerate((*SCHEMES, *EQUAL)):
        falls = {f"bulk.{name}": 100.0 - 5.0 * place for name in FALLING}
        rises = {f"bulk.{name}": 100.0 + place for name in RISING}
        rest = {"most_rounds": 14.0, "base_peak_valley_mw": 150.0, "peak_valley_mw": 116.0, "envy_money": 3.0}
        fair = {"jain_carbon_per_tonne": 0.9 + 0.01 * place, "carbon_share_gap": 0.04}
        found[case] = {**falls, **rises, **{f"bulk.{name}": value for name, value in (rest | fair).items()}}
    return found


def evidence(run: dict[str, dict[str, float]], at_rest: bool = True) -> Evidence:
    abatement = pd.DataFrame(
        {"case": "full", "shapley_tco2": [1.0, 2.0, 3.0, 4.0], "alone_tco2": [1.1, 2.2, 3.1, 4.4]}
    )
    certificate = Certificate("full", "bulk: convergence", 0.0, 1e-4, "", at_rest, True, "")
    return Evidence(load_scenario("ries-carbon"), run, {"abatement": abatement}, [certificate])


def judged(run: dict[str, dict[str, float]], at_rest: bool = True) -> dict[str, Claim]:
    known = evidence(run, at_rest)
    return {claim.id: claim for claim in (make(known) for make in CLAIMS)}


def test_the_scenario_names_the_paper_and_has_all_cases_that_claims_need() -> None:
    study = load_scenario("ries-carbon")
    assert {case.papers[0] for case in study.cases.values()} == {"ries-carbon"}
    assert {*SCHEMES, *EQUAL, "pigouvian", "once"} == set(study.cases)
    assert load("papers", "ries-carbon").claims is CLAIMS


def test_each_claim_has_a_verdict_a_source_and_a_reason() -> None:
    claims = judged(summary())
    assert len(claims) == len(CLAIMS)
    for claim in claims.values():
        assert claim.reason and claim.source.startswith("Sustainability 2025, 17(22), 10095")
        assert (claim.measured is None) == (claim.verdict == "not comparable")


@pytest.mark.parametrize("name", ["shapley-coefficient", "jain-formula", "ladder-sum", "cost-sum"])
def test_exact_claims_hold_whatever_was_run(name: str) -> None:
    assert judged({})[f"D-{name}"].verdict == "number reproduced"


def test_hypotheses_and_orders_follow_the_run() -> None:
    claims = judged(summary())
    for name in ("hypothesis-jain", "hypothesis-emission", "hypothesis-rounds", "order-emission"):
        assert claims[f"D-{name}"].verdict == "direction reproduced", name
    assert claims["D-order-resource"].verdict == "not reproduced"
    assert claims["D-order-equal"].verdict == "not reproduced"
    assert claims["D-order-equal-ties"].verdict == "direction reproduced"
    assert claims["D-peak-valley"].verdict == "number reproduced"
    assert claims["D-envy"].verdict == "not reproduced"
    assert claims["D-cost"].reason.startswith("not within 10% of the figure")


@pytest.mark.parametrize(
    ("metric", "case", "value", "claim"),
    [
        ("jain_carbon_per_tonne", "full", 0.9, "hypothesis-jain"),
        ("emission_tco2", "full", 81.0, "hypothesis-emission"),
        ("most_rounds", "full", 16.0, "hypothesis-rounds"),
        ("emission_tco2", "dynamic", 91.0, "order-emission"),
        ("carbon_share_gap", "full", 0.051, "proportionality"),
        ("peak_valley_mw", "full", 151.0, "peak-valley"),
        ("satisfaction", "full", 101.0, "satisfaction"),
        ("loss_share", "full", 101.0, "cost-parts"),
    ],
)
def test_each_claim_can_fail(metric: str, case: str, value: float, claim: str) -> None:
    run = summary()
    assert judged(run)[f"D-{claim}"].verdict in ("direction reproduced", "number reproduced")
    run[case][f"bulk.{metric}"] = value
    assert judged(run)[f"D-{claim}"].verdict == "not reproduced"


def test_rounds_that_do_not_come_to_rest_are_told() -> None:
    assert judged(summary(), at_rest=False)["D-converges"].verdict == "not reproduced"


def test_claims_on_cases_that_were_not_run_cannot_be_compared() -> None:
    claims = judged({"full": summary()["full"]})
    for name in ("hypothesis-emission", "order-cost", "order-equal", "region-cost"):
        assert claims[f"D-{name}"].verdict == "not comparable"
        assert "needs the cases" in claims[f"D-{name}"].reason


def swept() -> dict[str, dict[str, float]]:
    """Runs over single parameters in which everything goes the way of the paper."""
    run = {name: {"ties_cost_money": 100.0, "emission_tco2": 100.0} for name in ("none", "untouched")}
    for place, price in enumerate((20, 40, 60, 80, 100)):
        run[f"price-{price:03d}"] = {
            "ties_cost_money": 95.0 + 4.0 * place,
            "emission_tco2": 92.0 - 6.0 * place,
        }
    for place, share in enumerate((5, 10, 15, 20, 25, 30)):
        found = {"ties_cost_money": 82.0 - 3.0 * place, "satisfaction": 0.98 - 0.02 * place}
        run[f"response-{share:02d}"] = found
    for share in (20, 30, 40, 50, 60):
        run[f"renewable-{share}"] = {"renewable_used_share": 0.99 - 0.002 * share}
    for size in (50, 120, 200, 280, 350, 500):
        run[f"storage-{size:03d}"] = {"resource_cost_money": 100.0 + abs(size - 280) / 100.0}
    run |= {f"loading-{load}": {} for load in (110, 120)}
    return {case: {f"bulk.{name}": one for name, one in found.items()} for case, found in run.items()}


def judged_sweep(run: dict[str, dict[str, float]], fails: str = "loading-120") -> dict[str, Claim]:
    certificates = [
        Certificate(case, "bulk: reserve", 0.0, 1.0, "MW", case != fails, True, "") for case in run
    ]
    known = Evidence(load_scenario("ries-parameters"), run, {}, certificates)
    return {claim.id: claim for claim in (make(known) for make in SWEEP_CLAIMS)}


def test_the_scenario_of_single_parameters_has_the_cases_that_claims_need() -> None:
    assert {*swept()} | {"loading-050", "loading-080", "loading-100"} == {
        *load_scenario("ries-parameters").cases
    }


def test_claims_on_single_parameters_hold_where_all_goes_as_printed() -> None:
    verdicts = {claim.id: claim.verdict for claim in judged_sweep(swept()).values()}
    assert len(verdicts) == len(SWEEP_CLAIMS) == 7
    assert {*verdicts.values()} == {"direction reproduced"}


@pytest.mark.parametrize(
    ("claim", "case", "metric", "value"),
    [
        ("price-emission", "price-060", "emission_tco2", 90.0),
        ("price-cost", "price-100", "ties_cost_money", 99.0),
        ("response-cost", "response-05", "ties_cost_money", 101.0),
        ("response-satisfaction", "response-30", "satisfaction", 0.97),
        ("renewable-use", "renewable-60", "renewable_used_share", 0.8),
        ("storage-size", "storage-500", "resource_cost_money", 90.0),
    ],
)
def test_each_claim_on_a_parameter_can_fail(claim: str, case: str, metric: str, value: float) -> None:
    run = swept()
    run[case][f"bulk.{metric}"] = value
    failed = [name for name, one in judged_sweep(run).items() if one.verdict == "not reproduced"]
    assert failed == [f"D-{claim}"]


@pytest.mark.parametrize("fails", ["", "loading-110"])
def test_a_day_must_be_feasible_at_one_loading_and_not_at_the_next(fails: str) -> None:
    assert judged_sweep(swept(), fails)["D-loading"].verdict == "not reproduced"
