"""What an operator has planned for a day, in the terms of the scenario, for a reference of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gridarium.environment.arrays import Array, Flags
from gridarium.environment.network import Feeder


@dataclass(frozen=True)
class Ramps:
    """How fast the gross power of a unit may change, and from where (E28).

    Parameters
    ----------
    rise_mw, fall_mw : ndarray, shape (n_period,)
        Most from the period before, MW.
    first_mw : float
    reserve_mw : float
        Most that it can give, or take back, within a period.
    """

    rise_mw: Array
    fall_mw: Array
    first_mw: float
    reserve_mw: float

    @classmethod
    def of(cls, unit: UnitNumbers, on: Flags, was_on: bool, first_mw: float, hours: float) -> Ramps:
        """Limits of a unit that runs when it does; starts and stops reach its least output at once.

        Where it strayed, or must stop sooner than it can come down, limits are as wide as that takes.
        """
        ran = np.concatenate([[was_on], on[:-1]])
        moved = unit.ramp_mw_per_h * hours
        at_once = min(unit.p_max_mw, max(unit.p_min_mw, moved))
        rise, fall = np.where(ran, moved, np.where(on, at_once, 0.0)), np.where(on, moved, at_once)
        lowest = first_mw
        if on[0]:
            rise[0] = max(rise[0], unit.p_min_mw - first_mw)
            fall[0] = max(fall[0], first_mw - unit.p_max_mw)
        for place, runs in enumerate(on):
            if not runs:
                fall[place] = max(fall[place], lowest)
            lowest = max(unit.p_min_mw, lowest - fall[place]) if runs else 0.0
        return cls(rise, fall, first_mw, moved)


@dataclass(frozen=True)
class UnitNumbers:
    """Ratings of a unit that burns something, as the scenario states them.

    Parameters
    ----------
    p_min_mw, p_max_mw, s_max_mva, ramp_mw_per_h : float
    cost : tuple of float
        a, b, c of the hourly cost ``a P**2 + b P + c``; b may be a series.
    emission_tco2_per_mwh : float
    """

    p_min_mw: float
    p_max_mw: float
    s_max_mva: float
    cost: tuple[float, Array | float, float]
    emission_tco2_per_mwh: float
    ramp_mw_per_h: float = np.inf


@dataclass(frozen=True)
class PlannedCapture:
    """A capture plant behind a unit (E1 to E4).

    Parameters
    ----------
    efficiency, energy_mwh_per_tco2, fixed_mw, tank_tco2 : float
    first_tco2, end_tco2 : float
        What the tank holds at first, and shall hold at the end.
    absorbed_tco2_per_h, driven_tco2_per_h : ndarray, shape (n_period,)
    """

    efficiency: float
    energy_mwh_per_tco2: float
    fixed_mw: float
    tank_tco2: float
    first_tco2: float
    end_tco2: float
    absorbed_tco2_per_h: Array
    driven_tco2_per_h: Array


@dataclass(frozen=True)
class PlannedUnit:
    """A unit with its commitment and its power.

    Parameters
    ----------
    unit : UnitNumbers
    bus : int
    on : ndarray of bool, shape (n_period,)
    p_mw, q_mvar : ndarray, shape (n_period,)
        Of active power the gross one.
    ramps : Ramps, optional
    capture : PlannedCapture, optional
    """

    unit: UnitNumbers
    bus: int
    on: Flags
    p_mw: Array
    q_mvar: Array
    ramps: Ramps | None = None
    capture: PlannedCapture | None = None

    @property
    def net_mw(self) -> Array:
        """What is left of its power behind the capture plant."""
        if self.capture is None:
            return self.p_mw
        spent = self.capture.energy_mwh_per_tco2 * self.capture.driven_tco2_per_h
        return np.asarray(self.p_mw - spent - self.capture.fixed_mw * self.on)


@dataclass(frozen=True)
class PlannedPlant:
    """A renewable plant; powers of shape (n_period,).

    Parameters
    ----------
    bus : int
    available_mw, p_mw, q_mvar : ndarray, shape (n_period,)
    s_max_mva : float
    mvar_per_mw : float, optional
    """

    bus: int
    available_mw: Array
    p_mw: Array
    q_mvar: Array
    s_max_mva: float
    mvar_per_mw: float | None


@dataclass(frozen=True)
class PlannedStore:
    """A storage that ends as full as it began, or shall end so at a price; powers of shape (n_period,).

    Parameters
    ----------
    bus : int
    p_max_mw, s_max_mva : float
    band_mwh, efficiencies : tuple of float
    first_mwh : float
    wear_per_mwh : float
        Of what it discharges.
    charge_mw, discharge_mw, q_mvar : ndarray, shape (n_period,)
    end_mwh : float, optional
        What shall be inside at the end, where each MWh that is missing, or too much, has a price.
    """

    bus: int
    p_max_mw: float
    s_max_mva: float
    band_mwh: tuple[float, float]
    efficiencies: tuple[float, float]
    first_mwh: float
    wear_per_mwh: float
    charge_mw: Array
    discharge_mw: Array
    q_mvar: Array
    end_mwh: float | None = None

    @property
    def level_mwh(self) -> Array:
        """What is inside at the end of each period, over the length of a period, shape (n_period,)."""
        into, out = self.efficiencies
        return np.cumsum(into * self.charge_mw - self.discharge_mw / out)


@dataclass(frozen=True)
class PlannedHead:
    """What passes the head, and what that costs.

    Parameters
    ----------
    buy_per_mwh, sell_per_mwh, most_in_mw, most_out_mw : ndarray, shape (n_period,)
    carbon_lines : sequence of (ndarray, ndarray)
        Slopes, money/MWh, and values at nothing bought, money/h, of the lines of which the highest is what a
        ladder asks for the carbon of what is bought.
    target_mw : ndarray, shape (n_period,), optional
        Towards which a supplier pulls the net exchange.
    pull_per_mw2h : float
    """

    buy_per_mwh: Array
    sell_per_mwh: Array
    most_in_mw: Array
    most_out_mw: Array
    carbon_lines: Sequence[tuple[Array, Array]] = ()
    target_mw: Array | None = None
    pull_per_mw2h: float = 0.0


@dataclass(frozen=True)
class SystemRules:
    """What a bulk system has to hold and to pay beyond its dispatch (D4, D6, D10).

    Parameters
    ----------
    reserve_load_share : float
    reserve_fixed_mw : ndarray, shape (n_period,)
        Reserve that does not follow the load.
    shortage_per_mwh : float
    carbon_lines : sequence of (float, float)
        Slopes, money/tCO2, and values at no emission, money, of the lines of which the highest is what the
        emission of a day costs.
    most_tco2 : float
        That quota and purchases allow; what is beyond it costs `beyond_per_tco2`.
    beyond_per_tco2 : float
    missed_per_mwh, missed_per_tco2 : float
        Of what storages and tanks miss of what they shall end with.
    emitted_tco2 : float
        Since the day began.
    uneven_per_t2 : float
        Weight of the squares of capture flows, halved.
    """

    reserve_load_share: float
    reserve_fixed_mw: Array
    shortage_per_mwh: float
    carbon_lines: Sequence[tuple[float, float]]
    most_tco2: float
    beyond_per_tco2: float
    missed_per_mwh: float
    missed_per_tco2: float
    emitted_tco2: float = 0.0
    uneven_per_t2: float = 0.0


@dataclass(frozen=True)
class PlannedDay:
    """A planned day of an operator; loads of shape (n_bus, n_period).

    Parameters
    ----------
    name : str
        Whose it is, for errors.
    feeder : Feeder
    hours : float
        Length of a period.
    band_pu : tuple of float
    loading_max : float
    head_vm_pu : ndarray, shape (n_period,)
    load_mw, load_mvar : ndarray, shape (n_bus, n_period)
    head : PlannedHead
    loss_per_mwh : float
        Small price on losses.
    load_worth_per_h : ndarray, shape (n_period,)
        What all load together is worth at the nodal prices that the plan came with, money/h.
    reactive_worth : bool
        Whether that counts reactive power of loads, too.
    units, plants, stores : sequence
    compensators : sequence of (int, float, float, ndarray)
        Bus, least and most reactive power, and what is planned of it.
    rules : SystemRules, optional
    told_cost_money, told_bound_money : float
        What the operator says that the plan costs, and any would cost at least.
    told_net_mw : ndarray, shape (n_period,)
        What it says that passes the head.
    told_vm_pu : ndarray, shape (n_bus, n_period), optional
    """

    name: str
    feeder: Feeder
    hours: float
    band_pu: tuple[float, float]
    loading_max: float
    head_vm_pu: Array
    load_mw: Array
    load_mvar: Array
    head: PlannedHead
    loss_per_mwh: float
    load_worth_per_h: Array
    reactive_worth: bool
    units: Sequence[PlannedUnit]
    plants: Sequence[PlannedPlant]
    stores: Sequence[PlannedStore]
    compensators: Sequence[tuple[int, float, float, Array]]
    rules: SystemRules | None
    told_cost_money: float
    told_bound_money: float
    told_net_mw: Array
    told_vm_pu: Array | None

    @property
    def n_period(self) -> int:
        """Number of periods."""
        return int(self.load_mw.shape[1])

    @property
    def worth_money(self) -> float:
        """What all load is worth at the margin."""
        return self.hours * float(np.abs(self.load_worth_per_h).sum())

    @property
    def told_gap_money(self) -> float:
        """What the operator itself leaves open; nothing where it tells no bound."""
        gap = self.told_cost_money - self.told_bound_money
        return gap if np.isfinite(gap) else 0.0

    @property
    def fed(self) -> tuple[Array, Array]:
        """Active and reactive power fed in at each bus less loads, shape (n_bus, n_period) each."""
        p, q = -self.load_mw, -self.load_mvar
        p, q = p.copy(), q.copy()
        for unit in self.units:
            p[unit.bus] += unit.net_mw
            q[unit.bus] += unit.q_mvar
        for plant in self.plants:
            p[plant.bus] += plant.p_mw
            q[plant.bus] += plant.q_mvar
        for store in self.stores:
            p[store.bus] += store.discharge_mw - store.charge_mw
            q[store.bus] += store.q_mvar
        for bus, _, _, given in self.compensators:
            q[bus] += given
        return p, q
