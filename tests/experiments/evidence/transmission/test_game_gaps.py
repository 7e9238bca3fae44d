"""The three gaps of a small game: none where prices are right, and what is known where they are not."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pytest

from gridarium.agents.region.region_day import RegionDay, RegionPlan
from gridarium.agents.region.region_demand import Flexibility, RegionDemand, Window
from gridarium.agents.transmission.bulk_system import BulkForecast, BulkState, BulkSystem
from gridarium.agents.transmission.merit_order import BulkShape, MeritOrder
from gridarium.environment.arrays import Array, series
from gridarium.environment.clock import Clock
from gridarium.environment.grids import Grid
from gridarium.environment.network import Feeder
from gridarium.environment.storage import StorageRatings
from gridarium.environment.thermal_unit import ThermalUnit
from gridarium.environment.world import World
from gridarium.experiments.evidence.transmission.game_gaps import GameGaps, PlayedDay, measure_gaps
from gridarium.experiments.evidence.transmission.leader_search import Instrument
from gridarium.market.carbon_price import PersonalLadder
from gridarium.market.messages.tariffs import TariffSignal
from gridarium.market.quota_ladder import QuotaLadder

N = 4
UNITS = (
    ThermalUnit("coal", 20, 150, 0.12, 20, 100, 0, 200, 200, 1, 1, 0.9, True, 60),
    ThermalUnit("gas", 10, 100, 0.15, 35, 80, 0, 200, 200, 1, 1, 0.4, True, 20),
)
SYSTEM = BulkSystem(
    UNITS, (StorageRatings("pumped", 20, 60, 0.1, 0.9, 0.5, 0.9, 0.9, 20),), (2.0,), ("wind",),
    QuotaLadder(250.0, 30.0, 400.0, 0.5, 4, 0), import_limit_mw=90.0,
)  # fmt: skip
BULK = BulkShape(SYSTEM, N, 1.0)
STATE = BulkState.initial(SYSTEM)
ON = np.ones((2, N), dtype=bool)
FORECAST = BulkForecast(
    load_mw=np.full(N, 10.0),
    available_mw=np.array([[30.0, 20.0, 5.0, 10.0]]),
    import_price_per_mwh=np.full(N, 120.0),
    import_factor_tco2_per_mwh=np.full(N, 0.6),
    loss_mw=np.full(N, 2.0),
)
INSTRUMENTS = (Instrument("carbon", 0.0, 2.5, n_grid=3), Instrument("energy", 0.8, 1.3, n_grid=3))


@pytest.fixture(scope="module")
def days() -> dict[str, RegionDay]:
    clock = Clock(pd.Timestamp("2026-06-15", tz="Asia/Shanghai"), 3600.0)
    world = World(Grid(Feeder.copper_plate(), np.zeros(N)), clock, N, 0.0, 1)
    own = Flexibility(0.4, 0.15, 20.0, 1.0, windows=(Window((2.0, 3.0), (0.0, 2.0), 0.95),))
    bases = {"one": np.array([50.0, 60.0, 90.0, 70.0]), "two": np.array([40.0, 70.0, 80.0, 50.0])}
    return {
        name: RegionDay(world, name, RegionDemand(base, own), float(base.max()), 300.0, 1.0)
        for name, base in bases.items()
    }


class Leader:
    """Prices energy and carbon by what its dispatch for the loads comes to."""

    def __init__(self, is_marginal: bool) -> None:
        self._order, self._is_marginal = MeritOrder(BULK), is_marginal

    def signals_for(self, loads: Mapping[str, Array]) -> dict[str, TariffSignal]:
        plan = self._order.solve(
            "ties", FORECAST.with_load(FORECAST.load_mw + sum(loads.values())), ON, STATE
        )
        factor, tariff = series(plan.factor_tco2_per_mwh), series(np.array([40.0, 50.0, 70.0, 60.0]))
        if self._is_marginal:
            return dict.fromkeys(loads, TariffSignal(1, series(plan.price_per_mwh), factor, tariff))
        ladder = PersonalLadder(np.full(N, 10.0), 10.0, 0.5, 3, np.full(N, 10.0))
        return dict.fromkeys(loads, TariffSignal(1, tariff, factor, tariff, ladder=ladder))


def rest(days: Mapping[str, RegionDay], leader: Leader, damping: float) -> PlayedDay:
    """Round by round until nothing moves."""
    loads = {name: day.demand.base_mw for name, day in days.items()}
    for _ in range(250):
        signals = leader.signals_for(loads)
        plans = {name: day.best(signals[name]) for name, day in days.items()}
        moves = {name: plans[name].net_mw - loads[name] for name in days}
        if max(float(np.abs(move).max()) for move in moves.values()) < 1e-4:
            break
        loads = {name: loads[name] + damping * moves[name] for name in days}
    return PlayedDay(BULK, FORECAST, ON, STATE, days, plans, signals)


def order_holds(gaps: GameGaps) -> None:
    """Bounds that hold whatever is played."""
    least, found = gaps.least_supply_money, gaps.by_cost.best.cost_money
    slack = 1e-6 * abs(found) + 1e-2
    assert least <= found + slack and found <= gaps.by_cost.on_grid.cost_money + slack
    assert gaps.optimum.cost_money <= min(gaps.outcome.cost_money, gaps.untouched.cost_money) + slack
    assert 0.0 <= gaps.stackelberg_percent <= gaps.stackelberg_bound_percent * (1.0 + 1e-9)
    assert gaps.stackelberg_profit_percent >= 0.0 and gaps.nash_percent >= 0.0
    assert gaps.nash.held_percent < 1e-3


def test_marginal_prices_leave_no_gap_to_the_optimum_of_all(days: dict[str, RegionDay]) -> None:
    leader = Leader(is_marginal=True)
    gaps = measure_gaps(rest(days, leader, 0.15), leader.signals_for, INSTRUMENTS)
    order_holds(gaps)
    assert gaps.untouched.cost_money > gaps.optimum.cost_money + 50.0
    assert gaps.social_percent == pytest.approx(0.0, abs=2e-3)
    assert gaps.social_share_of_saving_percent == pytest.approx(0.0, abs=0.5)
    # But whoever foresees its influence on them would withhold load.
    assert gaps.nash_percent > 0.1
    assert gaps.nash.leader_regret_money == 0.0


def test_tonnes_paid_for_twice_are_avoided_beyond_the_optimum(days: dict[str, RegionDay]) -> None:
    leader = Leader(is_marginal=False)
    played = rest(days, leader, 0.5)
    gaps = measure_gaps(played, leader.signals_for, INSTRUMENTS, (1010.0, 1000.0))
    assert gaps.social_percent > 0.5
    assert gaps.nash.leader_regret_money == pytest.approx(10.0)
    drawn = sum(plan.net_mw.sum() for plan in gaps.outcome.responses)
    assert drawn < sum(plan.net_mw.sum() for plan in gaps.optimum.responses) - 5.0
    # A leader that counts its cost alone takes dear prices, until users have given all they have.
    # From there on, the other one of both prices changes nothing.
    carbon, energy = gaps.by_cost.best.levels
    assert carbon > 1.3 and (carbon == 2.5 or energy == 1.3)
    assert gaps.stackelberg_percent > 5.0
    assert gaps.stackelberg_percent == pytest.approx(gaps.stackelberg_bound_percent, rel=1e-4)


def test_what_no_leader_undercuts_is_the_least_over_all_that_users_could_do(
    days: dict[str, RegionDay],
) -> None:
    leader = Leader(is_marginal=False)
    gaps = measure_gaps(rest(days, leader, 0.5), leader.signals_for, INSTRUMENTS)
    order_holds(gaps)
    random, order = np.random.default_rng(0), MeritOrder(BULK)
    for _ in range(30):
        price = series(random.uniform(0.0, 500.0, N))
        signal = TariffSignal(1, price, series(np.zeros(N)), price)
        load = FORECAST.load_mw + sum(day.best(signal).net_mw for day in days.values())
        cost = order.solve("ties", FORECAST.with_load(load), ON, STATE).cost_money
        assert cost >= gaps.least_supply_money - 1e-2
    # All is cut that may be where supply costs more the more is drawn.
    assert gaps.least_supply_money < gaps.outcome.supply_money


def test_plans_and_signals_are_taken_as_played(days: dict[str, RegionDay]) -> None:
    leader = Leader(is_marginal=False)
    played = rest(days, leader, 0.5)
    idle = {name: RegionPlan.untouched(day.demand.base_mw) for name, day in days.items()}
    gaps = measure_gaps(
        PlayedDay(BULK, FORECAST, ON, STATE, days, idle, played.signals), leader.signals_for, INSTRUMENTS
    )
    assert gaps.social_share_of_saving_percent == pytest.approx(100.0, abs=1e-6)
    assert gaps.nash.held_percent > 1.0
