"""One plan for everybody: what plants, storages, flexible loads and imports of all grids cost at least."""

from __future__ import annotations

import numpy as np

from gridarium.environment.arrays import Array, Index
from gridarium.environment.thermal_unit import CapturePlant
from gridarium.experiments.evidence.programs.move_program import MoveProgram, Term
from gridarium.experiments.evidence.world.central_day import CentralDay, FlexibleLoad, Plant, Store

N_TANGENT = 17
"""Tangents of each quadratic cost: with as many segments, a cost is met to a thousandth of its curvature."""


def least_cost_money(day: CentralDay, lost_mw: Array | float = 0.0) -> float:
    """The least that a day could cost everybody.

    Parameters
    ----------
    day : CentralDay
    lost_mw : ndarray, shape (n_period,), optional
        Of all networks; none by default.

    Raises
    ------
    SolveError
        If nothing supplies it.

    Notes
    -----
    W.6: ``min C_G + C_ES + C_import + lam E + sum of what users bear`` on one bus, with E2 to E4, E28, D7, D8
    and C13 to C16. Quadratic costs are the highest of their tangents, so that it is at most the least cost.
    """
    return _Programme(day, lost_mw).least_money() + sum(
        plant.held_money(day.period_h) for plant in day.plants
    )


class _Programme:
    """The linear programme of a day; each part adds what it gives to the balance.

    Parameters
    ----------
    day : CentralDay
    lost_mw : ndarray, shape (n_period,), or float
    """

    def __init__(self, day: CentralDay, lost_mw: Array | float) -> None:
        self._day, self._n = day, len(day.held_mw)
        self._program, self._supply = MoveProgram("one plan for everybody"), list[Term]()
        self._needed = day.held_mw + lost_mw - day.available_mw
        for plant in day.plants:
            self._add_plant(plant)
        for store in day.stores:
            self._add_store(store)
        for load in day.loads:
            self._add_load(load)
        cost = day.period_h * day.import_cost_per_mwh
        self._supply.append((self._program.moves(np.zeros(self._n), day.import_limit_mw, -cost), 1.0))
        # What is left over is not used.
        self._program.rows(self._needed, np.full(self._n, np.inf), *self._supply)

    def least_money(self) -> float:
        """Cost of the best plan, without what commitment costs."""
        return -self._program.most()

    def _add_plant(self, plant: Plant) -> None:
        """Fuel by its tangents, ramps, carbon, and what capture takes of the power."""
        program, unit, day = self._program, plant.unit, self._day
        counted = plant.copies * day.period_h
        gross = program.moves(
            *plant.band_mw, -counted * day.carbon_price_per_tco2 * unit.emission_tco2_per_mwh
        )
        self._supply.append((gross, float(plant.copies)))
        runs = plant.runs
        points = np.linspace(0.0 if plant.is_free else unit.p_min_mw, unit.p_max_mw, N_TANGENT)
        at = np.broadcast_to(points[:, None], (N_TANGENT, len(runs)))
        fuel = unit.fuel_cost_per_h(at, 0.0)
        slope = 2.0 * unit.cost_quadratic_per_mw2h * at + unit.cost_linear_per_mwh
        self._above(gross[runs], counted, at, fuel, slope)
        if not plant.is_free:
            self._add_ramps(plant, gross)
        if unit.capture is not None:
            self._add_capture(plant, unit.capture, gross)

    def _above(self, places: Index, counted: float, at: Array, value: Array, slope: Array) -> None:
        """A cost that is at least each tangent of another one; arrays of shape (n_tangent, n_place)."""
        unbounded = np.full(len(places), np.inf)
        cost = self._program.moves(-unbounded, unbounded, -counted)
        for one, known, rate in zip(at, value, slope, strict=True):
            self._program.rows(known - rate * one, unbounded, (cost, 1.0), (places, -rate))

    def _add_ramps(self, plant: Plant, gross: Index) -> None:
        """E28, with the limits of starts and stops."""
        unit, hours = plant.unit, self._day.period_h
        ran = np.concatenate([[unit.on_initially], plant.on[:-1]])
        rise = np.where(ran, unit.ramp_mw_per_h * hours, unit.start_limit_mw(hours))
        fall = np.where(plant.on, unit.ramp_down_mw_per_h * hours, unit.stop_limit_mw(hours))
        first = unit.p_initial_mw
        self._program.rows(np.array([first - fall[0]]), np.array([first + rise[0]]), (gross[:1], 1.0))
        self._program.rows(-fall[1:], rise[1:], (gross[1:], 1.0), (gross[:-1], -1.0))

    def _add_capture(self, plant: Plant, capture: CapturePlant, gross: Index) -> None:
        """E1 to E4: what is taken up, what is driven out for energy, and the tank between them."""
        program, day, nothing = self._program, self._day, np.zeros(self._n)
        unbounded = np.full(self._n, np.inf)
        worth = plant.copies * day.period_h * day.carbon_price_per_tco2
        absorbed = program.moves(nothing, unbounded, worth)
        driven = program.moves(nothing, unbounded)
        share = capture.efficiency * plant.unit.emission_tco2_per_mwh
        program.rows(-unbounded, nothing, (absorbed, 1.0), (gross, -share))
        fixed = np.where(plant.on, capture.fixed_mw, 0.0)
        spent = (driven, -capture.energy_mwh_per_tco2)
        program.rows(fixed, unbounded, (gross, 1.0), spent)
        self._supply.append((driven, -plant.copies * capture.energy_mwh_per_tco2))
        self._needed = self._needed + plant.copies * fixed
        most = np.full(self._n, capture.tank_tco2)
        most[-1] = plant.tank_tco2
        level = program.moves(nothing, most)
        self._follow(level, capture.tank_initial_tco2, (absorbed, 1.0), (driven, 1.0))

    def _follow(
        self, level: Index, first: float, inflow: tuple[Index, float], outflow: tuple[Index, float]
    ) -> None:
        """level = level before + (inflow - outflow) Dt, each with its factor."""
        hours, start = self._day.period_h, np.zeros(self._n)
        start[0] = first
        moved = ((inflow[0], -hours * inflow[1]), (outflow[0], hours * outflow[1]))
        for part in (slice(0, 1), slice(1, None)):
            terms = [(level[part], 1.0), *((places[part], factor) for places, factor in moved)]
            if part.start:
                terms.append((level[:-1], -1.0))
            self._program.rows(start[part], start[part], *terms)

    def _add_store(self, store: Store) -> None:
        """D8; charge beside discharge is allowed, which never pays and only can lower the bound."""
        program, counted = self._program, store.copies * self._day.period_h
        most, (low, high) = np.full(self._n, store.p_max_mw), store.band_mwh
        charge, discharge = (
            program.moves(np.zeros(self._n), most, -counted * wear) for wear in store.wear_per_mwh
        )
        least = np.full(self._n, low)
        least[-1] = store.last_mwh
        energy = program.moves(least, np.full(self._n, high))
        into, out_of = store.efficiencies
        self._follow(energy, store.first_mwh, (charge, into), (discharge, 1.0 / out_of))
        self._supply += [(discharge, float(store.copies)), (charge, -float(store.copies))]

    def _add_load(self, load: FlexibleLoad) -> None:
        """C14 to C16, with the energy of each day as it was drawn."""
        base, counted = load.utility.base_mw, load.copies * self._day.period_h
        drawn = self._program.moves((1.0 - load.flexible_share) * base, (1.0 + load.flexible_share) * base)
        at = np.outer(np.linspace(1.0 - load.flexible_share, 1.0 + load.flexible_share, N_TANGENT), base)
        borne = np.array([load.borne_per_h(one) for one in at])
        self._above(drawn, counted, at, borne, np.array([load.marginal_per_mwh(one) for one in at]))
        self._program.rows(load.energy_mw, load.energy_mw, (drawn.reshape(len(load.energy_mw), -1), 1.0))
        self._supply.append((drawn, -float(load.copies)))
