"""A few hours on five buses whose wind and sun are not known."""

from __future__ import annotations

import numpy as np

from gridarium.agents.feeder.dispatch import Commitment, DispatchDay
from gridarium.agents.feeder.dispatch_problem import DispatchShape, Renewable
from gridarium.environment.arrays import Array
from gridarium.environment.network_reader import read_feeder
from gridarium.environment.storage import StorageRatings
from gridarium.environment.thermal_unit import gas_turbine
from gridarium.experiments.reading.scenario_files import profile_path
from gridarium.market.messages.tariffs import MarketConditions

FEEDER = read_feeder(str(profile_path("adcef-ordinary").with_name("five-bus.json")))
STORAGES = (
    StorageRatings("big", 0.6, 1.2, 0.1, 0.9, 0.5, 0.92, 0.95, 0.7),
    StorageRatings("quick", 0.5, 0.5, 0.0, 1.0, 0.4, 0.95, 0.95, 0.5),
)
SHAPE = DispatchShape(
    feeder=FEEDER,
    turbines=(gas_turbine("gas", 0.0, 1.0, 40.0, 560.0, 0.0, 1.2, 0.43),),
    storages=STORAGES,
    renewables=(Renewable("wind", 2.5), Renewable("pv", 1.5)),
    sites=(("gas", 3), ("big", 2), ("quick", 4), ("wind", 4), ("pv", 2)),
    wear_cost_per_mwh=(("big", 10.0), ("quick", 4.0)),
    n_period=3,
    period_h=1.0,
    voltage_band_pu=(0.95, 1.05),
    loading_max=1.0,
    import_limit_mw=6.0,
    export_limit_mw=0.0,
    loss_price_per_mwh=1.0,
)
WEIGHTS = np.array([0.5, 0.3, 0.2])


def day_of(shape: DispatchShape = SHAPE) -> DispatchDay:
    """A cheap period, a dear one and one between, over and over."""
    n = shape.n_period
    load_mw = np.resize([1.8, 3.4, 2.6], n)
    share = FEEDER.p_load_mw / FEEDER.p_load_mw.sum()
    price = np.resize([300.0, 800.0, 550.0], n)
    market = MarketConditions(
        price, price, np.zeros(n), np.resize([0.7, 0.85, 0.8], n), np.full(n, 100.0), 0.0
    )
    everything = Commitment(np.ones((len(shape.turbines), n)), np.ones(n), np.ones(n))
    initial = np.array([unit.soc_initial * unit.e_max_mwh for unit in shape.storages])
    load_p = np.outer(share, load_mw)
    nothing = np.zeros((len(shape.renewables), n))
    return DispatchDay(market, load_p, 0.4 * load_p, nothing, initial, True, everything)


def available_mw(n_scenario: int = 3, n_period: int = 3, seed: int = 7) -> Array:
    """Wind that may exceed the load, and some sun, shape (n_scenario, 2, n_period)."""
    random = np.random.default_rng(seed)
    wind = random.uniform(0.2, 2.4, (n_scenario, n_period))
    return np.stack([wind, random.uniform(0.0, 1.2, (n_scenario, n_period))], axis=1)
