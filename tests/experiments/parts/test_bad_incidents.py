"""Incidents and failures that cannot be meant: faults with their place, value and allowed range."""

from __future__ import annotations

import pytest

from gridarium.environment.errors import ScenarioError
from gridarium.experiments.running.world_build import build
from gridarium.experiments.scenario import load_scenario


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        (["incidents.one={unit: wind, at_h: 10, lasts_h: 1}"], r"unit: got 'wind'; must be one of storages"),
        (
            ["incidents.one={unit: nobody, kind: output-drop, at_h: 10, lasts_h: 1, share: 0.5}"],
            r"incidents\.one\.unit: got 'nobody'; must be one of renewables",
        ),
        (
            ["incidents.one={unit: pv, kind: output-drop, at_h: 10, lasts_h: 1}"],
            r"incidents\.one\.share: got None; must be given for an output-drop, and for nothing else",
        ),
        (["incidents.one={unit: storage_7, at_h: 24, lasts_h: 1}"], r"incidents\.one\.at_h: got 24"),
    ],
)
def test_bad_incidents_are_named(settings: list[str], fault: str) -> None:
    with pytest.raises(ScenarioError, match=fault):
        load_scenario("adcef-small", settings)


def test_an_incident_after_the_run_would_never_happen() -> None:
    small = load_scenario("adcef-small", ["incidents.one={unit: storage_7, day: 1, at_h: 2, lasts_h: 1}"])
    with pytest.raises(ScenarioError, match=r"incidents\.one\.at_h: got 2\.0; must begin before"):
        build(next(iter(small.cases.values())))


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        (
            ["standby_storages.s={p_max_mw: 1, e_max_mwh: 1, covers: [pv]}", "edge={}"],
            r"covers\.0: got 'pv'; must be",
        ),
        (
            ["standby_storages.s={p_max_mw: 1, e_max_mwh: 1, covers: [storage_7]}"],
            r"standby_storages: got 'given'; must be left out where there is no edge",
        ),
        (
            ["storages.storage_7.failures={per_h: 0, lasts_h: 1}"],
            r"storages\.storage_7\.failures\.per_h: got 0",
        ),
    ],
)
def test_bad_standby_and_failures_are_named(settings: list[str], fault: str) -> None:
    with pytest.raises(ScenarioError, match=fault):
        load_scenario("adcef-small", settings)


HOT = "storages.storage_7.thermal"


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        (
            ["incidents.one={unit: storage_7, kind: cooling-failure, at_h: 1, lasts_h: 1, factor: 2}"],
            r"unit: got 'storage_7'; must be one of storages or standby_storages with a thermal",
        ),
        (
            ["incidents.one={unit: storage_7, kind: cooling-failure, at_h: 1, lasts_h: 1}"],
            r"factor: got None; must be given for a cooling-failure",
        ),
        (
            [f"{HOT}={{resistance_k_per_mw: 9, time_constant_h: 1, trip_c: 50, reset_c: 60}}"],
            r"reset_c: got 60\.0; must be between ambient_c = 25 and trip_c = 50",
        ),
    ],
)
def test_bad_temperatures_are_named(settings: list[str], fault: str) -> None:
    with pytest.raises(ScenarioError, match=fault):
        load_scenario("adcef-small", settings)
