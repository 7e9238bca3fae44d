"""Whether a feeder can be supplied at all: a search on AC power flow, which shares nothing with dispatch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import sparse
from scipy.optimize import linprog

from gridarium.agents.feeder.dispatch_problem import DispatchShape
from gridarium.environment.arrays import Array
from gridarium.environment.errors import PowerFlowError
from gridarium.environment.power_flow import AcPowerFlow

FEASIBLE_PU = 1e-5
"""Violation of a limit that counts as kept, p.u. of voltage or on a base of 1 MVA."""
ROUNDS = 25
FIRST_REACH_MVA = 0.5
LEAST_REACH_MVA = 1e-3
_PROBE_MVA = 1e-4
_SIDES = 32
"""Of the polygon within the circle of a rating."""


@dataclass(frozen=True)
class Demand:
    """What is to be supplied, and with what.

    Parameters
    ----------
    shape : DispatchShape
        Feeder, units and limits as data; its model is not used.
    load_p_mw, load_q_mvar : ndarray, shape (n_bus, n_period)
    available_mw : ndarray, shape (n_renewable, n_period)
    """

    shape: DispatchShape
    load_p_mw: Array
    load_q_mvar: Array
    available_mw: Array


class _Control(NamedTuple):
    """One power that can be set in each period: active or reactive, into the bus (1) or out of it (-1)."""

    unit: str
    bus: int
    active: bool
    sign: float
    low: Array
    high: Array


class _Limited(NamedTuple):
    """Limited quantities of a schedule, shape (n_period, n_quantity), and limits, shape (n_quantity,)."""

    value: Array
    low: Array
    high: Array

    @property
    def excess(self) -> Array:
        """Largest violation in each period."""
        beyond = np.maximum(self.value - self.high, self.low - self.value)
        return np.asarray(np.maximum(0.0, beyond).max(axis=1))


class FeasibilitySearch:
    """Looks for schedules of all units that keep every limit of AC power flow, and the storages' energy.

    What it sets are the active and reactive powers of all units in all periods. In each round the limits of
    the grid are made linear by probes of the power flow, and a linear programme moves all powers within a
    trust region so that the limits are exceeded least. Limits of units are linear, and kept all the time.

    Parameters
    ----------
    demand : Demand
    """

    def __init__(self, demand: Demand) -> None:
        self._demand, self._shape = demand, demand.shape
        self._flow = AcPowerFlow(demand.shape.feeder)
        self._n_period = demand.load_p_mw.shape[1]
        self._controls = tuple(self._all_controls())
        self._low = np.array([one.low for one in self._controls]).reshape(-1, self._n_period)
        self._high = np.array([one.high for one in self._controls]).reshape(-1, self._n_period)
        self._own_rows, self._own_sides = self._unit_limits()

    def least_excess(self) -> float:
        """Smallest violation found, p.u.; up to `FEASIBLE_PU` the feeder can be supplied."""
        best = np.inf
        for share in (0.0, 1.0, 0.5):
            best = min(best, self._improved(share * self._supplying()))
            if best <= FEASIBLE_PU:
                break
        return float(best)

    def _all_controls(self) -> Iterator[_Control]:
        shape, buses, hours = self._shape, dict(self._shape.sites), np.ones(self._n_period)
        given = {unit.name: unit.p_max_mw * hours for unit in shape.turbines}
        names = [unit.name for unit in shape.renewables]
        given |= dict(zip(names, self._demand.available_mw, strict=True))
        for name, most in given.items():
            yield _Control(name, buses[name], True, 1.0, 0.0 * hours, most)
        for storage in shape.storages:
            for sign in (1.0, -1.0):
                most = storage.p_max_mw * hours
                yield _Control(storage.name, buses[storage.name], True, sign, 0.0 * hours, most)
        for name, s_max_mva in self._ratings_mva().items():
            yield _Control(name, buses[name], False, 1.0, -s_max_mva * hours, s_max_mva * hours)

    def _ratings_mva(self) -> dict[str, float]:
        """Apparent power of every unit."""
        shape = self._shape
        ratings = {unit.name: unit.s_max_mva for unit in shape.turbines}
        ratings |= {unit.name: unit.s_max_mva for unit in shape.renewables}
        return ratings | {unit.name: unit.s_max_mva for unit in shape.storages}

    def _supplying(self) -> Array:
        """All that turbines and renewables have, storages idle."""
        idle = {storage.name for storage in self._shape.storages}
        gives = np.array([one.active and one.unit not in idle for one in self._controls], dtype=float)
        return np.asarray(gives[:, None] * self._high)

    # Limits of units, on all powers of all periods: period by period, control by control.

    def _unit_limits(self) -> tuple[sparse.csr_array, Array]:
        """Ratings and energy as ``rows @ powers <= sides``."""
        shape, rows, sides = self._shape, [], []
        angles = 2.0 * np.pi * (np.arange(_SIDES) + 0.5) / _SIDES
        for name, s_max_mva in self._ratings_mva().items():
            own = np.array([[one.unit == name for one in self._controls]], dtype=float)
            signs = own * [one.sign for one in self._controls]
            active = np.array([one.active for one in self._controls])
            side = np.cos(angles)[:, None] * (signs * active) + np.sin(angles)[:, None] * (signs * ~active)
            rows.append(sparse.kron(sparse.eye_array(self._n_period), side))
            sides.append(np.full(_SIDES * self._n_period, s_max_mva * np.cos(np.pi / _SIDES)))
        for storage in shape.storages:
            low, high = storage.band_mwh
            first = storage.soc_initial * storage.e_max_mwh
            into, out = storage.efficiencies
            gain = np.array(
                [
                    0.0
                    if one.unit != storage.name or not one.active
                    else into
                    if one.sign < 0
                    else -1.0 / out
                    for one in self._controls
                ]
            )
            stored = sparse.kron(np.tril(np.ones((self._n_period, self._n_period))), gain[None, :])
            stored = stored * shape.period_h
            end = np.where(np.arange(self._n_period) == self._n_period - 1, first, np.nan)
            rows += [stored, -stored]
            sides += [np.where(np.isnan(end), high, end) - first, first - np.where(np.isnan(end), low, end)]
        n_power = len(self._controls) * self._n_period
        if not rows:
            return sparse.csr_array((0, n_power)), np.zeros(0)
        return sparse.csr_array(sparse.vstack(rows)), np.concatenate(sides)

    # The search.

    def _improved(self, power: Array) -> float:
        """Smallest violation on the way from a schedule, powers of shape (n_control, n_period)."""
        now, reach = self._limited(power), FIRST_REACH_MVA
        if now is None:
            return float("inf")
        for _ in range(ROUNDS):
            if now.excess.max() <= FEASIBLE_PU or reach < LEAST_REACH_MVA:
                break
            moved = self._moved(power, now, reach)
            then = None if moved is None else self._limited(moved)
            if moved is not None and then is not None and then.excess.sum() < now.excess.sum():
                power, now, reach = moved, then, 1.5 * reach
            else:
                reach *= 0.3
        return float(now.excess.max())

    def _limited(self, power: Array) -> _Limited | None:
        """Voltages, rated currents and exchange of a schedule; None where power flow has no solution."""
        shape, demand = self._shape, self._demand
        p, q = -demand.load_p_mw.T.copy(), -demand.load_q_mvar.T.copy()
        for control, value in zip(self._controls, power, strict=True):
            (p if control.active else q)[:, control.bus] += control.sign * value
        try:
            flow = self._flow.solve(p, q)
        except PowerFlowError:
            return None
        ratings = shape.loading_max * shape.feeder.i_max_pu * shape.feeder.base_mva
        rated = np.isfinite(ratings)
        (low, high), n_bus = shape.voltage_band_pu, shape.feeder.n_bus
        current = flow.i_pu[:, rated] * shape.feeder.base_mva
        return _Limited(
            np.column_stack([flow.vm_pu, current, flow.p_slack_mw]),
            np.concatenate([np.full(n_bus, low), np.zeros(rated.sum()), [-shape.export_limit_mw]]),
            np.concatenate([np.full(n_bus, high), ratings[rated], [shape.import_limit_mw]]),
        )

    def _moved(self, power: Array, now: _Limited, reach: float) -> Array | None:
        """The schedule within reach that exceeds the linear limits least; None without one."""
        slopes = np.empty((self._n_period, now.value.shape[1], len(power)))
        for place in range(len(power)):
            probe = power.copy()
            probe[place] += _PROBE_MVA
            found = self._limited(probe)
            if found is None:
                return None
            slopes[:, :, place] = (found.value - now.value) / _PROBE_MVA
        flat = power.T.ravel()
        linear = sparse.block_diag(list(slopes), format="csr")
        beyond = sparse.kron(sparse.eye_array(self._n_period), np.ones((now.value.shape[1], 1)))
        level = (now.value.ravel() - linear @ flat).reshape(now.value.shape)
        own = sparse.hstack([self._own_rows, sparse.csr_array((self._own_rows.shape[0], self._n_period))])
        rows = [sparse.hstack([linear, -beyond]), sparse.hstack([-linear, -beyond]), own]
        sides = [(now.high - level).ravel(), (level - now.low).ravel(), self._own_sides]
        low, high = np.maximum(self._low, power - reach), np.minimum(self._high, power + reach)
        bounds = np.vstack(
            [np.column_stack([low.T.ravel(), high.T.ravel()]), np.tile([0.0, np.inf], (self._n_period, 1))]
        )
        cost = np.concatenate([np.zeros(len(flat)), np.ones(self._n_period)])
        best = linprog(cost, A_ub=sparse.vstack(rows).tocsr(), b_ub=np.concatenate(sides), bounds=bounds)
        return best.x[: len(flat)].reshape(self._n_period, -1).T if best.status == 0 else None
