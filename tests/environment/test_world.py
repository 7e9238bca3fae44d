"""The world is a Mesa model: Mesa's own tools work on it, step by settlement period."""

import gc
import weakref

import mesa
import numpy as np
import pytest

from gridarium.agents.feeder.dso import Dso
from gridarium.experiments.running.world_build import build
from gridarium.experiments.scenario import load_scenario


@pytest.fixture(scope="module")
def collected():
    built = build(load_scenario("adcef").cases["adcef"])
    collector = mesa.DataCollector(
        model_reporters={
            "loss_mw": lambda world: float(world.grid.states[-1].flow.loss_mw[0]),
            "hour": lambda world: world.clock.timestamp.hour,
        },
        agent_reporters={"name": "name"},
    )
    while built.world.running:
        built.world.step()
        collector.collect(built.world)
    return built, collector


def test_data_collector_sees_one_row_a_period(collected):
    built, collector = collected
    rows = collector.get_model_vars_dataframe()
    assert rows["hour"].tolist() == [*range(1, 24), 0]
    assert rows["loss_mw"].to_numpy() == pytest.approx(
        [float(state.flow.loss_mw[0]) for state in built.world.grid.states]
    )
    names = set(collector.get_agent_vars_dataframe()["name"])
    assert names == {agent.name for agent in built.world.agents}


def test_power_is_balanced_at_every_bus_of_every_period(collected):
    built, _ = collected
    feeder = built.world.grid.feeder
    for state in built.world.grid.states:
        arriving = np.concatenate([state.flow.p_slack_mw, state.flow.p_to_mw[0]])
        leaving = np.bincount(feeder.parent, weights=state.flow.p_from_mw[0], minlength=feeder.n_bus)
        # What is not passed on is drawn, less what stands at the bus.
        drawn = arriving - leaving
        supplied = state.load_mw - drawn
        assert supplied.sum() == pytest.approx(
            state.load_mw.sum() - state.flow.p_slack_mw[0] + state.flow.loss_mw[0], abs=1e-9
        )
        without_units = [
            bus for bus in range(1, feeder.n_bus) if bus not in dict(built.one(Dso).shape.sites).values()
        ]
        assert supplied[without_units] == pytest.approx(np.zeros(len(without_units)), abs=1e-9)


def test_a_finished_world_stands_still(collected):
    built, _ = collected
    assert not built.world.running
    assert built.world.steps == built.world.n_period


def test_what_is_sent_with_the_last_settlement_arrives(collected):
    bus = collected[0].world.bus
    assert bus.last_arrival_s > collected[0].world.delivery_s + 24 * 3600.0
    assert bus.sent == bus.delivered + bus.lost


def test_a_finished_world_is_forgotten():
    built = build(load_scenario("adcef").cases["tou"])
    while built.world.running:
        built.world.step()
    left = weakref.ref(built.world)
    del built
    gc.collect()
    assert left() is None
