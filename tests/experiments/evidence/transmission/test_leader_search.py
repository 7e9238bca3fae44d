"""The best leader that search finds: by hand where demand is linear, and against a fine grid."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from gridarium.agents.region.region_day import RegionDay
from gridarium.agents.region.region_demand import Flexibility, RegionDemand, Window
from gridarium.agents.transmission.bulk_system import BulkForecast, BulkState, BulkSystem
from gridarium.agents.transmission.merit_order import BulkShape, MeritOrder
from gridarium.environment.arrays import Array, series
from gridarium.environment.clock import Clock
from gridarium.environment.errors import InfeasibleError, InputError
from gridarium.environment.grids import Grid
from gridarium.environment.network import Feeder
from gridarium.environment.thermal_unit import ThermalUnit
from gridarium.environment.world import World
from gridarium.experiments.evidence.transmission.leader_search import (
    Instrument,
    PostedPrices,
    PriceGame,
    best_leader,
    least_cost,
    most_profit,
)
from gridarium.market.carbon_price import PersonalLadder
from gridarium.market.messages.tariffs import TariffSignal
from gridarium.market.quota_ladder import QuotaLadder

N = 3


@pytest.fixture(scope="module")
def world() -> World:
    clock = Clock(pd.Timestamp("2026-06-15", tz="Asia/Shanghai"), 3600.0)
    return World(Grid(Feeder.copper_plate(), np.zeros(N)), clock, N, 0.0, 1)


def signal(price: Array, carbon: float | None = None) -> TariffSignal:
    ladder = carbon and PersonalLadder(np.full(N, carbon), 5.0, 0.5, 3, np.full(N, 8.0))
    return TariffSignal(1, series(price), series(np.full(N, 0.5)), series(price), ladder=ladder or None)


def linear_demand(world: World) -> RegionDay:
    """Cutting x of 100 MW costs x^2 / 2, so that 100 - p is drawn at a price of p."""
    own = Flexibility(1.0, 0.0, 0.0, 0.5, dissatisfaction_weight=0.0)
    return RegionDay(world, "r", RegionDemand(np.full(N, 100.0), own), 100.0, 0.0, 1.0)


def test_linear_demand_is_led_to_the_price_known_by_hand(world: World) -> None:
    """Demand 100 - p at a cost of 20: the leader's price is 60, its profit 1600 an hour (D.2)."""
    game = PriceGame(
        [linear_demand(world)],
        lambda levels: [signal(np.full(N, levels[0]))],
        lambda loads: 20.0 * loads.sum(),
    )
    price = Instrument("price", 0.0, 100.0, usual=30.0, n_grid=8)
    found = best_leader(game, [price], most_profit, tolerance=1e-4)
    assert found.best.levels[0] == pytest.approx(60.0, abs=0.05)
    assert found.best.profit_money == pytest.approx(3 * 40.0 * 40.0, abs=0.1)
    assert found.is_complete and found.evaluations < 60
    assert found.usual.profit_money == pytest.approx(3 * 10.0 * 70.0, abs=1e-2)
    # Who counts cost alone takes the dearest price there is.
    dear = best_leader(game, [price], least_cost)
    assert dear.best.levels[0] == 100.0
    assert dear.best.cost_money == pytest.approx(0.0, abs=1e-2)


UNITS = (
    ThermalUnit("coal", 20, 120, 0.08, 20, 100, 0, 200, 200, 1, 1, 0.9, True, 60),
    ThermalUnit("gas", 10, 80, 0.1, 35, 80, 0, 200, 200, 1, 1, 0.4, True, 20),
)
SYSTEM = BulkSystem(UNITS, (), (), (), QuotaLadder(150.0, 30.0, 20.0, 0.5, 4, 2), import_limit_mw=60.0)


def bulk_game(world: World) -> PriceGame:
    """Two regions over two units; the leader moves the level of its carbon price and of its energy price."""
    own = Flexibility(1.0, 0.1, 10.0, 0.5, windows=(Window((2.0, 3.0), (0.0, 1.0)),))
    days = [
        RegionDay(world, f"r{i}", RegionDemand(base, own), float(base.max()), 1e2, 1.0)
        for i, base in enumerate((np.array([50.0, 70.0, 90.0]), np.array([40.0, 60.0, 80.0])))
    ]
    order = MeritOrder(BulkShape(SYSTEM, N, 1.0))
    state, on = BulkState.initial(SYSTEM), np.ones((2, N), dtype=bool)
    nothing = np.zeros(N)

    def cost_of(loads: Array) -> float:
        day = BulkForecast(loads.sum(axis=0), np.zeros((0, N)), nothing + 90.0, nothing, nothing)
        return order.solve("ties", day, on, state).cost_money

    posted = PostedPrices((signal(np.array([30.0, 40.0, 55.0]), 30.0),) * 2)
    return PriceGame(days, posted.at, cost_of)


