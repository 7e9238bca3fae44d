"""A sensor tells when a bus leaves the band; the record says what corrections have made of it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from gridarium.agents.base import GridAgent, on
from gridarium.agents.edge.excursions import Excursions, SensorRules
from gridarium.agents.edge.voltage_sensor import VoltageSensor
from gridarium.environment.world import World
from gridarium.market.messages.edge import VoltageReading

RULES = SensorRules((0.99, 1.01), 1e-4, 30.0)


class Edge(GridAgent):
    """Reads, and corrects by itself a while later."""

    def __init__(self, world: World, gives_mw: float) -> None:
        super().__init__(world.grid.site(2), "edge")
        self.gives_mw, self.fed_mw = gives_mw, 0.0
        self.heard: list[VoltageReading] = []

    @on(VoltageReading)
    def hear(self, reading: VoltageReading, sender: str) -> None:
        self.heard.append(reading)
        if self.gives_mw and len(self.heard) == 1:
            self.world.clock.timeout(0.3).callbacks.append(lambda event: self._give())

    def _give(self) -> None:
        self.fed_mw = self.gives_mw
        self.grid.site(2).set_apart("edge", self.fed_mw, 0.0)


class Load(GridAgent):
    """Draws 0.5 MW, and in the middle of the first period 1.5 MW for ten minutes."""

    def operate(self, period: int) -> None:
        self.grid.site(2).draw(self.name, 0.5)
        if period == 0:
            for after_s, p_mw in ((1010.0, -1.0), (1610.0, 0.0)):
                self.world.clock.timeout(after_s).callbacks.append(
                    lambda event, p_mw=p_mw: self._change(p_mw)
                )

    def _change(self, p_mw: float) -> None:
        self.grid.site(2).set_apart(self.name, p_mw, 0.0)


def seen(world: World, gives_mw: float) -> tuple[Excursions, Edge]:
    edge = Edge(world, gives_mw)
    Load(world.grid.site(2), "load")

    def corrections() -> tuple[np.ndarray, np.ndarray]:
        return np.array([0.0, edge.fed_mw]), np.zeros(2)

    record = Excursions(world.grid, RULES, corrections)
    VoltageSensor(world.grid.head, "sensor", "edge", RULES, record)
    for _ in range(world.n_period):
        world.step()
    return record, edge


def voltage(world: World, p_mw: float) -> float:
    return float(world.grid.power_flow.solve(np.array([[0.0, p_mw]]), np.zeros((1, 2))).vm_pu[0, 1])


def test_an_excursion_is_told_at_once_and_so_is_what_follows(make_world: Callable[..., World]) -> None:
    world = make_world(2)
    record, edge = seen(world, 0.9)
    (one,) = record.all
    assert one.from_s == 3600.0 + 1010.0
    assert (one.bus, one.before_pu) == (1, pytest.approx(voltage(world, -1.5)))
    assert one.back_s == pytest.approx(one.from_s + 0.3)
    assert one.telemetry_s == one.from_s + 10.0
    assert one.with_pu == pytest.approx(voltage(world, -0.6))
    assert one.without_pu == pytest.approx(voltage(world, -1.5))
    # The fall, the correction, and the end of the load, when the correction would not be needed any more.
    assert [reading.time_s for reading in edge.heard] == pytest.approx([4610.0, 4610.3, 5210.0])
    assert edge.heard[1].vm_pu[1] == pytest.approx(voltage(world, -0.6))
    (rows,) = record.rows()
    assert rows.values["outside_s"] == pytest.approx([0.3])


def test_a_reading_that_nobody_answers_comes_again(make_world: Callable[..., World]) -> None:
    world = make_world(2)
    record, edge = seen(world, 0.0)
    (one,) = record.all
    assert one.back_s == 3600.0 + 1610.0
    assert one.with_pu == one.without_pu == pytest.approx(voltage(world, -1.5))
    repeats = np.array([reading.time_s for reading in edge.heard[:-1]]) - one.from_s
    assert repeats == pytest.approx(0.5 * (2.0 ** np.arange(11) - 1.0))
