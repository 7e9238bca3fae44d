"""What befalls units from outside: failures, of cooling too, and drops of what a plant has."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import numpy as np

from gridarium.agents.devices.breaker import FAILURE, Breaker
from gridarium.agents.devices.renewable_plant import RenewablePlant
from gridarium.agents.devices.thermal_protection import ThermalProtection
from gridarium.environment.clock import HOUR_S, Clock


def happens(
    clock: Clock, from_s: float, lasts_s: float, begin: Callable[[], None], end: Callable[[], None]
) -> None:
    """Let something begin at a time and end after another, s."""

    def story() -> Generator[Any, Any, None]:
        yield clock.wait_until(from_s)
        begin()
        yield clock.timeout(lasts_s)
        end()

    clock.process(story())


def fails(clock: Clock, breaker: Breaker, from_s: float, lasts_s: float) -> None:
    """Have a unit out of order for a time."""
    happens(clock, from_s, lasts_s, lambda: breaker.open(FAILURE), lambda: breaker.release(FAILURE))


def drops(plant: RenewablePlant, from_s: float, lasts_s: float, share: float) -> None:
    """Have a plant have less for a time, by a share of what there would be."""
    happens(plant.world.clock, from_s, lasts_s, lambda: plant.drop(share), lambda: plant.restore(share))


def cools_less(
    clock: Clock, thermal: ThermalProtection, from_s: float, lasts_s: float, factor: float
) -> None:
    """Have the cooling of a unit fail for a time: its thermal resistance is so many times what it was."""
    happens(clock, from_s, lasts_s, lambda: thermal.worsen(factor), lambda: thermal.mend(factor))


def fails_at_random(
    clock: Clock, breaker: Breaker, from_s: float, per_h: float, lasts_s: float, random: np.random.Generator
) -> None:
    """Have a unit fail again and again, with exponential times between a repair and the next failure.

    Parameters
    ----------
    clock : Clock
    breaker : Breaker
        Of the unit.
    from_s : float
        It is in order until then.
    per_h : float
        Failures per hour in order.
    lasts_s : float
        Until it is repaired.
    random : Generator
        Of the unit, for this purpose.
    """

    def story() -> Generator[Any, Any, None]:
        yield clock.wait_until(from_s)
        while True:
            yield clock.timeout(float(random.exponential(HOUR_S / per_h)))
            breaker.open(FAILURE)
            yield clock.timeout(lasts_s)
            breaker.release(FAILURE)

    clock.process(story())
