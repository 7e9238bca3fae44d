"""Faults of every stage at once, and one message for one cause."""

from pathlib import Path

import pytest

from gridarium.environment.errors import ScenarioError
from gridarium.experiments.scenario import load_scenario


def places_of(source: str | Path, *settings: str) -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        load_scenario(source, settings)
    return sorted(fault.place for fault in caught.value.faults)


def test_faults_of_all_stages_are_listed_together(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text(
        """
extends: adcef-small
start: 2026-01-15T05:00:00+08:00
consumers:
  industrial: {share: 0.9, colour: red}
  commercial: {flexible_share: 7}
network: {loading_max: x, sites: {ghost: 3}}
""",
        encoding="utf-8",
    )
    assert places_of(tmp_path / "bad.yaml", "seed", "seed=-1") == [
        "--set",
        "consumers",
        "consumers.commercial.flexible_share",
        "consumers.industrial.colour",
        "network.loading_max",
        "network.sites.ghost",
        "seed",
        "start",
    ]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (["consumers.industrial.share=x"], ["consumers.industrial.share"]),
        (["network.voltage_min_pu=x", "network.voltage_max_pu=0.93"], ["network.voltage_min_pu"]),
        (["storages.one=5"], ["storages.one"]),
        (["storages.one={p_max_mw: 1}", "network.sites.one=3"], ["storages.one.e_max_mwh"]),
        (["tariff.kind=5"], ["tariff.kind"]),
        (
            ["profiles=none.csv", "consumers.industrial.colour=red"],
            ["consumers.industrial.colour", "profiles"],
        ),
        (["period_h=0.5", "dso.colour=red"], ["dso.colour", "period_h"]),
    ],
)
def test_one_cause_has_one_message(settings: list[str], expected: list[str]) -> None:
    assert places_of("adcef-small", *(f"cases.tou.{one}" for one in settings)) == [
        f"cases.tou.{place}" for place in expected
    ]
