"""Settlement at the end of a period, on a copper plate: what happens within the period is metered."""

import numpy as np
import pandas as pd
import pytest

from gridarium.agents.base import GridAgent
from gridarium.environment.clock import Clock, ClockError
from gridarium.environment.grids import Grid
from gridarium.environment.network import Feeder
from gridarium.environment.world import World

QUARTER_S = 900.0


class Trader(GridAgent):
    """Supplies 10 MW from the start, and whatever its process has sold by the time of the meter reading."""

    def __init__(self, world: World) -> None:
        super().__init__(world.grid.head, "trader")
        self.sold_mw = 0.0
        self.settled_at_s: list[float] = []

    def process(self):
        while True:
            yield self.world.clock.timeout(60.0)
            self.sold_mw += 1.0

    def operate(self, period):
        self.sold_mw = 0.0
        self.world.grid.injections.supply(0, "seller", 10.0, 0.0, 0.5)

    def meter(self, period):
        self.world.grid.injections.supply(0, self.name, self.sold_mw, 0.0, 0.0)
        self.world.grid.injections.draw(self.name, np.array([30.0]), np.zeros(1))

    def settle(self, period):
        self.settled_at_s.append(self.world.clock.now_s)


def world(settles_after_s: float) -> World:
    clock = Clock(pd.Timestamp("2026-01-15", tz="Asia/Shanghai"), QUARTER_S)
    return World(
        Grid(Feeder.copper_plate(), np.full(2, 0.8)), clock, 2, QUARTER_S, settles_after_s=settles_after_s
    )


@pytest.mark.parametrize(("settles_after_s", "sold_mw"), [(0.0, 0.0), (QUARTER_S, 15.0)])
def test_meters_are_read_when_the_period_settles(settles_after_s, sold_mw):
    plate = world(settles_after_s)
    trader = Trader(plate.grid.head)
    plate.step()
    state = plate.grid.states[0]
    assert trader.settled_at_s == [QUARTER_S + settles_after_s]
    assert state.flow.p_slack_mw[0] == pytest.approx(20.0 - sold_mw, abs=1e-9)
    assert plate.meters["trader"][0] == 30.0
    carbon = 10.0 * 0.5 + (20.0 - sold_mw) * 0.8
    assert state.intensity_tco2_per_mwh[0] == pytest.approx(carbon / 30.0, abs=1e-12)
    plate.step()
    assert not plate.running
    assert plate.clock.now_s == 3 * QUARTER_S


def test_meters_are_read_within_their_period():
    with pytest.raises(ClockError, match=r"settles_after_s must be in \[0, 900\] s"):
        world(901.0)
