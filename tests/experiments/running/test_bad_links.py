"""Slow, lossy and broken links: the negotiation ends, says how, and the plan fits what was agreed."""

import numpy as np
import pytest

from gridarium.environment.errors import ScenarioError
from gridarium.experiments import load_scenario, run
from gridarium.experiments.results.result import Result
from small_cases import FREE_TO_RUN


def _run(*overrides: str) -> Result:
    return run(load_scenario("adcef-small", [*FREE_TO_RUN, *overrides]), cases=["adcef"])


def _failed(result: Result) -> list[str]:
    return [each.name for each in result.certificates if not each.passed]


@pytest.fixture(scope="module")
def ideal() -> Result:
    """Run the main case on instant and lossless links."""
    return _run()


@pytest.mark.parametrize(
    "links",
    [
        # Requests are repeated after 1 s: every answer comes four times, most of them in a later stage.
        {"latency_s": 2.0},
        {"latency_s": 0.2, "loss": 0.2},
        {"latency_s": 0.4, "latency_jitter_s": 0.4, "duplication": 0.5, "reordering": 0.5},
    ],
    ids=["slow", "lossy", "shuffled"],
)
def test_bad_links_cost_time_and_change_nothing(ideal: Result, links: dict[str, float]) -> None:
    result = _run(*(f"communication.{name}={value}" for name, value in links.items()))
    assert _failed(result) == []
    last = result.table("rounds").iloc[-1]
    assert (last["ended"], last["replies"], last["missing"]) == ("converged", 3, 0)
    assert last["time_s"] > ideal.table("rounds")["time_s"].iloc[-1]
    for table, column in (("signals", "price_per_mwh"), ("dispatch", "p_supply_mw")):
        np.testing.assert_array_equal(result.table(table)[column], ideal.table(table)[column])


@pytest.mark.parametrize("scenario", ["adcef-small", "green-vpp-small"])
def test_links_on_which_nobody_answers_before_the_gate_closes_are_a_fault_before_a_run(scenario: str) -> None:
    """Three hours pass from opening to gate closure: half of them is one way of a question and its answer."""
    with pytest.raises(ScenarioError, match=r"communication\.latency_s: got 5400\.0; must be below 5400 s"):
        load_scenario(scenario, ["communication.latency_s=5400"])
    load_scenario(scenario, ["communication.latency_s=5399"])
    load_scenario(scenario, ["communication.latency_s=5400", "communication.latency_jitter_s=1"])


def test_a_consumer_that_missed_the_negotiation_answers_the_final_tariff() -> None:
    result = _run(
        "communication.outages=[{agent: commercial, start_s: 0.35, end_s: 5000}]",
        "communication.latency_s=0.1",
        "negotiation.round_limit=4",
    )
    rounds = result.table("rounds")
    assert rounds["ended"].tolist() == ["", "", "", "round limit"]
    assert rounds["missing"].tolist() == [0, 1, 1, 1]
    plan = result.table("loads").query("agent == 'commercial'")
    assert np.abs(plan["p_plan_mw"] - plan["p_base_mw"]).max() > 1e-3
    # Only the price may be off: the dispatch has taken up what the consumer made of it.
    assert _failed(result) in ([], ["convergence"])
    heard = result.table("messages").query("recipient == 'commercial' and outcome == 'delivered'")
    assert heard["delivered_s"].max() == pytest.approx(5000.1, abs=1.1)


def test_answers_that_come_after_every_round_are_no_convergence() -> None:
    result = _run("communication.latency_s=6", "negotiation.round_limit=3")
    assert result.table("rounds")["ended"].iloc[-1] == "round limit"
    assert result.table("rounds")["replies"].tolist() == [0, 0, 0]
    assert _failed(result) in ([], ["convergence"])
    for agent, loads in result.table("loads").groupby("agent"):
        np.testing.assert_allclose(loads["p_metered_mw"], loads["p_plan_mw"], atol=1e-12, err_msg=agent)
