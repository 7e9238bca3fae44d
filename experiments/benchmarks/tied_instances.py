"""Random days of a leader whose price is tied to the carbon factor, the same for every method."""

from __future__ import annotations

import numpy as np

from gridarium.agents.leader.follower_model import FollowerModel
from gridarium.agents.leader.tied_problem import TiedProblem
from gridarium.agents.leader.tied_supply import TiedSupply
from gridarium.environment.arrays import Array
from gridarium.environment.random_streams import RandomStreams
from gridarium.environment.storage import StorageRatings
from gridarium.environment.thermal_unit import gas_turbine
from gridarium.experiments.benchmarks.leader_instances import BASE_LOAD_MW, time_of_use

CARBON_PRICE = 73.65
"""Of the paper, money/tCO2."""

GAS_COST_PER_MWH = (450.0, 520.0)
STORAGE_MW, STORAGE_MWH = 1.7, 3.4
BETA_PER_MWH_PER_MW = (30.0, 200.0)
FLEXIBLE_SHARE = (0.1, 0.3)
RENEWABLE_PEAK_MW = (1.8, 3.5)
"""At noon, on an ordinary day and on one with high renewable generation."""


def tied_instance(seed: int, n_period: int = 24) -> TiedProblem:
    """Draw a day; a seed always gives the same one.

    Parameters
    ----------
    seed : int
    n_period : int
        At most 24; fewer take evenly spaced hours of the day.

    Returns
    -------
    TiedProblem
        One storage, two gas turbines, one renewable plant, and one to three classes of followers; the first
        content of the pool is that of a half-full storage at the quota factor.
    """
    random = RandomStreams(seed).stream("tied instance")
    first = int(random.integers(0, 24 // n_period))
    hours = (first + np.linspace(0.0, 24.0, n_period, endpoint=False)).astype(int) % 24
    reference = time_of_use()[hours] * random.uniform(0.9, 1.1)
    share = random.dirichlet(np.full(int(random.integers(1, 4)), 5.0))
    followers = tuple(_follower(random, reference, part * BASE_LOAD_MW[hours], part) for part in share)
    quota = random.uniform(0.45, 0.6)
    supply = _supply(random, reference, hours, quota)
    return TiedProblem(reference, followers, supply, CARBON_PRICE, quota)


def _follower(random: np.random.Generator, reference: Array, base: Array, share: float) -> FollowerModel:
    base = base * np.exp(random.normal(0.0, 0.1, len(base)))
    beta = random.uniform(*BETA_PER_MWH_PER_MW) / share
    return FollowerModel.of(base, reference, beta, random.uniform(*FLEXIBLE_SHARE))


def _supply(random: np.random.Generator, reference: Array, hours: Array, quota: float) -> TiedSupply:
    storage = StorageRatings("storage", STORAGE_MW, STORAGE_MWH, 0.1, 0.9, 0.5, 0.92, 0.95, STORAGE_MW)
    turbines = tuple(
        gas_turbine(f"gas {i}", 0.0, most, 0.0, cost, 0.0, 1.25 * most, 0.43)
        for i, (most, cost) in enumerate(zip((1.0, 1.2), GAS_COST_PER_MWH, strict=True))
    )
    factor = _grid_factor(hours) * np.exp(random.normal(0.0, 0.05, len(hours)))
    wholesale = 0.6 * reference * np.exp(random.normal(0.0, 0.05, len(hours)))
    return TiedSupply(
        wholesale_price_per_mwh=wholesale,
        export_price_per_mwh=0.0 * wholesale,
        grid_factor_tco2_per_mwh=factor,
        import_limit_mw=10.0,
        export_limit_mw=0.0,
        turbines=turbines,
        running=np.ones((2, len(hours)), dtype=bool),
        available_mw=_renewables(random, hours)[None, :],
        storages=(storage,),
        initial_mwh=np.array([0.5 * STORAGE_MWH]),
        wear_cost_per_mwh=np.zeros(1),
        first_tco2=np.array([0.5 * STORAGE_MWH * quota]),
    )


def _grid_factor(hours: Array) -> Array:
    """Low while others use their surplus, high in the evening, tCO2/MWh."""
    factor = np.full(24, 0.68)
    factor[1:6], factor[11:15], factor[18:22] = 0.55, 0.60, 0.80
    return np.asarray(factor[hours])


def _renewables(random: np.random.Generator, hours: Array) -> Array:
    """Sun around noon and some wind all day, MW."""
    peak = RENEWABLE_PEAK_MW[int(random.integers(0, 2))]
    wind = 0.25 * peak * np.exp(random.normal(0.0, 0.3, len(hours)))
    sun = 0.75 * peak * np.exp(-0.5 * ((hours - random.uniform(11.5, 13.5)) / random.uniform(2.0, 3.0)) ** 2)
    return np.asarray(wind + sun)
