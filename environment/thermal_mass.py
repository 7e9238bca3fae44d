"""The temperature of a unit: one thermal mass that losses heat and its surroundings cool."""

from __future__ import annotations

import math
from dataclasses import dataclass

from gridarium.environment.errors import Fault, InputError


@dataclass(frozen=True, slots=True)
class ThermalRatings:
    """How hot a unit gets, and how hot it may get.

    Parameters
    ----------
    ambient_c : float
        Temperature of its surroundings, and its own at first.
    resistance_k_per_mw : float
        By how much constant losses heat it in the end, K per MW of losses.
    time_constant_h : float
    trip_c : float
        At which it is disconnected.
    reset_c : float
        At which it is connected again.

    Raises
    ------
    InputError
        If a value is out of its range.
    """

    ambient_c: float
    resistance_k_per_mw: float
    time_constant_h: float
    trip_c: float
    reset_c: float

    def __post_init__(self) -> None:
        faults = [
            Fault(name, value, "must be in (0, inf)")
            for name in ("resistance_k_per_mw", "time_constant_h")
            if not 0.0 < (value := getattr(self, name)) < math.inf
        ]
        if not self.ambient_c < self.reset_c < self.trip_c:
            allowed = f"must be between ambient_c = {self.ambient_c:g} and trip_c = {self.trip_c:g} degrees"
            faults.append(Fault("reset_c", self.reset_c, allowed))
        if faults:
            raise InputError("thermal ratings", faults)


class ThermalMass:
    """The temperature under losses that are constant from one change to the next.

    - `temperature_c`: now
    - `advance`: let time pass
    - `reaches_h`: when it will be at a temperature

    Parameters
    ----------
    ratings : ThermalRatings

    Notes
    -----
    ``dT/dt = (R p_loss - (T - T_ambient)) / tau``, whose solution under constant losses is
    ``T(t) = T_end + (T(0) - T_end) exp(-t / tau)`` with ``T_end = T_ambient + R p_loss``.
    """

    def __init__(self, ratings: ThermalRatings) -> None:
        self.ratings = ratings
        self.temperature_c = ratings.ambient_c
        self.resistance_factor = 1.0
        self.loss_mw = 0.0

    @property
    def end_c(self) -> float:
        """Where it comes to rest if nothing changes."""
        ratings = self.ratings
        return ratings.ambient_c + ratings.resistance_k_per_mw * self.resistance_factor * self.loss_mw

    def advance(self, hours: float) -> None:
        """Let time pass at the losses there are."""
        left = math.exp(-hours / self.ratings.time_constant_h)
        self.temperature_c = self.end_c + (self.temperature_c - self.end_c) * left

    def reaches_h(self, temperature_c: float) -> float:
        """Time until it is at a temperature, h; 0 if it is there already, infinite if it will never be."""
        ahead, beyond = self.end_c - self.temperature_c, self.end_c - temperature_c
        if temperature_c == self.temperature_c:
            return 0.0
        if ahead == 0.0 or not 0.0 < beyond / ahead < 1.0:
            return math.inf
        return self.ratings.time_constant_h * math.log(ahead / beyond)
