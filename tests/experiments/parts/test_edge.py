"""A feeder with an edge controller, from its section of a scenario to tables, metrics and certificates."""

from __future__ import annotations

import numpy as np
import pytest

from gridarium.environment.errors import ScenarioError
from gridarium.experiments.results.result import Result
from gridarium.experiments.running.runner import run
from gridarium.experiments.scenario import load_scenario

CASE = "tou-commanded"
FEEDER = (
    "network.voltage_min_pu=0.995",
    "storages.storage_7.s_max_mva=0.8",
    "storages.storage_14.s_max_mva=0.7",
    "storages.storage_7.pooling.response_s=0.2",
    "storages.storage_14.pooling.response_s=0.3",
    "incidents={lull: {unit: wind, kind: output-drop, at_h: 19.2, lasts_h: 0.5, share: 1.0}}",
    "communication.latency_s=0.005",
)


def with_edge(*settings: str) -> Result:
    return run(load_scenario("adcef-small", [*FEEDER, *settings]), cases=[CASE])


@pytest.fixture(scope="module")
def corrected() -> Result:
    return with_edge("edge={}")


def certificate(result: Result, name: str) -> float:
    (found,) = (one for one in result.certificates if one.name == name)
    return found.value if found.passed else np.inf


def test_a_lull_between_set_points_is_corrected_before_the_next_telemetry(corrected: Result) -> None:
    (one,) = corrected.table("excursions").to_dict("records")
    assert one["from_s"] == 19.2 * 3600.0
    assert one["before_pu"] < 0.995 - 1e-4
    # A reading, a check and a task, a correction, and the response of the unit.
    assert one["outside_s"] == pytest.approx(0.005 + 2e-5 + 0.002 + 0.005 + 0.2, abs=1e-4)
    assert one["with_pu"] >= 0.995
    assert one["without_pu"] == pytest.approx(one["before_pu"], abs=1e-6)
    assert certificate(corrected, "voltage correction") == 0.0
    assert corrected.summary[CASE]["voltage_excursions_corrected"] == 1.0


def test_without_fast_units_the_voltage_is_what_the_record_says(corrected: Result) -> None:
    """The record of what would have been without corrections, against a world that has none."""
    slow = with_edge("edge={fast_response_s: 0.1}")
    (one,), (before,) = (result.table("excursions").to_dict("records") for result in (slow, corrected))
    assert one["with_pu"] == one["without_pu"] == pytest.approx(before["without_pu"], abs=1e-9)
    assert one["outside_s"] == pytest.approx(1800.0)
    assert certificate(slow, "voltage correction") == np.inf
    # Corrections end with the lull: nothing is left of them in the hours after.
    later = [result.table("buses").query("period > 19")["vm_pu"].to_numpy() for result in (slow, corrected)]
    np.testing.assert_allclose(later[0], later[1], rtol=0, atol=2e-4)


def test_frames_are_counted_and_delays_bounded(corrected: Result) -> None:
    ports = corrected.table("edge_ports").set_index("port")
    assert set(ports.index) == {"storage_7", "storage_14", "storage_24", "dso", "voltage_sensor"}
    # An enrolment, and a report every 30 s.
    assert (ports.loc[["storage_7", "storage_14"], "frames"] == 1 + 24 * 120).all()
    assert ports.loc["voltage_sensor", "urgent"] == ports.loc["voltage_sensor", "frames"] > 1
    assert 0.002 < ports["longest_s"].max() <= ports["bound_s"].max()
    assert certificate(corrected, "edge delay") <= 0.0


FLOOD = (
    "communication.attacks.flood={link: [FROM, edge], kind: flood, rate_per_s: 400, "
    "from_s: 83510, until_s: 83530}"
)
"""Around the lull, which comes 19.2 h after the first period and 4 h after the start."""


@pytest.mark.parametrize("sender", ["storage_14", "voltage_sensor"])
def test_a_flood_of_a_secured_link_holds_up_urgent_frames_by_no_more_than_the_bound(sender: str) -> None:
    settings = ("incidents.lull.lasts_h=0.1", "communication.security={}", FLOOD.replace("FROM", sender))
    flooded = with_edge("edge={}", *settings)
    ports = flooded.table("edge_ports").set_index("port")
    # There is something to repeat from the next report on, or the first reading: both as the lull begins.
    assert ports.loc[sender, "refused"] > 3900
    assert ports.drop(sender)["refused"].max() < 10
    assert ports["longest_s"].max() <= ports.loc["voltage_sensor", "bound_s"] < 0.05
    assert np.isfinite(ports["flooded_bound_s"]).all()
    assert certificate(flooded, "edge delay") <= 0.0
    (one,) = flooded.table("excursions").to_dict("records")
    assert one["outside_s"] < 0.3


def test_what_floods_a_plain_link_is_believed_and_has_no_bound() -> None:
    flooded = with_edge("edge={}", "incidents.lull.lasts_h=0.1", FLOOD.replace("FROM", "voltage_sensor"))
    ports = flooded.table("edge_ports").set_index("port")
    assert ports.loc["voltage_sensor", "urgent"] > 3900
    assert ports.loc["voltage_sensor", "flooded_bound_s"] == np.inf


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        (("edge={check_s: 0.0002}",), r"edge.check_s: got 0.0002; must be below 0.0002 s, or 5 links"),
        (
            ("edge={frames_per_s: 300}", FLOOD.replace("FROM", "storage_14")),
            r"communication.attacks.flood.rate_per_s: got 400.0; must be at most edge.frames_per_s = 300",
        ),
        (("edge={heartbeat_s: 0.001}",), r"edge.heartbeat_s: got 0.001; "),
    ],
)
def test_what_an_edge_could_not_do_is_refused(settings: tuple[str, ...], fault: str) -> None:
    with pytest.raises(ScenarioError, match=fault):
        load_scenario("adcef-small", [*FEEDER, *settings])
