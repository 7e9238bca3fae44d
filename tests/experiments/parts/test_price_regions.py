"""Regions of a feeder: as given, as load flow finds them, and those that cannot be."""

from __future__ import annotations

from typing import Any

import networkx as nx
import numpy as np
import pytest

from gridarium.agents.distribution.distribution_operator import DistributionOperator
from gridarium.environment.errors import NetworkError
from gridarium.environment.horizon import Horizon
from gridarium.environment.network import Feeder
from gridarium.environment.power_flow import AcPowerFlow
from gridarium.environment.profiles import read_profiles
from gridarium.experiments.parts.part import GridBuild, GridScenario
from gridarium.experiments.parts.price_regions import regions_of
from gridarium.experiments.reading.scenario_files import profile_path
from gridarium.experiments.running.world_build import BuiltWorld, build
from gridarium.experiments.scenario import check_case

BEHIND = (None, "line 17", "line 21", "line 24", "line 5")
"""Heads of the three laterals and a section of the main line."""


E_MWH = {"storage_8": 0.4, "storage_30": 0.5, "storage_33": 1.5}
STORAGE = {"p_max_mw": 0.25, "e_max_mwh": 0.5, "alone": {"regime": "idle"}}


def tree(behind: tuple[str | None, ...] = BEHIND, **over: Any) -> dict[str, Any]:
    regions = {
        f"region_{number}": {
            "behind": branch,
            "load_column": f"region_{number}_load_mw",
            "price_column": f"region_{number}_tou_price_per_mwh",
        }
        for number, branch in enumerate(behind, 1)
    }
    return {
        "profiles": "green-vpp",
        "network": {"source": "case33bw", "loads": "profile", "sites": {"storage_30": 30}},
        "prices": {"green_share_column": "green_share", "tou_column": "region_1_tou_price_per_mwh"},
        "price_regions": {"regions": regions},
        "distribution_operator": {},
        "vpps": {"vpp": {}},
        "storages": {"storage_30": STORAGE},
    } | over


def checked(case: dict[str, Any]) -> GridScenario:
    scenario, faults = check_case(case)
    assert faults == []
    assert isinstance(scenario, GridScenario)
    return scenario


def faults_of(case: dict[str, Any]) -> str:
    scenario, faults = check_case(case)
    assert scenario is None
    return "\n".join(map(str, faults))


def grid_build(scenario: GridScenario, built: BuiltWorld) -> GridBuild:
    grid, profiles = built.world.grid, read_profiles(profile_path(scenario.profiles))
    return GridBuild(scenario, grid, Horizon.of(built.world), profiles)


def peak_mva(n_region: int) -> dict[str, float]:
    """Most that each branch carries of the load of the first regions, by load flow worked out here."""
    columns = read_profiles(profile_path("green-vpp")).columns
    whole = np.sum([columns[f"region_{number}_load_mw"] for number in range(1, n_region + 1)], axis=0)
    feeder = feeder_of(checked(tree()))
    p_mw, q_mvar = (
        np.outer(whole, load) / feeder.p_load_mw.sum() for load in (feeder.p_load_mw, feeder.q_load_mvar)
    )
    carried = AcPowerFlow(feeder).solve(-p_mw, -q_mvar).i_pu.max(axis=0) * feeder.base_mva
    return dict(zip(feeder.branch_labels, carried.tolist(), strict=True))


def feeder_of(scenario: GridScenario) -> Feeder:
    return build(scenario).world.grid.feeder


def connected(feeder: Feeder, cut: set[str]) -> set[frozenset[int]]:
    graph = nx.Graph()
    graph.add_nodes_from(range(feeder.n_bus))
    pairs = zip(feeder.parent.tolist(), feeder.branch_labels, strict=True)
    graph.add_edges_from((parent, bus) for bus, (parent, label) in enumerate(pairs, 1) if label not in cut)
    return {frozenset(part) for part in nx.connected_components(graph)}


def test_given_branches_part_the_feeder_and_each_region_draws_its_load_there() -> None:
    scenario = checked(tree())
    built = build(scenario)
    feeder = built.world.grid.feeder
    regions = regions_of(grid_build(scenario, built))
    assert list(regions) == [f"region_{number}" for number in range(1, 6)]
    assert {frozenset(one.buses.tolist()) for one in regions.values()} == connected(
        feeder, {branch for branch in BEHIND if branch is not None}
    )
    for name, branch in zip(regions, BEHIND, strict=True):
        first = 0 if branch is None else feeder.branch_labels.index(branch) + 1
        assert regions[name].buses[0] == first
    loads = {agent.name: agent for agent in built.world.agents if agent.kind == "load"}
    built.world.grid.injections.drawn_mw[:] = 0.0
    for name, one in regions.items():
        before = built.world.grid.injections.drawn_mw.copy()
        loads[one.load].operate(0)
        drawn = built.world.grid.injections.drawn_mw - before
        assert set(np.flatnonzero(drawn)) <= set(one.buses.tolist())
        assert drawn.sum() == pytest.approx(
            read_profiles(profile_path("green-vpp")).columns[f"{name}_load_mw"][0]
        )
        share = feeder.p_load_mw[one.buses] / feeder.p_load_mw[one.buses].sum()
        np.testing.assert_allclose(drawn[one.buses], drawn.sum() * share, rtol=1e-12)
    price = read_profiles(profile_path("green-vpp")).columns["region_2_tou_price_per_mwh"]
    np.testing.assert_allclose(regions["region_2"].buy_price_per_mwh, price)
    np.testing.assert_allclose(regions["region_2"].sell_price_per_mwh, 0.8 * price)


