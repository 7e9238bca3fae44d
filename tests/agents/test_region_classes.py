"""Classes of regional systems: equal parts are what one would be, some behave in another way; loading."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from gridarium.agents.behaviour import Behaviour
from gridarium.agents.region.region import Region
from gridarium.agents.transmission.ties import Ties
from gridarium.environment.arrays import Array
from gridarium.environment.errors import ScenarioError
from gridarium.experiments.parts.regions import REGIONS, all_exact
from gridarium.experiments.running.case_run import _play
from gridarium.experiments.running.world_build import BuiltWorld, build
from gridarium.experiments.scenario import load_scenario

BULK = "grids.bulk."
CLASSES = ("residential", "commercial", "industrial")
SETTINGS = ("horizon_h=6", f"{BULK}ties.trigger_mw=1000", f"{BULK}ties.rounds.tolerance=1e-6")
HABIT = "[{share: 0.5, behaviour: [{habit: {usual_weight: 1.0}}]}]"


def settings_of(field: str, value: object) -> list[str]:
    return [f"{BULK}regions.{kind}.{field}={value}" for kind in CLASSES]


def unplayed(case: str, *settings: str) -> BuiltWorld:
    return build(load_scenario("ries-reduced", [*SETTINGS, *settings]).cases[case])


@cache
def world(case: str, *settings: str) -> BuiltWorld:
    built = unplayed(case, *settings)
    _play(built)
    return built


def regions_of(built: BuiltWorld, kind: str) -> list[Region]:
    own = [region for region in built.of(Region) if region.grid.local(region.name).startswith(kind)]
    assert own
    return own


def drawn_by(built: BuiltWorld, kind: str) -> Array:
    return np.sum([built.world.meters[region.name] for region in regions_of(built, kind)], axis=0)


def test_equal_parts_of_a_class_are_together_what_one_is() -> None:
    day = "horizon_h=24"
    whole, divided = world("none", day), world("none", day, *settings_of("count", 3))
    names = [divided.world.grids[0].local(region.name) for region in divided.of(Region)]
    assert names == [f"{kind}_{number}" for kind in CLASSES for number in (1, 2, 3)]
    for kind in CLASSES:
        assert drawn_by(divided, kind) == pytest.approx(drawn_by(whole, kind), abs=1e-4)
    days = [built.one(Ties).days[0] for built in (whole, divided)]
    assert days[1].plan.cost_money == pytest.approx(days[0].plan.cost_money, rel=1e-6)
    for kind in CLASSES:
        (one,), parts = regions_of(whole, kind), regions_of(divided, kind)
        borne = sum(part.day(0).own_money(part.day(0).plan) for part in parts)
        assert borne == pytest.approx(one.day(0).own_money(one.day(0).plan), rel=1e-4)
        assert borne > 100.0


def test_as_many_of_a_class_behave_differently_as_its_mixture_says() -> None:
    built = world("ladder", *settings_of("count", 4), *settings_of("mixture", HABIT))
    for kind in CLASSES:
        own = regions_of(built, kind)
        idle = [region for region in own if np.allclose(region.plan_mw, region.day(0).demand.base_mw)]
        assert len(idle) == 2
        assert {type(region.behaviour) is Behaviour for region in idle} == {False}


@pytest.mark.parametrize(
    ("setting", "exact"),
    [
        ("count=1", True),
        ("behaviour=[{habit: {usual_weight: 1.0}}]", False),
        (f"mixture={HABIT}", False),
        ("mixture=[{share: 0, behaviour: [{habit: {usual_weight: 1.0}}]}]", True),
    ],
)
def test_who_is_exact_is_known(setting: str, exact: bool) -> None:
    built = unplayed("ladder", f"{BULK}regions.industrial.{setting}")
    assert all_exact(REGIONS.of(built.sections["bulk"])) is exact


def test_scales_are_factors_on_load_and_on_renewables() -> None:
    plain, scaled = unplayed("none"), unplayed("none", *settings_of("scale", 0.75))
    for kind in CLASSES:
        (one,), (other,) = regions_of(plain, kind), regions_of(scaled, kind)
        assert other.day(0).demand.base_mw == pytest.approx(0.75 * one.day(0).demand.base_mw)
    windy = world("none", f"{BULK}renewables.wind.scale=1.5")
    ties = (world("none").one(Ties), windy.one(Ties))
    before, after = (one.days[0].available_mw for one in ties)
    assert after["bulk/wind"] == pytest.approx(1.5 * before["bulk/wind"])
    assert after["bulk/solar"] == pytest.approx(before["bulk/solar"])


def test_more_regions_than_exact_shapley_values_are_for_are_a_fault() -> None:
    with pytest.raises(ScenarioError, match="must be sampled for 18 followers"):
        load_scenario("ries-reduced", settings_of("count", 6))
    with pytest.raises(ScenarioError, match=r"mixture.*shares must sum to at most 1"):
        load_scenario("ries-reduced", [f"{BULK}regions.industrial.mixture=[{{share: 0.7}}, {{share: 0.6}}]"])
