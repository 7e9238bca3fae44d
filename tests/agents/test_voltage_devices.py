"""A tap changer and a compensator do what they are told, as far as they can."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from gridarium.agents.base import GridAgent
from gridarium.agents.devices.compensator import CompensatorUnit
from gridarium.agents.devices.tap_changer import TapChangerUnit
from gridarium.environment.arrays import series
from gridarium.environment.grids import Site
from gridarium.environment.horizon import Horizon
from gridarium.environment.voltage_control import Compensator, TapChanger
from gridarium.environment.world import World
from gridarium.market.messages.commands import CompensatorSetpoint, TapCommand
from gridarium.market.messages.forecasts import ForecastRequest

RATINGS = TapChanger(first=-2, last=3, step_pu=0.01, moves_per_day=4)


class Operator(GridAgent):
    """Tells others what to do."""

    def told(self, payloads: dict[str, Any]) -> dict[str, Any]:
        question = self.ask(payloads, 10.0, 1.0)
        self.world.clock.process(question.answered())
        self.world.clock.run_until(self.world.clock.now_s + 20.0)
        return question.replies


def of(world: World) -> tuple[TapChangerUnit, Operator]:
    days = Horizon(world.n_period, world.period_h, 1, 3)
    return TapChangerUnit(world.grid.head, RATINGS, days), Operator(world.grid.head, "operator")


def command(position: Sequence[int], period: int = 0, issue: int = 1) -> TapCommand:
    return TapCommand(issue, period, np.array(position))


def test_the_head_follows_the_positions(make_world: Callable[..., World]) -> None:
    world = make_world(6)
    changer, operator = of(world)
    operator.told({"tap_changer": command([1, 1, -1])})
    for _ in range(6):
        world.step()
    # It stays where it was told last.
    assert changer.position.tolist() == [1, 1, -1, -1, -1, -1]
    assert changer.moves.tolist() == [1, 0, 2, 0, 0, 0]
    head = [float(state.flow.vm_pu[0, 0]) for state in world.grid.states]
    np.testing.assert_allclose(head, [1.01, 1.01, 0.99, 0.99, 0.99, 0.99], rtol=0, atol=1e-12)
    (rows,) = changer.rows()
    assert rows.table == "taps" and rows.values["moves"] is changer.moves


def test_it_goes_no_further_than_it_may(make_world: Callable[..., World]) -> None:
    world = make_world(6)
    changer, operator = of(world)
    operator.told({"tap_changer": command([5, 0, 3])})
    operator.told({"tap_changer": command([1, 2, 0], period=3)})
    for _ in range(6):
        world.step()
    # Steps of a new day are counted anew.
    assert changer.position.tolist() == [3, 2, 2, 1, 2, 0]
    assert changer.moves.tolist() == [3, 1, 0, 1, 1, 2]


def test_it_tells_where_it_will_stand(make_world: Callable[..., World]) -> None:
    world = make_world(6)
    changer, operator = of(world)
    asked = {"tap_changer": ForecastRequest(0)}
    assert operator.told(asked)["tap_changer"].position == 0
    operator.told({"tap_changer": command([1, 1, 2])})
    assert operator.told(asked)["tap_changer"].position == 0
    told = operator.told({"tap_changer": ForecastRequest(1)})["tap_changer"]
    assert (told.day, told.position) == (1, 2)
    for _ in range(4):
        world.step()
    assert changer.tell_position(ForecastRequest(1), "operator").position == 2
    assert changer.position[3] == 2


def test_a_compensator_gives_what_it_is_told(make_world: Callable[..., World]) -> None:
    world = make_world(3)
    svc = CompensatorUnit(Site(world.grid, 1), Compensator("svc", -0.1, 0.2))
    operator = Operator(world.grid.head, "operator")
    operator.told({"svc": CompensatorSetpoint(1, 1, series([0.15, 0.5]))})
    for _ in range(3):
        world.step()
    (rows,) = svc.rows()
    assert np.asarray(rows.values["q_mvar"]).tolist() == [0.0, 0.15, 0.2]
    taken = [float(state.flow.q_slack_mvar[0]) for state in world.grid.states]
    assert taken[0] == pytest.approx(0.0, abs=1e-9)
    assert -0.15 < taken[1] < -0.149 and -0.2 < taken[2] < -0.199
