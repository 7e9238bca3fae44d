"""A storage's side of an edge controller: telemetry, corrections, and standing in for another unit."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

from gridarium.agents.base import GridAgent, Listener, on
from gridarium.agents.devices.storage import StorageDevice
from gridarium.market.messages.edge import (
    Active,
    Correction,
    EdgeEnrolment,
    StandDown,
    Takeover,
    Telemetry,
)


@dataclass(frozen=True)
class EdgeLinkTerms:
    """How a unit works with the edge controller of its feeder.

    Parameters
    ----------
    edge : str
        Name of the controller.
    telemetry_s : float
        How often it reports, s.
    response_s : float
        Time until a correction or a takeover acts, s.
    covers : tuple of str
        Units that it stands by for.
    """

    edge: str
    telemetry_s: float
    response_s: float
    covers: tuple[str, ...] = ()


class EdgeLink(Listener):
    """Reports what a storage does, and lets an edge controller change it within a period.

    A unit that is out of order neither reports nor acts. One that opens or closes its breaker otherwise
    reports that at once.

    - `begin`: enrol and report, once the world runs

    Parameters
    ----------
    agent : GridAgent
        Who mounts it.
    device : StorageDevice
    terms : EdgeLinkTerms
    """

    def __init__(self, agent: GridAgent, device: StorageDevice, terms: EdgeLinkTerms) -> None:
        self._agent, self._device, self._terms = agent, device, terms
        self._stands_in_for: str | None = None
        self._corrected_s = -math.inf
        self._stood_down_s: dict[str, float] = {}
        device.breaker.watch(self._report)

    def begin(self) -> None:
        """Enrol, and report from the first settlement period on."""
        clock = self._agent.world.clock
        clock.process(self._enrol())
        clock.process(self._reports())

    def _enrol(self) -> Generator[Any, Any, None]:
        """Say what the unit can do, until the edge has heard it."""
        ratings, terms, world = self._device.ratings, self._terms, self._agent.world
        least_mwh, most_mwh = ratings.band_mwh
        told = EdgeEnrolment(
            ratings.p_max_mw,
            ratings.s_max_mva,
            least_mwh,
            most_mwh,
            ratings.efficiency_charge,
            ratings.efficiency_discharge,
            terms.response_s,
            terms.covers,
        )
        ends_s = world.delivery_s + world.n_period * world.clock.period_s
        yield from self._agent.ask({terms.edge: told}, ends_s, terms.telemetry_s).answered()

    def _reports(self) -> Generator[Any, Any, None]:
        world, every_s = self._agent.world, self._terms.telemetry_s
        yield world.clock.wait_until(world.delivery_s)
        for _ in range(round(world.n_period * world.clock.period_s / every_s)):
            self._report()
            yield world.clock.timeout(every_s)

    def _report(self) -> None:
        """Tell what is measured now."""
        device = self._device
        if not device.breaker.is_silent:
            (p_mw, q_mvar), thermal = device.power, device.thermal
            told = Telemetry(
                self._agent.world.clock.now_s,
                p_mw,
                q_mvar,
                device.content_mwh,
                math.nan if thermal is None else thermal.temperature_c,
                device.breaker.is_closed,
            )
            self._agent.send(self._terms.edge, told)

    @on(Correction)
    def take_correction(self, correction: Correction, sender: str) -> None:
        """Feed in so much more or less, once the unit has responded; not if a later one was heard."""
        if correction.from_s > self._corrected_s:
            self._corrected_s = correction.from_s
            self._responds(lambda: self._correct(correction))

    def _correct(self, correction: Correction) -> None:
        if correction.from_s == self._corrected_s:
            self._device.correct(correction)

    @on(Takeover)
    def take_over(self, takeover: Takeover, sender: str) -> None:
        """Do what another unit was told, if this one stands by for it, and still does."""
        stood_down_s = self._stood_down_s.get(takeover.of, -math.inf)
        if takeover.of in self._terms.covers and takeover.from_s > stood_down_s:
            self._stands_in_for = takeover.of
            self._responds(lambda: self._stand_in(takeover))

    def _stand_in(self, takeover: Takeover) -> None:
        if self._stands_in_for == takeover.of and self._device.breaker.is_closed:
            self._device.follow(takeover.command)
            self._agent.send(self._terms.edge, Active(takeover.of, self._agent.world.clock.now_s))

    @on(StandDown)
    def stand_down(self, told: StandDown, sender: str) -> None:
        """Be idle again, if it stands in for that unit."""
        self._stood_down_s[told.of] = max(told.from_s, self._stood_down_s.get(told.of, told.from_s))
        if self._stands_in_for == told.of:
            self._stands_in_for = None
            self._device.rest()

    def _responds(self, act: Callable[[], None]) -> None:
        self._agent.world.clock.timeout(self._terms.response_s).callbacks.append(lambda event: act())
