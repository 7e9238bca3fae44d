"""Days of the feeder of `shared-storage` with its tap changer and its SVC."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd

from gridarium.agents.feeder.dispatch import Commitment, DispatchDay, Dispatcher
from gridarium.agents.feeder.dispatch_problem import DispatchShape
from gridarium.agents.feeder.dso import Dso
from gridarium.environment.arrays import Array, series
from gridarium.environment.clock import HOUR_S, Clock
from gridarium.environment.commons import Commons
from gridarium.environment.profiles import read_profiles
from gridarium.experiments.reading.scenario_files import profile_path
from gridarium.experiments.running.world_build import build
from gridarium.experiments.scenario import load_scenario
from gridarium.market.messages.tariffs import MarketConditions

N_HOUR = 24
CARBON_PRICE_PER_TCO2 = 100.0
_CLASSES = ("residential_mw", "commercial_mw", "industrial_mw")
_RENEWABLES = {"pv_22": ("pv_mw", 2.4), "pv_30": ("pv_mw", 1.0), "wind_20": ("wind_mw", 1.5)}


@cache
def active_shape() -> DispatchShape:
    """The operator's units on the 33-bus feeder, over 24 hours; it commands all storages."""
    shape = build(load_scenario("shared-storage").cases["method-0"]).one(Dso).shape
    return replace(shape, opens_storages=False)


def short_shape(n_hour: int, moves: int) -> DispatchShape:
    """The same units over some hours, with another limit of moves."""
    shape = active_shape()
    assert shape.tap_changer is not None
    return replace(shape, n_period=n_hour, tap_changer=replace(shape.tap_changer, moves_per_day=moves))


def fresh_dispatcher(shape: DispatchShape) -> Dispatcher:
    """A dispatcher that has solved nothing yet, on compiled problems."""
    clock = Clock(pd.Timestamp("2026-01-15T00:00:00+08:00"), HOUR_S)
    return Dispatcher(Commons(clock, shape.n_period, 0.0), "dso", shape)


def active_day(
    shape: DispatchShape, load_factor: Array | float = 1.0, renewable_factor: float = 1.0, first: int = 0
) -> DispatchDay:
    """The day of the scenario from an hour on, loads times a factor each hour, renewables times one.

    Every unit runs, and storages are half full.
    """
    profiles, feeder = read_profiles(profile_path("shared-storage")), shape.feeder
    hours = slice(first, first + shape.n_period)
    load_mw = (load_factor * np.sum([profiles.column(name) for name in _CLASSES], axis=0))[hours]
    price, factor = (
        series(profiles.column(name)[hours]) for name in ("tou_price_per_mwh", "grid_tco2_per_mwh")
    )
    carbon = series(np.full_like(price, CARBON_PRICE_PER_TCO2))
    market = MarketConditions(price, price, series(np.zeros_like(price)), factor, carbon, 0.0)
    per_mw = feeder.p_load_mw.sum()
    available = [scale * profiles.column(column)[hours] for column, scale in _RENEWABLES.values()]
    return DispatchDay(
        market,
        np.outer(feeder.p_load_mw / per_mw, load_mw),
        np.outer(feeder.q_load_mvar / per_mw, load_mw),
        renewable_factor * np.array(available),
        np.array([unit.soc_initial * unit.e_max_mwh for unit in shape.storages]),
        True,
        Commitment(np.ones((len(shape.turbines), len(price))), np.ones_like(price), np.ones_like(price)),
    )
