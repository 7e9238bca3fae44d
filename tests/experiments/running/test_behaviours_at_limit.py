"""Each behaviour at its limit leaves the bytes of the exact run; away from it, balances still hold."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import pytest

from gridarium.experiments.names import registry
from gridarium.experiments.results.result import Result
from gridarium.experiments.results.table_files import parquet_bytes
from gridarium.experiments.running.runner import run
from gridarium.experiments.scenario import load_scenario
from small_cases import FREE_TO_RUN
from tests.support.behaviours import at_default

LEADERS = ("noise", "stale", "inattention", "sticky-price", "satisficing-leader", "learned-slope")
FOLLOWERS = tuple(
    name
    for name in registry.entries("behaviours")
    if "follower" in getattr(registry.load("behaviours", name), "roles", ())
)
# Parameters that change nothing as long as the one that matters is at its limit.
BESIDE_THE_LIMIT = {
    "noise": "{price_scale_per_mwh: 0, redraw: true}",
    "stale": "{rounds: 0, seconds: 0}",
    "inattention": "{probability: 0, price_threshold_per_mwh: 0}",
    "quantal": "{temperature_share: 0, vertices: 9, redraw: true}",
    "satisficing": "{aspiration_share: 1, perturbations: 7}",
    "habit": "{last_weight: 0, usual_weight: 0, inertia_share: 0}",
    "loss-aversion": "{aversion: 1, against_usual: true}",
    "roth-erev": "{plans: 0, forgetting: 1}",
    "exp3": "{plans: 0, knows_best: false, exploration: 1}",
    "evolution-strategy": "{population: 0, initial_step: 1, harmonics: 0}",
    "inexact": "{contraction: 0, iterations: 9}",
    "byzantine": "{probability: 0, kind: opposite}",
    "partial-compliance": "{compliance: 1}",
    "override": "{probability: 0}",
    "drop-out": "{probability: 0}",
    "overstated-base": "{share: 0}",
    "anticipation": "{trust: 0, forgetting: 0}",
    "sticky-price": "{every_rounds: 1, price_threshold_per_mwh: 0}",
    "satisficing-leader": "{gain_share: 0}",
    "learned-slope": "{trust: 0, forgetting: 0}",
}
BOUNDED = {
    "noise": "{price_scale_per_mwh: 20, factor_bias_tco2_per_mwh: 0.1, load_scale_share: 0.02}",
    "stale": "{rounds: 2}",
    "inattention": "{probability: 0.3, price_threshold_per_mwh: 5, threshold_mw: 0.1}",
    "quantal": "{temperature_share: 0.005, redraw: true}",
    "satisficing": "{aspiration_share: 0.4}",
    "habit": "{last_weight: 0.3, usual_weight: 0.3}",
    "loss-aversion": "{aversion: 2.25}",
    "roth-erev": "{plans: 3}",
    "exp3": "{plans: 3, knows_best: false}",
    "evolution-strategy": "{population: 4}",
    "inexact": "{contraction: 0.5, iterations: 2}",
    "byzantine": "{probability: 0.5}",
    "partial-compliance": "{compliance: 0.5}",
    "override": "{probability: 0.3}",
    "drop-out": "{probability: 0.1}",
    "overstated-base": "{share: 0.1}",
    "anticipation": "{trust: 1}",
    "sticky-price": "{price_threshold_per_mwh: 5}",
    "satisficing-leader": "{gain_share: 0.01}",
    "learned-slope": "{trust: 1}",
}
BALANCES = {
    "energy balance", "storage cycle", "carbon balance", "carbon flow", "pool neutrality",
    "money balance", "budget balance", "cone gap",
}  # fmt: skip


def run_one(*settings: str) -> Result:
    return run(load_scenario("adcef-small", [*FREE_TO_RUN, *settings]), cases=["adcef"])


def digests(result: Result) -> Mapping[str, str]:
    return {name: hashlib.sha256(parquet_bytes(table)).hexdigest() for name, table in result.tables.items()}


def everybody(*behaviours: str) -> list[str]:
    classes = ("industrial", "commercial", "residential")
    return [f"consumers.{name}.behaviour=[{', '.join(behaviours)}]" for name in classes]


@pytest.fixture(scope="module")
def exact() -> Mapping[str, str]:
    return digests(run_one())


def test_every_shipped_behaviour_is_tested() -> None:
    assert {*FOLLOWERS, *LEADERS} == set(BESIDE_THE_LIMIT) == set(BOUNDED)
    leaders = {
        name
        for name in registry.entries("behaviours")
        if "leader" in getattr(registry.load("behaviours", name), "roles", ())
    }
    assert leaders == set(LEADERS)


@pytest.mark.parametrize("name", FOLLOWERS)
def test_followers_at_the_limit_leave_the_same_bytes(exact: Mapping[str, str], name: str) -> None:
    assert digests(run_one(*everybody(f"{{{name}: {BESIDE_THE_LIMIT[name]}}}"))) == exact


@pytest.mark.parametrize("name", LEADERS)
def test_a_leader_at_the_limit_leaves_the_same_bytes(exact: Mapping[str, str], name: str) -> None:
    assert digests(run_one(f"dso.behaviour=[{{{name}: {BESIDE_THE_LIMIT[name]}}}]")) == exact


def test_all_of_them_with_their_defaults_leave_the_same_bytes_batteries_and_bad_links_included() -> None:
    hard = (
        "consumers.residential.battery={p_max_mw: 0.2, e_max_mwh: 0.4}",
        "consumers.commercial.shiftable_mwh=0.5",
        "consumers.residential.count=3",
        "communication.latency_s=0.2",
        "communication.loss=0.2",
    )
    followers, leaders = [*map(at_default, FOLLOWERS)], [*map(at_default, LEADERS)]
    mixed = f"consumers.residential.mixture=[{{share: 0.5, behaviour: [{', '.join(reversed(followers))}]}}]"
    bounded = run_one(*hard, *everybody(*followers), mixed, f"dso.behaviour=[{', '.join(leaders)}]")
    assert digests(bounded) == digests(run_one(*hard))


@pytest.mark.parametrize(
    ("role", "name"),
    [*(("follower", name) for name in FOLLOWERS), *(("leader", name) for name in LEADERS)],
)
def test_balances_hold_whoever_is_bounded(exact: Mapping[str, str], role: str, name: str) -> None:
    behaviour = f"{{{name}: {BOUNDED[name]}}}"
    battery = "consumers.residential.battery={p_max_mw: 0.2, e_max_mwh: 0.4}"
    settings = [f"dso.behaviour=[{behaviour}]"] if role == "leader" else [battery, *everybody(behaviour)]
    bounded = run_one("negotiation.round_limit=6", *settings)
    found = {certificate.name: certificate for certificate in bounded.certificates}
    assert all(found[name].passed and found[name].hard for name in BALANCES)
    assert found["follower regret"].hard == (role == "leader")
    assert bounded.passed
    assert digests(bounded) != exact
    again = run_one("negotiation.round_limit=6", *settings)
    assert digests(again) == digests(bounded)
    loads = bounded.table("loads").groupby("agent")[["p_base_mw", "p_plan_mw"]].sum()
    without_battery = loads.drop(index="residential") if role == "follower" else loads
    assert without_battery["p_plan_mw"].to_numpy() == pytest.approx(
        without_battery["p_base_mw"].to_numpy(), abs=1e-5
    )


def test_grid_errors_stay_hard_where_loads_are_as_planned() -> None:
    for behaviour, hard in (("{habit: {usual_weight: 0.5}}", True), ("{override: {probability: 1}}", False)):
        bounded = run_one(*everybody(behaviour))
        found = {certificate.name: certificate for certificate in bounded.certificates}
        for name in ("AC voltage error", "AC loading error", "voltage band"):
            assert found[name].hard is hard
            assert found[name].passed or not hard
