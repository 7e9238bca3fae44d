"""One plan for everybody: what plants, storages, flexible loads and imports of all grids cost at least."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from gridarium.agents.feeder.consumer_problem import LoadUtility
from gridarium.environment.arrays import Array, Flags, Index
from gridarium.environment.thermal_unit import CapturePlant, ThermalUnit
from gridarium.experiments.evidence.move_program import MoveProgram, Term

N_TANGENT = 17
"""Tangents of each quadratic cost: with as many segments, a cost is met to a thousandth of its curvature."""


@dataclass(frozen=True)
class Plant:
    """A unit of which there are several.

    Parameters
    ----------
    unit : ThermalUnit
    copies : int
    on : ndarray of bool, shape (n_period,)
        When it runs.
    is_free : bool
        Whether it may give any power up to its highest, or none, without what running alone costs: less than
        a unit can cost that starts and stops at once and for nothing.
    tank_tco2 : float
        Most that its solvent tank may hold in the end.
    """

    unit: ThermalUnit
    copies: int
    on: Flags
    is_free: bool = False
    tank_tco2: float = 0.0

    @property
    def band_mw(self) -> tuple[Array, Array]:
        """Least and most gross power, shape (n_period,) each."""
        if self.is_free:
            return np.zeros(len(self.on)), np.full(len(self.on), self.unit.p_max_mw)
        return np.where(self.on, self.unit.p_min_mw, 0.0), np.where(self.on, self.unit.p_max_mw, 0.0)

    @property
    def runs(self) -> Index:
        """Periods in which it may give power."""
        return np.arange(len(self.on)) if self.is_free else np.flatnonzero(self.on)

    def held_money(self, period_h: float) -> float:
        """What its commitment costs whatever it gives."""
        if self.is_free:
            return 0.0
        switches = int((self.on != np.concatenate([[self.unit.on_initially], self.on[:-1]])).sum())
        running = self.unit.cost_fixed_per_h * period_h * int(self.on.sum())
        return self.copies * (running + self.unit.start_stop_money * switches)


@dataclass(frozen=True)
class Store:
    """A storage of which there are several; powers at its terminals, energy inside.

    Parameters
    ----------
    copies : int
    p_max_mw : float
    band_mwh : tuple of float
    first_mwh, last_mwh : float
        At first, and at least in the end.
    efficiencies : tuple of float
        Of charge and discharge.
    wear_per_mwh : tuple of float
        What a MWh costs that is charged, and that is discharged.
    """

    copies: int
    p_max_mw: float
    band_mwh: tuple[float, float]
    first_mwh: float
    last_mwh: float
    efficiencies: tuple[float, float]
    wear_per_mwh: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True)
class FlexibleLoad:
    """A consumer with a quadratic utility of which there are several (C13 to C16).

    Parameters
    ----------
    copies : int
    utility : LoadUtility
        By settlement period.
    flexible_share : float
    energy_mw : ndarray, shape (n_day,)
        Sum of its load over the periods of each day, which stays.
    """

    copies: int
    utility: LoadUtility
    flexible_share: float
    energy_mw: Array

    def borne_per_h(self, load_mw: Array) -> Array:
        """What a load is worth less than the base load, money/h, shape (n_period,)."""
        return self.utility.of(self.utility.base_mw) - self.utility.of(load_mw)

    def marginal_per_mwh(self, load_mw: Array) -> Array:
        """Its slope."""
        utility = self.utility
        return utility.beta_per_mwh_per_mw * (load_mw - utility.base_mw) - utility.reference_price_per_mwh


@dataclass(frozen=True)
class CentralDay:
    """What one plan for everybody decides on, and what it has to live with.

    Parameters
    ----------
    period_h : float
    held_mw : ndarray, shape (n_period,)
        What all others draw less what they feed in, over all grids, without losses.
    available_mw : ndarray, shape (n_period,)
        Renewable power, which may be left unused.
    import_price_per_mwh, import_factor_tco2_per_mwh : ndarray, shape (n_period,)
    import_limit_mw : float
    carbon_price_per_tco2 : float
        What a tonne counts, whoever emits it.
    plants, stores, loads
    """

    period_h: float
    held_mw: Array
    available_mw: Array
    import_price_per_mwh: Array
    import_factor_tco2_per_mwh: Array
    import_limit_mw: float
    carbon_price_per_tco2: float
    plants: Sequence[Plant] = ()
    stores: Sequence[Store] = ()
    loads: Sequence[FlexibleLoad] = ()

    @property
    def import_cost_per_mwh(self) -> Array:
        """Price of an import with its carbon, shape (n_period,)."""
        return self.import_price_per_mwh + self.carbon_price_per_tco2 * self.import_factor_tco2_per_mwh


@dataclass(frozen=True)
class Played:
    """What a day has come to, in the order of its plants, stores and loads; shape (n_each, n_period) each.

    Parameters
    ----------
    gross_mw, absorbed_tco2_per_h : ndarray
        Of one copy of each plant.
    charge_mw, discharge_mw : ndarray
        Of one copy of each store.
    load_mw : ndarray
        Of one copy of each flexible load.
    import_mw : ndarray, shape (n_period,)
    """

    gross_mw: Array
    absorbed_tco2_per_h: Array
    charge_mw: Array
    discharge_mw: Array
    load_mw: Array
    import_mw: Array


def cost_money(day: CentralDay, played: Played) -> float:
    """What a day has cost everybody: fuel, starts, wear, imports, carbon, and what users bear."""
    hours = day.period_h
    total = hours * float(day.import_price_per_mwh @ played.import_mw)
    for plant, gross in zip(day.plants, played.gross_mw, strict=True):
        # What a committed unit costs by running alone is in what its commitment costs.
        fuel = plant.unit.fuel_cost_per_h(gross, plant.on if plant.is_free else 0.0)
        total += plant.copies * hours * float(fuel.sum()) + plant.held_money(hours)
    for store, charge, discharge in zip(day.stores, played.charge_mw, played.discharge_mw, strict=True):
        moved = np.array([charge.sum(), discharge.sum()])
        total += store.copies * hours * float(moved @ store.wear_per_mwh)
    return total + day.carbon_price_per_tco2 * emission_tco2(day, played) + borne_money(day, played)


def emission_tco2(day: CentralDay, played: Played) -> float:
    """What left all stacks, and came with imports."""
    flow = float(day.import_factor_tco2_per_mwh @ played.import_mw)
    for plant, gross, absorbed in zip(day.plants, played.gross_mw, played.absorbed_tco2_per_h, strict=True):
        flow += plant.copies * float((plant.unit.emission_tco2_per_mwh * gross - absorbed).sum())
    return day.period_h * flow


def borne_money(day: CentralDay, played: Played) -> float:
    """What flexible loads are worth less to their users than their base loads."""
    of_each = zip(day.loads, played.load_mw, strict=True)
    return day.period_h * sum(load.copies * float(load.borne_per_h(drawn).sum()) for load, drawn in of_each)


def with_loads_held(day: CentralDay, played: Played) -> CentralDay:
    """The same day on which flexible loads draw what they drew; without what that is worth."""
    of_each = zip(day.loads, played.load_mw, strict=True)
    drawn = sum((load.copies * own for load, own in of_each), np.zeros_like(day.held_mw))
    return replace(day, held_mw=day.held_mw + drawn, loads=())


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
        most = np.full(self._n, day.import_limit_mw)
        cost = day.period_h * day.import_cost_per_mwh
        self._supply.append((self._program.moves(np.zeros(self._n), most, -cost), 1.0))
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
