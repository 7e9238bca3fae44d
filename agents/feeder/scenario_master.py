"""Schedules of storages for many scenarios, as a linear programme that sees the network by tangents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import sparse

from gridarium.agents.feeder.cost_tangents import CostTangents
from gridarium.agents.feeder.dispatch import DispatchDay
from gridarium.agents.feeder.dispatch_problem import DispatchShape
from gridarium.agents.solving.growing_programme import GrowingProgramme
from gridarium.environment.arrays import Array, Index
from gridarium.market.risk import Attitude

_MISSED_MONEY = 1e-3
"""Tangents that a scenario's cost of a period undercuts by less are not worth a row."""
_LEAST_MONEY = -1e7
"""Below all costs of a period, until there are tangents."""


class Proposal(NamedTuple):
    """Energies inside storages, MWh, shape (n_storage, n_period), and what the attitude is worth at least."""

    energy_mwh: Array
    value_money: float


def _most_mw(shape: DispatchShape, day: DispatchDay) -> Array:
    """Largest power of each storage, MW, shape (n_storage,); 0 of one that takes no part."""
    rated = np.array([unit.p_max_mw for unit in shape.storages])
    return rated if day.openings is None else rated * day.openings.may_move


class ScenarioMaster:
    """Proposes schedules of storages that an attitude to the scenarios calls for.

    Parameters
    ----------
    shape : DispatchShape
    day : DispatchDay
        With what is stored at first, and which storages take part.
    available_mw : ndarray, shape (n_scenario, n_renewable, n_period)
    weights : ndarray, shape (n_scenario,)
    attitude : Attitude
    best_money : ndarray, shape (n_scenario,)
        Least cost of each scenario, from which regret is counted.

    Notes
    -----
    L-shaped method with a theta for each scenario and period [1]_: theta_{s,t} is at least every tangent of
    period t, C_s = own cost of storages + sum_t theta_{s,t}, and what is minimised is
    ``sum w C`` or ``eta + sum w u / tail_share`` with ``u_s >= C_s - eta, u >= 0`` or ``rho`` with
    ``rho >= C_s - C*_s`` (A21). Storages as in A20 without binaries: charging and discharging at once is part
    of what the bound allows.

    References
    ----------
    .. [1] R. M. Van Slyke, R. Wets, 1969, doi:10.1137/0117061
    """

    def __init__(
        self,
        shape: DispatchShape,
        day: DispatchDay,
        available_mw: Array,
        weights: Array,
        attitude: Attitude,
        best_money: Array,
    ) -> None:
        self._shape, self._available = shape, available_mw
        self._programme = GrowingProgramme()
        self._declare_storages(day.initial_mwh, _most_mw(shape, day))
        n_scenario = len(weights)
        free = np.full((n_scenario, shape.n_period), np.inf)
        self._theta = self._programme.add_columns(np.full_like(free, _LEAST_MONEY), free, 0.0)
        self._declare_attitude(attitude, weights, best_money)

    def propose(
        self, tangents: Sequence[CostTangents], centre_mwh: Array | None = None, share: float = 1.0
    ) -> Proposal:
        """The best schedule by all tangents of each period.

        Parameters
        ----------
        tangents : sequence of CostTangents
            By period.
        centre_mwh : ndarray, shape (n_storage, n_period), optional
            Schedules stay near this one; without it the value bounds that of every schedule.
        share : float
            How near: by this share of their band.
        """
        low, high = (edge.copy() for edge in self._band)
        if centre_mwh is not None:
            near = share * (high - low)
            # The last energy is held; a box around it would only move it by rounding.
            low, high = np.maximum(low, centre_mwh - near), np.minimum(high, centre_mwh + near)
        low[:, -1], high[:, -1] = self._band[0][:, -1], self._band[1][:, -1]
        self._programme.set_bounds(self._energy, low, high)
        while True:
            x, value = self._programme.solve()
            if not self._learn(tangents, x):
                return Proposal(x[self._energy], value)

    def _learn(self, tangents: Sequence[CostTangents], x: Array) -> bool:
        """Add the tangent that is missed most, for each scenario and period; whether there was one."""
        net_mw, theta = x[self._discharge] - x[self._charge], x[self._theta]
        blocks, right = [], []
        for t, known in enumerate(tangents):
            available = self._available[:, :, t]
            values = known.values(net_mw[:, t], available)
            highest = values.argmax(axis=1)
            missed = np.flatnonzero(values.max(axis=1) > theta[:, t] + _MISSED_MONEY)
            if len(missed):
                which = highest[missed]
                price = known.storage_price[which]
                blocks.append((self._theta[missed, t], price, self._discharge[:, t], self._charge[:, t]))
                right.append(
                    known.constant[which] + (known.available_price[which] * available[missed]).sum(axis=1)
                )
        if not right:
            return False
        lower = np.concatenate(right)
        self._programme.add_rows(_cut_rows(blocks), lower, np.full(len(lower), np.inf))
        return True

    def _declare_storages(self, initial_mwh: Array, most_mw: Array) -> None:
        """E_t = E_{t-1} + eta P_ch Dt - P_dis Dt / eta, E_T = E_0 (A20)."""
        shape, add = self._shape, self._programme.add_columns
        hours, n = shape.period_h, shape.n_period
        size, units = (len(shape.storages), n), shape.storages

        def over(values: Sequence[float]) -> Array:
            return np.repeat(np.array(values, dtype=np.float64).reshape(-1, 1), n, axis=1)

        most, own = over(most_mw.tolist()), [shape.storage_prices(unit) for unit in units]
        self._charge = add(np.zeros(size), most, 0.0)
        self._discharge = add(np.zeros(size), most, 0.0)
        low, high = (over([unit.band_mwh[side] for unit in units]) for side in (0, 1))
        low[:, -1] = high[:, -1] = initial_mwh
        self._band = low, high
        self._energy = add(low, high, 0.0)
        for s, unit in enumerate(units):
            into, out = hours * unit.efficiency_charge, hours / unit.efficiency_discharge
            for t in range(n):
                columns = [self._energy[s, t], self._charge[s, t], self._discharge[s, t]]
                first = 0.0 if t else float(initial_mwh[s])
                before = ([-1.0], [self._energy[s, t - 1]]) if t else ([], [])
                self._programme.add_row([1.0, -into, out, *before[0]], [*columns, *before[1]], first, first)
        self._own_cost = hours * over([into for into, _ in own]), hours * over([out for _, out in own])

    def _declare_attitude(self, attitude: Attitude, weights: Array, best_money: Array) -> None:
        add, n_scenario, unbounded = self._programme.add_columns, len(weights), np.full(1, np.inf)
        counted = weights if attitude.kind == "expected" else np.zeros(n_scenario)
        cost = add(np.full(n_scenario, -np.inf), np.full(n_scenario, np.inf), counted)
        (own,) = add(-unbounded, unbounded, 0.0)
        prices = np.concatenate([part.ravel() for part in self._own_cost])
        powers = np.concatenate([self._charge.ravel(), self._discharge.ravel()])
        self._programme.add_row([*prices, -1.0], [*powers, own], 0.0, 0.0)
        for s in range(n_scenario):
            ones = np.ones(self._shape.n_period)
            self._programme.add_row([*ones, 1.0, -1.0], [*self._theta[s], own, cost[s]], 0.0, 0.0)
        if attitude.kind == "cvar":
            (eta,) = add(-unbounded, unbounded, 1.0)
            beyond = add(np.zeros(n_scenario), np.full(n_scenario, np.inf), weights / attitude.tail_share)
            for s in range(n_scenario):
                self._programme.add_row([1.0, 1.0, -1.0], [beyond[s], eta, cost[s]], 0.0, np.inf)
        if attitude.kind == "min-max-regret":
            (rho,) = add(-unbounded, unbounded, 1.0)
            for s in range(n_scenario):
                self._programme.add_row([1.0, -1.0], [rho, cost[s]], -float(best_money[s]), np.inf)


def _cut_rows(blocks: list[tuple[Index, Array, Index, Index]]) -> sparse.csr_matrix:
    """Rows of theta - price (P_dis - P_ch), from places of theta, prices by storage and places of powers."""
    rows, columns, factors, first = [], [], [], 0
    for theta, price, discharge, charge in blocks:
        n, n_storage = price.shape
        row = first + np.arange(n)
        rows += [row, np.repeat(row, n_storage), np.repeat(row, n_storage)]
        columns += [theta, np.tile(discharge, n), np.tile(charge, n)]
        factors += [np.ones(n), -price.ravel(), price.ravel()]
        first += n
    place = (np.concatenate(rows), np.concatenate(columns))
    return sparse.csr_matrix((np.concatenate(factors), place))
