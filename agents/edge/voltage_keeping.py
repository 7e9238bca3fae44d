"""How an edge controller keeps voltages in their band between set-points, by fast units."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from gridarium.agents.edge.known_units import KnownUnit
from gridarium.agents.edge.voltage_correction import least_change
from gridarium.environment.arrays import Array
from gridarium.environment.errors import MessageError
from gridarium.environment.network import Feeder
from gridarium.environment.power_flow import AcPowerFlow
from gridarium.environment.power_flow_slopes import PowerFlowSlopes
from gridarium.market.messages.edge import Correction, VoltageReading

_LEAST_MW = 1e-5
"""Changes of a correction that are not worth a message, MW or Mvar."""


MOST_CHANGES = 40
"""Of corrections within one period, after which they are left as they are: what needs more is hunting."""
_INSTANT_S = 1e-6
"""What clocks and sums of times may differ by, s."""


@dataclass(frozen=True)
class VoltageRules:
    """How voltages are kept.

    Parameters
    ----------
    band_pu : tuple of float
        Lowest and highest voltage.
    margin_pu : float
        How far within the band a correction aims.
    fast_response_s : float
        Longest response of a unit that is asked to correct.
    """

    band_pu: tuple[float, float]
    margin_pu: float
    fast_response_s: float

    @property
    def aim_pu(self) -> tuple[float, float]:
        """The band within which a correction brings voltages."""
        return self.band_pu[0] + self.margin_pu, self.band_pu[1] - self.margin_pu


@dataclass(frozen=True, slots=True)
class _Sent:
    """A correction of one unit, and since when it acts."""

    p_mw: float
    q_mvar: float
    acts_s: float


class VoltageKeeping:
    """Asks fast units for the least change that brings the voltages it reads back into their band.

    Its model of the feeder is the network at nominal loads: of the loads of the hour it knows nothing, and
    what its sensitivities miss the next reading tells. What was read before all corrections act counts for
    nothing: who answers it would answer twice. A correction holds until the next set-points.

    - `read`: take a reading
    - `given_up`: readings that all fast units together could not bring into the band
    - `hunted`: periods in which it was told to change corrections again and again, and stopped

    Parameters
    ----------
    feeder : Feeder
    buses : mapping of str to int
        Bus index of each unit.
    units : mapping of str to KnownUnit
        By name; they enrol in time.
    rules : VoltageRules
    send : callable
        Sends a message to a unit.
    latency_s : callable
        Longest time that a message to a unit takes, s.
    """

    def __init__(
        self,
        feeder: Feeder,
        buses: Mapping[str, int],
        units: Mapping[str, KnownUnit],
        rules: VoltageRules,
        send: Callable[[str, Any], None],
        latency_s: Callable[[str], float],
    ) -> None:
        self._feeder, self._buses, self._units, self._rules = feeder, buses, units, rules
        self._send, self._latency_s = send, latency_s
        self._sent: dict[str, _Sent] = {}
        self._places = {str(label): bus for bus, label in enumerate(feeder.bus_labels)}
        self._period, self._changes = -1, 0
        self.given_up = self.hunted = 0

    def read(self, reading: VoltageReading, now_s: float, period: int, ends_s: float) -> None:
        """Change corrections where voltages would leave the band without them, or need them no longer.

        Parameters
        ----------
        reading : VoltageReading
        now_s : float
        period : int
            Settlement period that runs.
        ends_s : float
            When it ends, and with it what fast units were told.
        """
        if period != self._period:
            self._period, self._changes, self._sent = period, 0, {}
        if self._changes >= MOST_CHANGES or any(
            sent.acts_s > reading.time_s + _INSTANT_S for sent in self._sent.values()
        ):
            return
        fast = [name for name, unit in self._units.items() if self._is_fast(unit)]
        at = np.array([self._buses[name] for name in fast], dtype=np.int64)
        read_at = np.array([self._place(label) for label in reading.buses], dtype=np.int64)
        per_mw, per_mvar = (rise[np.ix_(read_at, at)] for rise in self._rise)
        p_mw, q_mvar = np.array([self._told(name) for name in fast]).reshape(-1, 2).T
        without = reading.vm_pu - per_mw @ p_mw - per_mvar @ q_mvar
        if not self._sent and self._is_within(without):
            return
        left_h = max(ends_s - now_s, 1.0) / 3600.0
        units = [self._units[name].at_once(period, left_h) for name in fast]
        change = least_change(without, per_mw, per_mvar, units, self._rules.aim_pu)
        self.given_up += change.missed_pu > self._rules.margin_pu
        wanted = zip(fast, change.p_mw.tolist(), change.q_mvar.tolist(), strict=True)
        changed = [name for name, p, q in wanted if self._tell(name, p, q, now_s, ends_s)]
        if changed:
            self._changes += 1
            self.hunted += self._changes == MOST_CHANGES

    def _tell(self, name: str, p_mw: float, q_mvar: float, now_s: float, ends_s: float) -> bool:
        """Send a correction unless it is the one that was sent last; tells whether it was sent."""
        before_mw, before_mvar = self._told(name)
        if max(abs(p_mw - before_mw), abs(q_mvar - before_mvar)) <= _LEAST_MW:
            return False
        acts_s = now_s + self._latency_s(name) + self._units[name].enrolment.response_s
        self._sent[name] = _Sent(p_mw, q_mvar, acts_s)
        self._send(name, Correction(now_s, p_mw, q_mvar, ends_s))
        return True

    def _told(self, name: str) -> tuple[float, float]:
        """The correction that a unit was sent last for this period, MW and Mvar."""
        sent = self._sent.get(name)
        return (0.0, 0.0) if sent is None else (sent.p_mw, sent.q_mvar)

    def _is_within(self, vm_pu: Array) -> bool:
        low, high = self._rules.band_pu
        return bool(np.all((vm_pu >= low) & (vm_pu <= high)))

    def _place(self, label: str) -> int:
        found = self._places.get(label)
        if found is None:
            raise MessageError(f"voltage reading: buses must be of {self._feeder.name}, got {label!r}")
        return found

    def _is_fast(self, unit: KnownUnit) -> bool:
        """Whether it answers at once, delivers, and does not stand by for another."""
        response_s = unit.enrolment.response_s
        return unit.outage is None and not unit.is_standby and response_s <= self._rules.fast_response_s

    @cached_property
    def _rise(self) -> tuple[Array, Array]:
        """Rise of all voltages per MW and per Mvar fed in at each bus, p.u., shape (n_bus, n_bus) each."""
        feeder = self._feeder
        flow = AcPowerFlow(feeder).solve(-feeder.p_load_mw[None], -feeder.q_load_mvar[None])
        return PowerFlowSlopes(feeder, flow).rise_per_fed_in(range(feeder.n_bus), 0)
