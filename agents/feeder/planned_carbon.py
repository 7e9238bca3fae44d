"""The carbon of a dispatch at each bus, traced from its sources and through storages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gridarium.agents.feeder.dispatch import Dispatch
from gridarium.agents.feeder.dispatch_problem import DispatchShape
from gridarium.agents.feeder.own_storages import OwnStorages
from gridarium.environment.arrays import Array
from gridarium.environment.attribute_tank import AttributeTank
from gridarium.environment.carbon_flow import carbon_flow
from gridarium.environment.storage import StorageRatings


@dataclass(frozen=True)
class PlannedStorages:
    """What storages will do.

    Parameters
    ----------
    units : tuple of StorageRatings
    buses : tuple of int
        Bus index of each.
    net_mw : ndarray, shape (n_storage, n_period)
        What they draw; negative where they feed back.
    initial_mwh : ndarray, shape (n_storage,)
    """

    units: tuple[StorageRatings, ...]
    buses: tuple[int, ...]
    net_mw: Array
    initial_mwh: Array

    @classmethod
    def of(cls, shape: DispatchShape, dispatch: Dispatch, initial_mwh: Array) -> PlannedStorages:
        """Those of a dispatch."""
        at = dict(shape.sites)
        buses = tuple(at[unit.name] for unit in shape.storages)
        return cls(shape.storages, buses, dispatch.charge_mw - dispatch.discharge_mw, initial_mwh)

    def with_own(self, own: OwnStorages, net_mw: Array, initial_mwh: Array) -> PlannedStorages:
        """With what storages draw by schedules of their owners; the dispatch leaves these at rest."""
        rows = {unit.name: row for row, unit in enumerate(self.units)}
        known = [row for row, unit in enumerate(own.units) if unit.name in rows]
        fresh = [row for row, unit in enumerate(own.units) if unit.name not in rows]
        net = self.net_mw.copy()
        net[[rows[own.units[row].name] for row in known]] += net_mw[known]
        return PlannedStorages(
            (*self.units, *(own.units[row] for row in fresh)),
            (*self.buses, *(own.sites[row][1] for row in fresh)),
            np.concatenate([net, net_mw[fresh]]),
            np.concatenate([self.initial_mwh, initial_mwh[fresh]]),
        )


class PlannedCarbon:
    """Carbon that a dispatch brings to the buses; traced once somebody asks.

    - `intensity_tco2_per_mwh`: of the power that arrives at each bus, shape (n_bus, n_period)
    - `left_tco2`: carbon in each storage at the end, shape (n_storage,)
    - `load_mw`: of the followers, shape (n_bus, n_period)

    Parameters
    ----------
    shape : DispatchShape
    dispatch : Dispatch
    load_mw : ndarray, shape (n_bus, n_period)
        What followers draw.
    grid_factor_tco2_per_mwh : ndarray, shape (n_period,)
        Of what is bought.
    storages : PlannedStorages
    before : PlannedCarbon, optional
        Of the day before; storages begin without any carbon where there was none.

    Notes
    -----
    Equation A1. What is charged carries the intensity of its bus and hour, what is discharged the mean of the
    content: the rule by which storages account for their energy themselves.
    """

    def __init__(
        self,
        shape: DispatchShape,
        dispatch: Dispatch,
        load_mw: Array,
        grid_factor_tco2_per_mwh: Array,
        storages: PlannedStorages,
        before: PlannedCarbon | None = None,
    ) -> None:
        self.load_mw = load_mw
        self._shape, self._dispatch, self._storages, self._before = shape, dispatch, storages, before
        self._grid_factor = grid_factor_tco2_per_mwh

    @property
    def intensity_tco2_per_mwh(self) -> Array:
        """Carbon intensity at each bus, shape (n_bus, n_period); 0 where no power arrives."""
        return self._traced[0]

    @property
    def left_tco2(self) -> Array:
        """Carbon in each storage at the end of the day, shape (n_storage,)."""
        return self._traced[1]

    @cached_property
    def _traced(self) -> tuple[Array, Array]:
        first = np.zeros(len(self._storages.units)) if self._before is None else self._before.left_tco2
        tanks = [
            AttributeTank(f"{unit.name} plan", float(energy), float(carbon), "proportional")
            for unit, energy, carbon in zip(
                self._storages.units, self._storages.initial_mwh, first, strict=True
            )
        ]
        power, carbon = self._generation()
        p_from, p_to = self._flows(power)
        periods = [
            self._trace(t, power[:, t], carbon[:, t], p_from[:, t], p_to[:, t], tanks)
            for t in range(power.shape[1])
        ]
        return np.array(periods).T, np.array([tank.attribute for tank in tanks])

    def _generation(self) -> tuple[Array, Array]:
        """Power, MW, and carbon, tCO2/h, of all but storages, shape (n_bus, n_period) each.

        Loads that feed in are sources without carbon.
        """
        shape, dispatch, bus = self._shape, self._dispatch, dict(self._shape.sites)
        power = np.maximum(-self.load_mw, 0.0)
        carbon = np.zeros_like(power)
        power[0] += dispatch.buy_mw
        carbon[0] += dispatch.buy_mw * self._grid_factor
        for unit, output in zip(shape.turbines, dispatch.turbine_mw, strict=True):
            power[bus[unit.name]] += output
            carbon[bus[unit.name]] += output * unit.emission_tco2_per_mwh
        for plant, output in zip(shape.renewables, dispatch.renewable_mw, strict=True):
            power[bus[plant.name]] += output
        return power, carbon

    def _flows(self, generation_mw: Array) -> tuple[Array, Array]:
        """Power into and out of each branch, MW, shape (n_branch, n_period) each.

        From the leaves on, each branch brings what its bus and the branches beyond it take (A13).
        """
        feeder, dispatch = self._shape.feeder, self._dispatch
        shunt = feeder.g_bus_pu[:, None] * feeder.base_mva * dispatch.voltage_pu**2
        taken = np.maximum(self.load_mw, 0.0) + shunt - generation_mw
        for bus, net in zip(self._storages.buses, self._storages.net_mw, strict=True):
            taken[bus] += net
        lost = feeder.r_pu[:, None] * feeder.base_mva * dispatch.current_pu**2
        p_from = np.zeros_like(lost)
        for branch in range(feeder.n_branch - 1, -1, -1):
            p_from[branch] = taken[branch + 1] + lost[branch]
            taken[feeder.parent[branch]] += p_from[branch]
        return p_from, p_from - lost

    def _trace(
        self,
        period: int,
        power_mw: Array,
        carbon_t_per_h: Array,
        p_from_mw: Array,
        p_to_mw: Array,
        tanks: Sequence[AttributeTank],
    ) -> Array:
        """Intensity at the buses in a period, shape (n_bus,); moves what is in the tanks."""
        feeder, hours, storages = self._shape.feeder, self._shape.period_h, self._storages
        power, carbon = power_mw.copy(), carbon_t_per_h.copy()
        charge = np.maximum(0.0, storages.net_mw[:, period])
        discharge = np.maximum(0.0, -storages.net_mw[:, period])
        out_mwh = [
            mw * hours / unit.efficiency_discharge for mw, unit in zip(discharge, storages.units, strict=True)
        ]
        for bus, mw, energy, tank in zip(storages.buses, discharge, out_mwh, tanks, strict=True):
            power[bus] += mw
            carbon[bus] += tank.intensity * energy / hours if tank.energy_mwh > 0.0 else 0.0
        traced = carbon_flow(
            feeder.parent,
            np.arange(1, feeder.n_bus),
            p_from_mw[None],
            p_to_mw[None],
            power[None],
            carbon[None],
        )
        intensity: Array = traced.intensity_tco2_per_mwh[0]
        for row, tank in enumerate(tanks):
            taken_mwh = float(charge[row]) * hours
            into_mwh = taken_mwh * storages.units[row].efficiency_charge
            brought_tco2 = float(intensity[storages.buses[row]]) * taken_mwh
            tank.step(into_mwh, float(out_mwh[row]), brought_tco2, period=period)
        return intensity
