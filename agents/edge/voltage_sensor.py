"""Voltage sensors of a feeder: tell the edge when a bus leaves its band."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from gridarium.agents.base import GridAgent
from gridarium.agents.edge.excursions import Excursions, SensorRules
from gridarium.agents.rows import Rows
from gridarium.environment.arrays import Array, series
from gridarium.environment.grids import Site
from gridarium.market.messages.edge import VoltageReading

FIRST_REPEAT_S = 0.5
"""After which a reading is sent again while a bus stays outside, s; twice as long each time."""


class VoltageSensor(GridAgent):
    """Measures all buses of a feeder; looks whenever something on the grid has changed.

    It tells the edge when a bus leaves the band, and from then on until the next set-points whatever moves;
    while a bus is outside also when nothing does, ever more seldom, since a reading or an answer may be lost.

    Parameters
    ----------
    site : Site
        The head of its feeder.
    name : str
    edge : str
        Who hears of it.
    rules : SensorRules
    record : Excursions
        What is told of it for the tables of results.
    """

    kind = "sensor"

    def __init__(self, site: Site, name: str, edge: str, rules: SensorRules, record: Excursions) -> None:
        super().__init__(site, name)
        self._edge, self._rules, self._record = edge, rules, record
        self._labels = tuple(str(label) for label in self.grid.feeder.bus_labels)
        self._is_due, self._is_watching, self._is_out = False, False, False
        self._told_pu: Array | None = None
        self._wait_s = FIRST_REPEAT_S
        self.grid.watch(self._notice)

    def operate(self, period: int) -> None:
        """Begin anew with new set-points."""
        self._is_watching = self._is_out = False
        self._told_pu = None
        self._record.begin()
        self._notice()

    def _notice(self) -> None:
        """Look once everything that happens at this instant has happened."""
        if not self._is_due:
            self._is_due = True
            self.world.clock.timeout(0.0).callbacks.append(self._look)

    def _look(self, event: Any) -> None:
        self._is_due = False
        vm_pu = self.grid.snapshot().vm_pu[0]
        self._is_out = bool(self._rules.outside_pu(vm_pu).max() > self._rules.resolution_pu)
        self._is_watching = self._is_watching or self._is_out
        if self._is_watching and self._has_moved(vm_pu):
            self._wait_s = FIRST_REPEAT_S
            self._tell(vm_pu)

    def _has_moved(self, vm_pu: Array) -> bool:
        if self._told_pu is None:
            return True
        return bool(np.abs(vm_pu - self._told_pu).max() > self._rules.resolution_pu)

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

    def rows(self) -> Iterator[Rows]:
        """Times in which a bus was outside of the band."""
        yield from self._record.rows()
