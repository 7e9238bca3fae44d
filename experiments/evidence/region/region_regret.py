"""How far a regional system's plan can be from its best one: a linear programme on what it could have done.

Cost is a sum of squares and of prices that rise by blocks. The blocks are kept, the squares are replaced by
their tangents at the plan, which lie below them: the least of that over all it could do is a bound of the
best cost. Nothing of the problem that made the plan is used.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import coo_array

from gridarium.agents.region.region_day import RegionPlan
from gridarium.agents.region.region_demand import RegionDemand, Window
from gridarium.environment.arrays import Array
from gridarium.environment.errors import SolveError
from gridarium.market.messages.tariffs import TariffSignal

_CUT_PART, _SHIFT_PART, _ROOM_PART = 0.40, 0.35, 0.25
"""Parts of dissatisfaction in the paper."""
_CARRIES = 1e-9
"""Carbon factor above which energy carries carbon, tCO2/MWh."""
_INFINITE = float("inf")
_LEFT_OPEN_MW = 1e-6
"""By which a plan may miss a balance of what leaves and arrives, without there being no plan at all."""
Term = tuple[float, tuple[str, int]]


@dataclass(frozen=True)
class Regret:
    """What a plan costs, and how much of that another one could save at most.

    Parameters
    ----------
    bill_money : float
        For energy and carbon.
    gap_money : float
        Cost less the bound of the best cost; less than 0 only by rounding.
    """

    bill_money: float
    gap_money: float


@dataclass
class _Columns:
    """A linear programme under construction; columns are named by what they are and a number."""

    places: dict[tuple[str, int], int] = field(default_factory=dict)
    low: list[float] = field(default_factory=list)
    high: list[float] = field(default_factory=list)
    cost: list[float] = field(default_factory=list)
    rows: list[tuple[list[Term], float]] = field(default_factory=list)

    def add(self, name: str, number: int, low: float, high: float, cost: float = 0.0) -> None:
        """A column within bounds."""
        self.places[name, number] = len(self.cost)
        self.low.append(low)
        self.high.append(high)
        self.cost.append(cost)

    def equal(self, terms: Iterable[Term], value: float) -> None:
        """sum of terms = value."""
        self.rows.append((list(terms), value))

    def least(self) -> float:
        """The least cost.

        Raises
        ------
        SolveError
            If there is none.
        """
        entries = [
            (row, self.places[name], factor)
            for row, (terms, _) in enumerate(self.rows)
            for factor, name in terms
        ]
        row, column, factor = (np.array(part) for part in zip(*entries, strict=True))
        matrix = coo_array((factor, (row, column)), shape=(len(self.rows), len(self.cost))).tocsr()
        values = [value for _, value in self.rows]
        bounds = list(zip(self.low, self.high, strict=True))
        found = linprog(self.cost, A_eq=matrix, b_eq=values, bounds=bounds, method="highs")
        if found.status != 0:
            raise SolveError(f"bound of a regional system's cost: {found.message}")
        return float(found.fun)


@dataclass(frozen=True)
class RegionCase:
    """A day of a regional system, to be judged.

    Parameters
    ----------
    demand : RegionDemand
        Of the day.
    peak_mw, stake_money : float
        Largest base load of all days, above 0, and what dissatisfaction of 1 is worth: ``a2 / a1`` times what
        the base load of a mean day cost so far.
    step_h : float
    signal : TariffSignal
        That it answered last.
    plan : RegionPlan
    """

    demand: RegionDemand
    peak_mw: float
    stake_money: float
    step_h: float
    signal: TariffSignal
    plan: RegionPlan

    def regret(self) -> Regret:
        """What the plan costs, and the most that another one could save."""
        columns = _Columns()
        at_plan = self._cuts(columns) + self._moves(columns) + self._rooms(columns) + self._net(columns)
        bill, free = self._purchase(columns)
        return Regret(bill, bill - free + at_plan - columns.least())

    # Each declares a part of what it could do, and returns what the tangents of its cost count at the plan.

    def _cuts(self, columns: _Columns) -> float:
        """0 <= Lcut <= k_cut L0 (D13)."""
        own, plan, hours = self.demand.flexibility, self.plan.cut_mw, self.step_h
        square = hours * own.cut_cost_per_mw2h + self._unease(_CUT_PART, own.cut_share * self.peak_mw)
        slope = hours * own.cut_cost_per_mwh + 2.0 * square * plan
        for t, (low, high) in enumerate(self._open(plan, 0.0 * plan, own.cut_share * self.demand.base_mw)):
            columns.add("cut", t, low, high, slope[t])
        return float(slope @ plan)

    def _moves(self, columns: _Columns) -> float:
        """Lout_t = sum_t' x_tt', Lin_t' = sum_t k_tt' x_tt', both at most k_sh L0 (D13 to D15)."""
        own, plan, hours = self.demand.flexibility, self.plan, self.step_h
        moved, most = plan.in_mw + plan.out_mw, own.shift_share * self.demand.base_mw
        square = hours * own.shift_cost_per_mw2h + self._unease(_SHIFT_PART, own.shift_share * self.peak_mw)
        slope = hours * own.shift_cost_per_mwh + 2.0 * square * moved
        for side, series in (("in", plan.in_mw), ("out", plan.out_mw)):
            for t, (low, high) in enumerate(self._open(series, 0.0 * most, most)):
                columns.add(side, t, low, high, slope[t])
        for terms in self._parted(columns, len(most)):
            columns.equal(terms, 0.0)
        return float(slope @ moved)

    def _parted(self, columns: _Columns, n_step: int) -> Iterable[list[Term]]:
        """What leaves, and what arrives, in each step by moves, less what does in all; adds the moves."""
        leaving: list[list[Term]] = [[(-1.0, ("out", t))] for t in range(n_step)]
        arriving: list[list[Term]] = [[(-1.0, ("in", t))] for t in range(n_step)]
        for number, (start, stop, transfer) in enumerate(
            move for window in self.demand.flexibility.windows for move in self._moves_of(window)
        ):
            columns.add("move", number, 0.0, _INFINITE)
            leaving[start].append((1.0, ("move", number)))
            arriving[stop].append((transfer, ("move", number)))
        return (*leaving, *arriving)

    def astray_mw(self) -> float:
        """Least sum by which what leaves and arrives in the plan is none of the moves that windows allow."""
        columns, n_step = _Columns(), len(self.plan.in_mw)
        for side, series in (("in", self.plan.in_mw), ("out", self.plan.out_mw)):
            for t, planned in enumerate(series):
                columns.add(side, t, float(planned), float(planned))
        for number, terms in enumerate(self._parted(columns, n_step)):
            for name, sign in (("more", 1.0), ("less", -1.0)):
                columns.add(name, number, 0.0, _INFINITE, 1.0)
                terms.append((sign, (name, number)))
            columns.equal(terms, 0.0)
        return columns.least()

    def _moves_of(self, window: Window) -> Iterable[tuple[int, int, float]]:
        """From each step that begins within the first hours to each other one within the second (D15)."""
        hour = self.step_h * np.arange(len(self.demand.base_mw)) % 24.0
        for start, leaves in enumerate(hour):
            for stop, enters in enumerate(hour):
                within = window.from_h[0] <= leaves < window.from_h[1]
                if within and window.to_h[0] <= enters < window.to_h[1] and start != stop:
                    yield start, stop, window.transfer

    def _rooms(self, columns: _Columns) -> float:
        """T_t = m T_t-1 + d turned down, within the band, 0 in the end (D16)."""
        comfort, plan, n = self.demand.flexibility.comfort, self.plan, len(self.demand.base_mw)
        if comfort is None:
            return 0.0
        most = comfort.load_share * self.demand.base_mw
        slope = 2.0 * self._unease(_ROOM_PART, comfort.band_degc) * plan.drift_degc
        warmer = comfort.drift_degc_per_h * self.step_h / (comfort.load_share * self.peak_mw)
        for t, (low, high) in enumerate(self._open(plan.turned_down_mw, -most, most)):
            band = comfort.band_degc if t < n - 1 else 0.0
            columns.add("down", t, low, high)
            columns.add("drift", t, -band, band, slope[t])
            before: list[Term] = [(-(comfort.memory**self.step_h), ("drift", t - 1))] if t else []
            columns.equal([(1.0, ("drift", t)), (-warmer, ("down", t)), *before], 0.0)
        return float(slope @ plan.drift_degc)

    def _net(self, columns: _Columns) -> float:
        """L = L0 - Lcut + Lin - Lout less what rooms do without (D12); rho / 2 (L - z)^2 of a target z."""
        pull, net = self.signal.pull, self.plan.net_mw
        slope = np.zeros_like(net) if pull is None else self.step_h * pull.per_mw2h * (net - pull.target_mw)
        for t, base in enumerate(self.demand.base_mw):
            columns.add("net", t, 0.0, _INFINITE, slope[t])
            terms: list[Term] = [(1.0, ("cut", t)), (-1.0, ("in", t)), (1.0, ("out", t)), (1.0, ("net", t))]
            down: list[Term] = [(1.0, ("down", t))] if self.demand.flexibility.comfort else []
            columns.equal(terms + down, float(base))
        return float(slope @ net)

    def _purchase(self, columns: _Columns) -> tuple[float, float]:
        """Energy and carbon by blocks of rising price (D4, D25).

        Returns what those of the plan cost, and the energy of what is free, which no block counts.
        """
        signal, ladder, net, blocks, energy = self.signal, self.signal.ladder, self.plan.net_mw, 0.0, 0.0
        for t, price in enumerate(signal.price_per_mwh):
            factor = float(signal.factor_tco2_per_mwh[t])
            free, length, prices = 0.0, _INFINITE, [float(price)]
            if ladder is not None and factor > _CARRIES:
                free = float(ladder.quota_t_per_h[t]) / factor
                length = ladder.interval_t_per_h / factor
                first = factor * float(ladder.base_price_per_tco2[t])
                prices = [float(price) + first * (1.0 + ladder.growth * n) for n in range(ladder.steps)]
            terms: list[Term] = [(-1.0, ("net", t))]
            energy += self.step_h * float(price) * free
            for n, each in enumerate(prices):
                low = -_INFINITE if n == 0 else 0.0
                high = _INFINITE if n == len(prices) - 1 else length
                columns.add(f"block {n}", t, low, high, self.step_h * each)
                terms.append((1.0, (f"block {n}", t)))
                begins = n * length if n else 0.0
                taken = min(net[t] - free - begins, high)
                blocks += self.step_h * each * float(taken if n == 0 else max(taken, 0.0))
            columns.equal(terms, -free)
        return blocks + energy, energy

    def _open(self, plan: Array, low: Array, high: Array) -> list[tuple[float, float]]:
        """Bounds of each step; what was asked in those that are over stays, rounding apart."""
        is_over = np.arange(len(plan)) < self.signal.first_step
        least, most = (
            np.where(is_over, plan - _LEFT_OPEN_MW, low),
            np.where(is_over, plan + _LEFT_OPEN_MW, high),
        )
        return list(zip(least, most, strict=True))

    def _unease(self, part: float, most: float) -> float:
        """What a square of a part of dissatisfaction costs, as a mean over the steps of the day (32)."""
        return part * self.stake_money / len(self.demand.base_mw) / most**2 if most > 0.0 else 0.0
