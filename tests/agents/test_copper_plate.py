"""A TIES on a copper plate: the merit order is its dispatch, nothing is lost, all that must hold holds."""

from __future__ import annotations

from copy import copy
from functools import cache

import numpy as np
import pytest
from bulk_references import BulkCase, reference_cost

from gridarium.agents.region.region import Region
from gridarium.agents.transmission.ties import Ties
from gridarium.environment.errors import ScenarioError
from gridarium.experiments import run
from gridarium.experiments.results.result import Result
from gridarium.experiments.running.case_run import _play
from gridarium.experiments.running.world_build import BuiltWorld, build
from gridarium.experiments.scenario import load_scenario

BULK = "grids.bulk."


@cache
def world(case: str) -> BuiltWorld:
    # Nothing is planned anew, so that the last loads are those of the plan.
    built = build(load_scenario("ries-reduced", [f"{BULK}ties.trigger_mw=1000"]).cases[case])
    _play(built)
    return built


@cache
def finished() -> Result:
    return run(load_scenario("ries-reduced"), cases=["none", "full"])


@pytest.mark.parametrize("case", ["none", "full"])
def test_the_plan_of_a_day_costs_what_another_solver_finds(case: str) -> None:
    pytest.importorskip("clarabel")
    ties = world(case).one(Ties)
    (day,) = ties.days
    load = day.loads.sum(axis=0)
    forecast = ties.planner.forecast(day, load)
    assert not forecast.loss_mw.any()
    known = BulkCase(ties.shape.system, forecast, day.on, day.state, 1.0)
    assert day.plan.cost_money == pytest.approx(reference_cost(known, day.on, day.state, load), rel=1e-6)


def test_what_is_fed_in_is_drawn_and_carries_one_intensity() -> None:
    built = world("full")
    (grid,) = built.world.grids
    for period, state in enumerate(grid.states):
        used = sum(built.world.meters[region.name][period] for region in built.of(Region))
        used += state.charge_mw.sum() + max(0.0, -state.exchange_mw)
        supplied = state.source_mw.sum() + max(0.0, state.exchange_mw)
        assert supplied == pytest.approx(used, abs=1e-9)
        assert state.flow.loss_mw == pytest.approx(0.0, abs=1e-12)
        assert state.flow.vm_pu == pytest.approx(np.ones((1, 1)))
        assert state.intensity_tco2_per_mwh * supplied == pytest.approx(state.source_t_per_h)


def test_all_certificates_pass_and_none_is_of_a_network() -> None:
    certificates = finished().certificates
    assert [one.name for one in certificates if not one.passed] == ["bulk: abatement told"]
    names = {one.name for one in certificates}
    assert not any("voltage" in name or "loading" in name for name in names)
    assert {"bulk: storage energy", "bulk: minimum times", "bulk: own carbon"} <= names
    assert finished().summary["full"]["bulk.loss_share"] == 0.0


def test_whoever_is_named_stands_on_the_one_bus() -> None:
    buses, dispatch = finished().table("buses"), finished().table("dispatch")
    assert set(buses["bus"]) == {"copper plate"}
    assert set(dispatch.loc[dispatch["kind"] != "region", "bus"]) == {"copper plate"}


def test_a_copper_plate_is_written_out_as_what_it_is() -> None:
    (tree,) = [load_scenario("ries-reduced").cases["full"].model_dump(mode="json")["grids"]["bulk"]]
    assert tree["network"] == {"source": "copper-plate"}


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("network={source: copper-plate, peak_load_mw: 300}", "network.peak_load_mw"),
        ("network={source: copper-plate, sites: {coal: 3}}", "network.sites"),
        ("network={source: copper-plate, loading_max: null}", "network.loading_max"),
        ("regions.industrial.buses=[4]", "regions.industrial.buses"),
        ("ties.loss_price_per_mwh=0.5", "ties.loss_price_per_mwh"),
        ("renewables.wind.inverter_oversize=2", "renewables.wind.inverter_oversize"),
        ("storages.battery.s_max_mva=40", "storages.battery.s_max_mva"),
    ],
)
def test_what_one_bus_does_not_have_is_a_fault(setting: str, told: str) -> None:
    with pytest.raises(ScenarioError, match=f"{BULK}{told}.*must be left out on a copper plate"):
        load_scenario("ries-reduced", [BULK + setting])


def test_a_dso_needs_a_feeder() -> None:
    with pytest.raises(ScenarioError, match=r"network\.source.*must be a radial feeder where there is a dso"):
        load_scenario("adcef-small", ["network=copper-plate"])


