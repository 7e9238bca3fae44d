"""Claims of model B: its arithmetic exactly, its orders as a run has them, each with a reason."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import pytest

from gridarium.experiments.claims.kinds import Evidence
from gridarium.experiments.names.registry import load
from gridarium.experiments.papers.green_vpp import PAPER
from gridarium.experiments.results.records import Claim
from gridarium.experiments.scenario import load_scenario

CASES = ("scenario-1", "scenario-2", "scenario-3")
AS_PRINTED: Mapping[str, tuple[float, float, float]] = {
    "vpp_cost_money": (13055.0, 13564.0, 14121.0),
    "vpp_wear_money": (0.0, 0.0, 0.0),
    "environmental_money": (959.0, 637.0, 0.0),
    "green_discharged_mwh": (10.6101, 6.1515, 1.7369),
    "green_payment_per_mwh": (90.4, 103.6, 0.0),
    "charge_actions": (44.0, 41.0, 11.0),
    "discharge_actions": (50.0, 47.0, 16.0),
    "lcr_share": (0.1396, 0.2160, 0.3),
}
NOT_HELD_BY_ITS_OWN_NUMBERS = {"cost-2", "lcr-system-2", "compensation", "improvement", "paid-per-mwh"}
MISSING = {"money-level", "green-level", "solver"}


def summary(cases: tuple[str, ...] = CASES, turned: bool = False) -> dict[str, dict[str, float]]:
    """Metrics of three cases as the paper prints them, or with scenarios 1 and 3 changed for each other."""
    return {
        case: {name: values[2 - place if turned else place] for name, values in AS_PRINTED.items()}
        for place, case in enumerate(cases)
    }


def tables(turned: bool = False) -> dict[str, pd.DataFrame]:
    times = pd.date_range("2026-01-15", periods=24, freq="h", tz="Asia/Shanghai")
    busy = {"scenario-2": not turned, "scenario-3": turned}
    rows = [
        {"case": case, "region": region, "time": time, "charge_mw": 0.1 * on, "discharge_mw": 0.0}
        for case, on in busy.items()
        for region in ("region_1", "region_2")
        for time in times
    ]
    counts = {"region_1": 20, "region_2": 13, "region_3": 20, "region_4": 15, "region_5": 22}
    days = [
        {"case": "scenario-1", "region": name, "charge_actions": -n if turned else n, "discharge_actions": 0}
        for name, n in counts.items()
    ]
    return {"vpp_regions": pd.DataFrame(rows), "vpp_region_days": pd.DataFrame(days)}


def judged(found: dict[str, dict[str, float]], turned: bool = False) -> dict[str, Claim]:
    known = Evidence(load_scenario("shared-storage"), found, tables(turned), [])
    return {claim.id.removeprefix("B-"): claim for claim in (make(known) for make in PAPER.claims)}


def test_the_paper_is_known_by_name_and_its_claims_by_their_own() -> None:
    assert load("papers", "green-vpp") is PAPER
    assert len(judged(summary())) == len(PAPER.claims)


def test_each_claim_has_a_source_and_a_reason() -> None:
    for claim in judged(summary()).values():
        assert claim.reason and claim.source.startswith("MPCE 2024, 12(2)")
        assert (claim.measured is None) == (claim.verdict == "not comparable")


def test_printed_numbers_are_held_by_the_others_but_for_five() -> None:
    alone = judged({})
    verdicts = {name: claim.verdict for name, claim in alone.items() if claim.measured is not None}
    assert {name for name, verdict in verdicts.items() if verdict == "not reproduced"} == (
        NOT_HELD_BY_ITS_OWN_NUMBERS
    )
    assert len(verdicts) == 15
    assert alone["lcr-1"].measured == "7.55, 13.96"
    assert alone["lcr-system-1"].measured == 28.93 and "28.87 to 29.00" in alone["lcr-system-1"].reason
    assert alone["lcr-system-2"].measured == 62.87 and "62.80" in alone["lcr-system-2"].reason
    assert alone["compensation"].measured == 33.6
    assert alone["improvement"].measured == "511, 254"


def test_a_run_as_printed_reproduces_what_it_can() -> None:
    found = judged(summary())
    not_met = {name for name, claim in found.items() if claim.verdict == "not reproduced"}
    assert not_met == NOT_HELD_BY_ITS_OWN_NUMBERS
    assert {name for name, claim in found.items() if claim.verdict == "not comparable"} == MISSING
    for name in ("benefit-1", "benefit-2", "payment", "overcompensation", "willing-1", "willing-2"):
        assert found[name].verdict == "number reproduced", name
    assert "+510.9 % relative to scenario 3" in found["willing-1"].reason
    assert "does nothing scores 30 %" in found["lcr-order"].reason


@pytest.mark.parametrize(
    "name",
    [
        "green-order", "charge-order", "discharge-order", "benefit-order", "benefit-1", "benefit-2",
        "lcr-order", "willing-1", "dear-regions", "noon",
    ],
)  # fmt: skip
def test_a_run_the_other_way_round_does_not(name: str) -> None:
    assert judged(summary(turned=True), turned=True)[name].verdict == "not reproduced"


def test_a_lower_price_that_pays_less_per_mwh_is_no_higher_one() -> None:
    found = summary()
    found["scenario-1"]["green_payment_per_mwh"] = 110.0
    assert judged(found)["unit-payment"].verdict == "not reproduced"


def test_what_ties_leave_open_is_no_order() -> None:
    found = summary()
    found["scenario-2"]["green_discharged_mwh"] = 10.61
    assert judged(found)["green-order"].verdict == "not reproduced"
    found["scenario-1"]["green_discharged_mwh"] = 1.74
    assert judged(found)["willing-1"].verdict == "not reproduced"


def test_a_fall_from_nothing_is_not_judged() -> None:
    found = judged(summary(turned=True), turned=True)
    assert found["payment"].verdict == found["overcompensation"].verdict == "not comparable"


def test_cases_beside_the_default_ones_are_told_in_the_reason() -> None:
    beside = summary(("efficient-1", "efficient-2", "efficient-3"))
    found = judged(summary() | beside)["green-order"]
    assert "at an efficiency of 0.98 10.610 MWh, 6.15" in found.reason
    assert "with a throughput cost" not in found.reason
    rivals = judged(summary() | {"two-vpps": {"environmental_money": 500.0}})["payment"]
    assert "two plants are paid 500 together" in rivals.reason