@pytest.mark.parametrize("minimised", [least_cost, most_profit])
def test_nothing_on_a_fine_grid_is_better(world: World, minimised: object) -> None:
    game = bulk_game(world)
    instruments = [Instrument("carbon", 0.0, 2.5, n_grid=4), Instrument("energy", 0.8, 2.0, n_grid=3)]
    found = best_leader(game, instruments, minimised)  # type: ignore[arg-type]
    fine = [
        minimised(game.play(np.array([carbon, energy])))  # type: ignore[operator]
        for carbon in np.linspace(0.0, 2.5, 21)
        for energy in np.linspace(0.8, 2.0, 21)
    ]
    reached = minimised(found.best)  # type: ignore[operator]
    assert reached <= min(fine) + 1e-3 * abs(min(fine))
    assert reached <= minimised(found.on_grid) <= minimised(found.usual)  # type: ignore[operator]
    # What is reported is what comes of the choice, played again.
    again = game.play(found.best.levels)
    assert (again.cost_money, again.revenue_money) == pytest.approx(
        (found.best.cost_money, found.best.revenue_money), rel=1e-6
    )


def test_prices_of_each_step_are_searched_one_by_one(world: World) -> None:
    """Demand base - p at a cost of 20: the price of each step is half of base + 20."""
    own, base = Flexibility(1.0, 0.0, 0.0, 0.5, dissatisfaction_weight=0.0), np.array([100.0, 80.0, 60.0])
    day = RegionDay(world, "r", RegionDemand(base, own), 100.0, 0.0, 1.0)
    game = PriceGame([day], lambda levels: [signal(levels)], lambda loads: 20.0 * loads.sum())
    steps = [Instrument(f"price of step {t}", 0.0, 100.0, usual=30.0) for t in range(N)]
    found = best_leader(game, steps, most_profit, tolerance=1e-4)
    assert found.best.levels == pytest.approx(0.5 * (base + 20.0), abs=0.1)
    assert found.on_grid is found.usual and found.is_complete
    stopped = best_leader(game, steps, most_profit, most_evaluations=5)
    assert not stopped.is_complete and stopped.evaluations == 5


def test_what_is_fixed_stays(world: World) -> None:
    game = bulk_game(world)
    carbon, energy = Instrument("carbon", 0.5, 2.5, n_grid=3), Instrument("energy", 1.1, 1.1, usual=1.1)
    found = best_leader(game, [carbon, energy], most_profit)
    assert found.best.levels[1] == 1.1 and found.is_complete
    fine = [game.play(np.array([level, 1.1])).profit_money for level in np.linspace(0.5, 2.5, 41)]
    assert found.best.profit_money >= max(fine) - 1e-3 * max(fine)


def test_levels_move_prices_and_nothing_else() -> None:
    told = signal(np.array([30.0, 40.0, 50.0]), 20.0)
    (moved,) = PostedPrices((told,)).at(np.array([2.0, 1.1, 0.5, 1.0, 1.5]))
    assert moved.price_per_mwh.tolist() == pytest.approx([33.0, 44.0, 55.0])
    assert moved.ladder is not None and told.ladder is not None
    assert moved.ladder.base_price_per_tco2.tolist() == pytest.approx([20.0, 40.0, 60.0])
    assert replace(moved, price_per_mwh=told.price_per_mwh, ladder=told.ladder) == told


def test_loads_that_nobody_can_supply_are_worth_nothing(world: World) -> None:
    def fails(loads: Array) -> float:
        if loads.sum() > 150.0:
            raise InfeasibleError("too much")
        return float(loads.sum())

    game = PriceGame([linear_demand(world)], lambda levels: [signal(np.full(N, levels[0]))], fails)
    found = best_leader(game, [Instrument("price", 0.0, 90.0, usual=10.0, n_grid=10)], most_profit)
    assert found.usual.cost_money == np.inf
    # The best that can be supplied: 50 MW each hour, at 50.
    assert found.best.levels[0] == pytest.approx(50.5, abs=0.5)


@pytest.mark.parametrize(
    ("numbers", "part"),
    [((2.0, 1.0, 1.5), "low"), ((0.0, 1.0, 2.0), "usual"), ((0.0, 1.0, 0.5, 0), "n_grid")],
)
def test_instruments_without_a_range_are_refused(numbers: tuple[float, ...], part: str) -> None:
    with pytest.raises(InputError, match=part):
        Instrument("level", *numbers)  # type: ignore[arg-type]
