"""Claims of model D: exact ones hold, the others follow what a run found, none is left without a verdict."""

from __future__ import annotations

import pandas as pd
import pytest

from gridarium.experiments.claims.kinds import Evidence
from gridarium.experiments.papers.ries_carbon import CLAIMS
from gridarium.experiments.records import Certificate, Claim
from gridarium.experiments.registry import load
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
