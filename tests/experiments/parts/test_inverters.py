"""More wind or sun than foreseen passes nothing beyond what a plant's inverter delivers."""

from __future__ import annotations

import numpy as np
import pytest

from gridarium.agents.devices.renewable_plant import RenewablePlant
from gridarium.environment.arrays import Array
from gridarium.environment.forecast_error import ForecastError
from gridarium.experiments.running.world_build import build
from gridarium.experiments.scenario import load_scenario


def test_a_windfall_ends_at_the_inverter(monkeypatch: pytest.MonkeyPatch) -> None:
    def windfall(error: ForecastError, n_period: int, random: np.random.Generator) -> Array:
        return np.full(n_period, error.bound)

    monkeypatch.setattr(ForecastError, "draw", windfall)
    scenario = load_scenario("ries-small", ("horizon_h=3",)).cases["full"]
    world = build(scenario).world
    plants = [agent for agent in world.agents if isinstance(agent, RenewablePlant)]
    assert {world.grids[0].local(plant.name) for plant in plants} == {"wind", "solar"}
    for plant in plants:
        foreseen = plant.horizon.by_period(plant.forecast_mw)
        rating = 1.1 * foreseen.max()
        assert plant._actual_mw == pytest.approx(np.minimum(1.15 * foreseen, rating))
