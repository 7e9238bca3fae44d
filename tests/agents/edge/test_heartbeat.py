"""When a failure is noticed: the closed form against its distribution, and against beats one by one."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ks_2samp, kstest

from gridarium.agents.edge.heartbeat import Heartbeat, polled_s
from gridarium.environment.errors import InputError
from gridarium.environment.links import LinkQuality


def test_a_thousand_failures_are_noticed_evenly_over_one_beat() -> None:
    heartbeat, draws = Heartbeat(0.1, 2, LinkQuality(latency_s=0.005)), np.random.default_rng(1)
    phase_s = heartbeat.phase_s(draws)
    failed_s = draws.uniform(0.0, 86400.0, 1000)
    delays = np.array([heartbeat.silent_s(at_s, phase_s, draws) - at_s for at_s in failed_s])
    assert delays.max() <= heartbeat.longest_s == pytest.approx(0.205)
    assert delays.min() >= heartbeat.longest_s - 0.1 - 1e-9
    assert kstest(delays, "uniform", args=(0.105, 0.1)).pvalue > 0.01
    assert delays.mean() == pytest.approx(0.155, abs=0.004)


def alarm_s(heartbeat: Heartbeat, failed_s: float, draws: np.random.Generator) -> float:
    """The first alarm, beat by beat."""
    quality, last_s = heartbeat.quality, 0.0
    for sent_s in np.arange(heartbeat.phase_s(draws), failed_s, heartbeat.every_s):
        jitter_s = (2.0 * draws.random() - 1.0) * quality.latency_jitter_s
        if draws.random() < quality.loss:
            continue
        arrives_s = sent_s + quality.latency_s + jitter_s
        if last_s and arrives_s > last_s + heartbeat.wait_s:
            return last_s + heartbeat.wait_s
        last_s = arrives_s
    return last_s + heartbeat.wait_s


@pytest.mark.parametrize(("loss", "jitter_s"), [(0.0, 0.02), (0.3, 0.0), (0.4, 0.01)])
def test_it_is_noticed_as_if_every_beat_were_sent(loss: float, jitter_s: float) -> None:
    heartbeat = Heartbeat(0.1, 3, LinkQuality(latency_s=0.03, latency_jitter_s=jitter_s, loss=loss))
    draws, alone = np.random.default_rng(2), np.random.default_rng(3)
    failed_s = draws.uniform(2.0, 2.1, 2500)
    found = np.array([heartbeat.silent_s(at_s, heartbeat.phase_s(draws), draws) - at_s for at_s in failed_s])
    beats = np.array([alarm_s(heartbeat, at_s, alone) - at_s for at_s in failed_s])
    genuine = beats[beats > 0.0]
    assert len(genuine) > 700
    assert ks_2samp(found, genuine).pvalue > 0.01
    assert found.max() <= heartbeat.longest_s


def test_false_alarms_come_as_often_as_beats_are_lost_in_a_row() -> None:
    heartbeat, draws = Heartbeat(0.1, 2, LinkQuality(loss=0.1)), np.random.default_rng(4)
    lost = draws.random(720_000) < 0.1
    runs = np.diff(np.flatnonzero(np.r_[True, ~lost, True])) - 1
    assert heartbeat.false_alarms_per_h == pytest.approx((runs >= 2).sum() / 20.0, rel=0.03)
    assert Heartbeat(0.1, 2, LinkQuality()).false_alarms_per_h == 0.0


def test_a_poll_notices_on_average_after_half_an_interval() -> None:
    draws = np.random.default_rng(5)
    failed_s = draws.uniform(0.0, 86400.0, 4000)
    delays = np.array([polled_s(at_s, 30.0, 7.0, 0.005) - at_s for at_s in failed_s])
    assert kstest(delays, "uniform", args=(0.005, 30.0)).pvalue > 0.01


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(InputError, match="4 faults"):
        Heartbeat(0.0, 0, LinkQuality(latency_s=0.1, latency_jitter_s=0.1, loss=1.0))
