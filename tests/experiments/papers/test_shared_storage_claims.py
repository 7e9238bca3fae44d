"""Claims of model A: exact ones hold, the others follow what a run found, none is left without a verdict."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import pytest

from gridarium.experiments.claims.kinds import Evidence
from gridarium.experiments.claims.swept import falls, flattens, of_metric, swept
from gridarium.experiments.names.registry import load
from gridarium.experiments.papers.shared_storage import PAPER
from gridarium.experiments.papers.shared_storage_figures import trade_off
from gridarium.experiments.papers.shared_storage_sweeps import total_cost_money
from gridarium.experiments.results.records import Claim
from gridarium.experiments.scenario import load_scenario

HOURS = pd.date_range("2026-01-15", periods=24, freq="h", tz="Asia/Shanghai")
CLAIMS = PAPER.claims


def table(column: str, by_case: Mapping[str, float]) -> pd.DataFrame:
    """The same value in each hour of each case."""
    each = [pd.DataFrame({"case": case, "time": HOURS, column: value}) for case, value in by_case.items()]
    return pd.concat(each, ignore_index=True)


def summary(better: float) -> dict[str, dict[str, float]]:
    """Method 2, and Methods 1 and 0 of which each is that much lower than the one before."""
    names = ("emission_tco2", "purchase_money", "turbine_cost_money", "curtailed_mwh")
    return {
        case: dict.fromkeys(names, 100.0 * (1.0 - better) ** place)
        for place, case in enumerate(("method-2", "method-1", "method-0"))
    }


def judged(better: float) -> dict[str, Claim]:
    tables = {
        "storages": table("p_discharge_mw", {"method-2": 0.1, "method-0": 0.1 * (1.0 + 70.0 * better)}),
        "heads": table("p_metered_mw", {"method-2": 4.0, "method-0": 4.0 - 30.0 * better}),
    }
    known = Evidence(load_scenario("shared-storage"), summary(better), tables, [])
    return {claim.id: claim for claim in (make(known) for make in CLAIMS)}


def test_the_scenario_names_the_paper() -> None:
    study = load_scenario("shared-storage")
    assert {case.papers[0] for case in study.cases.values()} == {"shared-storage"}
    assert load("papers", "shared-storage") is PAPER


def test_each_claim_has_a_verdict_a_source_and_a_reason() -> None:
    claims = judged(0.03)
    assert len(claims) == len(CLAIMS)
    for claim in claims.values():
        assert claim.reason and claim.source.startswith("Processes 2025, 13(11), 3749")
        assert (claim.measured is None) == (claim.verdict == "not comparable")


@pytest.mark.parametrize("name", ["evening-saving", "wind-saved", "shapley-cut"])
def test_exact_claims_hold(name: str) -> None:
    assert judged(0.0)[f"A-{name}"].verdict == "number reproduced"


def test_the_emission_of_one_section_is_a_thousandth_of_another_one() -> None:
    claim = judged(0.0)["A-emission-level"]
    assert claim.verdict == "not reproduced" and claim.measured == pytest.approx(141.4, abs=0.05)


@pytest.mark.parametrize(
    "name", ["emission", "emission-penalty", "curtailment", "utilisation", "high-carbon-hours"]
)
def test_claims_on_runs_follow_the_run(name: str) -> None:
    found = {better: judged(better)[f"A-{name}"].verdict for better in (-0.01, 0.0, 0.03)}
    assert found[-0.01] == found[0.0] == "not reproduced"
    assert found[0.03] in ("direction reproduced", "number reproduced")


@pytest.mark.parametrize(("share", "verdict"), [(0.63, "direction reproduced"), (0.2, "not reproduced")])
def test_utilisation_is_judged_where_there_is_a_pool(share: float, verdict: str) -> None:
    run = summary(0.0)
    run["method-0"]["storage_utilisation_share"] = share
    known = Evidence(load_scenario("shared-storage"), run, {}, [])
    found = {claim.id: claim for claim in (make(known) for make in CLAIMS)}
    assert found["A-utilisation-index"].verdict == verdict
    assert judged(0.0)["A-utilisation-index"].verdict == "not comparable"


def test_carbon_counts_in_cost_at_its_price() -> None:
    known = Evidence(load_scenario("shared-storage"), summary(0.0), {}, [])
    assert total_cost_money(known, "method-2") == pytest.approx(100.0 + 100.0 + 100.0 * 100.0)


def test_a_sweep_is_judged_by_its_order() -> None:
    study = load_scenario("adcef-carbon-price")
    emissions = dict(zip(study.cases, (50.0, 40.0, 35.0, 32.0, 31.0), strict=True))
    known = Evidence(study, {case: {"emission_tco2": value} for case, value in emissions.items()}, {}, [])
    sweep, shown = ("carbon_price_per_tco2", "adcef-carbon-price"), {"{:.0f} t": of_metric("emission_tco2")}
    claim = swept("X", "", "", "", sweep, shown, lambda price, emission: flattens(price, emission))(known)
    assert claim.measured == "50 t, 40 t, 35 t, 32 t, 31 t" and claim.verdict == "direction reproduced"
    rising = swept("X", "", "", "", sweep, shown, lambda price, emission: falls(emission[::-1]))(known)
    assert rising.verdict == "not reproduced"
    other = swept("X", "", "", "", ("adjustment", "elsewhere"), shown, lambda *_: True)(known)
    assert other.verdict == "not comparable" and "elsewhere" in other.reason


def test_the_trade_off_is_relative_to_the_lowest_value() -> None:
    found = {
        "none": {"purchase_money": 60.0, "turbine_cost_money": 40.0, "emission_tco2": 50.0},
        "dear": {"purchase_money": 50.0, "turbine_cost_money": 55.0, "emission_tco2": 40.0},
    }
    points = trade_off({"dear": 250.0, "none": 0.0}, found)
    assert list(points) == ["none", "dear"] and points["none"] == (1.0, 0.0)
    assert points["dear"] == pytest.approx((1.05, 0.2))
