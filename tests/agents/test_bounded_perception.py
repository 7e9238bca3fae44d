"""Noise, stale signals and inattention, on consumers and on a leader."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gridarium.agents.base import GridAgent
from gridarium.agents.behaviour import Behaviour, Composed, HeardLoads
from gridarium.agents.bounded.perception import Inattention, Noise, Stale
from gridarium.environment.arrays import series
from gridarium.environment.world import World
from gridarium.market.messages.tariffs import TariffSignal

MakeWorld = Callable[..., World]
USUAL = [600.0, 500.0, 700.0]


def tariff(round_: int, price: Any, factor: float = 0.5) -> TariffSignal:
    return TariffSignal(round_, series(price), series([factor] * 3), series(USUAL))


def heard(round_: int, **loads: list[float]) -> HeardLoads:
    return HeardLoads(round_, {name: np.array(load) for name, load in loads.items()})


@pytest.fixture
def agent(make_world: MakeWorld) -> GridAgent:
    return GridAgent(make_world().grid.head, "homes")


@pytest.mark.parametrize("behaviour", [Noise(), Noise(redraw=True), Stale(), Inattention()])
def test_the_limit_perceives_what_is_said(agent: GridAgent, behaviour: Behaviour) -> None:
    for round_, price in enumerate(([610.0, 500.0, 690.0], [610.0, 500.0, 690.0], USUAL), start=1):
        said = tariff(round_, price, 0.1 * round_)
        seen = behaviour.perceive(agent, said)
        assert seen.price_per_mwh.tobytes() == said.price_per_mwh.tobytes()
        assert seen.factor_tco2_per_mwh.tobytes() == said.factor_tco2_per_mwh.tobytes()
        assert seen.round == round_
        loads = heard(round_, a=[1.0, 0.0, 2.0 / round_], b=[0.1, 0.2, 0.3])
        perceived = type(behaviour)().perceive(agent, loads)
        assert [load.tobytes() for load in perceived.load_mw.values()] == [
            load.tobytes() for load in loads.load_mw.values()
        ]
    forecast = np.array([1.0, 0.3, 0.7])
    assert behaviour.foresee(agent, forecast).tobytes() == forecast.tobytes()


def test_noise_has_the_bias_and_the_spread_that_it_says(make_world: MakeWorld) -> None:
    agent = GridAgent(make_world().grid.head, "homes")
    noisy = Noise(price_scale_per_mwh=8.0, price_bias_per_mwh=-3.0, redraw=True)
    errors = np.array(
        [noisy.perceive(agent, tariff(1, USUAL)).price_per_mwh - USUAL for _ in range(4000)]
    ).ravel()
    assert errors.mean() == pytest.approx(-3.0, abs=4 * 8.0 / np.sqrt(12_000))
    assert errors.std() == pytest.approx(8.0, rel=0.03)
    factor = Noise(factor_bias_tco2_per_mwh=0.2).perceive(agent, tariff(1, USUAL, 0.5))
    assert factor.factor_tco2_per_mwh == pytest.approx([0.7] * 3)
    assert factor.price_per_mwh.tolist() == USUAL


def test_noise_stays_for_the_day_unless_redrawn(agent: GridAgent) -> None:
    steady, fickle = Noise(price_scale_per_mwh=8.0), Noise(price_scale_per_mwh=8.0, redraw=True)

    def seen(behaviour: Noise) -> list[float]:
        return behaviour.perceive(agent, tariff(1, USUAL)).price_per_mwh.tolist()  # type: ignore[no-any-return]

    assert seen(steady) == seen(steady)
    assert seen(fickle) != seen(fickle)


def test_a_misjudged_forecast_is_a_share_of_the_load_and_never_negative(agent: GridAgent) -> None:
    assert Noise(load_bias_share=0.1).foresee(agent, np.array([1.0, 2.0, 0.0])) == pytest.approx(
        [1.1, 2.2, 0.0]
    )
    wild = Noise(load_scale_share=1.0, redraw=True)
    told = np.array([wild.foresee(agent, np.ones(3)) for _ in range(500)])
    assert told.min() == 0.0


def test_a_leader_misreads_each_follower_on_its_own(agent: GridAgent) -> None:
    loads = heard(1, a=[1.0] * 3, b=[1.0] * 3)
    seen = Noise(load_scale_share=0.1).perceive(agent, loads).load_mw
    assert list(seen) == ["a", "b"]
    assert not np.array_equal(seen["a"], seen["b"])


def test_stale_lags_behind_by_rounds_and_begins_with_the_usual_tariff(agent: GridAgent) -> None:
    behaviour = Stale(rounds=2)
    firsts = [
        behaviour.perceive(agent, tariff(round_, [100.0 * round_] * 3)).price_per_mwh.tolist()
        for round_ in range(1, 6)
    ]
    assert firsts == [USUAL, USUAL, [100.0] * 3, [200.0] * 3, [300.0] * 3]


def test_stale_lags_behind_by_seconds(agent: GridAgent) -> None:
    behaviour, clock, seen = Stale(seconds=5.0), agent.world.clock, []
    for round_ in range(1, 6):
        signal = behaviour.perceive(agent, tariff(round_, [100.0 * round_] * 3))
        assert signal.round == round_
        seen.append(signal.price_per_mwh[1])
        clock.run_until(clock.now_s + 3.0)
    assert seen == [500.0, 500.0, 100.0, 200.0, 300.0]


def test_a_stale_leader_begins_with_the_forecasts(agent: GridAgent) -> None:
    behaviour = Stale(rounds=1)
    seen = [
        behaviour.perceive(agent, heard(round_, a=[float(round_)])).load_mw["a"][0] for round_ in range(4)
    ]
    assert seen == [0.0, 0.0, 1.0, 2.0]


def test_small_changes_since_the_last_noticed_tariff_are_overlooked(agent: GridAgent) -> None:
    behaviour = Inattention(price_threshold_per_mwh=10.0)
    seen = [
        behaviour.perceive(agent, tariff(round_, [600.0, middle, 700.0])).price_per_mwh[1]
        for round_, middle in enumerate([510.0, 511.0, 505.0, 500.0, 522.0], start=1)
    ]
    # 510 is within 10 of the usual 500; 505 and 511 - 11 = 500 are compared with 511.
    assert seen == [500.0, 511.0, 511.0, 500.0, 522.0]


def test_inattention_misses_signals_as_often_as_it_says(agent: GridAgent) -> None:
    behaviour, missed = Inattention(probability=0.3), 0
    for round_ in range(1, 4001):
        seen = behaviour.perceive(agent, tariff(round_, [float(round_)] * 3))
        missed += seen.price_per_mwh[0] != round_
    assert missed / 4000 == pytest.approx(0.3, abs=4 * np.sqrt(0.21 / 4000))
    never = Inattention(probability=1.0)
    assert never.perceive(agent, tariff(1, [1.0] * 3)).price_per_mwh.tolist() == USUAL


def test_an_inattentive_leader_goes_on_with_what_it_noticed(agent: GridAgent) -> None:
    behaviour = Inattention(threshold_mw=0.5)
    seen = [
        behaviour.perceive(agent, heard(round_, a=[load], b=[1.0])).load_mw["a"][0]
        for round_, load in enumerate([2.0, 2.5, 2.6, 2.2])
    ]
    assert seen == [2.0, 2.0, 2.6, 2.6]


def test_what_comes_first_in_a_list_is_perceived_first(make_world: MakeWorld) -> None:
    def seen(*behaviours: Behaviour) -> float:
        agent = GridAgent(make_world().grid.head, "homes")
        signal = Composed(behaviours).perceive(agent, tariff(1, [600.0, 508.0, 700.0]))
        return float(signal.price_per_mwh[1])

    bias, threshold = 5.0, 10.0
    # Read as 513 it is noticed; 508 is not, and the usual 500 is then read as 505.
    assert seen(Noise(price_bias_per_mwh=bias), Inattention(price_threshold_per_mwh=threshold)) == 513.0
    assert seen(Inattention(price_threshold_per_mwh=threshold), Noise(price_bias_per_mwh=bias)) == 505.0
