"""The world: agents, clock, bus, grids, ledger and random streams in one Mesa model."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import mesa
import numpy as np

from gridarium.environment.clock import Clock, ClockError
from gridarium.environment.commons import Commons
from gridarium.environment.errors import Fault, MeterError, NetworkError
from gridarium.environment.grid_physics import GridPhysics
from gridarium.environment.grids import Grid
from gridarium.environment.injections import Injections
from gridarium.environment.links import LinkQuality


class World(Commons):
    """Where agents live; one step is one settlement period.

    - `grids`, `grid`: the tree of grids, and the one of a world that has no other
    - `step`: a settlement period; what its agents share is said in `Commons`

    Parameters
    ----------
    grids : Grid or sequence of Grid
        A tree of them, or several; they belong to this world from now on.
    clock : Clock
        Its second 0 is the opening of the negotiations.
    n_period : int
        Settlement periods of the delivery day.
    delivery_s : float
        Clock time of the first period, s.
    seed : int
    quality : LinkQuality, optional
        Of the message bus.
    settles_after_s : float, optional
        How long into a period the meters are read, s: 0 where everything is agreed beforehand, the length
        of the period where trade goes on within it.

    Raises
    ------
    ClockError
        If the meters would be read outside their period.
    """

    def __init__(
        self,
        grids: Grid | Sequence[Grid],
        clock: Clock,
        n_period: int,
        delivery_s: float,
        seed: int = 0,
        quality: LinkQuality | None = None,
        settles_after_s: float = 0.0,
    ) -> None:
        if not 0.0 <= settles_after_s <= clock.period_s:
            allowed = f"must be in [0, {clock.period_s:g}] s, the length of a period"
            raise ClockError(f"world: settles_after_s {allowed}, got {settles_after_s} s")
        super().__init__(clock, n_period, delivery_s, seed, quality)
        self.settles_after_s = settles_after_s
        self.grids = (grids,) if isinstance(grids, Grid) else tuple(grids)
        for grid in self.grids:
            grid.world = self
        self._physics = GridPhysics(self.grids)

    @property
    def grid(self) -> Grid:
        """The grid of a world that has only one.

        Raises
        ------
        NetworkError
            If there are several.
        """
        if len(self.grids) != 1:
            names = ", ".join(grid.name for grid in self.grids)
            raise NetworkError("world", [Fault("grids", names, "must be a single one to be meant by `grid`")])
        return self.grids[0]

    def step(self) -> None:
        """Let negotiations run up to the next settlement period, then run and settle the period."""
        self.running = False
        try:
            self._run_period(self.periods_done)
            self.running = self.periods_done < self.n_period
        finally:
            if not self.running:
                self._leave_mesa()

    def _run_period(self, period: int) -> None:
        if period == 0:
            for agent in self.agents:
                agent.start()
        begins_s = self.delivery_s + period * self.clock.period_s
        self.clock.run_until(begins_s)
        for grid in self.grids:
            grid.injections = Injections(grid.feeder.n_bus)
        for agent in self.agents:
            agent.operate(period)
        self.clock.run_until(begins_s + self.settles_after_s)
        for agent in self.agents:
            agent.meter(period)
        for grid in self.grids:
            _refuse_unmetered(period, grid.injections.metered_mw)
            for name, p_mw in grid.injections.metered_mw.items():
                self.meters.setdefault(name, np.zeros(self.n_period))[period] = p_mw
            for name, p_mw in grid.injections.fed_in_mw.items():
                self.feed_in_meters.setdefault(name, np.zeros(self.n_period))[period] = p_mw
            for name, t_per_h in grid.injections.fed_in_t_per_h.items():
                self.carbon_meters.setdefault(name, np.zeros(self.n_period))[period] = t_per_h
        self._physics.settle(period)
        self.periods_done += 1
        for agent in self.agents:
            agent.settle(period)
        self.clock.run_until(begins_s + self.clock.period_s)
        if self.periods_done == self.n_period:
            # No later period lets what is still on its way arrive.
            self.clock.run_until(max(self.clock.now_s, self.bus.last_arrival_s))
            self.clock.finish_instant()
            while self._outlasted:
                self.clock.run_until_event(self._outlasted.pop())

    def _leave_mesa(self) -> None:
        """Drop out of the table by model in which Mesa's agents count themselves; it outlives the model."""
        getattr(mesa.Agent, "_ids", {}).pop(self, None)


def _refuse_unmetered(period: int, metered_mw: Mapping[str, float]) -> None:
    """Refuse what no meter can count, before it spreads over the grid."""
    for name, p_mw in metered_mw.items():
        if not math.isfinite(p_mw):
            raise MeterError(f"agent {name}, period {period}: power drawn must be finite, MW, got {p_mw}")
