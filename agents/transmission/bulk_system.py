"""The bulk system that a TIES commits and dispatches: its parts, what it expects of a day, its state."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from gridarium.environment.arrays import Array, Flags
from gridarium.environment.storage import StorageRatings
from gridarium.environment.thermal_unit import ThermalUnit
from gridarium.market.quota_ladder import QuotaLadder


@dataclass(frozen=True)
class BulkSystem:
    """Everything that fixes the structure and the constant numbers of a TIES's problems.

    Parameters
    ----------
    units : tuple of ThermalUnit
    storages : tuple of StorageRatings
        Pumped and battery storages alike.
    wear_cost_per_mwh : tuple of float
        Of each storage, for each MWh that it discharges (D3).
    renewables : tuple of str
        Names of wind and solar plants.
    carbon : QuotaLadder
        What it pays for its own emission of a day (D4, D10).
    reserve_load_share, reserve_renewable_share : float
        Shares of the load and of the renewable power available that must be held in reserve.
    import_limit_mw : float
        Most that balancing energy may bring in through the head.
    shortage_cost_per_mwh, missed_cost_per_mwh, missed_cost_per_tco2, beyond_cost_per_tco2 : float
        Penalties on reserve that is missing, on energy that a storage, and on carbon that a solvent tank
        lacks or has too much of at the day's end, and on emission beyond all that can be bought; no money,
        but reported.
    spill_cost_per_mwh : float
        Weight of power that is fed in and left over: of plans that else cost the same, it picks the one whose
        renewable plants make what is used, so that the carbon factor is theirs alone; no money.
    uneven_capture_per_t2 : float
        Weight of the squares of what is captured and driven out in an hour, halved, money h/tCO2**2: of many
        schedules of nearly one cost it picks the even one, so that the carbon factor of an hour does not
        jump; no money.
    """

    units: tuple[ThermalUnit, ...]
    storages: tuple[StorageRatings, ...]
    wear_cost_per_mwh: tuple[float, ...]
    renewables: tuple[str, ...]
    carbon: QuotaLadder
    reserve_load_share: float = 0.05
    reserve_renewable_share: float = 0.1
    import_limit_mw: float = 50.0
    shortage_cost_per_mwh: float = 1000.0
    missed_cost_per_mwh: float = 3000.0
    missed_cost_per_tco2: float = 3000.0
    beyond_cost_per_tco2: float = 1000.0
    spill_cost_per_mwh: float = 0.01
    uneven_capture_per_t2: float = 0.0

    @property
    def emission_tco2_per_mwh(self) -> Array:
        """Carbon factor of the gross power of each unit, shape (n_unit,)."""
        return np.array([unit.emission_tco2_per_mwh for unit in self.units])

    def reserve_mw(self, load_mw: Array, available_mw: Array) -> Array:
        """Spinning reserve that is asked for, up and down alike, shape (n_period,).

        Parameters
        ----------
        load_mw : ndarray, shape (n_period,)
        available_mw : ndarray, shape (n_renewable, n_period)
        """
        by_load = self.reserve_load_share * load_mw
        return np.asarray(by_load + self.reserve_renewable_share * available_mw.sum(axis=0))


@dataclass(frozen=True)
class BulkForecast:
    """What a TIES expects of each period of a day.

    Parameters
    ----------
    load_mw : ndarray, shape (n_period,)
        Of all followers.
    available_mw : ndarray, shape (n_renewable, n_period)
    import_price_per_mwh : ndarray, shape (n_period,)
        Of balancing energy; what is left over earns nothing.
    import_factor_tco2_per_mwh : ndarray, shape (n_period,)
        Carbon in it; the TIES does not pay for that.
    loss_mw : ndarray, shape (n_period,)
        Of the network, as the last dispatch or power flow had it.
    """

    load_mw: Array
    available_mw: Array
    import_price_per_mwh: Array
    import_factor_tco2_per_mwh: Array
    loss_mw: Array

    def with_load(self, load_mw: Array) -> BulkForecast:
        """The same with another load, shape (n_period,)."""
        return replace(self, load_mw=load_mw)


def share_of(part: Array, whole: Array) -> Array:
    """A part over the whole, element by element; 0 where the whole is not above 0."""
    return np.divide(part, whole, out=np.zeros_like(whole), where=whole > 0.0)


def green_share(renewable_mw: Array, supplied_mw: Array) -> Array:
    """Renewable power over all supply, storages among it, shape (n_period,) (W.1).

    Parameters
    ----------
    renewable_mw : ndarray, shape (n_renewable, n_period)
    supplied_mw : ndarray, shape (n_period,)

    Notes
    -----
    What a storage gives back counts in the supply, but not as green: its label is not kept here.
    """
    # A solver's noise may lie beyond either end.
    return np.clip(share_of(renewable_mw.sum(axis=0), supplied_mw), 0.0, 1.0)


@dataclass(frozen=True)
class BulkState:
    """Where a system stands when a period begins.

    Parameters
    ----------
    on : ndarray of bool, shape (n_unit,)
    power_mw : ndarray, shape (n_unit,)
        Gross power in the period before.
    hours_in_state : ndarray, shape (n_unit,)
        For how long each unit has been on or off.
    e_mwh : ndarray, shape (n_storage,)
    tank_tco2 : ndarray, shape (n_unit,)
        What solvent tanks hold; 0 without a capture plant.
    emitted_tco2 : float
        Since the day began, without what was captured.
    """

    on: Flags
    power_mw: Array
    hours_in_state: Array
    e_mwh: Array
    tank_tco2: Array
    emitted_tco2: float = 0.0

    @classmethod
    def initial(cls, system: BulkSystem) -> BulkState:
        """The state before the first day: long enough in it to be free of minimum times."""
        units = system.units
        return cls(
            np.array([unit.on_initially for unit in units], dtype=bool),
            np.array([unit.p_initial_mw for unit in units]),
            np.array([float(max(unit.min_up_h, unit.min_down_h)) for unit in units]),
            np.array([one.soc_initial * one.e_max_mwh for one in system.storages]),
            np.array([unit.capture.tank_initial_tco2 if unit.capture else 0.0 for unit in units]),
        )


@dataclass(frozen=True)
class BulkPlan:
    """A dispatched day; powers in MW.

    Parameters
    ----------
    on, unit_mw : ndarray, shape (n_unit, n_period)
        Whether units run, and what they feed in: net power.
    gross_mw, absorbed_tco2_per_h, regenerated_tco2_per_h, tank_tco2 : ndarray, shape (n_unit, n_period)
        Power before what capture takes of it, capture, and what solvent tanks hold at the end of each period.
    charge_mw, discharge_mw, e_mwh : ndarray, shape (n_storage, n_period)
        Contents at the end of each period.
    renewable_mw : ndarray, shape (n_renewable, n_period)
    import_mw, spill_mw, loss_mw : ndarray, shape (n_period,)
    reserve_short_mw : ndarray, shape (2, n_period)
        Spinning reserve that is missing, up and down.
    price_per_mwh : ndarray, shape (n_period,)
        What one more MWh of load would cost, its carbon included: the mean over the followers' places.
    emission_t_per_h : ndarray, shape (n_period,)
        Of its units less what is captured, and in what is imported.
    own_t_per_h : ndarray, shape (n_period,)
        Of its units less what is captured.
    cost_money : float
        What was minimised over the day, penalties included, without starts and stops.
    unit_mvar, storage_mvar, renewable_mvar : ndarray, shape (n_..., n_period)
        Reactive power fed in; 0 from a dispatch on one bus.
    """

    on: Array
    unit_mw: Array
    gross_mw: Array
    absorbed_tco2_per_h: Array
    regenerated_tco2_per_h: Array
    tank_tco2: Array
    charge_mw: Array
    discharge_mw: Array
    e_mwh: Array
    renewable_mw: Array
    import_mw: Array
    spill_mw: Array
    loss_mw: Array
    reserve_short_mw: Array
    price_per_mwh: Array
    emission_t_per_h: Array
    own_t_per_h: Array
    cost_money: float
    unit_mvar: Array
    storage_mvar: Array
    renewable_mvar: Array

    @property
    def supplied_mw(self) -> Array:
        """Everything that is fed in, storages among it, shape (n_period,)."""
        own = self.unit_mw.sum(axis=0) + self.renewable_mw.sum(axis=0)
        return np.asarray(own + self.discharge_mw.sum(axis=0) + self.import_mw)

    @property
    def factor_tco2_per_mwh(self) -> Array:
        """Emission over all that is supplied, shape (n_period,); 0 where nothing is (W.1)."""
        supplied = self.supplied_mw
        return share_of(self.emission_t_per_h, supplied)

    @property
    def green_share(self) -> Array:
        """Renewable power used over all that is supplied, shape (n_period,); 0 where nothing is (W.1)."""
        return green_share(self.renewable_mw, self.supplied_mw)

    def followed_by(self, later: BulkPlan, first: int) -> BulkPlan:
        """This plan up to a period, another one from it on; the cost is that of the other."""

        def joined(name: str) -> Array:
            return np.concatenate([vars(self)[name][..., :first], vars(later)[name][..., first:]], axis=-1)

        series = {one.name: joined(one.name) for one in fields(self) if one.name != "cost_money"}
        return BulkPlan(**series, cost_money=later.cost_money)
