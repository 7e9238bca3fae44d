"""Schedules of storages that hold for many scenarios of the renewables, with a proven bound."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gridarium.agents.feeder.cost_tangents import CostTangents
from gridarium.agents.feeder.dispatch import DispatchDay
from gridarium.agents.feeder.dispatch_problem import DispatchShape
from gridarium.agents.feeder.recourse import PeriodCosts, Recourse
from gridarium.agents.feeder.scenario_master import ScenarioMaster
from gridarium.environment.arrays import Array, Index
from gridarium.environment.uncertainty import fast_forward
from gridarium.market.risk import Attitude

GAP = 5e-5
"""How far a plan may be from the proven bound, relative to the mean cost, for a search to end."""
ROUND_LIMIT = 60
"""Most proposals of one search; what it has found by then is its answer, with the gap that is left."""
SWEEP_LIMIT = 12
"""Most times that each scenario alone is looked at."""
_POINTS = 5
"""Scenarios in each period at which a proposal is priced; all are where one is kept."""
_SHARE = 0.3
"""Of the band of a storage, by which the first proposals may leave the schedule that is held."""


@dataclass(frozen=True)
class StorageSchedule:
    """What storages do, whatever comes: the first stage.

    Parameters
    ----------
    energy_mwh, charge_mw, discharge_mw : ndarray, shape (n_storage, n_period)
    own_money : float
        Its wear and losses, as the dispatch counts them.
    """

    energy_mwh: Array
    charge_mw: Array
    discharge_mw: Array
    own_money: float

    @property
    def net_mw(self) -> Array:
        """What storages feed in, less what they draw."""
        return self.discharge_mw - self.charge_mw


@dataclass(frozen=True)
class ScenarioPlan:
    """A schedule and what it costs.

    Parameters
    ----------
    schedule : StorageSchedule
    cost_money : ndarray, shape (n_scenario,)
        In each scenario, recourse by AC power flow.
    value_money : float
        What the attitude judges it by.
    bound_money : float
        What any schedule is judged by at least.
    rounds : int
        Proposals.
    """

    schedule: StorageSchedule
    cost_money: Array
    value_money: float
    bound_money: float
    rounds: int


@dataclass(frozen=True)
class WaitAndSee:
    """What each scenario costs who knows it beforehand.

    Parameters
    ----------
    cost_money, bound_money : ndarray, shape (n_scenario,)
        Of the best schedule found, and of any at least.
    schedules : tuple of StorageSchedule
        The best one found for each scenario.
    """

    cost_money: Array
    bound_money: Array
    schedules: tuple[StorageSchedule, ...]


class ScenarioPlanner:
    """Plans storages for one day whose renewables are not known.

    First stage are the schedules of storages; recourse, by scenario and period, is all else: import and
    export, turbines, curtailment and reactive power. `recourse.solves` counts what was solved.

    Parameters
    ----------
    owner : str
        Named in errors.
    shape : DispatchShape
    day : DispatchDay
        With loads, prices, commitment and what is stored at first.
    available_mw : ndarray, shape (n_scenario, n_renewable, n_period)
    weights : ndarray, shape (n_scenario,)
    knows : ScenarioPlanner, optional
        For other scenarios of the same day, whose tangents hold in all; what is learned, it learns, too.

    Notes
    -----
    L-shaped method (A21): proposals of `ScenarioMaster` near the schedule that is held are priced in a few
    scenarios, whose tangents hold in all; once nothing near is better, the schedule is priced in all, and the
    proposal without a box gives the bound.
    """

    def __init__(
        self,
        owner: str,
        shape: DispatchShape,
        day: DispatchDay,
        available_mw: Array,
        weights: Array,
        knows: ScenarioPlanner | None = None,
    ) -> None:
        self.shape, self._day, self._initial_mwh = shape, day, day.initial_mwh
        self.available_mw, self.weights = available_mw, weights
        self.recourse: Recourse = Recourse(owner, shape, day) if knows is None else knows.recourse
        self._tangents = [
            CostTangents(len(shape.storages), len(shape.renewables)) for _ in range(shape.n_period)
        ]
        if knows is not None:
            self._tangents = knows._tangents
        n_point = min(_POINTS, len(weights))
        self._points = [
            fast_forward(available_mw[:, :, t], weights, n_point)[0] for t in range(shape.n_period)
        ]
        self._everything = [np.arange(len(weights))] * shape.n_period

    @property
    def idle(self) -> StorageSchedule:
        """Storages that do nothing."""
        return self.schedule(np.tile(self._initial_mwh[:, None], self.shape.n_period))

    def following(self, charge_mw: Array, discharge_mw: Array) -> StorageSchedule:
        """The schedule of powers, MW, shape (n_storage, n_period) each."""
        into, out = np.array([unit.efficiencies for unit in self.shape.storages]).reshape(-1, 2).T
        gained = (into[:, None] * charge_mw - discharge_mw / out[:, None]) * self.shape.period_h
        return self.schedule(self._initial_mwh[:, None] + np.cumsum(gained, axis=1))

    def schedule(self, energy_mwh: Array) -> StorageSchedule:
        """The schedule that leads through energies inside, MWh, shape (n_storage, n_period)."""
        shape, hours = self.shape, self.shape.period_h
        energy = energy_mwh.copy()
        energy[:, -1] = self._initial_mwh
        charge, discharge, own = np.zeros_like(energy), np.zeros_like(energy), 0.0
        for place, unit in enumerate(shape.storages):
            first = float(self._initial_mwh[place])
            charge[place], discharge[place] = unit.powers_mw(energy[place], first, hours)
            into, out = shape.storage_prices(unit)
            own += hours * float(into * charge[place].sum() + out * discharge[place].sum())
        return StorageSchedule(energy, charge, discharge, own)

    def cost_money(self, schedule: StorageSchedule, available_mw: Array | None = None) -> Array:
        """What a schedule costs in each of these scenarios, or of others, money, shape (n_scenario,)."""
        available = self.available_mw if available_mw is None else available_mw
        exact = self.recourse.exact(schedule.net_mw, available)
        return np.asarray(exact.cost_money.sum(axis=1) + schedule.own_money)

    def plan(
        self, attitude: Attitude, best_money: Array | None = None, start: StorageSchedule | None = None
    ) -> ScenarioPlan:
        """The schedule that an attitude calls for.

        Parameters
        ----------
        attitude : Attitude
        best_money : ndarray, shape (n_scenario,), optional
            Costs of who waits and sees, from which regret is counted; found if they are needed and left out.
        start : StorageSchedule, optional
            Where the search begins; idle storages by default.

        Raises
        ------
        SolveError
            If a period has no recourse whatever storages do.
        """
        held = start or self.idle
        self._price(held, self._points)
        if best_money is None:
            regrets = attitude.kind == "min-max-regret"
            best_money = self.wait_and_see(held).cost_money if regrets else np.zeros_like(self.weights)
        master = ScenarioMaster(self.shape, self._day, self.available_mw, self.weights, attitude, best_money)
        share, best, bound = _SHARE, None, -np.inf
        for rounds in range(1, ROUND_LIMIT + 1):
            energy, value = master.propose(self._tangents, held.energy_mwh, share)
            proposed = self.schedule(energy)
            self._price(proposed, self._asked(attitude, self.expected_money(proposed) - best_money))
            before, after = (
                attitude.value_money(self.expected_money(one), self.weights, best_money)
                for one in (held, proposed)
            )
            room = GAP * (1.0 + abs(float(self.weights @ self.expected_money(held))))
            share = min(1.0, 2.0 * share) if before - after > 0.5 * (before - value) else 0.5 * share
            held = proposed if after < before else held
            if before - value > 0.5 * room and rounds < ROUND_LIMIT:
                continue
            cost = self._exact_money(held)
            judged = attitude.value_money(cost, self.weights, best_money)
            bound = max(bound, master.propose(self._tangents).value_money)
            if best is None or judged < best.value_money:
                best = ScenarioPlan(held, cost, judged, bound, rounds)
            if best.value_money - bound <= room:
                break
            held, share = best.schedule, max(share, _SHARE)
        assert best is not None
        return ScenarioPlan(best.schedule, best.cost_money, best.value_money, bound, rounds)

    def wait_and_see(self, start: StorageSchedule | None = None) -> WaitAndSee:
        """What each scenario costs at the schedule that is best for it alone."""
        alone, n = Attitude("expected"), len(self.weights)
        cost, bound = np.full(n, np.nan), np.full(n, np.nan)
        best = [start or self.idle] * n
        self._price(start or self.idle, self._points)
        masters = [
            ScenarioMaster(
                self.shape, self._day, self.available_mw[s : s + 1], np.ones(1), alone, np.zeros(1)
            )
            for s in range(n)
        ]
        for _ in range(SWEEP_LIMIT):
            closed = cost - bound <= 0.1 * GAP * (1.0 + np.abs(bound))
            for s in np.flatnonzero(~closed):
                energy, value = masters[s].propose(self._tangents)
                found = self.schedule(energy)
                each = self._price(found, [np.array([s])] * self.shape.n_period)
                exact = float(self.recourse.completed(each).cost_money.sum()) + found.own_money
                if not exact >= cost[s]:
                    cost[s], best[s] = exact, found
                bound[s] = np.fmax(bound[s], value)
        return WaitAndSee(cost, bound, tuple(best))

    def expected_money(self, schedule: StorageSchedule) -> Array:
        """What tangents know a schedule to cost at least in each scenario, money, shape (n_scenario,)."""
        known = [
            tangents.values(schedule.net_mw[:, t], self.available_mw[:, :, t]).max(axis=1)
            for t, tangents in enumerate(self._tangents)
        ]
        return np.asarray(np.sum(known, axis=0) + schedule.own_money)

    def _asked(self, attitude: Attitude, excess_money: Array) -> list[Index]:
        """Scenarios in which a proposal is priced, by period: typical ones, and those that decide."""
        if attitude.kind == "expected":
            return self._points
        deciding = np.argsort(-excess_money)[:_POINTS]
        return [np.union1d(points, deciding) for points in self._points]

    def _exact_money(self, schedule: StorageSchedule) -> Array:
        """Costs in all scenarios by AC power flow; tangents are kept."""
        exact = self.recourse.completed(self._price(schedule, self._everything))
        return np.asarray(exact.cost_money.sum(axis=1) + schedule.own_money)

    def _price(self, schedule: StorageSchedule, which: list[Index]) -> list[PeriodCosts]:
        """Costs in some scenarios of each period, whose tangents are kept."""
        each = []
        for t, points in enumerate(which):
            net, available = schedule.net_mw[:, t], self.available_mw[points, :, t]
            costs = self.recourse.of_period(t, net, available)
            self._tangents[t].add(costs, net, available)
            each.append(costs)
        return each
