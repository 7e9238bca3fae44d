"""What a scenario of several grids must not say: every fault at its place, all of them at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gridarium.environment.errors import Fault, ScenarioError
from gridarium.experiments.checking.grid_tree import GridEntry, StackedScenario
from gridarium.experiments.reading.plain_yaml import Tree, dump_yaml
from gridarium.experiments.scenario import load_scenario

Faults = Callable[..., dict[str, Fault]]
Write = Callable[..., Path]


@pytest.fixture
def faults_of(write: Write) -> Faults:
    """Return a function that loads a faulty tree and tells its faults by place."""

    def found(tree: Tree, *settings: str) -> dict[str, Fault]:
        with pytest.raises(ScenarioError) as caught:
            load_scenario(write(tree), settings)
        told = [(fault.place, fault.allowed) for fault in caught.value.faults]
        assert len(set(told)) == len(told)
        return {fault.place: fault for fault in caught.value.faults}

    return found


@pytest.mark.parametrize(
    ("grid", "field", "value", "told"),
    [
        ("village", "under", "city", "must be one of town, village"),
        ("village", "under", "village", "must not lead back to the grid itself"),
        ("village", "at", 77, "must be a bus of"),
        ("village", "at", 3.5, "must be a bus label"),
        ("village", "replicas", 0, "must be a whole number in [1, 10000]"),
        ("town", "replicas", 2, "must be 1 where `under` names no grid"),
        ("town", "at", 3, "must be left out where `under` names no grid"),
        ("village", "currency", "usd", "must have a rate in exchange_rates; known are cny"),
        ("village", "currency", "USD", "must be the code of a currency"),
        ("village", "model", "adcef", "is no field any more"),
        ("village", "grids", {"hut": {}}, "must be the sections of one grid"),
        ("village", "horizon_h", 4, "is not allowed inside a grid"),
        *(
            ("village", name, value, "is not allowed inside a grid: all grids share it")
            for name, value in (
                ("title", "A village"),
                ("description", "small"),
                ("seed", 7),
                ("start", "2026-01-15T00:00:00+08:00"),
                ("period_h", 1.0),
                ("exchange_rates", {"usd": 7.1}),
                ("communication", {"loss": 0.1}),
            )
        ),
        ("village", "step_h", 0.4, "must be a multiple of period_h = 1 h"),
        ("village", "tarif", {}, "unknown field; did you mean tariff?"),
    ],
)
def test_a_fault_names_its_place(
    faults_of: Faults, grid: str, field: str, value: object, told: str, trees: Any
) -> None:
    tree = trees.two_feeders()
    tree["grids"][grid][field] = value
    found = faults_of(tree)
    place = "grids.village" if told.startswith("must be the sections") else f"grids.{grid}.{field}"
    assert told in str(found[place])


def test_a_fault_deep_in_a_section_has_the_name_of_its_grid_in_front(faults_of: Faults, trees: Any) -> None:
    tree = trees.two_feeders()
    tree["grids"]["town"]["gas_turbines"]["gas_turbine_12"]["p_max_mw"] = -1
    tree["grids"]["village"]["consumers"]["industrial"]["share"] = 0.9
    found = faults_of(tree)
    assert found.keys() == {"grids.town.gas_turbines.gas_turbine_12.p_max_mw", "grids.village.consumers"}


def test_grids_must_not_stand_on_each_other_in_a_circle(faults_of: Faults, trees: Any) -> None:
    above = {"a": "b", "b": "c", "c": "a"}
    tree = trees.two_feeders(grids={name: trees.village(under=other) for name, other in above.items()})
    found = faults_of(tree)
    assert found.keys() == {"grids.a.under", "grids.b.under", "grids.c.under"}
    assert all(fault.allowed == "must not lead back to the grid itself" for fault in found.values())


@pytest.mark.parametrize(
    ("field", "value"),
    [("wholesale_share_of_tou", 0.5), ("wholesale_column", "x"), ("export_share_of_wholesale", 0.1)],
)
def test_prices_at_the_head_are_the_suppliers(
    faults_of: Faults, field: str, value: object, trees: Any
) -> None:
    tree = trees.two_feeders()
    tree["grids"]["village"]["prices"][field] = value
    told = faults_of(tree)[f"grids.village.prices.{field}"]
    assert told.allowed == "must be left out: town supplies this grid"


def test_steps_are_multiples_of_the_period(faults_of: Faults, trees: Any) -> None:
    tree = trees.two_feeders(period_h=0.4)
    for own in tree["grids"].values():
        own["step_h"] = 1.0
    found = faults_of(tree)
    assert found.keys() == {"grids.town.step_h", "grids.village.step_h"}
    assert found["grids.town.step_h"].allowed == "must be a multiple of period_h = 0.4 h"


def test_profiles_in_hours_need_steps_of_an_hour(faults_of: Faults, trees: Any) -> None:
    found = faults_of(trees.two_feeders(period_h=0.25))
    assert found.keys() == {"grids.town.step_h", "grids.village.step_h"}
    assert "must be the step of adcef-ordinary, 1 h" in found["grids.town.step_h"].allowed


def test_a_system_needs_periods_of_a_quarter(faults_of: Faults, trees: Any) -> None:
    found = faults_of(trees.system() | {"period_h": 1.0})
    assert found.keys() == {"period_h"}
    assert "for grid bulk" in found["period_h"].allowed
    found = faults_of(trees.system(r1=trees.village(under="bulk", step_h=1.0)), "grids.bulk.step_h=1.0")
    assert found.keys() == {"grids.bulk.step_h"}


def test_a_start_at_another_hour_stands_at_the_top(faults_of: Faults, trees: Any) -> None:
    found = faults_of(trees.two_feeders(start="2026-01-15T08:00:00+08:00"))
    assert found.keys() == {"start"}


def test_a_copper_plate_has_one_bus(faults_of: Faults, trees: Any) -> None:
    found = faults_of(trees.system(r1=trees.village(under="bulk", at=3, step_h=1.0)))
    assert found.keys() == {"grids.r1.at"}
    assert found["grids.r1.at"].allowed == "must be left out: the grid above has one bus"


def test_both_sides_of_a_head_have_an_operator(faults_of: Faults, trees: Any) -> None:
    tree = trees.system(
        alone=trees.pool(), below=trees.village(under="alone", step_h=1.0), hung=trees.pool(under="bulk")
    )
    found = faults_of(tree)
    assert found.keys() == {"grids.below.under", "grids.hung.under"}
    assert found["grids.below.under"].allowed == "must be a grid with an operator"
    assert found["grids.hung.under"].allowed == "must be left out: the grid itself has no operator"


def test_who_pays_for_cleanness_stands_at_the_root_or_under_a_ties_and_supplies_nobody(
    faults_of: Faults, trees: Any
) -> None:
    unit = {"p_max_mw": 0.25, "e_max_mwh": 0.5, "alone": {"regime": "idle"}}
    prices = {"tou_column": "region_1_tou_price_per_mwh", "green_share_column": "green_share"}
    region = {"load_column": "region_1_load_mw", "price_column": "region_1_tou_price_per_mwh"}
    plants = {
        "profiles": "green-vpp",
        "prices": prices,
        "price_regions": {"regions": {"all": region}},
        "distribution_operator": {},
        "storages": {"cell": unit},
        "vpps": {"vpp": {}},
    }
    tree = trees.two_feeders()
    tree["grids"]["town"] = plants
    found = faults_of(tree)["grids.village.under"]
    assert found.allowed == "must be another grid: a distribution_operator supplies none below"
    del plants["prices"]["green_share_column"]
    assert "grids.town.prices.green_share_column" in faults_of(tree)
    tree["grids"] = {"town": trees.feeder(), "village": {"under": "town", **plants}}
    found = faults_of(tree)["grids.village.under"]
    assert found.allowed == "must be a grid with a ties: no other operator tells how green its supply is"


@pytest.mark.parametrize("grids", [None, {}, [], "town"])
def test_there_must_be_a_grid(faults_of: Faults, grids: object, trees: Any) -> None:
    assert "of at least one" in faults_of(trees.two_feeders(grids=grids))["grids"].allowed


def test_a_grid_is_a_mapping_with_a_proper_name(faults_of: Faults, trees: Any) -> None:
    found = faults_of(trees.two_feeders(grids={"a": None, "b": 3, "c/d": trees.feeder()}))
    assert found.keys() == {"grids.a", "grids.b", "grids.c/d"}


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("days", 2, "unknown field"),
        ("horizon_h", 30, "at most 24 h or whole days"),
        ("model", "adcef", "is no field any more"),
        ("horizon_h", 0, "[1, 8784]"),
        ("currency", "yuan", "must be the code"),
        ("exchange_rates", {"cny": 1.0}, "must be left out"),
        ("consumers", {}, "unknown field"),
        ("communication", {"loss": 2}, "[0, 1)"),
    ],
)
def test_faults_of_what_all_grids_share(
    faults_of: Faults, field: str, value: object, told: str, trees: Any
) -> None:
    (fault,) = faults_of(trees.two_feeders(**{field: value})).values()
    assert fault.place.startswith(field)
    assert told in fault.allowed


def test_all_faults_come_at_once(faults_of: Faults, trees: Any) -> None:
    tree = trees.two_feeders(horizon_h=0, seed=-1)
    town, own = tree["grids"]["town"], tree["grids"]["village"]
    town["network"]["peak_load_mw"] = -1
    town["replicas"] = 3
    own |= {"under": "city", "replicas": 0, "seed": 1, "currency": "usd"}
    own["prices"]["wholesale_share_of_tou"] = 0.5
    own["tariff"] = {"kind": "free"}
    assert faults_of(tree).keys() == {
        "horizon_h",
        "seed",
        "grids.town.network.peak_load_mw",
        "grids.town.replicas",
        "grids.village.under",
        "grids.village.replicas",
        "grids.village.seed",
        "grids.village.currency",
        "grids.village.prices.wholesale_share_of_tou",
        "grids.village.tariff.kind",
    }


def test_faults_of_a_case_stand_in_that_case(faults_of: Faults, trees: Any) -> None:
    tree = trees.two_feeders(cases={"few": {}, "none": {"grids": {"village": {"replicas": 0}}}})
    assert faults_of(tree).keys() == {"cases.none.grids.village.replicas"}


# What it may say.


def case_of(path: Path, *settings: str) -> StackedScenario:
    (case,) = load_scenario(path, settings).cases.values()
    assert isinstance(case, StackedScenario)
    return case


def entry(case: StackedScenario, grid: str) -> GridEntry:
    found = case.grids[grid]
    assert isinstance(found, GridEntry)
    return found


def test_settings_reach_into_a_grid(write: Write, trees: Any) -> None:
    path = write(trees.two_feeders())
    case = case_of(path, "grids.village.replicas=5", "grids.town.prices.carbon_price_per_tco2=90")
    assert entry(case, "village").place.replicas == 5
    assert entry(case, "town").scenario.prices.carbon_price_per_tco2 == 90.0
    assert entry(case, "village").scenario.prices.carbon_price_per_tco2 == 73.65
    assert load_scenario("two-levels", ["grids.r1.replicas=3"]).cases["base"].grids["r1"].place.replicas == 3


def test_a_case_can_do_without_a_grid(write: Write, trees: Any) -> None:
    study = load_scenario(write(trees.two_feeders(cases={"both": {}, "town": {"grids": {"village": None}}})))
    assert {name: list(case.grids) for name, case in study.cases.items()} == {
        "both": ["town", "village"],
        "town": ["town"],
    }


@pytest.mark.parametrize("shipped", [True, False])
def test_a_resolved_scenario_gives_the_same_cases_again(
    write: Write, tmp_path: Path, shipped: bool, trees: Any
) -> None:
    tree = trees.two_feeders(cases={"few": {}, "many": {"grids": {"village": {"replicas": 9}}}})
    study = load_scenario("two-levels" if shipped else write(tree))
    again = tmp_path / "elsewhere" / "again.yaml"
    again.parent.mkdir()
    again.write_text(dump_yaml(study.resolved()), encoding="utf-8")
    assert load_scenario(again).resolved() == study.resolved()


def test_files_of_a_grid_are_beside_the_scenario(write: Write, tmp_path: Path, trees: Any) -> None:
    case = case_of(write(trees.two_feeders()))
    assert tmp_path / "village.csv" in case.files
    assert all(file.is_absolute() for file in case.files if file.suffix == ".json")


def test_outages_name_agents_with_their_grid(write: Write, trees: Any) -> None:
    outage = "communication.outages=[{agent: village/dso, start_s: 0, end_s: 1}]"
    assert case_of(write(trees.two_feeders()), outage).communication.outages[0].agent == "village/dso"
    with pytest.raises(ScenarioError, match=r"outages\.0\.agent: got 'a/b/c'; must be a name"):
        case_of(write(trees.two_feeders()), outage.replace("village/dso", "a/b/c"))


@pytest.mark.parametrize("case", ["ladder", "market"])
def test_a_plan_for_scenarios_knows_prices_alone(case: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        load_scenario("ties-feeders-small", ["grids.r1.dso.plan.attitude=cvar"])
    (fault,) = {one.place: one for one in caught.value.faults}.values()
    assert fault.place.endswith("grids.r1.dso.plan.attitude") and fault.value == "cvar"
    assert "a plan for scenarios knows prices alone" in fault.allowed
