"""Carbon of a plan of the day ahead at each bus, by AC power flow and dense proportional sharing (A1)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from gridarium.agents.feeder.accounts import DayAhead
from gridarium.agents.feeder.dso import Dso
from gridarium.agents.feeder.dso_day import DsoDay
from gridarium.environment.arrays import Array
from gridarium.environment.grids import Grid
from gridarium.environment.storage import StorageRatings

_NOTHING = 1e-6
"""Share of all power that is made, below which nothing arrives at a bus."""


@dataclass
class _Store:
    """A storage of a plan: where it stands, what it draws and gives, MW, and what is in it meanwhile."""

    unit: StorageRatings
    bus: int
    charge_mw: Array
    discharge_mw: Array
    energy_mwh: float
    carbon_tco2: float

    def give(self, t: int, hours: float) -> float:
        """Give power in a period; the carbon that leaves with it, tCO2, is the share of its energy."""
        out = self.discharge_mw[t] * hours / self.unit.efficiency_discharge
        released = self.carbon_tco2 * out / self.energy_mwh if self.energy_mwh > 0.0 else 0.0
        self.carbon_tco2 -= released
        self.energy_mwh -= out
        return float(released)

    def take(self, t: int, hours: float, intensity_tco2_per_mwh: float) -> None:
        """Take power in a period, with the carbon that it brings."""
        charged = self.charge_mw[t] * hours
        self.carbon_tco2 += charged * intensity_tco2_per_mwh
        self.energy_mwh += charged * self.unit.efficiency_charge


class TracedPlan:
    """Carbon of a plan, traced without the code that plans.

    Parameters
    ----------
    grid : Grid
    dso : Dso
        Whose plan it is.
    day : DsoDay
    plan : DayAhead
    load_mw, load_mvar : ndarray, shape (n_bus, n_step)
        What followers draw, storages left out.
    """

    def __init__(
        self, grid: Grid, dso: Dso, day: DsoDay, plan: DayAhead, load_mw: Array, load_mvar: Array
    ) -> None:
        shape, done, places = dso.shape, plan.dispatch, dict(dso.shape.sites)
        self._feeder, self._hours = shape.feeder, dso.horizon.step_h
        self._stores = list(_stores(dso, day, plan))
        net, q = -load_mw, -load_mvar
        self._made, self._carbon = np.zeros_like(net), np.zeros_like(net)
        kinds: Sequence[tuple[Sequence[object], Array, Array]] = (
            (shape.turbines, done.turbine_mw, done.turbine_mvar),
            (shape.renewables, done.renewable_mw, done.renewable_mvar),
        )
        for units, active, reactive in kinds:
            for unit, p_mw, q_mvar in zip(units, active, reactive, strict=True):
                at = places[unit.name]  # type: ignore[attr-defined]
                self._made[at] += p_mw
                self._carbon[at] += p_mw * getattr(unit, "emission_tco2_per_mwh", 0.0)
                q[at] += q_mvar
        net += self._made
        for store in self._stores:
            net[store.bus] += store.discharge_mw - store.charge_mw
        for unit, q_mvar in zip(shape.storages, done.storage_mvar, strict=True):
            q[places[unit.name]] += q_mvar
        for unit, q_mvar in zip(shape.compensators, done.compensator_mvar, strict=True):
            q[places[unit.name]] += q_mvar
        self._flow = grid.power_flow.solve(net.T, q.T, done.voltage_pu[0])
        bought = np.maximum(0.0, self._flow.p_slack_mw)
        self._made += np.maximum(-load_mw, 0.0)
        self._made[0] += bought
        self._carbon[0] += bought * plan.situation.conditions.grid_factor_tco2_per_mwh

    def intensity_tco2_per_mwh(self) -> Array:
        """At each bus, shape (n_bus, n_step); 0 where no power arrives. To be asked for once."""
        found = []
        for t in range(self._made.shape[1]):
            made, carbon = self._made[:, t].copy(), self._carbon[:, t].copy()
            for store in self._stores:
                made[store.bus] += store.discharge_mw[t]
                carbon[store.bus] += store.give(t, self._hours) / self._hours
            intensity = self._shared(t, made, carbon)
            for store in self._stores:
                store.take(t, self._hours, float(intensity[store.bus]))
            found.append(intensity)
        return np.array(found).T

    def _shared(self, t: int, made_mw: Array, carbon_t_per_h: Array) -> Array:
        """(P_N - P_B^T) e_N = P_G^T e_G in one step, shape (n_bus,).

        P_N counts what arrives, P_B what is sent: the carbon of losses goes on with what is left.
        """
        feeder, flow = self._feeder, self._flow
        sent, flux = np.zeros((feeder.n_bus, feeder.n_bus)), made_mw.copy()
        for branch, parent in enumerate(feeder.parent):
            into, out = flow.p_from_mw[t, branch], flow.p_to_mw[t, branch]
            if into + out >= 0.0:
                sent[parent, branch + 1] = into
                flux[branch + 1] += out
            else:
                sent[branch + 1, parent] = -out
                flux[parent] -= into
        alive = flux > _NOTHING * made_mw.sum()
        intensity = np.zeros(feeder.n_bus)
        matrix = np.diag(flux) - sent.T
        intensity[alive] = np.linalg.solve(matrix[np.ix_(alive, alive)], carbon_t_per_h[alive])
        return intensity


def _stores(dso: Dso, day: DsoDay, plan: DayAhead) -> Iterator[_Store]:
    """Storages that the dispatch commands, then others whose owners schedule them."""
    shape, done, places = dso.shape, plan.dispatch, dict(dso.shape.sites)
    own = {unit.name: row for row, unit in enumerate(day.own.units)}
    before = day.outlook.carbon_before
    left = iter(np.zeros(len(shape.storages) + len(own)) if before is None else before.left_tco2)
    energies = dict(zip((unit.name for unit in shape.storages), day.initial_mwh.values(), strict=True))
    energies |= dict(zip(own, day.own_initial_mwh, strict=True))
    for row, unit in enumerate(shape.storages):
        net = done.charge_mw[row] - done.discharge_mw[row]
        if unit.name in own:
            net = net + day.own_mw[own[unit.name]]
        yield _store(unit, places[unit.name], net, energies[unit.name], next(left))
    commanded = {unit.name for unit in shape.storages}
    for name, row in own.items():
        if name not in commanded:
            yield _store(
                day.own.units[row], day.own.sites[row][1], day.own_mw[row], energies[name], next(left)
            )


def _store(unit: StorageRatings, bus: int, net_mw: Array, energy_mwh: float, carbon_tco2: float) -> _Store:
    charge, discharge = np.maximum(0.0, net_mw), np.maximum(0.0, -net_mw)
    return _Store(unit, bus, charge, discharge, float(energy_mwh), float(carbon_tco2))
