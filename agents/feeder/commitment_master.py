"""Which units shall run, as a mixed-integer programme that sees the network by tangents of its cost."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from highspy import HighsModelStatus, HighsVarType
from numpy.typing import ArrayLike

from gridarium.agents.feeder.dispatch import DispatchDay
from gridarium.agents.feeder.dispatch_problem import DispatchShape
from gridarium.agents.feeder.network_cut import NetworkCut
from gridarium.agents.solving.growing_programme import GrowingProgramme
from gridarium.agents.solving.highs_solver import reason_of, run_in_time
from gridarium.environment.arrays import Array, Index
from gridarium.environment.errors import SolverLimitError

_OPTIONS = {
    "mip_rel_gap": 5e-5,
    "mip_max_nodes": 20_000,
    # The relaxation is tight, so that searches for better points and restarts cost most of the time.
    "mip_heuristic_effort": 0.0,
    "mip_heuristic_run_rins": False,
    "mip_heuristic_run_rens": False,
    "mip_allow_restart": False,
}
_ENDED = (HighsModelStatus.kOptimal, HighsModelStatus.kSolutionLimit)
_N_TANGENT = 9
"""Tangents of a quadratic fuel cost over the band of a unit."""


class CommitmentMaster:
    """Proposes commitments; each cut makes it know the network better, each exclusion rules one out.

    - `exclusions`: how many were ruled out

    Parameters
    ----------
    shape : DispatchShape
    day : DispatchDay
        Loads, prices and ways through the head; not which units run.

    Notes
    -----
    on Pmin <= P <= on Pmax, |Q| <= on S, fuel >= (2 a P_k + b) P + (c - a P_k^2) on (E14), storages as in A20
    but for their binaries, renewables up to what is available, and for each period the highest of the
    network's tangents. All of it lies below the cost of the dispatch.
    """

    def __init__(self, shape: DispatchShape, day: DispatchDay) -> None:
        self._shape, self._day, self._signals = shape, day, day.signals
        self._programme, self.exclusions = GrowingProgramme(_OPTIONS), 0
        self._declare_variables()
        self._declare_turbines()
        self._declare_storages()

    def add_cut(self, cut: NetworkCut) -> None:
        """Learn a tangent of the network's cost."""
        load_p, load_q = self._signals["load_p_mw"], self._signals["load_q_mvar"]
        drawn = (cut.p_price_money * load_p + cut.q_price_money * load_q).sum(axis=0)
        site = dict(self._shape.sites)
        for t in range(self._shape.n_period):
            columns, factors = [int(self._network[t])], [1.0]
            for name, p_columns, q_column in self._feeding(t):
                bus = site[name]
                columns += [*p_columns, q_column]
                p_price = float(cut.p_price_money[bus, t])
                factors += [sign * p_price for sign in p_columns.values()] + [
                    float(cut.q_price_money[bus, t])
                ]
            self._programme.add_row(factors, columns, float(cut.constant_money[t] + drawn[t]), np.inf)

    def exclude(self, on: Array) -> None:
        """Rule out a commitment, shape (n_turbine, n_period)."""
        self.exclusions += 1
        sign = np.where(on.ravel() > 0.5, -1.0, 1.0)
        self._programme.add_row(sign, self._on.ravel(), 1.0 - float(np.sum(on > 0.5)), np.inf)

    def propose(self) -> tuple[Array, float] | None:
        """The best commitment that is not ruled out, and a bound on the cost of all these; None without one.

        Raises
        ------
        SolverLimitError
            If the search ends without a bound.
        """
        highs = self._programme.highs
        status = run_in_time(highs)
        if status == HighsModelStatus.kInfeasible:
            return None
        values = np.array(highs.getSolution().col_value)
        bound = float(highs.getInfo().mip_dual_bound)
        if status not in _ENDED or not np.isfinite(bound) or len(values) != self._programme.n_column:
            raise SolverLimitError(f"no commitment was found{reason_of(highs, status)}")
        return np.round(values[self._on]), bound

    def _declare_variables(self) -> None:
        shape, n = self._shape, self._shape.n_period
        turbines, storages, renewables = shape.turbines, shape.storages, shape.renewables
        day = self._day
        carbon_price = self._signals["carbon_price"]
        idle = [float(u.cost_fixed_per_h == u.p_min_mw == 0.0) for u in turbines]
        self._on = self._block(idle, 1.0, [u.cost_fixed_per_h for u in turbines], n)
        kinds = np.full(self._on.size, int(HighsVarType.kInteger), dtype=np.uint8)
        self._programme.highs.changeColsIntegrality(self._on.size, self._on.ravel().astype(np.int32), kinds)
        fuel = np.array([u.cost_linear_per_mwh + carbon_price * u.emission_tco2_per_mwh for u in turbines])
        most = np.repeat([[u.p_max_mw] for u in turbines], n, axis=1).reshape(-1, n)
        self._p = self._new(np.zeros_like(most), most, fuel.reshape(-1, n))
        self._q = self._block([-u.s_max_mva for u in turbines], [u.s_max_mva for u in turbines], 0.0, n)
        self._curved = self._block(0.0, [np.inf] * len(turbines), 1.0, n)
        moves, regulates = self._opened
        power = moves * np.array([u.p_max_mw for u in storages])
        prices = [shape.storage_prices(u) for u in storages]
        self._charge = self._block(0.0, power, [into for into, _ in prices], n)
        self._discharge = self._block(0.0, power, [out for _, out in prices], n)
        low, high = np.array([u.band_mwh for u in storages]).reshape(-1, 2).T
        self._energy = self._block(low, high, 0.0, n)
        rating = regulates * np.array([u.s_max_mva for u in storages])
        self._q_storage = self._block(-rating, rating, 0.0, n)
        self._renewable = self._new(np.zeros_like(day.available_mw), day.available_mw, 0.0)
        rating = np.array([u.s_max_mva for u in renewables])
        self._q_renewable = self._block(-rating, rating, 0.0, n)
        self._network = self._new(np.full(n, -np.inf), np.full(n, np.inf), 1.0 / shape.period_h)

    @property
    def _opened(self) -> tuple[Array, Array]:
        """Which storages move energy, and which give reactive power: all where nothing is said."""
        opened, every = self._day.openings, np.ones(len(self._shape.storages))
        return (every, every) if opened is None else (opened.may_move, opened.may_regulate)

    def _declare_turbines(self) -> None:
        for g, unit in enumerate(self._shape.turbines):
            points = np.linspace(unit.p_min_mw, unit.p_max_mw, _N_TANGENT)
            a = unit.cost_quadratic_per_mw2h
            for on, p, q, curved in zip(self._on[g], self._p[g], self._q[g], self._curved[g], strict=True):
                self._programme.add_row([1.0, -unit.p_max_mw], [p, on], -np.inf, 0.0)
                self._programme.add_row([1.0, -unit.p_min_mw], [p, on], 0.0, np.inf)
                self._programme.add_row([1.0, -unit.s_max_mva], [q, on], -np.inf, 0.0)
                self._programme.add_row([1.0, unit.s_max_mva], [q, on], 0.0, np.inf)
                for point in points if a else ():
                    self._programme.add_row(
                        [1.0, -2.0 * a * point, a * point**2], [curved, p, on], 0.0, np.inf
                    )

    def _declare_storages(self) -> None:
        hours, n = self._shape.period_h, self._shape.n_period
        for s, unit in enumerate(self._shape.storages):
            first = float(self._day.initial_mwh[s])
            into, out = hours * unit.efficiency_charge, hours / unit.efficiency_discharge
            for t in range(n):
                columns = [self._energy[s, t], self._charge[s, t], self._discharge[s, t]]
                factors = [1.0, -into, out]
                if t:
                    self._programme.add_row([*factors, -1.0], [*columns, self._energy[s, t - 1]], 0.0, 0.0)
                else:
                    self._programme.add_row(factors, columns, first, first)
            self._programme.add_row([1.0], [self._energy[s, n - 1]], first, first)

    def _feeding(self, t: int) -> list[tuple[str, Mapping[int, float], int]]:
        """Each unit with the columns of its active power, fed in or drawn, and of its reactive power."""
        shape = self._shape
        return [
            *((u.name, {self._p[g, t]: 1.0}, self._q[g, t]) for g, u in enumerate(shape.turbines)),
            *(
                (u.name, {self._renewable[r, t]: 1.0}, self._q_renewable[r, t])
                for r, u in enumerate(shape.renewables)
            ),
            *(
                (u.name, {self._discharge[s, t]: 1.0, self._charge[s, t]: -1.0}, self._q_storage[s, t])
                for s, u in enumerate(shape.storages)
            ),
        ]

    def _block(self, lower: ArrayLike, upper: ArrayLike, cost_per_h: ArrayLike, n: int) -> Index:
        """Variables of (unit, period) with bounds and cost by unit; their columns."""
        low, high, cost = np.broadcast_arrays(
            *(np.asarray(one, dtype=float) for one in (lower, upper, cost_per_h))
        )
        return self._new(*(np.repeat(one.reshape(-1, 1), n, axis=1) for one in (low, high, cost)))

    def _new(self, lower: Array, upper: Array, cost_per_h: Array | float) -> Index:
        return self._programme.add_columns(lower, upper, np.asarray(cost_per_h) * self._shape.period_h)
