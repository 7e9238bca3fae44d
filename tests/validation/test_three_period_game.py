"""The agents' game of three periods against brute force that shares no code with their solvers.

One consumer behind one line, wind at the substation, no storage: what is left to decide is the load
and, through the carbon factor, the price. Losses follow from the two-bus power flow in closed form.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import root

from gridarium.agents.devices.renewable_plant import RenewablePlant
from gridarium.agents.feeder.consumer import Consumer
from gridarium.agents.feeder.consumer_day import Demand
from gridarium.agents.feeder.contract import DsoContract
from gridarium.agents.feeder.dispatch_problem import DispatchShape, Renewable
from gridarium.agents.feeder.dso import Dso
from gridarium.agents.upstream import CarbonMarket, SupplyProfile, UpstreamMarket
from gridarium.environment.arrays import series
from gridarium.environment.clock import Clock
from gridarium.environment.grids import Grid, Site
from gridarium.environment.horizon import Horizon
from gridarium.environment.world import World
from gridarium.market.adcef import AdcefTariff
from gridarium.market.messages.tariffs import TariffSignal
from gridarium.market.stackelberg import NegotiationRules
from small_cases import two_buses

RecordProperty = Callable[[str, object], None]

BASE = np.array([2.0, 2.5, 3.5])  # MW
TOU = np.array([600.0, 640.0, 700.0])  # CNY/MWh
WHOLESALE = 0.6 * TOU
GRID = np.array([0.6, 0.65, 0.8])  # tCO2/MWh
WIND = np.array([2.6, 1.0, 0.5])  # MW: a surplus in the first period
LAMBDA, QUOTA = 73.65, 0.5
BETA, FLEXIBLE = 60.0, 0.2
R_PU, X_PU = 0.004, 0.003  # on 1 MVA


@dataclass(frozen=True)
class Outcome:
    """What a game ends with; shape (3,)."""

    load_mw: np.ndarray
    price: np.ndarray
    factor: np.ndarray


def imported_mw(load: np.ndarray) -> np.ndarray:
    """Power from upstream: load and line losses less the wind that is used."""
    # Sending voltage 1, no reactive load: l = (P^2 + Q^2) with P = load + r l, Q = x l.
    r, x = R_PU, X_PU
    a, b = r**2 + x**2, 2.0 * r * load - 1.0
    current = (-b - np.sqrt(b**2 - 4.0 * a * load**2)) / (2.0 * a)
    return np.maximum(0.0, load + r * current - WIND)


def called_for(load: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Price and factor that a load calls for, by C3 to C8 written out."""
    credit = GRID * np.maximum(0.0, WIND - BASE) / BASE
    factor = GRID * imported_mw(load) / load - credit
    price = TOU + LAMBDA * (factor - QUOTA)
    discount, revenue = ((TOU - price) * load).sum(), (LAMBDA * (QUOTA - factor) * load).sum()
    return price + max(0.0, discount - revenue) / load.sum(), factor


def response(price: np.ndarray, beta: float = BETA) -> np.ndarray:
    """Loads under prices, shape (..., 3): bisection on the dual of energy neutrality."""
    most = np.minimum(FLEXIBLE * BASE, BASE.max() - BASE)

    def shift(dual: np.ndarray) -> np.ndarray:
        return np.clip((TOU - price - dual) / beta, -FLEXIBLE * BASE, most)

    low = np.full((*price.shape[:-1], 1), -1e4)
    high = -low
    for _ in range(100):
        middle = 0.5 * (low + high)
        too_much = shift(middle).sum(axis=-1, keepdims=True) > 0.0
        low, high = np.where(too_much, middle, low), np.where(too_much, high, middle)
    return BASE + shift(0.5 * (low + high))


def profit(load: np.ndarray) -> np.ndarray:
    """The leader's profit when discounts cost exactly the carbon revenue: sales at TOU less purchase."""
    return np.asarray((TOU * load - WHOLESALE * imported_mw(load)).sum(axis=-1))


