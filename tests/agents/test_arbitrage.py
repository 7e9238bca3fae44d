"""A storage owner's own schedule: closed forms, other solvers, and which of equal schedules it takes."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linprog

from gridarium.agents.base import GridAgent, on
from gridarium.agents.storage.arbitrage import Arbitrage
from gridarium.agents.storage.schedules import ArbitragePlan, Ties
from gridarium.agents.storage.storage_owner import StorageOwner
from gridarium.environment.arrays import Array, series
from gridarium.environment.clock import Clock
from gridarium.environment.commons import Commons
from gridarium.environment.grids import Site
from gridarium.environment.storage import StorageRatings
from gridarium.environment.world import World
from gridarium.market.messages.commands import Receipt, StorageCommand
from gridarium.market.messages.forecasts import OwnSchedule, ScheduleRequest
from gridarium.market.messages.status import StorageStatus

MakeWorld = Callable[..., World]
RATINGS = StorageRatings("pool", 0.5, 1.0, 0.1, 0.9, 0.5, 0.92, 0.95, 0.5)
TIES: tuple[Ties, ...] = ("spread", "earliest", "latest")
TOU = np.array([320.0] * 7 + [680.0] * 3 + [980.0] * 5 + [680.0] * 3 + [980.0] * 4 + [680.0] + [320.0])


def planned(price: Array, ties: Ties = "spread", wear: float = 0.0) -> ArbitragePlan:
    world = Commons(Clock(pd.Timestamp("2026-01-15T00:00:00+08:00"), 3600.0), 24, 0.0)
    return Arbitrage(world, "owner", RATINGS, wear, len(price), 1.0, ties).plan(price, 0.5)


def energy_mwh(plan: ArbitragePlan) -> Array:
    return np.asarray(0.5 + np.cumsum(0.92 * plan.charge_mw - plan.discharge_mw / 0.95))


def best_money(price: Array, wear: float = 0.0) -> float:
    """Most that any schedule earns, by a linear programme for each choice of directions."""
    n = len(price)
    gains = np.hstack([0.92 * np.tri(n), -np.tri(n) / 0.95])
    cost = np.concatenate([price, wear - price])
    masks = product([0.0, 1.0], repeat=n) if price.min() < 0.0 else [None]
    found = []
    for mask in masks:
        may = np.ones(2 * n) if mask is None else np.concatenate([mask, 1.0 - np.array(mask)])
        answer = linprog(
            cost,
            A_ub=np.vstack([gains, -gains]),
            b_ub=np.full(2 * n, 0.4),
            A_eq=gains[-1:],
            b_eq=[0.0],
            bounds=[(0.0, 0.5 * each) for each in may],
            method="highs-ds",
        )
        found.append(-answer.fun)
    return max(found)


@pytest.mark.parametrize("ties", TIES)
def test_on_a_day_of_two_prices_it_fills_in_the_valley_and_empties_at_the_peak(ties: Ties) -> None:
    plan = planned(np.repeat([300.0, 900.0], 12), ties)
    # From 0.5 up to 0.9 MWh in the valley, down to 0.5 again: no more valley comes to fill up after that.
    assert plan.charge_mw.sum() == pytest.approx(0.4 / 0.92, abs=1e-9)
    assert plan.discharge_mw.sum() == pytest.approx(0.4 * 0.95, abs=1e-9)
    assert plan.earnings_money == pytest.approx(900.0 * 0.4 * 0.95 - 300.0 * 0.4 / 0.92, abs=1e-6)
    assert plan.charge_mw[12:].max() == 0.0
    assert plan.discharge_mw[:12].max() == 0.0


@pytest.mark.parametrize("ratio", [0.99, 1.01])
def test_it_trades_only_where_the_peak_pays_for_the_losses(ratio: float) -> None:
    plan = planned(np.repeat([300.0, 300.0 / (0.92 * 0.95) * ratio], 12))
    assert (plan.earnings_money > 0.1) == (ratio > 1.0)
    assert (plan.charge_mw.max() > 1e-6) == (ratio > 1.0)


@pytest.mark.parametrize("ties", TIES)
@pytest.mark.parametrize("wear", [0.0, 40.0])
def test_it_earns_what_another_solver_earns(ties: Ties, wear: float) -> None:
    random = np.random.default_rng(5)
    for price in (TOU, TOU - 17.3, random.uniform(200.0, 900.0, 24), np.full(24, 400.0), np.zeros(24)):
        plan = planned(price, ties, wear)
        assert plan.earnings_money == pytest.approx(best_money(price, wear), abs=1e-5)
        assert_possible(plan)


def assert_possible(plan: ArbitragePlan) -> None:
    energy = energy_mwh(plan)
    assert energy.min() >= 0.1 - 1e-9
    assert energy.max() <= 0.9 + 1e-9
    assert energy[-1] == pytest.approx(0.5, abs=1e-9)
    assert not np.any((plan.charge_mw > 0.0) & (plan.discharge_mw > 0.0))
    assert max(plan.charge_mw.max(), plan.discharge_mw.max()) <= 0.5 + 1e-9


@pytest.mark.parametrize("ties", TIES)
@pytest.mark.parametrize("seed", range(3))
def test_where_it_is_paid_to_take_energy_it_still_goes_one_way_at_a_time(ties: Ties, seed: int) -> None:
    price = np.random.default_rng(seed).uniform(-150.0, 400.0, 8)
    plan = planned(price, ties)
    assert price.min() < 0.0
    assert_possible(plan)
    assert plan.earnings_money == pytest.approx(best_money(price), abs=1e-5)


def test_equal_hours_share_alike_or_come_first_or_last() -> None:
    spread, earliest, latest = (planned(TOU, ties) for ties in TIES)
    assert spread.earnings_money == pytest.approx(earliest.earnings_money, abs=1e-5)
    assert latest.earnings_money == pytest.approx(earliest.earnings_money, abs=1e-5)
    assert spread.charge_mw[:7] == pytest.approx(np.full(7, 0.4 / 0.92 / 7), abs=1e-6)
    assert spread.discharge_mw[10:15] == pytest.approx(np.full(5, 0.76 / 5), abs=1e-6)
    assert earliest.discharge_mw[10:15] == pytest.approx([0.5, 0.26, 0.0, 0.0, 0.0], abs=1e-9)
    assert latest.discharge_mw[10:15] == pytest.approx([0.0, 0.0, 0.0, 0.26, 0.5], abs=1e-9)


class Desk(GridAgent):
    """Asks and keeps the answers."""

    heard: list[object]

    @on(OwnSchedule, Receipt, StorageStatus)
    def keep(self, payload: object, sender: str) -> None:
        self.heard = [*getattr(self, "heard", []), payload]


def test_an_owner_tells_what_it_would_do_with_what_it_will_hold(make_world: MakeWorld) -> None:
    world = make_world(48)
    StorageOwner(Site(world.grid, 1), "pool", RATINGS, "desk", wear_cost_per_mwh=40.0)
    desk = Desk(world.grid.head, "desk")
    charge = np.zeros(24)
    charge[5] = 0.2
    desk.send("pool", StorageCommand(1, 0, series(charge), series(np.zeros(24))))
    world.step()
    desk.send("pool", ScheduleRequest(1, series(TOU)))
    world.step()
    (told,) = (payload for payload in desk.heard if isinstance(payload, OwnSchedule))
    assert told.e_mwh == pytest.approx(0.5 + 0.92 * 0.2, abs=1e-12)
    worth = TOU @ (told.discharge_mw - told.charge_mw) - 40.0 * told.discharge_mw.sum()
    assert told.earnings_money == pytest.approx(worth, abs=1e-9)
    stored = told.e_mwh + np.cumsum(0.92 * told.charge_mw - told.discharge_mw / 0.95)
    assert stored[-1] == pytest.approx(told.e_mwh, abs=1e-9)
    assert stored.max() == pytest.approx(0.9, abs=1e-9)
