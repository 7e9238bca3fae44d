"""Links of a scenario: qualities by pattern, intruders who act on plain ones alone."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from gridarium.environment.errors import ScenarioError
from gridarium.experiments import load_scenario, run
from gridarium.experiments.results.result import Result
from small_cases import FREE_TO_RUN

FORGED = "kind: spoof, message: LoadPlan, field: load_mw, factor: 1.3"
SPOOF = f"communication.attacks.spoof={{link: [commercial, dso], {FORGED}}}"
SECURED = "communication.security={}"


@cache
def ran(*overrides: str) -> Result:
    return run(load_scenario("adcef-small", [*FREE_TO_RUN, *overrides]), cases=["adcef"])


def outcome(result: Result) -> tuple[list[float], list[float], dict[str, float]]:
    """Prices, what the operator buys, and all metrics but those that count messages."""
    summary = {key: value for key, value in result.summary["adcef"].items() if "message" not in key}
    return (
        result.table("signals")["price_per_mwh"].tolist(),
        result.table("dispatch")["p_supply_mw"].tolist(),
        {key: value for key, value in summary.items() if not key.startswith("intrusions")},
    )


def test_security_without_an_attack_changes_nothing_but_first_times() -> None:
    plain, secured = ran(), ran(SECURED)
    assert outcome(secured) == outcome(plain)
    messages = secured.table("messages")
    steps = messages["topic"].isin(["hello", "answer"])
    assert messages.loc[steps, "topic"].value_counts().nunique() == 1
    assert len(messages[~steps]) == len(plain.table("messages"))
    later_s = secured.table("rounds")["time_s"] - plain.table("rounds")["time_s"]
    # One handshake with the market, one with each agent asked.
    assert later_s.tolist() == pytest.approx([later_s[0]] * len(later_s))


def test_a_forged_load_plan_moves_the_operators_plan_on_plain_links() -> None:
    honest, attacked = ran(), ran(SPOOF)
    intrusions = attacked.table("intrusions")
    assert set(intrusions["outcome"]) == {"acted"}
    assert set(intrusions["link"]) == {"commercial -> dso"}
    assert attacked.summary["adcef"]["intrusions_acted"] == len(intrusions)
    assert abs(np.subtract(outcome(attacked)[1], outcome(honest)[1])).max() > 0.01
    income = "dso_net_revenue_money"
    assert abs(attacked.summary["adcef"][income] / honest.summary["adcef"][income] - 1.0) > 1e-3


def test_secured_links_refuse_it_and_the_plan_stays() -> None:
    attacked = ran(SPOOF, SECURED)
    assert outcome(attacked) == outcome(ran(SECURED))
    assert set(attacked.table("intrusions")["outcome"]) == {"refused"}
    (certificate,) = (one for one in attacked.certificates if one.name == "forged messages that acted")
    assert (certificate.value, certificate.passed, certificate.hard) == (0.0, True, True)
    refused = attacked.table("messages")["outcome"].str.startswith("refused: ")
    assert refused.sum() == attacked.summary["adcef"]["intrusions_refused"] > 0
    alarms = attacked.table("records")
    assert set(alarms["owner"]) == {"dso"}
    assert alarms["what"].str.fullmatch(r"refused: .+, in the name of commercial").all()
    assert 0 < len(alarms) <= refused.sum()


def test_only_the_links_that_are_secured_refuse() -> None:
    elsewhere = ran(SPOOF, "communication.security={links: [[storage_*, dso]]}")
    assert set(elsewhere.table("intrusions")["outcome"]) == {"acted"}
    assert not any(one.name == "forged messages that acted" for one in elsewhere.certificates)
    there = ran(SPOOF, "communication.security={links: [[dso, comm*]], authority: office}")
    assert set(there.table("intrusions")["outcome"]) == {"refused"}


def test_later_entries_of_links_win_over_earlier_ones() -> None:
    near = "{between: [storage_*, dso], one_way: true, latency_s: 0.01}"
    links = f"communication.links=[{{between: [dso, '*'], latency_s: 0.3}}, {near}]"
    log = ran("communication.latency_s=0.1", links).table("messages")
    took_s = (log["delivered_s"] - log["sent_s"]).round(6)
    is_storage = log["sender"].str.startswith("storage_")
    assert set(took_s[is_storage]) == {0.01}
    assert set(took_s[~is_storage]) == {0.3}


def test_a_revoked_storage_is_silent_to_its_operator() -> None:
    revoked = "communication.security={revocations: [{agent: storage_7, at_s: 0, until_s: 60}]}"
    log = ran(revoked).table("messages").query("sender == 'storage_7' or recipient == 'storage_7'")
    early = log[log["sent_s"] < 40.0]
    assert "delivered" not in set(early.loc[~early["topic"].isin(["hello", "answer"]), "outcome"])
    assert (log[log["sent_s"] > 60.0]["outcome"] == "delivered").any()


LINKS = {
    "links=[{between: [dso, no], latency_s: 1}]": "links.0.between: got ['dso', 'no']; must be two agents",
    "links=[{between: [dso]}]": "links.0.between: got ['dso']; must be two names",
    "links=[{between: [dso, pv], latency_jitter_s: 1}]": "links.0.latency_jitter_s: got 1.0; must be at most",
    "security={links: [[wind, pv*y]]}": "security.links.0: got ['wind', 'pv*y']; must be two agents",
    "security={revocations: [{agent: no, at_s: 0}]}": "agent: got 'no'; must be on a secured link",
    "security={revocations: [{agent: pv, at_s: 9, until_s: 9}]}": "until_s: got 9.0; must be above at_s",
    "security={certificate_h: 0}": "security.certificate_h: got 0; must be a number in (0, 100000]",
    "attacks={x: {link: [dso, no], kind: delay, delay_s: 1}}": "x.link: got ['dso', 'no']; must be two",
}
ATTACKS = {
    "spoof": "message: got None; must be given for kind spoof",
    "alter, message: Nil, field: a, factor: 2": "message: got 'Nil'; must be one of ",
    "alter, message: LoadPlan, field: day, factor: 2": "field: got 'day'; must be one of load_mw",
    "alter, message: LoadPlan, field: load_mw": "factor: got None; must differ from 1",
    "replay, delay_s: 1, factor: 2": "factor: got 2.0; must be left out for kind replay",
    "delay": "delay_s: got None; must be above 0 s",
    "flood, until_s: 5, rate_per_s: 1, delay_s: 1": "delay_s: got 1.0; must be left out",
    "flood, until_s: 5": "rate_per_s: got None; must be given for a flood",
    "flood, rate_per_s: 5": "until_s: got None; must be given for a flood",
    "replay, delay_s: 1, rate_per_s: 5": "rate_per_s: got 5.0; must be left out",
    "replay, delay_s: 1, from_s: 5, until_s: 5": "until_s: got 5.0; must be above from_s = 5 s",
    "replay, delay_s: 1, probability: 0": "probability: got 0; must be a number in (0, 1]",
}
FAULTS = LINKS | {
    f"attacks={{x: {{link: [dso, wind], kind: {setting}}}}}": f"attacks.x.{told}"
    for setting, told in ATTACKS.items()
}


@pytest.mark.parametrize(("setting", "told"), FAULTS.items())
def test_faults_name_place_value_and_range(setting: str, told: str) -> None:
    with pytest.raises(ScenarioError) as raised:
        run(load_scenario("adcef-small", [f"communication.{setting}"]), cases=["adcef"])
    assert told in str(raised.value)