def welfare(load: np.ndarray) -> np.ndarray:
    """Utility less purchase and carbon, up to a constant."""
    shift = load - BASE
    utility = (TOU * load - 0.5 * BETA * shift**2).sum(axis=-1)
    return np.asarray(utility - ((WHOLESALE + LAMBDA * GRID) * imported_mw(load)).sum(axis=-1))


@pytest.fixture(scope="module")
def game() -> tuple[World, Dso, Consumer]:
    """The game played by the agents."""
    world = World(
        Grid(two_buses(R_PU, X_PU), GRID),
        Clock(pd.Timestamp("2026-01-14T20:00:00+08:00"), 3600.0),
        3,
        4 * 3600.0,
        1,
    )
    rules = NegotiationRules(0.0, 3 * 3600.0, 1e-6, 0.5, 0, 200, 5.0, 1.0)
    supply = SupplyProfile(series(WHOLESALE), series(np.zeros(3)), series(GRID))
    UpstreamMarket(world.grid.head, "market", supply, "dso", rules.opens_s, rules.closes_s, Horizon.of(world))
    CarbonMarket(world.grid.head, "carbon", LAMBDA, QUOTA)
    RenewablePlant(Site(world.grid, 0), "wind", WIND)
    consumer = Consumer(world.grid.spread(), "homes", "homes", Demand(BASE, BETA, FLEXIBLE), "dso")
    shape = DispatchShape(
        feeder=world.grid.feeder,
        turbines=(),
        storages=(),
        renewables=(Renewable("wind", 3.0),),
        sites=(("wind", 0),),
        wear_cost_per_mwh=(),
        n_period=3,
        period_h=1.0,
        voltage_band_pu=(0.9, 1.1),
        loading_max=1.0,
        import_limit_mw=10.0,
        export_limit_mw=0.0,
        loss_price_per_mwh=1.0,
    )
    contract = DsoContract(series(TOU), "market", "carbon", {"homes": consumer.place}, {})
    dso = Dso(world.grid.head, "dso", shape, AdcefTariff(credit="formula"), rules, contract, True)
    while world.running:
        world.step()
    return world, dso, consumer


@pytest.fixture(scope="module")
def played(game: tuple[World, Dso, Consumer]) -> Outcome:
    _, dso, _ = game
    return Outcome(
        dso.today.plan.situation.load_mw, dso.today.signal.price_per_mwh, dso.today.accounts.settled_factor
    )


def test_physics_is_the_two_bus_power_flow(game: tuple[World, Dso, Consumer]) -> None:
    world, dso, consumer = game
    assert dso.today.rounds[-1].ended == "converged"
    drawn = np.array([state.exchange_mw for state in world.grid.states])
    assert drawn == pytest.approx(imported_mw(consumer.loads_mw["plan"]), abs=2e-6)


def test_response_is_the_best_of_a_fine_grid(game: tuple[World, Dso, Consumer]) -> None:
    _, dso, consumer = game
    price, step = dso.today.signal.price_per_mwh, 0.002
    first, second = np.meshgrid(*[np.arange(-0.7, 0.7001, step)] * 2, indexing="ij")
    loads = BASE[:, None, None] + np.array([first, second, -first - second])
    tolerance = 1e-9
    allowed = (np.abs(loads - BASE[:, None, None]) <= FLEXIBLE * BASE[:, None, None] + tolerance).all(axis=0)
    allowed &= (loads <= BASE.max() + tolerance).all(axis=0)
    bought = (TOU + BETA * BASE)[:, None, None] * loads - 0.5 * BETA * loads**2
    value = np.where(allowed, (bought - price[:, None, None] * loads).sum(axis=0), -np.inf)
    best = np.unravel_index(int(value.argmax()), value.shape)
    assert consumer.loads_mw["plan"] == pytest.approx(loads[:, best[0], best[1]], abs=step)
    # No point of the grid is better than what the consumer does, and the best is as good but for the step.
    reached = consumer.value_money(consumer.loads_mw["plan"], dso.today.signal)
    assert 0.0 <= reached - value.max() + 1e-6 <= BETA * step**2 + 2e-6


