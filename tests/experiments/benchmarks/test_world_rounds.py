"""When outer rounds go round, and what is read of them from letters."""

from __future__ import annotations

import numpy as np
import pytest

from gridarium.experiments.benchmarks.world_rounds import HeardRound, turn_of

NAMES = ("a/dso", "b/operator")


def heard(price: float, load: float = 5.0) -> HeardRound:
    """A round of two steps and two feeders, one of which always takes the same."""
    return HeardRound(np.array([price, 50.0]), np.array([[load, 4.0], [10.0, 10.0]]))


WANDERING = [heard(1.1**number) for number in range(20)]
TURN = [heard(10.0, 2.0), heard(20.0, 4.0), heard(40.0, 3.0)]


def test_rounds_that_come_back_go_round() -> None:
    turn = turn_of([*WANDERING, *TURN, *TURN], NAMES)
    assert turn is not None
    assert (turn.period, turn.price_size) == (3, pytest.approx(0.6))
    assert turn.load_sizes == {"a/dso": pytest.approx(0.2), "b/operator": 0.0}
    assert "goes round in 3 rounds" in turn.told


@pytest.mark.parametrize(
    "rounds",
    [
        WANDERING,
        [*WANDERING, *TURN],
        [*TURN, *TURN, heard(11.0)],
        [heard(20.0)] * 30,
        # Prices come back, loads do not.
        [heard(10.0 + 10.0 * (number % 2), 2.0 + 0.1 * number) for number in range(30)],
        # It comes nearer to rest with each turn.
        [heard(20.0 + 10.0 * (-0.8) ** number) for number in range(12)],
    ],
)
def test_rounds_that_wander_or_rest_do_not_go_round(rounds: list[HeardRound]) -> None:
    assert turn_of(rounds, NAMES) is None


def test_loads_alone_may_go_round() -> None:
    turn = turn_of([heard(20.0, 2.0 + number % 2) for number in range(8)], NAMES)
    assert turn is not None and turn.price_size == 0.0
