"""The commitment of a bulk system as a programme of its own: whole hours on one bus, tangents of fuel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gridarium.environment.arrays import Array, Flags, Index
from gridarium.experiments.evidence.programs.move_program import MoveProgram, Term
from gridarium.experiments.parts.storages import StorageUnit
from gridarium.experiments.parts.thermal_units import ThermalUnit

N_TANGENT = 9
"""Tangents of each fuel cost between least and highest output, as many as the spec of a commitment counts."""
SHORTAGE_PER_MWH, MISSED_PER_MWH, MISSED_PER_TCO2, BEYOND_PER_TCO2 = 1000.0, 3000.0, 3000.0, 1000.0
"""What is counted for reserve that is missing, for energy and carbon that are missing as a day ends, and for
emission beyond all that can be bought."""
_QUARTER_H = 0.25


@dataclass(frozen=True)
class SystemHours:
    """A day of a bulk system by hours, and where it begins.

    Parameters
    ----------
    units, storages : sequence
        As the scenario states them.
    load_mw, available_mw, import_price_per_mwh : ndarray, shape (n_hour,)
        Load with losses; renewable power of all plants.
    reserve_mw : ndarray, shape (n_hour,)
    import_limit_mw : float
    was_on : ndarray of bool, shape (n_unit,)
    power_mw, hours_in_state : ndarray, shape (n_unit,)
    e_mwh : ndarray, shape (n_storage,)
    tank_tco2 : ndarray, shape (n_unit,)
    may_run : ndarray of bool, shape (n_unit, n_hour)
    carbon_lines : sequence of (float, float)
        As in `planned_day.SystemRules`.
    most_tco2 : float
    """

    units: Sequence[ThermalUnit]
    storages: Sequence[StorageUnit]
    load_mw: Array
    available_mw: Array
    import_price_per_mwh: Array
    reserve_mw: Array
    import_limit_mw: float
    was_on: Flags
    power_mw: Array
    hours_in_state: Array
    e_mwh: Array
    tank_tco2: Array
    may_run: Flags
    carbon_lines: Sequence[tuple[float, float]]
    most_tco2: float


def least_cost_money(day: SystemHours, on: Flags | None = None) -> float:
    """What a day costs at least, starts and stops among it; with given units, or with the best ones.

    Parameters
    ----------
    day : SystemHours
    on : ndarray of bool, shape (n_unit, n_hour), optional

    Raises
    ------
    SolveError
        If nothing supplies it.

    Notes
    -----
    D1 to D4, D6 on one bus, D7, D8, D10; E1 to E4, E17, E28.
    """
    return -_Programme(day, on).most()


class _Programme(MoveProgram):
    """Decisions of all hours; each part adds what it gives to the balance, and what it emits."""

    def __init__(self, day: SystemHours, on: Flags | None) -> None:
        super().__init__("the commitment again")
        self._day, self._n, self._fixed = day, len(day.load_mw), on
        self._none, self._open = np.zeros(self._n), np.full(self._n, np.inf)
        self._supply, self._emitted = list[Term](), list[Term]()
        self._up, self._down = list[Term](), list[Term]()
        for row, unit in enumerate(day.units):
            self._add_unit(row, unit)
        for row, storage in enumerate(day.storages):
            self._add_storage(storage, float(day.e_mwh[row]))
        self._supply.append((self.moves(self._none, day.available_mw), 1.0))
        most = self._none + day.import_limit_mw
        self._supply.append((self.moves(self._none, most, -day.import_price_per_mwh), 1.0))
        self._supply.append((self.moves(self._none, self._open), -1.0))
        self.rows(day.load_mw, day.load_mw, *self._supply)
        for held in (self._up, self._down):
            short = self.moves(self._none, self._open, -SHORTAGE_PER_MWH)
            self.rows(day.reserve_mw, self._open, *held, (short, 1.0))
        self._add_carbon()

    def _add_unit(self, row: int, unit: ThermalUnit) -> None:
        on, start, stop = self._add_running(row, unit)
        gross = self.moves(self._none, self._none + unit.p_max_mw)
        up, down = (self.moves(self._none, self._none + unit.ramp_mw_per_h) for _ in range(2))
        self.rows(-self._open, self._none, (gross, 1.0), (up, 1.0), (on, -unit.p_max_mw))
        self.rows(self._none, self._open, (gross, 1.0), (down, -1.0), (on, -unit.p_min_mw))
        for reserve, held in ((up, self._up), (down, self._down)):
            self.rows(-self._open, self._none, (reserve, 1.0), (on, -unit.ramp_mw_per_h))
            held.append((reserve, 1.0))
        fuel = self.moves(self._none, self._open, -1.0)
        a, b, c = unit.cost_quadratic_per_mw2h, unit.cost_linear_per_mwh, unit.cost_fixed_per_h
        for at in np.linspace(unit.p_min_mw, unit.p_max_mw, N_TANGENT):
            self.rows(self._none, self._open, (fuel, 1.0), (gross, -(2.0 * a * at + b)), (on, a * at**2 - c))
        self._add_ramps(row, unit, gross, (on, start, stop))
        self._supply.append((gross, 1.0))
        self._emitted.append((gross, unit.emission_tco2_per_mwh))
        if unit.capture is not None:
            self._add_capture(row, unit, gross, on)

    def _add_running(self, row: int, unit: ThermalUnit) -> tuple[Index, Index, Index]:
        """Which hours it runs, its starts and stops, and its minimum times (D7)."""
        day, n = self._day, self._n
        least, most = np.zeros(n), day.may_run[row].astype(float)
        left = round(float(day.hours_in_state[row]))
        if self._fixed is not None:
            least = most = self._fixed[row].astype(float)
        elif day.was_on[row]:
            # An outage is stronger than a minimum time.
            held = np.arange(n) < unit.min_up_h - left
            least = np.minimum(held.astype(float), np.minimum.accumulate(most))
        else:
            most = np.where(np.arange(n) < unit.min_down_h - left, 0.0, most)
        on = self.moves(least, most, integer=self._fixed is None)
        paid = -unit.start_stop_money
        start, stop = (self.moves(np.zeros(n), np.ones(n), paid) for _ in range(2))
        was = np.zeros(n)
        was[0] = float(day.was_on[row])
        self._differ(was, on, (start, -1.0), (stop, 1.0))
        for hour in range(n):
            for flags, length, way in ((start, unit.min_up_h, -1.0), (stop, unit.min_down_h, 1.0)):
                recent = flags[max(0, hour - max(int(length), 1) + 1) : hour + 1][None, :]
                bound = np.array([0.0 if way < 0.0 else 1.0])
                self.rows(np.array([-np.inf]), bound, (recent, 1.0), (on[hour : hour + 1], way))
        return on, start, stop

    def _differ(self, first: Array, series: Index, *terms: Term) -> None:
        """series_t - series_{t-1} + terms = 0, with what was before in `first`."""
        for part in (slice(0, 1), slice(1, None)):
            own = [(series[part], 1.0), *((places[part], factor) for places, factor in terms)]
            if part.start:
                own.append((series[:-1], -1.0))
            self.rows(first[part], first[part], *own)

    def _add_ramps(
        self, row: int, unit: ThermalUnit, gross: Index, flags: tuple[Index, Index, Index]
    ) -> None:
        """PG_t - PG_{t-1} <= R on_{t-1} + S start_t, PG_{t-1} - PG_t <= R on_t + S stop_t (E28)."""
        (on, start, stop), ramp = flags, unit.ramp_mw_per_h
        switched = min(unit.p_max_mw, max(unit.p_min_mw, ramp * _QUARTER_H))
        before, was = float(self._day.power_mw[row]), float(self._day.was_on[row])
        first, open_ = slice(0, 1), np.full(1, np.inf)
        self.rows(-open_, np.array([before + ramp * was]), (gross[first], 1.0), (start[first], -switched))
        self.rows(
            -open_, np.array([-before]), (gross[first], -1.0), (on[first], -ramp), (stop[first], -switched)
        )
        none, open_ = self._none[1:], self._open[1:]
        rise = ((gross[1:], 1.0), (gross[:-1], -1.0), (on[:-1], -ramp), (start[1:], -switched))
        fall = ((gross[:-1], 1.0), (gross[1:], -1.0), (on[1:], -ramp), (stop[1:], -switched))
        self.rows(-open_, none, *rise)
        self.rows(-open_, none, *fall)

    def _add_capture(self, row: int, unit: ThermalUnit, gross: Index, on: Index) -> None:
        """E1 to E4: what is taken up, what is driven out for energy, and the tank between them."""
        plant, size = unit.capture, 0.0 if unit.capture is None else unit.capture.tank_tco2
        assert plant is not None
        taken, driven = (self.moves(self._none, self._open) for _ in range(2))
        share = plant.efficiency * unit.emission_tco2_per_mwh
        self.rows(-self._open, self._none, (taken, 1.0), (gross, -share))
        spent = (driven, -plant.energy_mwh_per_tco2)
        self.rows(self._none, self._open, (gross, 1.0), spent, (on, -plant.fixed_mw))
        level, first = self.moves(self._none, self._none + size), self._none.copy()
        first[0] = self._day.tank_tco2[row]
        self._differ(first, level, (taken, -1.0), (driven, 1.0))
        self._ends_at(level, plant.tank_initial_share * size, MISSED_PER_TCO2)
        self._supply += [spent, (on, -plant.fixed_mw)]
        self._emitted.append((taken, -1.0))

    def _add_storage(self, one: StorageUnit, first_mwh: float) -> None:
        """D8; what is missing in the end, or too much, has its price."""
        most = self._none + one.p_max_mw
        charge = self.moves(self._none, most)
        discharge = self.moves(self._none, most, -one.wear_cost_per_mwh)
        low, high = one.soc_min * one.e_max_mwh, one.soc_max * one.e_max_mwh
        level, first = self.moves(self._none + low, self._none + high), self._none.copy()
        first[0] = min(max(first_mwh, low), high)
        self._differ(
            first, level, (charge, -one.efficiency_charge), (discharge, 1.0 / one.efficiency_discharge)
        )
        self._ends_at(level, one.soc_initial * one.e_max_mwh, MISSED_PER_MWH)
        self._supply += [(discharge, 1.0), (charge, -1.0)]

    def _ends_at(self, level: Index, end: float, price: float) -> None:
        below, above = (self.moves(np.zeros(1), np.full(1, np.inf), -price) for _ in range(2))
        self.rows(np.array([end]), np.array([end]), (level[-1:], 1.0), (below, 1.0), (above, -1.0))

    def _add_carbon(self) -> None:
        """The highest of the lines of a day's emission (D4), and what is beyond all that can be bought."""
        zero, most = np.zeros(1), np.full(1, np.inf)
        tonnes = self.moves(zero, most)
        terms = [(places[None, :], np.full((1, self._n), -factor)) for places, factor in self._emitted]
        self.rows(zero, zero, (tonnes, 1.0), *terms)
        cost = self.moves(-most, most, -1.0)
        for slope, at_zero in self._day.carbon_lines:
            self.rows(zero + at_zero, most, (cost, 1.0), (tonnes, -slope))
        if np.isfinite(self._day.most_tco2):
            beyond = self.moves(zero, most, -BEYOND_PER_TCO2)
            self.rows(-most, zero + self._day.most_tco2, (tonnes, 1.0), (beyond, -1.0))
