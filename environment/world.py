"""The world: agents, clock, bus, feeder, ledger and random streams in one Mesa model."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, TypeVar

import mesa
import numpy as np
import pandas as pd

from gridarium.environment.arrays import Array
from gridarium.environment.carbon_flow import carbon_flow
from gridarium.environment.clock import HOUR_S, Clock, ClockError
from gridarium.environment.ledger import Ledger
from gridarium.environment.links import LinkQuality
from gridarium.environment.message_bus import MessageBus
from gridarium.environment.network import Feeder
from gridarium.environment.power_flow import AcPowerFlow, PowerFlow
from gridarium.environment.random_streams import RandomStreams

T = TypeVar("T")


@dataclass(frozen=True)
class PeriodState:
    """Physics of one settled period; arrays of shape (n_bus,).

    Parameters
    ----------
    period : int
    flow : PowerFlow
        AC power flow, with one period.
    load_mw : ndarray
        Everything drawn at each bus, storage included, MW.
    intensity_tco2_per_mwh : ndarray
        Nodal carbon intensity; nan where no power arrives.
    source_t_per_h : ndarray
        Carbon that sources put in at each bus, tCO2/h.
    residual_t_per_h : float
        Carbon of sources minus carbon of loads and losses, tCO2/h.
    """

    period: int
    flow: PowerFlow
    load_mw: Array
    intensity_tco2_per_mwh: Array
    source_t_per_h: Array
    residual_t_per_h: float


class Injections:
    """What stands at each bus in the running period."""

    def __init__(self, n_bus: int) -> None:
        self.source_mw = np.zeros(n_bus)
        self.source_t_per_h = np.zeros(n_bus)
        self.load_mw = np.zeros(n_bus)
        self.q_mvar = np.zeros(n_bus)
        self.metered_mw: dict[str, float] = {}

    def supply(self, bus: int, p_mw: float, q_mvar: float, factor_tco2_per_mwh: float) -> None:
        """Add a source with its carbon factor."""
        self.source_mw[bus] += p_mw
        self.source_t_per_h[bus] += p_mw * factor_tco2_per_mwh
        self.q_mvar[bus] += q_mvar

    def draw(self, name: str, p_mw: Array, q_mvar: Array) -> None:
        """Add what one agent draws, shape (n_bus,) each; its meter counts the active power."""
        self.load_mw += p_mw
        self.q_mvar -= q_mvar
        self.metered_mw[name] = self.metered_mw.get(name, 0.0) + float(p_mw.sum())


class World(mesa.Model):
    """Where agents live; one step is one settlement period.

    - `feeder`, `power_flow`: the grid, and its physics after each period
    - `clock`, `bus`: time, and the only way from agent to agent
    - `ledger`: money
    - `streams`: random numbers by name
    - `injections`: what agents do in the running period; `states`, `meters`: what came of it
    - `shared`: things that agents of one kind share, such as compiled problems

    Parameters
    ----------
    feeder : Feeder
    clock : Clock
        Its second 0 is the opening of the negotiations.
    n_period : int
        Settlement periods of the delivery day.
    delivery_s : float
        Clock time of the first period, s.
    grid_factor_tco2_per_mwh : ndarray, shape (n_period,)
        Carbon factor of what the substation supplies.
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
        feeder: Feeder,
        clock: Clock,
        n_period: int,
        delivery_s: float,
        grid_factor_tco2_per_mwh: Array,
        seed: int = 0,
        quality: LinkQuality | None = None,
        settles_after_s: float = 0.0,
    ) -> None:
        super().__init__(rng=seed)
        if not 0.0 <= settles_after_s <= clock.period_s:
            allowed = f"must be in [0, {clock.period_s:g}] s, the length of a period"
            raise ClockError(f"world: settles_after_s {allowed}, got {settles_after_s} s")
        self.settles_after_s = settles_after_s
        self.feeder, self.clock, self.n_period, self.delivery_s = feeder, clock, n_period, delivery_s
        self.grid_factor_tco2_per_mwh = grid_factor_tco2_per_mwh
        self.streams = RandomStreams(seed)
        self.bus = MessageBus(clock, self.streams, quality)
        self.ledger = Ledger(clock.start)
        self.power_flow = AcPowerFlow(feeder)
        self.injections = Injections(feeder.n_bus)
        self.states: list[PeriodState] = []
        self.meters: dict[str, Array] = {}
        self._shared: dict[Hashable, Any] = {}

    @property
    def period_h(self) -> float:
        """Length of a settlement period, h."""
        return self.clock.period_s / HOUR_S

    @property
    def times(self) -> pd.DatetimeIndex:
        """Calendar time at which each settlement period starts."""
        step = pd.Timedelta(seconds=self.clock.period_s)
        return pd.date_range(self.clock.timestamp_at(self.delivery_s), periods=self.n_period, freq=step)

    @property
    def shared_things(self) -> tuple[Any, ...]:
        """Everything that agents share so far."""
        return tuple(self._shared.values())

    def shared(self, key: Hashable, make: Callable[[], T]) -> T:
        """The thing that is shared under a key, made by the first who asks."""
        if key not in self._shared:
            self._shared[key] = make()
        thing: T = self._shared[key]
        return thing

    def step(self) -> None:
        """Let negotiations run up to the next settlement period, then run and settle the period."""
        self.running = False
        try:
            self._run_period(len(self.states))
            self.running = len(self.states) < self.n_period
        finally:
            if not self.running:
                self._leave_mesa()

    def _run_period(self, period: int) -> None:
        if not self.states:
            for agent in self.agents:
                agent.start()
        begins_s = self.delivery_s + period * self.clock.period_s
        self.clock.run_until(begins_s)
        self.injections = Injections(self.feeder.n_bus)
        for agent in self.agents:
            agent.operate(period)
        self.clock.run_until(begins_s + self.settles_after_s)
        for agent in self.agents:
            agent.meter(period)
        for name, p_mw in self.injections.metered_mw.items():
            self.meters.setdefault(name, np.zeros(self.n_period))[period] = p_mw
        self.states.append(self._physics(period))
        for agent in self.agents:
            agent.settle(period)
        self.clock.run_until(begins_s + self.clock.period_s)

    def _leave_mesa(self) -> None:
        """Drop out of the table by model in which Mesa's agents count themselves; it outlives the model."""
        getattr(mesa.Agent, "_ids", {}).pop(self, None)

    def _physics(self, period: int) -> PeriodState:
        """AC power flow and carbon flow of what the agents do."""
        now, feeder = self.injections, self.feeder
        flow = self.power_flow.solve((now.source_mw - now.load_mw)[None], now.q_mvar[None])
        source, carbon = now.source_mw.copy(), now.source_t_per_h.copy()
        imported = max(0.0, float(flow.p_slack_mw[0]))
        source[0] += imported
        carbon[0] += imported * self.grid_factor_tco2_per_mwh[period]
        traced = carbon_flow(
            feeder.parent,
            np.arange(1, feeder.n_bus),
            flow.p_from_mw,
            flow.p_to_mw,
            source[None],
            carbon[None],
        )
        intensity, flux = traced.intensity_tco2_per_mwh[0], traced.flux_mw[0]
        carried = float(intensity @ traced.retained_mw[0] + traced.stranded_tco2_per_h[0])
        intensity = np.where(flux > 0.0, intensity, np.nan)
        return PeriodState(period, flow, now.load_mw, intensity, carbon, float(carbon.sum()) - carried)
