"""What days were planned with and what is told of plans, altered in one place at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from gridarium.agents.feeder.dso import Dso
from gridarium.experiments.evidence.certificates import certify
from gridarium.experiments.evidence.tables import collect
from gridarium.experiments.running.world_build import BuiltWorld, build
from gridarium.experiments.scenario import load_scenario

Tables = Mapping[str, pd.DataFrame]


def played(*settings: str) -> tuple[BuiltWorld, Tables]:
    built = build(load_scenario("adcef-small", list(settings)).cases["adcef"])
    while built.world.running:
        built.world.step()
    return built, collect("adcef", built.world, built.sections)


def fallen(built: BuiltWorld, tables: Tables) -> set[str]:
    return {
        one.name
        for one in certify("adcef", built.world, built.sections, tables, "cny")
        if one.hard and not one.passed
    }


@pytest.fixture(scope="module")
def intact() -> tuple[BuiltWorld, Tables]:
    return played("horizon_h=6")


@pytest.mark.parametrize(
    ("table", "column", "kind", "name"),
    [
        ("signals", "price_below_per_mwh", "market", "numbers told twice"),
        ("signals", "export_price_below_per_mwh", "market", "numbers told twice"),
        ("signals", "p_nominated_mw", "market", "numbers told twice"),
        ("signals", "wholesale_price_per_mwh", "dso", "terms as they are"),
        ("signals", "grid_factor_tco2_per_mwh", "dso", "terms as they are"),
        ("signals", "tou_price_per_mwh", "dso", "terms as they are"),
        ("heads", "price_per_mwh", "dso", "terms as they are"),
        ("heads", "factor_told_tco2_per_mwh", "dso", "terms as they are"),
        ("signals", "p_nominated_mw", "dso", "plans told"),
        ("days", "dispatch_cost_money", "dso", "plans told"),
        ("days", "dispatch_bound_money", "dso", "plans told"),
        ("days", "pull_money", "dso", "plans told"),
        ("dispatch", "p_available_mw", "renewable", "power there was"),
        ("days", "pool_first_tco2", "dso", "pools told"),
        ("days", "pool_last_tco2", "dso", "pools told"),
        ("storages", "pool_tco2", "storage", "pools told"),
    ],
)
def test_what_is_altered_is_found(
    intact: tuple[BuiltWorld, Tables], table: str, column: str, kind: str, name: str
) -> None:
    built, tables = intact
    altered = tables[table].copy()
    place = np.flatnonzero(altered["kind"] == kind)[-1]
    altered.loc[altered.index[place], column] += 1e-3
    assert name not in fallen(built, tables)
    assert name in fallen(built, {**tables, table: altered})


@pytest.mark.parametrize(
    "column", ["wholesale_price_per_mwh", "export_price_per_mwh", "grid_factor_tco2_per_mwh"]
)
def test_what_a_day_was_planned_with_is_what_was_told(intact: tuple[BuiltWorld, Tables], column: str) -> None:
    built, tables = intact
    today = built.one(Dso).today
    conditions = today.conditions
    today.conditions = replace(conditions, **{column: getattr(conditions, column) + 0.01})
    try:
        assert "terms as they are" in fallen(built, tables)
    finally:
        today.conditions = conditions


@pytest.mark.parametrize("carries_over", ["true", "false"])
def test_profiles_begin_anew_where_a_horizon_is_longer(carries_over: str) -> None:
    built, tables = played("horizon_h=48", f"tariff.pool_carries_over={carries_over}")
    assert fallen(built, tables) == set()


def test_money_of_profiles_is_that_of_the_world() -> None:
    """A feeder that states its money in another currency than the system above."""
    scenario = load_scenario("ties-feeders-small", ["horizon_h=2"]).cases["market"]
    built = build(scenario)
    assert {section.money_rate for section in built.sections.values()} == {1.0, 7.1, 7.8}
    while built.world.running:
        built.world.step()
    tables = collect("market", built.world, built.sections)
    found = {one.name: one for one in certify("market", built.world, built.sections, tables, "cny")}
    assert found["r1: terms as they are"].passed
    assert found["r2: terms as they are"].passed
