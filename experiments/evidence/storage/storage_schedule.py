"""A storage's schedule at a tariff against the best one, and the one of several that its owner would take."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gridarium.environment.arrays import Array, Index
from gridarium.environment.errors import InfeasibleError
from gridarium.experiments.evidence.programs.linear_program import LinearProgram
from gridarium.experiments.evidence.shares import LEAST_MONEY
from gridarium.experiments.parts.storages import StorageUnit

_SAME_MONEY = 1e-9
"""Share of what is traded within which two schedules earn the same."""
_NOTHING = 1e-6


@dataclass(frozen=True)
class Told:
    """A schedule of a day that ends as it began, at a price for both ways.

    - `regret_money`, `tie_gap`: what is lost to the best schedule, and how far it is from its owner's rule
    - `traded_money`: the energy of a full storage, or what its power moves, at the highest price

    Parameters
    ----------
    unit : StorageUnit
    price_per_mwh, net_mw : ndarray, shape (n_step,)
        What it draws; negative where it feeds back.
    first_mwh : float
    step_h : float
    """

    unit: StorageUnit
    price_per_mwh: Array
    net_mw: Array
    first_mwh: float
    step_h: float

    @property
    def traded_money(self) -> float:
        """Energy of a full storage, or what its power moves, at the highest price."""
        return max(LEAST_MONEY, self._most_money)

    @property
    def _most_money(self) -> float:
        """The same where it is small, too; no more than its power moves in the day."""
        moved_mwh = min(self.unit.e_max_mwh, self.unit.p_max_mw * self.step_h * len(self.price_per_mwh))
        return float(np.abs(self.price_per_mwh).max()) * moved_mwh

    @property
    def earned_money(self) -> float:
        """What it earns, less wear."""
        worn = self.unit.wear_cost_per_mwh * np.maximum(-self.net_mw, 0.0)
        return -float((self.net_mw * self.price_per_mwh + worn).sum()) * self.step_h

    @property
    def regret_money(self) -> float:
        """What the best schedule earns beyond it."""
        return self.best_money - self.earned_money

    @property
    def best_money(self) -> float:
        """Most that the storage can earn on the day.

        Notes
        -----
        A20, with whole choices of charge or discharge where a price is negative, as losing energy pays there.
        """
        lp, charge, discharge = self._program()
        for places, cost in zip((charge, discharge), self._costs, strict=True):
            lp.price(places, cost)
        lp.solve()
        return -lp.money * self.unit.p_max_mw

    @property
    def tie_gap(self) -> float:
        """How far it is from the schedule of its owner's rule among those that earn as much; 0 if it is that.

        Notes
        -----
        A point x of a convex set has the least squares of all if and only if no point y of it has
        ``x y < x x``; the gap is ``1 - min x y / x x``. Of earliest and latest schedules it is the mean time
        by which all that is moved could be moved earlier, or later, as a share of the day. It has no bound
        where no schedule earns as much.
        """
        done = np.array([np.maximum(self.net_mw, 0.0), np.maximum(-self.net_mw, 0.0)]) / self.unit.p_max_mw
        rule = self.unit.equal_schedules
        if done.sum() < _NOTHING or (rule == "spread" and self.price_per_mwh.min() < 0.0):
            # With whole choices of direction schedules that earn the same are no convex set.
            return 0.0
        lp, charge, discharge = self._program()
        least = (self.earned_money - _SAME_MONEY * self._most_money) / self.unit.p_max_mw
        earned = np.concatenate([-one for one in self._costs])
        lp.sum_row(least, np.concatenate([charge, discharge]), earned)
        delay = np.arange(done.shape[1]) / done.shape[1]
        aim = done if rule == "spread" else np.array([delay, delay]) * (1.0 if rule == "earliest" else -1.0)
        for places, cost in zip((charge, discharge), aim, strict=True):
            lp.price(places, cost)
        try:
            lp.solve()
        except InfeasibleError:
            # What it is said to earn, no schedule earns.
            return np.inf
        size = float((done * done).sum()) if rule == "spread" else float(done.sum())
        return max(0.0, float((aim * done).sum()) - lp.money) / size

    @property
    def _costs(self) -> tuple[Array, Array]:
        """What a MW costs that is charged, and that is discharged, money in each step."""
        price, wear = self.price_per_mwh, self.unit.wear_cost_per_mwh
        return self.step_h * price, self.step_h * (wear - price)

    def _program(self) -> tuple[LinearProgram, Index, Index]:
        """All schedules of the day, and the places of charge and discharge, as shares of its power (A20).

        Energy counts from what is inside at first, as far as the power of the day reaches.
        """
        unit, n, lp = self.unit, len(self.price_per_mwh), LinearProgram("schedules of a storage")
        zero, most, unbounded = np.zeros(n), np.ones(n), np.full(n, np.inf)
        charge, discharge = lp.columns(zero, most), lp.columns(zero, most)
        reach = n * self.step_h * np.array([-1.0 / unit.efficiency_discharge, unit.efficiency_charge])
        band = (np.array([unit.soc_min, unit.soc_max]) * unit.e_max_mwh - self.first_mwh) / unit.p_max_mw
        low, high = np.full(n, max(band[0], reach[0])), np.full(n, min(band[1], reach[1]))
        low[-1] = high[-1] = 0.0
        energy, charging = lp.columns(low, high), lp.columns(zero, np.ones(n))
        into, out = -self.step_h * unit.efficiency_charge, self.step_h / unit.efficiency_discharge
        for part in (slice(0, 1), slice(1, None)):
            terms = [(energy[part], 1.0), (charge[part], into), (discharge[part], out)]
            if part.start:
                terms.append((energy[:-1], -1.0))
            right = zero[part]
            lp.rows(right, right, *terms)
        if self.price_per_mwh.min() <= 0.0:
            # What is both charged and discharged is lost, which costs nothing or even pays.
            lp.rows(-unbounded, zero, (charge, 1.0), (charging, -1.0))
            lp.rows(-unbounded, most, (discharge, 1.0), (charging, 1.0))
            lp.make_whole(charging, True)
        return lp, charge, discharge
