"""Columns and rows of a day of a radial feeder in a linear programme, whatever the day brings."""

from __future__ import annotations

import numpy as np

from gridarium.agents.feeder.dispatch_problem import DispatchShape
from gridarium.environment.arrays import Array, Index
from gridarium.experiments.evidence.programs.linear_program import LinearProgram, Term


class FeederColumns:
    """What a feeder decides on in each step, its network and its storages; powers in MW and Mvar.

    - `buy`, `sell`, `q_grid`: what passes the head, shape (1, n_step)
    - `gas`, `q_gas`, `fuel`: turbines, and their quadratic cost, money/h, shape (n_turbine, n_step)
    - `green`, `q_green`: renewables, shape (n_renewable, n_step)
    - `charge`, `discharge`, `q_storage`, `energy`, `charging`: storages, MWh inside, and which way they go
    - `q_comp`: compensators
    - `v`, `l`, `p`, `q`: squared voltages, p.u., squared currents on a base of 1 MVA, and branch flows
    - `active`, `reactive`: rows of the balances, whose right sides are the loads, shape (n_bus, n_step)
    - `beyond`, `steps`: what is bought beyond the start of each step of a ladder, and rows whose right sides
      are these starts, shape (n_block, n_step) (D4 with D25)
    - `stored`: rows whose right sides are what is inside at first, shape (n_storage,)

    Parameters
    ----------
    shape : DispatchShape
        Ratings, places and limits; none of its problems.
    lp : LinearProgram
    n_block : int
        Steps of a ladder after its first one.
    """

    def __init__(self, shape: DispatchShape, lp: LinearProgram, n_block: int) -> None:
        self.shape, self.n, self.lp = shape, shape.n_period, lp
        self._declare()
        unbounded = np.full(self.n, np.inf)
        self.beyond = self.free(n_block, 0.0, shape.import_limit_mw)
        rows = [lp.rows(-unbounded, unbounded, (self.buy[0], 1.0), (one, -1.0)) for one in self.beyond]
        self.steps: Index = np.array(rows, dtype=np.int64).reshape(n_block, self.n)

    def free(self, n_row: int, low: float = -np.inf, high: float = np.inf) -> Index:
        """Columns of some units in all steps, shape (n_row, n_step)."""
        return self.lp.columns(np.full((n_row, self.n), low), np.full((n_row, self.n), high))

    def _declare(self) -> None:
        shape, n_bus = self.shape, self.shape.feeder.n_bus
        n_unit, n_plant, n_storage = len(shape.turbines), len(shape.renewables), len(shape.storages)
        low, high = shape.voltage_band_pu
        self.buy, self.sell, self.q_grid = self.free(1, 0.0), self.free(1, 0.0), self.free(1)
        self.gas, self.q_gas, self.fuel = self.free(n_unit), self.free(n_unit), self.free(n_unit, 0.0)
        self.green, self.q_green = self.free(n_plant, 0.0), self.free(n_plant)
        self.charge, self.discharge = self.free(n_storage, 0.0), self.free(n_storage, 0.0)
        self.q_storage, self.energy = self.free(n_storage), self.free(n_storage)
        self.charging = self.free(n_storage, 0.0, 1.0)
        self.q_comp = self.free(len(shape.compensators))
        self.v, self.l = self.free(n_bus, low**2, high**2), self.free(n_bus - 1, 0.0)
        self.p, self.q = self.free(n_bus - 1), self.free(n_bus - 1)
        self._limit_currents()
        self._declare_drops()
        self.active, self.reactive = self._balances(True), self._balances(False)
        self._declare_units()
        self.stored = self._declare_storages()

    def _limit_currents(self) -> None:
        feeder = self.shape.feeder
        most = (self.shape.loading_max * feeder.i_max_pu * feeder.base_mva) ** 2
        self.lp.bound(self.l, np.zeros_like(self.l), np.where(np.isnan(most), np.inf, most)[:, None])

    def _declare_drops(self) -> None:
        """A14: v_j = v_i / k^2 - 2 (r P + x Q) + (r^2 + x^2) l, in MW and currents on 1 MVA."""
        feeder, zero = self.shape.feeder, np.zeros(self.n)
        for b, (r, x) in enumerate(self.impedances):
            self.lp.rows(
                zero, zero,
                (self.v[b + 1], 1.0),
                (self.v[feeder.parent[b]], -1.0 / feeder.ratio[b] ** 2),
                (self.p[b], 2.0 * r),
                (self.q[b], 2.0 * x),
                (self.l[b], -(r**2 + x**2)),
            )  # fmt: skip

    @property
    def impedances(self) -> Array:
        """Resistance and reactance of the branches on a base of 1 MVA, p.u., shape (n_branch, 2)."""
        feeder = self.shape.feeder
        return np.column_stack([feeder.r_pu, feeder.x_pu]) / feeder.base_mva

    def _balances(self, active: bool) -> Index:
        """A13 at every bus: what comes in and is fed in, less losses and shunts, goes on or is drawn."""
        shape, feeder = self.shape, self.shape.feeder
        flow, places = (self.p if active else self.q), dict(shape.sites)
        found = []
        for bus in range(feeder.n_bus):
            shunt = -feeder.g_bus_pu[bus] if active else feeder.b_bus_pu[bus]
            terms: list[Term] = [(self.v[bus], shunt * feeder.base_mva)]
            if bus:
                terms += [
                    (flow[bus - 1], 1.0),
                    (self.l[bus - 1], -self.impedances[bus - 1, 0 if active else 1]),
                ]
            elif active:
                terms += [(self.buy[0], 1.0), (self.sell[0], -1.0)]
            else:
                terms.append((self.q_grid[0], 1.0))
            terms += [(flow[b], -1.0) for b, parent in enumerate(feeder.parent) if parent == bus]
            fed = self._fed_in(active)
            terms += [(columns, sign) for name, columns, sign in fed if places[name] == bus]
            found.append(self.lp.rows(np.zeros(self.n), np.zeros(self.n), *terms))
        return np.array(found)

    def _fed_in(self, active: bool) -> list[tuple[str, Index, float]]:
        """Each unit with its columns of power, and whether that is fed in or drawn."""
        shape = self.shape
        found = [
            (one.name, (self.gas if active else self.q_gas)[k], 1.0) for k, one in enumerate(shape.turbines)
        ]
        found += [
            (one.name, (self.green if active else self.q_green)[k], 1.0)
            for k, one in enumerate(shape.renewables)
        ]
        for k, one in enumerate(shape.storages):
            if active:
                found += [(one.name, self.discharge[k], 1.0), (one.name, self.charge[k], -1.0)]
            else:
                found.append((one.name, self.q_storage[k], 1.0))
        if not active:
            found += [(one.name, self.q_comp[k], 1.0) for k, one in enumerate(shape.compensators)]
        return found

    def _declare_units(self) -> None:
        """A19, and Q = k P of plants whose power factor is fixed."""
        for k, svc in enumerate(self.shape.compensators):
            self.lp.bound(self.q_comp[k], np.array(svc.q_min_mvar), np.array(svc.q_max_mvar))
        zero = np.zeros(self.n)
        for k, plant in enumerate(self.shape.renewables):
            if plant.mvar_per_mw is not None:
                self.lp.rows(zero, zero, (self.q_green[k], 1.0), (self.green[k], -plant.mvar_per_mw))

    def _declare_storages(self) -> Index:
        """A20; the first rows of energy, by storage."""
        hours, first = self.shape.period_h, []
        for k, unit in enumerate(self.shape.storages):
            into, out = unit.efficiency_charge * hours, hours / unit.efficiency_discharge
            zero, unbounded = np.zeros(self.n), np.full(self.n, np.inf)
            self.lp.rows(-unbounded, zero, (self.charge[k], 1.0), (self.charging[k], -unit.p_max_mw))
            most = np.full(self.n, unit.p_max_mw)
            self.lp.rows(-unbounded, most, (self.discharge[k], 1.0), (self.charging[k], unit.p_max_mw))
            own = self.energy[k], self.charge[k], self.discharge[k]
            begin, rest = slice(0, 1), slice(1, None)
            factors = 1.0, -into, out
            terms = [(columns[begin], factor) for columns, factor in zip(own, factors, strict=True)]
            first.append(self.lp.rows(zero[begin], zero[begin], *terms))
            terms = [(columns[rest], factor) for columns, factor in zip(own, factors, strict=True)]
            self.lp.rows(zero[rest], zero[rest], *terms, (self.energy[k, :-1], -1.0))
        return np.array(first, dtype=np.int64).reshape(-1)