def test_found_regions_are_those_behind_overloaded_branches() -> None:
    peak = peak_mva(3)
    assert all(peak[label] > 0.0 for label in ("line 5", "line 24", "line 30"))
    ratings = {
        "line 5": 0.99 * peak["line 5"],
        "line 24": 0.5 * peak["line 24"],
        "line 30": 1.01 * peak["line 30"],
    }
    case = tree(
        (None, None, None), network={"source": "case33bw", "loads": "profile", "branch_ratings_mva": ratings}
    )
    case["price_regions"]["split"] = "found"
    scenario = checked(case)
    built = build(scenario)
    regions = regions_of(grid_build(scenario, built))
    parted = {frozenset(one.buses.tolist()) for one in regions.values()}
    assert parted == connected(built.world.grid.feeder, {"line 5", "line 24"})
    first = [int(one.buses[0]) for one in regions.values()]
    assert first == sorted(first)
    # At ten times the limit nothing is congested any more.
    case["price_regions"]["loading_limit"] = 10.0
    with pytest.raises(NetworkError, match="1 regions were found, behind no branch"):
        build(checked(case))
    # A little below it, line 30 is, too.
    case["price_regions"]["loading_limit"] = 0.95
    with pytest.raises(NetworkError, match="4 regions were found, behind line 5, line 24, line 30"):
        build(checked(case))


def test_a_branch_that_is_none_and_a_region_without_load_are_faults() -> None:
    with pytest.raises(NetworkError) as caught:
        build(checked(tree((None, "line 99"))))
    assert "price_regions.regions.region_2.behind: got 'line 99'; must be a branch of" in str(caught.value)
    # Bus 1, the substation, has no load of its own.
    with pytest.raises(NetworkError) as caught:
        build(checked(tree((None, "line 0"))))
    assert "price_regions.regions.region_1: got None; must hold a bus with a nominal load" in str(
        caught.value
    )


def test_an_operator_knows_of_each_plant_what_it_serves_and_where_its_storages_stand() -> None:
    units = {name: STORAGE | {"e_max_mwh": e_mwh, "p_max_mw": 0.5 * e_mwh} for name, e_mwh in E_MWH.items()}
    case = tree(
        network={"source": "case33bw", "sites": {"storage_8": 8, "storage_30": 30, "storage_33": 33}},
        storages=units,
        vpps={
            "a": {"load_share": 0.6, "owners": ["storage_8"], "look_ahead_days": 2},
            "b": {"load_share": 0.4, "owners": ["storage_30", "storage_33"], "planner": "price-taking"},
        },
    )
    case["distribution_operator"] = {"pricing": "uniform", "avoided_tco2_per_mwh": 0.5}
    built = build(checked(case))
    contract, feeder = built.one(DistributionOperator).contract, built.world.grid.feeder
    assert (contract.pricing, contract.avoided_tco2_per_mwh) == ("uniform", 0.5)
    assert {name: plant.load_share for name, plant in contract.plants.items()} == {"a": 0.6, "b": 0.4}
    assert [plant.takes_prices for plant in contract.plants.values()] == [False, True]
    assert [plant.look_ahead_days for plant in contract.plants.values()] == [2, 1]
    assert {name: unit.region for name, unit in contract.plants["b"].storages.items()} == {
        "storage_30": "region_4",
        "storage_33": "region_4",
    }
    share = contract.plants["b"].spread("region_4", feeder.n_bus)
    assert {feeder.bus_labels[bus]: share[bus] for bus in np.flatnonzero(share)} == {30: 0.25, 33: 0.75}
    assert not contract.plants["b"].spread("region_1", feeder.n_bus).any()


@pytest.mark.parametrize(
    ("over", "said"),
    [
        ({"price_regions": None}, "price_regions: got None; must be given where there is a distribution"),
        (
            {"prices": {"tou_column": "region_1_tou_price_per_mwh"}},
            "prices.green_share_column: got None; must",
        ),
        ({"network": {"source": "copper-plate"}}, "network.source: got 'copper-plate'; must be a radial"),
        ({"vpps": {}}, "vpps: got {}; must name one at least where there is a distribution_operator"),
        ({"dso": {}}, "distribution_operator: got 'given'; must be left out where there is dso"),
        ({"negotiation": {"memory": 2}}, "negotiation.memory: got 2; must be left at 5, without effect"),
        (
            {"distribution_operator": {"vpp_weight": 0.5}},
            "distribution_operator.vpp_weight: got 0.5; must sum",
        ),
        ({"distribution_operator": {"carbon_price_column": "coal"}}, "coal"),
    ],
)
def test_what_cannot_be_is_refused(over: dict[str, Any], said: str) -> None:
    assert said in faults_of(tree(**over))


@pytest.mark.parametrize(
    ("behind", "over", "said"),
    [
        ((None, None), {}, "behind must be null in one region, that of the substation, here in 2"),
        (("line 5", "line 17"), {}, "here in 0"),
        ((None, "line 5", "line 5"), {}, "behind must name another branch in each region"),
        ((None, "line 5"), {"split": "found"}, "behind must be null in each region where split is found"),
        ((None, "line 5"), {"loading_limit": 0.5}, "price_regions.loading_limit: got 0.5; must be left at 1"),
    ],
)
def test_regions_that_contradict_each_other_are_refused(
    behind: tuple[str | None, ...], over: dict[str, Any], said: str
) -> None:
    case = tree(behind)
    case["price_regions"] |= over
    assert said in faults_of(case)


def test_only_a_distribution_operator_is_told_a_green_share() -> None:
    case = {"dso": {}, "consumers": {}, "prices": {"green_share_column": "green_share"}}
    assert "prices.green_share_column: got 'green_share'; must be given where" in faults_of(case)
