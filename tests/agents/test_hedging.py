"""A DSO that plans its storages for scenarios: what it asks, plans, orders and tells."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from gridarium.agents.devices.renewable_plant import RenewablePlant
from gridarium.agents.devices.storage import StorageDevice
from gridarium.agents.feeder.dso import Dso
from gridarium.agents.feeder.hedge_rows import hedge_rows
from gridarium.agents.feeder.hedging import Hedge, joint_scenarios
from gridarium.environment.errors import ScenarioError
from gridarium.environment.power_flow import AcPowerFlow
from gridarium.environment.uncertainty import ScenarioSet
from gridarium.experiments.evidence.grid_evidence import GridEvidence
from gridarium.experiments.evidence.transmission.hedge_certificates import hedges
from gridarium.experiments.running.world_build import BuiltWorld as Built
from gridarium.experiments.running.world_build import build
from gridarium.experiments.scenario import load_scenario
from gridarium.market.messages.forecasts import ForecastRequest, ScenarioTerms

CASE = "tou-commanded"
SETTINGS = (
    "dso.plan.drawn=6",
    "dso.plan.scenarios=4",
    "dso.plan.bound=0.4",
    "consumers.residential.deviation_share=0.1",
    "consumers.industrial.deviation_share=0.05",
)


def planned(attitude: str) -> Built:
    """A world after its first period."""
    settings = [f"cases.{CASE}.{one}" for one in (*SETTINGS, f"dso.plan.attitude={attitude}")]
    built = build(load_scenario("adcef-small", settings).cases[CASE])
    built.world.step()
    return built


def hedge_of(built: Built) -> Hedge:
    found = built.one(Dso).today.hedge
    assert found is not None
    return found


@pytest.fixture(scope="module")
def careful() -> Built:
    return planned("min-max-regret")


@pytest.fixture(scope="module")
def plain() -> Built:
    return planned("forecast")


def test_nothing_changes_where_the_forecast_alone_counts(plain: Built, careful: Built) -> None:
    assert plain.one(Dso).today.hedge is None
    assert plain.one(Dso).today.scenarios == {}
    # The plan before is the same one: what was negotiated knows no scenarios.
    before = hedge_of(careful).forecast
    assert before.charge_mw == pytest.approx(plain.one(Dso).today.plan.dispatch.charge_mw, abs=1e-6)
    assert before.discharge_mw == pytest.approx(plain.one(Dso).today.plan.dispatch.discharge_mw, abs=1e-6)


def test_scenarios_are_those_that_plants_drew_and_told(careful: Built) -> None:
    dso, asked = careful.one(Dso), ForecastRequest(0, ScenarioTerms(6, 0.4, 0.9))
    for plant in careful.of(RenewablePlant):
        told = plant.tell_forecast(asked, "dso").scenarios
        assert told is dso.today.scenarios[plant.name]
        assert told is not None
        assert told.values.shape == (6, 24)
        forecast = dso.today.available_mw[plant.name]
        assert (np.abs(told.values - forecast) <= 0.4 * forecast + 1e-12).all()
        assert plant.tell_forecast(ForecastRequest(0), "dso").scenarios is None
    available = hedge_of(careful).available_mw
    drawn = np.stack([one.values for one in dso.today.scenarios.values()], axis=1)
    assert all(any(np.array_equal(one, other) for other in drawn) for one in available)
    assert hedge_of(careful).weights == pytest.approx(np.round(6 * hedge_of(careful).weights) / 6)


def test_storages_are_ordered_what_was_planned_for_all_scenarios(careful: Built) -> None:
    schedule = hedge_of(careful).plan.schedule
    dispatch = careful.one(Dso).today.plan.dispatch
    assert dispatch.charge_mw == pytest.approx(schedule.charge_mw)
    assert dispatch.discharge_mw == pytest.approx(schedule.discharge_mw)
    assert np.abs(schedule.net_mw - hedge_of(careful).forecast.net_mw).max() > 0.01
    for place, storage in enumerate(careful.of(StorageDevice)):
        meters = careful.world.meters, careful.world.feed_in_meters
        drawn, fed = (one[storage.name][0] if storage.name in one else 0.0 for one in meters)
        assert fed - drawn == pytest.approx(schedule.net_mw[place, 0], abs=1e-6)


def test_the_plan_loses_less_at_worst_and_costs_more_if_the_forecast_comes_true(
    careful: Built, plain: Built
) -> None:
    hedge, before = hedge_of(careful), plain.one(Dso).today.plan.dispatch
    room = 1e-4 * hedge.dispatch.cost_money
    assert hedge.plan.value_money < hedge.forecast_value_money - room
    assert hedge.plan.value_money - hedge.plan.bound_money <= room
    assert hedge.dispatch.cost_money >= before.cost_money - 1e-6 * before.cost_money
    # What regret is counted from is what each scenario costs at least.
    assert hedge.known is not None
    assert (hedge.plan.cost_money >= hedge.known.bound_money - 1e-6).all()
    assert (hedge.forecast_money >= hedge.known.bound_money - 1e-6).all()


def test_corners_are_the_power_flow_of_more_load_and_the_same_units(careful: Built) -> None:
    dso, hedge = careful.one(Dso), hedge_of(careful)
    corners = {corner.name: corner for corner in hedge.corners}
    assert set(corners) == {"highest", "lowest", "dearest"}
    loads, shape = dso.today.loads_mw, dso.shape
    share = {"residential": 0.1, "industrial": 0.05}
    wanted = sum(load * (1.0 + share.get(name, 0.0)) for name, load in loads.items())
    assert corners["highest"].load_mw == pytest.approx(wanted)
    assert corners["dearest"].load_mw == pytest.approx(wanted)
    assert corners["lowest"].load_mw == pytest.approx(2.0 * sum(loads.values()) - wanted)
    p_mw, q_mvar = np.zeros((2, 24, shape.feeder.n_bus))
    for name, load in loads.items():
        place, more = dso.connections[name], load * (1.0 + share.get(name, 0.0))
        p_mw -= np.outer(more, place.p_share)
        q_mvar -= np.outer(more, place.q_share)
    sites, dispatch = dict(shape.sites), dso.today.plan.dispatch
    for units, active, reactive in (
        (shape.turbines, dispatch.turbine_mw, dispatch.turbine_mvar),
        (shape.renewables, dispatch.renewable_mw, dispatch.renewable_mvar),
        (shape.storages, dispatch.discharge_mw - dispatch.charge_mw, dispatch.storage_mvar),
    ):
        for row, unit in enumerate(units):  # type: ignore[var-annotated, arg-type]
            p_mw[:, sites[unit.name]] += active[row]
            q_mvar[:, sites[unit.name]] += reactive[row]
    flow = AcPowerFlow(shape.feeder).solve(p_mw, q_mvar)
    assert corners["highest"].net_mw == pytest.approx(flow.p_slack_mw, abs=1e-7)
    assert corners["highest"].vm_min_pu == pytest.approx(flow.vm_pu[:, 1:].min(axis=1), abs=1e-9)


def test_the_n_th_scenarios_of_all_plants_go_together() -> None:
    random = np.random.default_rng(3)
    told = {name: ScenarioSet(random.uniform(size=(5, 3)), np.full(5, 0.2)) for name in ("pv", "wind")}
    available, weights = joint_scenarios(told, 5)
    assert available.shape == (5, 2, 3)
    assert available[:, 1] == pytest.approx(told["wind"].values)
    assert weights == pytest.approx(np.full(5, 0.2))
    few, weights = joint_scenarios(told, 2)
    assert few.shape == (2, 2, 3)
    assert weights.sum() == pytest.approx(1.0)


def _known(built: Built) -> GridEvidence:
    grid = built.world.grid
    return GridEvidence("only", built.sections[""], grid, tuple(built.world.agents), {})  # type: ignore[arg-type]


def test_certificates_hold_and_see_costs_that_are_not_those_of_the_plan(careful: Built) -> None:
    found = {reading.name: reading for reading in hedges(_known(careful))}
    assert set(found) == {"scenario plan", "scenario costs", "worst regret", "demand corners"}
    assert all(reading.value <= reading.tolerance for reading in found.values())
    today, true = careful.one(Dso).today, hedge_of(careful)
    wrong = replace(true.plan, cost_money=true.plan.cost_money * 1.001, bound_money=0.0)
    corner = replace(true.corners[0], outside_pu=0.01)
    today.hedge = replace(
        true, plan=wrong, forecast_money=true.plan.cost_money * 0.99, corners=(corner, *true.corners[1:])
    )
    try:
        failed = {one.name for one in hedges(_known(careful)) if one.value > one.tolerance}
    finally:
        today.hedge = true
    assert failed == {"scenario plan", "scenario costs", "worst regret", "demand corners"}


def test_tables_tell_what_each_plan_costs_in_each_scenario(careful: Built, plain: Built) -> None:
    tables = [dict(_rows(built)) for built in (careful, plain)]
    assert not {"scenarios", "scenario_plans", "demand_corners"} & set(tables[1])
    scenarios, hedge = tables[0]["scenarios"], hedge_of(careful)
    costs = scenarios.pivot_table(index="scenario", columns="plan", values="cost_money")
    assert set(costs) == {"min-max-regret", "forecast", "wait-and-see"}
    regret = (costs["min-max-regret"] - costs["wait-and-see"]).max()
    assert tables[0]["scenario_plans"]["value_money"].item() == pytest.approx(regret)
    assert costs["forecast"].to_numpy() == pytest.approx(hedge.forecast_money)
    assert len(tables[0]["demand_corners"]) == 3 * 24


def _rows(built: Built) -> dict[str, pd.DataFrame]:
    return {rows.table: pd.DataFrame(rows.values) for rows in hedge_rows(built.one(Dso).days)}


@pytest.mark.parametrize(
    ("setting", "named"),
    [
        ("dso.storage=self-scheduled", "the operator commands no storages"),
        ("renewables={pv: null, wind: null}", "no renewables"),
        ("leader.kind=anticipating", "which searches"),
        ("dso.plan.scenarios=60", "must be at most drawn = 50"),
    ],
)
def test_plans_for_scenarios_that_cannot_be_are_refused(setting: str, named: str) -> None:
    settings = [f"cases.{CASE}.dso.plan.attitude=expected", f"cases.{CASE}.{setting}"]
    with pytest.raises(ScenarioError, match=named):
        load_scenario("adcef-small", settings)
