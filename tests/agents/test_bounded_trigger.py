"""Operators that overlook, delay or misread deviations."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from gridarium.agents.behaviour import Behaviour, Deviation
from gridarium.agents.bounded.trigger import DeadBand, Hysteresis, NoisyMeasurement
from gridarium.environment.errors import ScenarioError
from gridarium.environment.random_streams import RandomStreams


def fires(behaviour: Behaviour, deviations_mw: list[float], eps_mw: float = 1.0) -> list[bool]:
    agent = SimpleNamespace(stream=RandomStreams(1).stream)
    answers = []
    for quarter, mw in enumerate(deviations_mw):
        seen = behaviour.perceive(agent, Deviation(quarter, mw))
        answers.append(bool(behaviour.choose(agent, seen, abs(seen.mw) > eps_mw)))
    return answers


WAVE = [0.5, 2.0, 4.0, 6.0, 4.0, 2.0, -2.0, -6.0, -2.0, 0.5, -4.0]


@pytest.mark.parametrize("behaviour", [DeadBand(), Hysteresis(), NoisyMeasurement()])
def test_at_its_limit_it_is_the_rule(behaviour: Behaviour) -> None:
    assert fires(behaviour, WAVE) == fires(Behaviour(), WAVE) == [abs(mw) > 1.0 for mw in WAVE]


def test_a_dead_band_widens_the_rule() -> None:
    assert fires(DeadBand(width_mw=3.0), WAVE) == [abs(mw) > 3.0 for mw in WAVE]
    assert fires(DeadBand(width_mw=0.5), WAVE) == [abs(mw) > 1.0 for mw in WAVE]


def test_hysteresis_starts_late_and_stops_late() -> None:
    expected = [False, False, False, True, True, True, True, True, True, False, False]
    assert fires(Hysteresis(begins_mw=5.0, ends_mw=1.5), WAVE) == expected
    # A lower limit above the upper one means none of its own.
    assert fires(Hysteresis(begins_mw=3.0, ends_mw=9.0), WAVE) == [abs(mw) > 3.0 for mw in WAVE]


def test_a_noisy_measurement_errs_on_both_sides() -> None:
    agent = SimpleNamespace(stream=RandomStreams(1).stream)
    noisy = NoisyMeasurement(scale_mw=2.0, bias_mw=0.5)
    errors = np.array([noisy.perceive(agent, Deviation(t, 3.0)).mw - 3.0 for t in range(4000)])
    assert errors.mean() == pytest.approx(0.5, abs=0.1)
    assert errors.std() == pytest.approx(2.0, abs=0.1)
    answers = fires(noisy, [0.0] * 400)
    assert 0 < sum(answers) < 400


def test_parameters_are_checked() -> None:
    with pytest.raises(ScenarioError, match=r"width_mw: got -1.0; must be a number in \[0, 100000\]"):
        DeadBand(width_mw=-1.0)
