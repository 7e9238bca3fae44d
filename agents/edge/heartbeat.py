"""Heartbeats of units, and when they are missed: drawn in closed form, without an event for each beat."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gridarium.environment.clock import Clock
from gridarium.environment.errors import Fault, InputError
from gridarium.environment.links import LinkQuality


@dataclass(frozen=True)
class Heartbeat:
    """Beats that a unit sends, and how long the other end waits for one.

    - `wait_s`: after the last beat that has arrived, this long without another one is an alarm
    - `silent_s`: when a failure is noticed
    - `false_alarms_per_h`: how often an alarm is due to lost beats alone

    Parameters
    ----------
    every_s : float
        Time from one beat to the next, s.
    missed : int
        Beats that must stay away before there is an alarm.
    quality : LinkQuality
        Of the link from the unit; a beat comes latency_s -+ latency_jitter_s after it was sent, or is lost.

    Raises
    ------
    InputError
        If a value is out of its range; a latency that varies by more than every_s / 4 hides a missing beat.

    Notes
    -----
    A unit that fails at t has sent its last beat at t - a, with a uniform in [0, every_s). If that one and
    the j - 1 before it arrive, it is missed ``wait_s`` after the arrival of the last one that did. Beats are
    lost independently, so j lost ones at the end have probability ``loss^j``, given that there was no alarm
    before: ``j < missed``.
    """

    every_s: float
    missed: int
    quality: LinkQuality

    def __post_init__(self) -> None:
        faults = []
        if not 0.0 < self.every_s < math.inf:
            faults.append(Fault("every_s", self.every_s, "must be in (0, inf) s"))
        if self.missed < 1:
            faults.append(Fault("missed", self.missed, "must be 1 or more"))
        if not self.quality.loss < 1.0:
            faults.append(Fault("quality.loss", self.quality.loss, "must be below 1; no beat would arrive"))
        if not 4.0 * self.quality.latency_jitter_s <= self.every_s:
            jitter_s, allowed = (
                self.quality.latency_jitter_s,
                f"must be at most every_s / 4, {self.every_s / 4} s",
            )
            faults.append(Fault("quality.latency_jitter_s", jitter_s, allowed))
        if faults:
            raise InputError("heartbeat", faults)

    @property
    def wait_s(self) -> float:
        """The missed beats, and by how much one may be later than the one before, s."""
        return self.missed * self.every_s + 2.0 * self.quality.latency_jitter_s

    @property
    def longest_s(self) -> float:
        """From a failure to its alarm at most, s."""
        return self.wait_s + self.quality.latency_s + self.quality.latency_jitter_s

    @property
    def false_alarms_per_h(self) -> float:
        """Expected number of runs of `missed` lost beats in an hour."""
        loss = self.quality.loss
        return 3600.0 / self.every_s * loss**self.missed * (1.0 - loss)

    def phase_s(self, stream: np.random.Generator) -> float:
        """When the first beat of a unit comes, s: anywhere in the first interval."""
        return float(self.every_s * stream.random())

    def silent_s(self, failed_s: float, phase_s: float, stream: np.random.Generator) -> float:
        """Clock time at which the beats of a unit are missed, s.

        Parameters
        ----------
        failed_s : float
            When it fails; it sends nothing from then on.
        phase_s : float
        stream : Generator
            Draws the latency of the last beat that arrives, and how many after it are lost.
        """
        last = math.ceil((failed_s - phase_s) / self.every_s) - 1
        sent_s = phase_s + (last - self._lost(stream)) * self.every_s
        return sent_s + self._latency_s(stream) + self.wait_s

    def heard_s(self, back_s: float, phase_s: float, stream: np.random.Generator) -> float:
        """Clock time at which the first beat of a unit that is back arrives, s."""
        first = math.ceil((back_s - phase_s) / self.every_s)
        loss, drawn = self.quality.loss, float(stream.random())
        lost = math.floor(math.log(1.0 - drawn) / math.log(loss)) if loss > 0.0 else 0
        return phase_s + (first + lost) * self.every_s + self._latency_s(stream)

    def _latency_s(self, stream: np.random.Generator) -> float:
        quality = self.quality
        return quality.latency_s + (2.0 * float(stream.random()) - 1.0) * quality.latency_jitter_s

    def _lost(self, stream: np.random.Generator) -> int:
        """Beats lost right before the failure, fewer than those that raise an alarm."""
        loss, drawn = self.quality.loss, float(stream.random())
        if loss == 0.0:
            return 0
        # The distribution function of j is (1 - loss^(j + 1)) / (1 - loss^missed).
        kept = 1.0 - drawn * (1.0 - loss**self.missed)
        return min(self.missed - 1, math.floor(math.log(kept) / math.log(loss)))


@dataclass(frozen=True, slots=True)
class Silence:
    """A time in which a unit sent no beats.

    Parameters
    ----------
    from_s : float
        When it stopped, s.
    missed_s : float
        When that was noticed, s; nan where it was not.
    """

    from_s: float
    missed_s: float = math.nan


class Heartbeats:
    """The beats of one unit, as the other end hears them: whether they come, and nothing else.

    They stay away while the unit does not send any. Neither alarms by lost beats alone nor outages of the
    link are drawn; `Heartbeat.false_alarms_per_h` says how often to expect the former.

    - `stop`, `resume`: by the unit, as it fails and as it is back; `beat` does what is to be done
    - `silences`: times without beats so far

    Parameters
    ----------
    clock : Clock
    heartbeat : Heartbeat
    stream : Generator
        Of the unit's beats.
    missed, heard : callable
        Called as beats are missed, and as they come again after that.
    """

    def __init__(
        self,
        clock: Clock,
        heartbeat: Heartbeat,
        stream: np.random.Generator,
        missed: Callable[[], None],
        heard: Callable[[], None],
    ) -> None:
        self.heartbeat = heartbeat
        self._clock, self._stream = clock, stream
        self._missed, self._heard = missed, heard
        self._phase_s = clock.now_s + heartbeat.phase_s(stream)
        self._is_missed, self._goes_on = False, True
        self._alarm_s: float | None = None
        self._again_s: float | None = None
        self.silences: list[Silence] = []

    def beat(self, goes_on: bool) -> None:
        """Send beats from this instant on, or none; nothing changes where it is so already."""
        if goes_on != self._goes_on:
            if goes_on:
                self.resume()
            else:
                self.stop()

    def stop(self) -> None:
        """Send no more beats from this instant on."""
        self._again_s, self._goes_on = None, False
        self.silences.append(Silence(self._clock.now_s))
        if not self._is_missed and self._alarm_s is None:
            self._alarm_s = self.heartbeat.silent_s(self._clock.now_s, self._phase_s, self._stream)
            self._at(self._alarm_s, self._alarm)

    def resume(self) -> None:
        """Send beats again from this instant on."""
        self._goes_on = True
        heard_s = self.heartbeat.heard_s(self._clock.now_s, self._phase_s, self._stream)
        if self._alarm_s is not None and heard_s < self._alarm_s:
            self._alarm_s = None
            return
        self._again_s = heard_s
        self._at(heard_s, self._hear)

    def _at(self, time_s: float, act: Callable[[float], None]) -> None:
        def due(event: Any) -> None:
            act(time_s)

        self._clock.wait_until(max(time_s, self._clock.now_s)).callbacks.append(due)

    def _alarm(self, time_s: float) -> None:
        """Unless a beat came before it was due."""
        if self._alarm_s == time_s:
            self._alarm_s, self._is_missed = None, True
            self.silences[-1] = replace(self.silences[-1], missed_s=self._clock.now_s)
            self._missed()

    def _hear(self, time_s: float) -> None:
        """Unless the unit has failed again before that beat."""
        if self._again_s == time_s:
            self._again_s, self._is_missed = None, False
            self._heard()


def polled_s(failed_s: float, every_s: float, phase_s: float, latency_s: float) -> float:
    """When a poll at regular intervals notices the same failure: at the next one, and its way, s."""
    return phase_s + (math.floor((failed_s - phase_s) / every_s + 1e-9) + 1) * every_s + latency_s
