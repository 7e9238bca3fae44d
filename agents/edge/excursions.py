"""The record of voltages that leave their band within a period, with and without corrections."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gridarium.agents.rows import Rows
from gridarium.environment.arrays import Array
from gridarium.environment.grids import Grid

Corrections = Callable[[], tuple[Array, Array]]
"""What fast units feed in at this instant beyond their set-points, MW and Mvar, shape (n_bus,) each."""

_INSTANT_S = 1e-6


@dataclass(frozen=True)
class SensorRules:
    """What a sensor can see.

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
        """How far voltages are beyond the nearest limit, of any shape; negative within the band."""
        low, high = self.band_pu
        return np.maximum(low - vm_pu, vm_pu - high)


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
        When units report next.
    with_pu, without_pu : float
        The voltage furthest outside right before that report, as it was, and had nobody corrected it.
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


class Excursions:
    """Looks at a grid whenever something on it has changed; nobody acts on what is recorded here.

    - `begin`: with new set-points; what is outside of the band then is another excursion
    - `all`: so far

    Parameters
    ----------
    grid : Grid
    rules : SensorRules
    corrections : callable
        What is to be taken away to see the grid without corrections.
    """

    def __init__(self, grid: Grid, rules: SensorRules, corrections: Corrections) -> None:
        self._grid, self._rules, self._corrections = grid, rules, corrections
        self._is_due, self._is_out = False, False
        self.all: list[Excursion] = []
        grid.watch(self._notice)

    def begin(self) -> None:
        """Begin anew with the set-points of a period."""
        self._is_out = False
        self._notice()

    def _notice(self) -> None:
        """Look once everything that happens at this instant has happened."""
        if not self._is_due:
            self._is_due = True
            self._grid.world.clock.timeout(0.0).callbacks.append(self._look)

    def _look(self, event: Any) -> None:
        self._is_due = False
        vm_pu, now_s = self._grid.snapshot().vm_pu[0], self._grid.world.clock.now_s
        outside = self._rules.outside_pu(vm_pu)
        is_out = bool(outside.max() > self._rules.resolution_pu)
        if is_out and not self._is_out:
            self._open(vm_pu, int(np.argmax(outside)), now_s)
        elif self._is_out and not is_out:
            self.all[-1] = replace(self.all[-1], back_s=now_s)
        self._is_out = is_out

    def _open(self, vm_pu: Array, bus: int, now_s: float) -> None:
        every_s, world = self._rules.telemetry_s, self._grid.world
        due_s = world.delivery_s + every_s * (math.floor((now_s - world.delivery_s) / every_s + 1e-9) + 1)
        place = len(self.all)
        self.all.append(Excursion(now_s, bus, float(vm_pu[bus]), due_s))
        # Right before: at the report itself other set-points may begin.
        world.clock.timeout(due_s - now_s - _INSTANT_S).callbacks.append(lambda event: self._compare(place))

    def _compare(self, place: int) -> None:
        """Set down the voltages with and without corrections."""
        p_mw, q_mvar = self._corrections()
        flows = self._grid.snapshot(), self._grid.snapshot(-p_mw, -q_mvar)
        with_pu, without_pu = (
            float(flow.vm_pu[0, np.argmax(self._rules.outside_pu(flow.vm_pu[0]))]) for flow in flows
        )
        self.all[place] = replace(self.all[place], with_pu=with_pu, without_pu=without_pu)

    def rows(self) -> Iterator[Rows]:
        """One for each excursion; times are counted from the first settlement period."""
        found, begins_s = self.all, self._grid.world.delivery_s
        if not found:
            return
        labels = self._grid.feeder.bus_labels
        yield Rows(
            "excursions",
            {
                "bus": [str(labels[one.bus]) for one in found],
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
