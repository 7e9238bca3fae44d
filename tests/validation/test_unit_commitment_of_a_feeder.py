"""Commitment of a feeder's units against every choice of units, and exclusive ways through its head."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gridarium.agents.feeder.commitment import GAP, Review, UnitCommitter
from gridarium.agents.feeder.dispatch import Commitment, DispatchDay, Dispatcher
from gridarium.agents.feeder.dispatch_problem import DispatchShape, Renewable
from gridarium.environment.arrays import Array, series
from gridarium.environment.clock import Clock
from gridarium.environment.commons import Commons
from gridarium.environment.network_reader import read_feeder
from gridarium.environment.storage import StorageRatings
from gridarium.environment.thermal_unit import gas_turbine
from gridarium.experiments.reading.scenario_files import profile_path
from gridarium.market.messages.tariffs import MarketConditions

FEEDER = read_feeder(str(profile_path("adcef-ordinary").with_name("five-bus.json")))
N = 4
PRICES = np.array([180.0, 420.0, 600.0, 300.0])
LOADS = np.array([1.2, 2.4, 3.7, 1.6])


def small_shape(**change: Any) -> DispatchShape:
    units = (
        gas_turbine("one", 0.3, 1.0, 0.5, 120.0, 100.0, 1.25, 0.43),
        gas_turbine("two", 0.0, 1.2, 0.8, 200.0, 150.0, 1.5, 0.43),
    )
    plain = DispatchShape(
        feeder=FEEDER,
        turbines=units,
        storages=(StorageRatings("pool", 0.5, 1.0, 0.1, 0.9, 0.5, 0.92, 0.95, 0.5),),
        renewables=(Renewable("pv", 1.0),),
        sites=(("one", 2), ("two", 4), ("pool", 3), ("pv", 1)),
        wear_cost_per_mwh=(("pool", 5.0),),
        n_period=N,
        period_h=1.0,
        voltage_band_pu=(0.95, 1.05),
        loading_max=np.inf,
        import_limit_mw=10.0,
        export_limit_mw=0.0,
        loss_price_per_mwh=1.0,
    )
    return replace(plain, **change)


ONLY_SUN = small_shape(
    turbines=(), storages=(), wear_cost_per_mwh=(), sites=(("pv", 1),), export_limit_mw=2.0
)


class Case:
    """A day on the small feeder, its dispatcher, and what a search finds."""

    def __init__(
        self,
        shape: DispatchShape,
        price: Array = PRICES,
        load: Array = LOADS,
        exported: Array | None = None,
        sun: Array | None = None,
    ) -> None:
        world = Commons(Clock(pd.Timestamp("2026-01-15T00:00:00+08:00"), 3600.0), N, 0.0)
        self.dispatcher = Dispatcher(world, "dso", shape)
        p, q = FEEDER.p_load_mw, FEEDER.q_load_mvar
        nothing = np.zeros(N)
        market = MarketConditions(
            price, price, nothing if exported is None else exported, nothing, nothing, 0.0
        )
        self.day = DispatchDay(
            market,
            np.outer(p / p.sum(), load),
            np.outer(q / p.sum(), load),
            np.array([np.array([0.0, 0.4, 0.0, 0.2]) if sun is None else sun]),
            np.full(len(shape.storages), 0.5),
            False,
            self.dispatcher.everything,
        )

    def review(self, held: Commitment | None = None) -> Review:
        found = UnitCommitter(self.dispatcher).review(self.day, held)
        assert found is not None
        return found

    def cost(self, commitment: Commitment) -> float:
        dispatch = self.dispatcher.attempt(replace(self.day, commitment=commitment))
        return np.inf if dispatch is None else dispatch.cost_money

    def best_of_all(self) -> float:
        """Cost of the best of all commitments, each dispatched."""
        shape, everything = self.dispatcher.shape, self.dispatcher.everything
        units = len(shape.turbines)
        flags = product((0.0, 1.0), repeat=units * N)
        return min(self.cost(replace(everything, on=np.array(each).reshape(units, N))) for each in flags)


@pytest.mark.parametrize("load", [1.0, 0.55, 1.15])
@pytest.mark.parametrize("gas", [1.0, 1.9])
def test_the_search_finds_the_best_of_all_choices(load: float, gas: float) -> None:
    units = tuple(
        replace(unit, cost_linear_per_mwh=gas * unit.cost_linear_per_mwh) for unit in small_shape().turbines
    )
    case = Case(small_shape(turbines=units), load=load * LOADS)
    found, best = case.review(), case.best_of_all()
    assert case.cost(found.best) == pytest.approx(found.best_money, rel=1e-6)
    assert found.best_money <= best + GAP * (1.0 + best)
    assert found.best_money >= best - 1e-6 * best
    assert found.bound_money <= best + 1e-6 * best
    assert found.bound_money >= found.best_money - 2.0 * GAP * (1.0 + best)
    # Something is off and something runs, or there would be nothing to find.
    assert 0.0 < found.best.on.mean() < 1.0


def test_units_run_where_only_they_keep_the_voltage() -> None:
    dear = tuple(replace(unit, cost_linear_per_mwh=2000.0) for unit in small_shape().turbines)
    band = (0.985, 1.05)
    idle = Case(small_shape(turbines=dear))
    assert idle.review().best.on.sum() == 0.0
    tight = Case(small_shape(turbines=dear, voltage_band_pu=band))
    nobody = replace(tight.dispatcher.everything, on=np.zeros((2, N)))
    assert tight.cost(nobody) == np.inf
    found, best = tight.review(), tight.best_of_all()
    assert found.best_money == pytest.approx(best, rel=2.0 * GAP)
    assert found.best.on.sum() > 0.0


def test_what_is_held_stays_unless_another_choice_is_cheaper() -> None:
    case = Case(small_shape())
    best = case.review().best
    again = case.review(best)
    assert again.best is best
    assert not again.pays
    assert again.held_money == again.best_money
    everything = case.dispatcher.everything
    other = case.review(everything)
    assert other.pays
    assert other.held_money == pytest.approx(case.cost(everything), rel=1e-6)
    assert other.held_money > other.best_money


def test_a_unit_that_is_off_costs_nothing_and_gives_nothing() -> None:
    case = Case(small_shape())
    off = replace(case.dispatcher.everything, on=np.zeros((2, N)))
    dispatch = case.dispatcher.solve(replace(case.day, commitment=off))
    assert not dispatch.turbine_mw.any()
    assert not dispatch.turbine_mvar.any()
    running = case.dispatcher.solve(case.day)
    assert running.turbine_mw[0].min() >= 0.3 - 1e-6
    none = Case(small_shape(turbines=(), sites=(("pool", 3), ("pv", 1))))
    alone = none.dispatcher.solve(none.day)
    assert dispatch.cost_money == pytest.approx(alone.cost_money, rel=1e-6)


@pytest.mark.parametrize("price", [300.0, -40.0])
def test_at_equal_prices_nothing_is_bought_and_sold_at_once(price: float) -> None:
    flat = np.full(N, price)
    load, sun = np.array([0.2, 1.0, 0.2, 0.5]), np.array([0.9, 0.0, 0.9, 0.0])
    case = Case(ONLY_SUN, flat, load, flat, sun)
    dispatch = case.dispatcher.solve(replace(case.day, commitment=case.review().best))
    assert np.minimum(dispatch.buy_mw, dispatch.sell_mw).max() == 0.0
    assert (dispatch.sell_mw.max() > 0.1) == (price > 0.0)


def test_where_export_pays_more_than_import_costs_the_better_way_is_open() -> None:
    bought, sold = np.array([-50.0, 300.0, -50.0, -50.0]), np.array([60.0, 90.0, 20.0, 0.0])
    load = np.array([0.2, 1.0, 0.9, 0.5])
    case = Case(ONLY_SUN, bought, load, sold, np.array([0.9, 0.0, 0.95, 0.0]))
    found = case.review()
    dispatch = case.dispatcher.solve(replace(case.day, commitment=found.best))
    assert np.minimum(dispatch.buy_mw, dispatch.sell_mw).max() == 0.0
    contested = [0, 2, 3]
    ways = []
    for flags in product((0.0, 1.0), repeat=len(contested)):
        buy, sell = np.ones(N), np.ones(N)
        buy[contested], sell[contested] = flags, 1.0 - np.array(flags)
        ways.append(case.cost(Commitment(np.zeros((0, N)), series(buy), series(sell))))
    assert found.best_money == pytest.approx(min(ways), rel=1e-5, abs=1e-4)
    # With 0.7 MW to spare at 60, export beats taking the load from above at -50; with little at 20 not.
    assert dispatch.sell_mw[0] > 0.5
    assert dispatch.buy_mw[2] > 0.5
