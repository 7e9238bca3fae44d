"""Voltage sensors of a feeder: tell the edge when a bus leaves its band, and keep a record of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gridarium.agents.base import GridAgent
from gridarium.agents.rows import Rows
from gridarium.environment.arrays import Array, series
from gridarium.environment.grids import Site
from gridarium.market.messages.edge import VoltageReading

Corrections = Callable[[], tuple[Array, Array]]
"""What fast units feed in at this instant beyond their set-points, MW and Mvar, shape (n_bus,) each."""

FIRST_REPEAT_S = 2.0
"""After which a reading is sent again while a bus stays outside, s; twice as long each time."""
_INSTANT_S = 1e-6


@dataclass(frozen=True)
class SensorRules:
    """What a sensor tells.

    Parameters
    ----------
    band_pu : tuple of float
        Lowest and highest voltage.
    resolution_pu : float
        It tells nothing of less: neither how far the band is left, nor how far a voltage has moved.
    telemetry_s : float
        How often units report, for the record of what would have been noticed when.
    """

    band_pu: tuple[float, float]
    resolution_pu: float
    telemetry_s: float

    def outside_pu(self, vm_pu: Array) -> Array:
        """How far voltages are outside of the band, of any shape."""
        low, high = self.band_pu
        return np.maximum(0.0, np.maximum(low - vm_pu, vm_pu - high))


@dataclass(frozen=True, slots=True)
class Excursion:
    """A time in which a bus was outside of the band of voltages.

    Parameters
    ----------
    from_s : float
        When it left it, clock time, s; what follows is as well.
    bus : int
        The one furthest outside then.
    before_pu : float
        Its voltage then.
    telemetry_s : float
        When units reported next.
    with_pu, without_pu : float
        The voltage furthest outside at that report, as it was and had nobody corrected it, by AC power flow.
    back_s : float
        When all buses were back in the band; nan where they were not before the next set-points.
    """

    from_s: float
    bus: int
    before_pu: float
    telemetry_s: float
    with_pu: float = math.nan
    without_pu: float = math.nan
    back_s: float = math.nan


class VoltageSensor(GridAgent):
    """Measures all buses of a feeder; looks whenever something on the grid has changed.

    It tells the edge when a bus leaves the band, and from then on until the next set-points whatever moves;
    while a bus is outside also when nothing does, ever more seldom, since a reading or an answer may be lost.

    - `excursions`: so far

    Parameters
    ----------
    site : Site
        The head of its feeder.
    name : str
    edge : str
        Who hears of it.
    rules : SensorRules
    corrections : callable
        For the record: what is to be taken away to see the grid without corrections.
    """

    kind = "sensor"

    def __init__(
        self, site: Site, name: str, edge: str, rules: SensorRules, corrections: Corrections
    ) -> None:
        super().__init__(site, name)
        self._edge, self._rules, self._corrections = edge, rules, corrections
        self._labels = tuple(str(label) for label in self.grid.feeder.bus_labels)
        self._is_due, self._is_watching, self._is_out = False, False, False
        self._told_pu: Array | None = None
        self._wait_s = FIRST_REPEAT_S
        self.excursions: list[Excursion] = []
        self.grid.watch(self._notice)

    def operate(self, period: int) -> None:
        """Begin anew with new set-points: what is outside of the band now is another excursion."""
        self._is_watching = self._is_out = False
        self._told_pu = None
        self._notice()

    def _notice(self) -> None:
        """Look once everything that happens at this instant has happened."""
        if not self._is_due:
            self._is_due = True
            self.world.clock.timeout(0.0).callbacks.append(self._look)

    def _look(self, event: Any) -> None:
        self._is_due = False
        vm_pu = self.grid.snapshot().vm_pu[0]
        outside, now_s = self._rules.outside_pu(vm_pu), self.world.clock.now_s
        is_out = bool(outside.max() > self._rules.resolution_pu)
        if is_out and not self._is_out:
            self._begin(vm_pu, int(np.argmax(outside)), now_s)
        elif self._is_out and not is_out:
            self.excursions[-1] = replace(self.excursions[-1], back_s=now_s)
        self._is_out, self._is_watching = is_out, self._is_watching or is_out
        if self._is_watching and self._has_moved(vm_pu):
            self._wait_s = FIRST_REPEAT_S
            self._tell(vm_pu)

    def _tell(self, vm_pu: Array) -> None:
        """Send a reading, and this one again if nothing comes of it while a bus is outside."""
        self._told_pu = vm_pu
        self.send(self._edge, VoltageReading(self.world.clock.now_s, self._labels, series(vm_pu)))
        if self._is_out:

            def repeat(event: Any) -> None:
                if self._is_out and self._told_pu is vm_pu:
                    self._tell(vm_pu)

            self.world.clock.timeout(self._wait_s).callbacks.append(repeat)
            self._wait_s *= 2.0

    def _has_moved(self, vm_pu: Array) -> bool:
        if self._told_pu is None:
            return True
        return bool(np.abs(vm_pu - self._told_pu).max() > self._rules.resolution_pu)

    def _begin(self, vm_pu: Array, bus: int, now_s: float) -> None:
        every_s, begins_s = self._rules.telemetry_s, self.world.delivery_s
        due_s = begins_s + (math.floor((now_s - begins_s) / every_s + 1e-9) + 1) * every_s
        place = len(self.excursions)
        self.excursions.append(Excursion(now_s, bus, float(vm_pu[bus]), due_s))
        # Just before: at the report itself other set-points may begin.
        self.world.clock.timeout(due_s - now_s - _INSTANT_S).callbacks.append(
            lambda event: self._record(place)
        )

    def _record(self, place: int) -> None:
        """Set down the voltages at the next report, with and without corrections."""
        p_mw, q_mvar = self._corrections()
        found = [self.grid.snapshot().vm_pu[0], self.grid.snapshot(-p_mw, -q_mvar).vm_pu[0]]
        with_pu, without_pu = (float(vm[np.argmax(self._distance(vm))]) for vm in found)
        self.excursions[place] = replace(self.excursions[place], with_pu=with_pu, without_pu=without_pu)

    def _distance(self, vm_pu: Array) -> Array:
        """How far each voltage is beyond the nearest limit; negative within the band."""
        low, high = self._rules.band_pu
        return np.maximum(low - vm_pu, vm_pu - high)

    def rows(self) -> Iterator[Rows]:
        """One for each excursion."""
        found, begins_s = self.excursions, self.world.delivery_s
        if not found:
            return
        yield Rows(
            "excursions",
            {
                "bus": [self._labels[one.bus] for one in found],
                "from_s": np.array([one.from_s - begins_s for one in found]),
                "before_pu": np.array([one.before_pu for one in found]),
                "back_s": np.array([one.back_s - begins_s for one in found]),
                "outside_s": np.array([one.back_s - one.from_s for one in found]),
                "telemetry_s": np.array([one.telemetry_s - begins_s for one in found]),
                "with_pu": np.array([one.with_pu for one in found]),
                "without_pu": np.array([one.without_pu for one in found]),
            },
            by="row",
        )
