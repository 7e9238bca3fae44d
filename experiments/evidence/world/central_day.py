"""A day of all grids together: what one plan could decide on, what was done, and what that cost everybody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from gridarium.agents.feeder.consumer_problem import LoadUtility
from gridarium.environment.arrays import Array, Flags, Index
from gridarium.environment.thermal_unit import ThermalUnit


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
    import_limit_mw : ndarray, shape (n_period,)
    carbon_price_per_tco2 : float
        What a tonne counts, whoever emits it.
    plants, stores, loads
    """

    period_h: float
    held_mw: Array
    available_mw: Array
    import_price_per_mwh: Array
    import_factor_tco2_per_mwh: Array
    import_limit_mw: Array
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
