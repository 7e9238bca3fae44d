"""What thermal units should have done of what they were told, period by period (E1 to E4, E28)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gridarium.environment.arrays import Array
from gridarium.environment.links import Envelope
from gridarium.experiments.parts.thermal_units import ThermalUnit
from gridarium.market.messages.commands import UnitSchedule, UnitSetpoint

_SETPOINTS = ("net_mw", "absorbed_tco2_per_h", "regenerated_tco2_per_h")
_ROUNDING_MW = 1e-6


@dataclass(frozen=True)
class UnitState:
    """A unit in a period; powers in MW, carbon in tCO2/h, the tank in tCO2 at the end."""

    on: bool
    gross_mw: float
    tank_tco2: float


class ToldUnit:
    """Commands of one unit as they came in; the newest of each day counts from its period on.

    - `at`: what it was told of a period as that began

    Parameters
    ----------
    unit : ThermalUnit
    heard : sequence of Envelope
        What it was told, in the order of arrival.
    n_period, day_length : int
    """

    def __init__(self, unit: ThermalUnit, heard: Sequence[Envelope], n_period: int, day_length: int) -> None:
        fixed_mw = unit.capture.fixed_mw if unit.capture else 0.0
        net_mw = max(0.0, unit.p_initial_mw - fixed_mw) if unit.on_initially else 0.0
        self._plan: dict[str, Array] = {name: np.zeros(n_period) for name in ("on", *_SETPOINTS)}
        self._plan["on"] += float(unit.on_initially)
        self._plan["net_mw"] += net_mw
        self._heard, self._read, self._day_length = heard, 0, day_length
        self._newest: dict[int, int] = {}

    def at(self, period: int, begins_s: float) -> tuple[bool, float, float, float]:
        """Whether it shall run, net power, what it shall absorb and drive out; periods one after another."""
        while self._read < len(self._heard) and self._heard[self._read].delivered_s <= begins_s:
            self._take(self._heard[self._read].payload)
            self._read += 1
        net, absorbed, driven = (float(self._plan[name][period]) for name in _SETPOINTS)
        return bool(self._plan["on"][period]), net, absorbed, driven

    def _take(self, told: UnitSetpoint) -> None:
        day = told.period // self._day_length
        if told.issue <= self._newest.get(day, -1):
            return
        self._newest[day] = told.issue
        ahead = slice(told.period, (day + 1) * self._day_length)
        for name in ("on", *_SETPOINTS) if isinstance(told, UnitSchedule) else _SETPOINTS:
            self._plan[name][ahead] = getattr(told, name)


def due_point(
    unit: ThermalUnit, before: UnitState, told: tuple[bool, float, float, float], hours: float
) -> tuple[bool, float, float, float, float]:
    """What comes nearest: whether it runs, gross and net power, absorbed and driven out.

    Gross power first, within band and ramp; then what the absorber, the tank and the power beside allow.
    """
    runs, low, high = _band_mw(unit, before, told[0], hours)
    if not runs:
        return False, 0.0, 0.0, 0.0, 0.0
    _, net, absorbed, driven = told
    plant = unit.capture
    if plant is None:
        gross = float(np.clip(net, low, high))
        return True, gross, gross, 0.0, 0.0
    sigma, wanted = plant.energy_mwh_per_tco2, max(driven, 0.0)
    gross = float(np.clip(net + sigma * wanted + plant.fixed_mw, low, high))
    taken = float(np.clip(absorbed, 0.0, plant.efficiency * unit.emission_tco2_per_mwh * gross))
    spare = (gross - plant.fixed_mw) / sigma if sigma > 0.0 else np.inf
    out = min(wanted, spare, taken + before.tank_tco2 / hours)
    taken = min(taken, out + (plant.tank_tco2 - before.tank_tco2) / hours)
    return True, gross, max(0.0, gross - plant.fixed_mw - sigma * out), taken, out


def _band_mw(unit: ThermalUnit, before: UnitState, wants_on: bool, hours: float) -> tuple[bool, float, float]:
    """E16, E28: a unit starts at its least power, or at what the ramp reaches, and stops from there."""
    step = unit.ramp_mw_per_h * hours
    first = min(unit.p_max_mw, max(unit.p_min_mw, step))
    if not before.on:
        return wants_on, unit.p_min_mw, first
    if not wants_on and before.gross_mw <= first + _ROUNDING_MW:
        return False, 0.0, 0.0
    low = max(unit.p_min_mw, before.gross_mw - step)
    return True, low, min(unit.p_max_mw, before.gross_mw + step) if wants_on else low