def test_response_to_many_prices(game: tuple[World, Dso, Consumer]) -> None:
    _, _, consumer = game
    nothing = series(np.zeros(3))
    for change in product([-50.0, -7.0, 0.0, 20.0], repeat=3):
        price = TOU + np.array(change)
        answered = consumer.best_response(TariffSignal(1, series(price), nothing, series(TOU)))
        assert answered == pytest.approx(response(price), abs=5e-6)


def test_loop_ends_at_the_fixed_point(played: Outcome) -> None:
    # By patient iteration with small steps, and by a root finder that knows nothing of iteration.
    price = TOU.copy()
    for _ in range(600):
        price += 0.05 * (called_for(response(price))[0] - price)
    found = root(lambda price: called_for(response(price))[0] - price, TOU, tol=1e-12)
    assert found.x == pytest.approx(price, abs=1e-6)
    assert played.price == pytest.approx(price, abs=1e-3)
    assert played.load_mw == pytest.approx(response(price), abs=2e-5)
    assert played.factor == pytest.approx(called_for(response(price))[1], abs=2e-5)
    # The response is worth looking at: it moves, and it is neither at rest nor at all its limits.
    assert np.abs(played.load_mw - BASE).max() > 0.1


def test_ledger_holds_the_profit_of_the_fixed_point(
    game: tuple[World, Dso, Consumer], played: Outcome
) -> None:
    world, _, _ = game
    assert world.ledger.balance("dso") == pytest.approx(profit(played.load_mw), abs=0.05)


def stackelberg(band: float) -> tuple[float, np.ndarray, float]:
    """Best profit of a leader who foresees the follower, its load, and the error of the search.

    Only differences of prices move the follower; their level is set by the budget rule C8. So two
    prices are searched on a grid, twice: over the band, and around the best point.
    """
    centre, width, error = np.zeros(2), band, 0.0
    best: tuple[float, np.ndarray] = (-np.inf, BASE)
    for _ in range(2):
        axis = np.linspace(-width, width, 61)
        change = np.zeros((61, 61, 3))
        change[..., 0], change[..., 1] = np.meshgrid(centre[0] + axis, centre[1] + axis, indexing="ij")
        change = np.clip(change, -band, band)
        loads = response(TOU + change)
        profits = profit(loads)
        place = np.unravel_index(int(profits.argmax()), profits.shape)
        if profits[place] > best[0]:
            best, centre = (float(profits[place]), loads[place]), change[place][:2]
        error = max(np.abs(np.diff(profits, axis=0)).max(), np.abs(np.diff(profits, axis=1)).max())
        width = 2.0 * width / 30.0
    return best[0], best[1], float(error)


def test_loop_profit_stays_below_the_bilevel_benchmark(
    played: Outcome, record_property: RecordProperty
) -> None:
    differences = played.price - TOU - (played.price - TOU)[2]
    band = 100.0
    assert np.abs(differences).max() < band
    benchmark, _, error = stackelberg(band)
    reached = profit(played.load_mw)
    gap = benchmark - reached
    record_property("gap_to_bilevel_money", float(gap))
    record_property("gap_to_bilevel_share", float(gap / benchmark))
    assert gap >= -error
    # Both gain from the wind that would be curtailed without a response.
    assert reached >= profit(BASE)


def test_loop_welfare_stays_below_the_central_optimum(
    played: Outcome, record_property: RecordProperty
) -> None:
    step = 0.005
    first, second = np.meshgrid(*[np.arange(-0.7, 0.7001, step)] * 2, indexing="ij")
    load = BASE + np.stack([first, second, -first - second], axis=-1)
    allowed = (np.abs(load - BASE) <= FLEXIBLE * BASE + 1e-9).all(axis=-1)
    allowed &= load.max(axis=-1) <= BASE.max() + 1e-9
    gap = welfare(load[allowed]).max() - welfare(played.load_mw)
    record_property("gap_to_central_money", float(gap))
    assert gap >= -BETA * step**2
    assert welfare(BASE) < welfare(played.load_mw)
