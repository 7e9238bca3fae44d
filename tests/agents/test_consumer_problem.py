"""The consumer's plan against the closed form of its optimality conditions, and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from gridarium.agents.feeder.consumer_problem import ConsumerShape, LoadUtility, build_consumer_model
from gridarium.agents.optimisation import LocalProblem
from gridarium.environment.errors import InfeasibleError

N = 24
PLAIN = LocalProblem.compile(build_consumer_model(ConsumerShape(N, 1.0)), ConsumerShape(N, 1.0).signals)
LIMITED_SHAPE = ConsumerShape(4, 0.5, has_shift_limit=True)
BATTERY_SHAPE = ConsumerShape(4, 1.0, battery_efficiency=(0.9, 0.9))
# A millionth of the peak is the finest band: narrower ones leave an interior-point method no room.
SHARE = st.integers(0, 10**6).map(lambda millionths: millionths * 1e-6)


def water_filling(
    wanted: NDArray[np.float64], up: NDArray[np.float64], down: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Shift = clip(wanted - level), the level found by bisection on energy neutrality.

    Stationarity of C16's Lagrangian without the peak limit: shift - wanted + level + up dual - down dual = 0.
    """
    low, high = (wanted - up).min() - 1.0, (wanted + down).max() + 1.0
    for _ in range(200):
        level = (low + high) / 2.0
        if np.clip(wanted - level, -down, up).sum() > 0.0:
            low = level
        else:
            high = level
    return np.clip(wanted - level, -down, up)


@settings(max_examples=200, deadline=None)
@given(
    arrays(np.float64, N, elements=st.floats(-5.0, 5.0)),
    arrays(np.float64, N, elements=SHARE),
    arrays(np.float64, N, elements=SHARE),
)
def test_shift_is_water_filling(
    wanted: NDArray[np.float64], up: NDArray[np.float64], down: NDArray[np.float64]
) -> None:
    shift = PLAIN.solve("home", wanted_shift=wanted, most_up=up, most_down=down)["shift"]
    np.testing.assert_allclose(shift, water_filling(wanted, up, down), rtol=0, atol=2e-6)


def test_two_prices_by_hand() -> None:
    # Shift s in the cheap half, -s in the dear half: s = (wanted difference) / 2, within the band.
    wanted = np.repeat([0.1, -0.06], N // 2)
    free = PLAIN.solve("home", wanted_shift=wanted, most_up=np.ones(N), most_down=np.ones(N))["shift"]
    np.testing.assert_allclose(free, np.repeat([0.08, -0.08], N // 2), atol=1e-8)
    held = PLAIN.solve("home", wanted_shift=wanted, most_up=np.full(N, 0.05), most_down=np.ones(N))["shift"]
    np.testing.assert_allclose(held, np.repeat([0.05, -0.05], N // 2), atol=1e-8)


def test_a_flat_price_moves_nothing() -> None:
    shift = PLAIN.solve("home", wanted_shift=np.full(N, 3.0), most_up=np.ones(N), most_down=np.ones(N))[
        "shift"
    ]
    np.testing.assert_allclose(shift, 0.0, atol=1e-8)


def test_compiled_answer_is_the_best_plan_of_the_utility_in_money() -> None:
    rng = np.random.default_rng(3)
    base, beta = rng.uniform(1.0, 3.0, N), 40.0
    reference, price = np.full(N, 600.0), 600.0 + rng.uniform(-100.0, 100.0, N)
    utility, peak = LoadUtility(base, reference, beta), base.max()
    scaled = {"most_up": 0.2 * base / peak, "most_down": 0.2 * base / peak}
    shift = PLAIN.solve("home", wanted_shift=(reference - price) / (beta * peak), **scaled)["shift"]
    best = base + peak * shift

    def surplus(load: NDArray[np.float64]) -> float:
        return float((utility.of(load) - price * load).sum())

    for _ in range(200):
        other = np.clip(base + rng.normal(0.0, 0.2, N), 0.8 * base, 1.2 * base)
        neutral = best + 0.5 * (other - other.mean() + base.mean() - best)
        if (np.abs(neutral - base) <= 0.2 * base).all():
            assert surplus(neutral) <= surplus(best) + 1e-6
    assert surplus(best) > surplus(base)


def test_limit_on_shifted_energy_binds_by_hand() -> None:
    problem = LocalProblem.compile(build_consumer_model(LIMITED_SHAPE), LIMITED_SHAPE.signals)
    signals = {
        "wanted_shift": np.array([1.0, 1.0, -1.0, -1.0]),
        "most_up": np.ones(4),
        "most_down": np.ones(4),
    }
    solution = problem.solve("home", **signals, shift_limit_h=0.3)
    np.testing.assert_allclose(solution["shift"], [0.3, 0.3, -0.3, -0.3], atol=1e-6)
    loose = problem.solve("home", **signals, shift_limit_h=5.0)
    np.testing.assert_allclose(loose["shift"], signals["wanted_shift"], atol=1e-6)


def battery_signals(price: list[float]) -> dict[str, object]:
    return {
        "wanted_shift": np.zeros(4),
        "most_up": np.zeros(4),
        "most_down": np.zeros(4),
        "headroom": np.array([1.0, 0.1, 1.0, 1.0]),
        "price": np.array(price),
        "battery_power": 0.4,
        "least_energy_h": 0.0,
        "most_energy_h": 0.45,
        "first_energy_h": 0.0,
    }


def test_battery_charges_cheap_within_the_headroom_by_hand() -> None:
    problem = LocalProblem.compile(build_consumer_model(BATTERY_SHAPE), BATTERY_SHAPE.signals)
    # Hour 0 and 1 are cheap. 0.4 * 0.9 + 0.1 * 0.9 = 0.45 fills it; hour 3 gets 0.9 * 0.45 = 0.405 > 0.4.
    solution = problem.solve("home", **battery_signals([1.0, 0.5, 2.0, 3.0]))
    np.testing.assert_allclose(solution["charge"][:2], [0.4, 0.1], atol=1e-6)
    np.testing.assert_allclose(solution["discharge"][2:], [0.005, 0.4], atol=1e-6)
    assert solution.objective == pytest.approx(0.4 + 0.05 - 0.01 - 1.2, abs=1e-6)


def test_infeasible_names_the_family() -> None:
    problem = LocalProblem.compile(build_consumer_model(BATTERY_SHAPE), BATTERY_SHAPE.signals)
    signals = battery_signals([1.0, 1.0, 1.0, 1.0]) | {"first_energy_h": 2.0}
    with pytest.raises(InfeasibleError, match=r"agent home: infeasible: .*battery state of charge"):
        problem.solve("home", **signals)
