"""Claims of model E: exact ones hold, the others follow what a run found, none is left without a verdict."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gridarium.experiments.claims.kinds import Evidence
from gridarium.experiments.claims.verdicts import judge
from gridarium.experiments.papers.net_zero import CLAIMS
from gridarium.experiments.papers.net_zero_example import PRICE_PER_KWH, VOLUME_KWH, line_through
from gridarium.experiments.results.records import Claim
from gridarium.experiments.results.result import Result
from gridarium.experiments.running.runner import run
from gridarium.experiments.scenario import load_scenario


def judged(result: Result, scenario: str = "net-zero", **changes: Any) -> dict[str, Claim]:
    evidence = Evidence(load_scenario(scenario), result.summary, result.tables, result.certificates)
    return {claim.id: claim for claim in (make(replace(evidence, **changes)) for make in CLAIMS)}


def test_each_claim_has_a_verdict_a_source_and_a_reason(short_run: Result) -> None:
    claims = judge(load_scenario("net-zero"), short_run.summary, short_run.tables, short_run.certificates)
    assert len({claim.id for claim in claims}) == len(claims) == len(CLAIMS)
    for claim in claims:
        assert claim.reason
        assert claim.source.startswith("paper of model E, ")
        assert (claim.measured is None) == (claim.verdict == "not comparable")


def test_exact_claims_hold_whatever_was_run(short_run: Result, bargaining_run: Result) -> None:
    for claims in (judged(short_run), judged(bargaining_run, "net-zero-bargaining")):
        for name in ("E-ladder", "E-example-price"):
            assert claims[name].verdict == "number reproduced"


def test_directions_follow_the_summary(short_run: Result) -> None:
    summary = {case: dict(metrics) for case, metrics in short_run.summary.items()}
    summary["capture"] |= {"emission_tco2": 100.0, "wind_used_percent": 90.0, "total_cost_money": 10.0}
    summary["shared-storage"] |= {"emission_tco2": 90.0, "wind_used_percent": 80.0, "total_cost_money": 10.0}
    claims = judged(short_run, summary=summary)
    assert claims["E-emission"].verdict == "direction reproduced"
    assert "-10.00 %" in str(claims["E-emission"].measured)
    assert claims["E-emission"].reason.startswith("not within 10% of the figure")
    summary["shared-storage"]["emission_tco2"] = 100.0 - 46.5
    assert judged(short_run, summary=summary)["E-emission"].verdict == "number reproduced"
    assert claims["E-wind"].verdict == "not reproduced"
    assert claims["E-total-cost"].verdict == "not reproduced"


def test_claims_on_cases_that_were_not_run_cannot_be_compared(short_run: Result) -> None:
    only = {"capture": short_run.summary["capture"]}
    claims = judged(short_run, summary=only)
    for name in ("E-total-cost", "E-esp-profit", "E-net-zero", "E-price-volume", "E-price-linear-quadratic"):
        assert claims[name].verdict == "not comparable"
        assert "needs" in claims[name].reason


def test_claims_on_what_nobody_told_cannot_be_compared(short_run: Result) -> None:
    tables = {name: table for name, table in short_run.tables.items() if name not in ("carbon", "trades")}
    claims = judged(short_run, tables=tables)
    assert claims["E-capture-peak"].verdict == claims["E-price-volume"].verdict == "not comparable"
    assert "no table of carbon" in claims["E-capture-peak"].reason


def test_claims_on_what_did_not_take_place_cannot_be_compared() -> None:
    # The paper's day begins at midnight: nobody has anything to sell in its first hour.
    result = run(load_scenario("net-zero", ["horizon_h=1"]), cases=["shared-storage"])
    assert "prosumer_1_profit_money" not in result.summary["shared-storage"]
    claims = {claim.id: claim for claim in result.claims}
    assert claims["E-prosumer-profits"].verdict == "not comparable"
    assert "shared-storage of this run has no prosumer_1_profit_money" in claims["E-prosumer-profits"].reason
    assert claims["E-esp-profit"].verdict != "not comparable"


def test_no_claim_fails_for_want_of_a_metric(short_run: Result) -> None:
    summary: dict[str, dict[str, float]] = {case: {} for case in short_run.summary}
    for claim in judged(short_run, summary=summary).values():
        assert claim.reason
        assert (claim.measured is None) == (claim.verdict == "not comparable")


def test_nothing_is_relative_to_zero(short_run: Result) -> None:
    summary = {case: dict(metrics) for case, metrics in short_run.summary.items()}
    summary["capture"]["emission_tco2"] = 0.0
    claim = judged(short_run, summary=summary)["E-emission"]
    assert claim.verdict == "not comparable"
    assert "emission_tco2 is 0 in the case capture" in claim.reason


def test_price_claims_look_at_the_examples_prosumers(bargaining_run: Result) -> None:
    claims = judged(bargaining_run, "net-zero-bargaining")
    assert claims["E-price-linear-log"].verdict == "not comparable"
    measured = str(claims["E-price-linear-quadratic"].measured)
    intercept, slope = (float(part) for part in measured.split()[:2])
    # The utility is calibrated to the paper's line; needs below the offer pull ours off it.
    assert intercept == pytest.approx(0.2837, abs=0.02)
    assert slope == pytest.approx(-0.0029, abs=0.0004)


def test_the_papers_example_is_as_printed() -> None:
    assert VOLUME_KWH.sum() == 714.0
    assert len(VOLUME_KWH) == len(PRICE_PER_KWH) == 15
    slope, intercept, r2 = line_through(VOLUME_KWH, PRICE_PER_KWH)
    assert (round(slope, 4), round(intercept, 4), round(r2, 3)) == (-0.0029, 0.2837, 0.987)