def test_a_grid_below_has_no_bus_to_choose() -> None:
    settings = [f"{BULK}network=copper-plate", f"{BULK}regions.industrial.buses=[]", "grids.r1.at=3"]
    with pytest.raises(ScenarioError, match=r"grids\.r1\.at.*the grid above has one bus"):
        load_scenario("ties-feeders-small", settings)


def test_feeders_below_follow_like_regions() -> None:
    settings = ["horizon_h=3", f"{BULK}network=copper-plate", f"{BULK}regions.industrial.buses=[]"]
    settings += ["grids.r1.at=null", "grids.r2.at=null", f"{BULK}ties.own_carbon.quota_tco2=60"]
    capture = "{energy_mwh_per_tco2: 0.25, fixed_mw: 2, tank_tco2: 60}"
    settings += [f"{BULK}thermal_units.gas.capture={capture}"]
    result = run(load_scenario("ties-feeders-small", settings), cases=["ladder"])
    assert [one.name for one in result.certificates if one.hard and not one.passed] == []
    assert result.summary["ladder"]["bulk.captured_tco2"] > 1.0
    drawn = {name: rows["p_metered_mw"].to_numpy() for name, rows in result.table("heads").groupby("grid")}
    dispatch = result.table("dispatch").query("grid == 'bulk' and kind != 'grid_below'").groupby("period")
    left = (dispatch["p_supply_mw"].sum() - dispatch["p_demand_mw"].sum()).to_numpy()
    # No loss: what units give and regions leave goes to as many feeders as there are.
    assert left == pytest.approx(20.0 * drawn["r1"] + 15.0 * drawn["r2"])
    assert left.min() > 10.0


def test_renewables_and_their_use_are_counted_without_a_network() -> None:
    found, rows = finished().summary["full"], finished().table("dispatch").query("case == 'full'")
    own = rows[rows["kind"] == "renewable"]
    assert found["bulk.renewable_used_mwh"] == pytest.approx(own["p_supply_mw"].sum())
    share = own["p_supply_mw"].sum() / own["p_available_mw"].sum()
    assert found["bulk.renewable_used_share"] == pytest.approx(share)
    assert 0.9 < share <= 1.0


def test_a_day_on_which_the_solver_stalls_is_dispatched_all_the_same() -> None:
    pytest.importorskip("clarabel")
    loads = {"residential": 1.1729387384744006, "commercial": 1.1478066541738534}
    loads |= {"industrial": 0.9090092910220193}
    settings = [f"regions.{name}.scale={scale}" for name, scale in loads.items()]
    settings += ["renewables.wind.scale=0.7967421849828806", "renewables.solar.scale=1.1710968498343874"]
    price = 29.784194389554727
    settings += [f"{one}.base_price_per_tco2={price}" for one in ("carbon_policy", "ties.own_carbon")]
    settings += ["thermal_units.coal.cost_linear_per_mwh=39.685055725614916", "ties.trigger_mw=1000"]
    scenario = load_scenario("ries-reduced", [f"{BULK}{one}" for one in settings])
    built = build(scenario.cases["full"])
    _play(built)
    ties = built.one(Ties)
    (day,) = ties.days
    forecast = ties.planner.heard(day)
    known = BulkCase(ties.shape.system, forecast, day.on, day.state, 1.0)
    expected = reference_cost(known, day.on, day.state, forecast.load_mw)
    assert day.plan.cost_money == pytest.approx(expected, rel=1e-6)


def test_units_are_committed_anew_for_loads_that_those_held_cannot_supply() -> None:
    ties = world("none").one(Ties)
    day = copy(ties.days[0])
    needed, planned = day.on, day.plan.cost_money
    day.on = np.zeros_like(needed)
    assert not ties.planner.try_dispatch(day)
    ties.planner.dispatch(day)
    assert day.forced == 1
    assert np.array_equal(day.on, needed)
    assert day.plan.cost_money == pytest.approx(planned, rel=1e-6)
    ties.planner.dispatch(day)
    assert day.forced == 1


def test_a_load_that_units_held_cannot_supply_counts_with_the_best_ones() -> None:
    ties = world("none").one(Ties)
    held, off = copy(ties.days[0]), copy(ties.days[0])
    off.on = np.zeros_like(held.on)
    assert ties.planner.marginal_factor(off) == pytest.approx(ties.planner.marginal_factor(held), abs=1e-6)
