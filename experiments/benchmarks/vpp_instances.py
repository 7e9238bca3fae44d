"""Days of regions with storages whose green energy is paid for: the shipped profiles, and random ones."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np

from gridarium.agents.vpp.green_day import GreenDay
from gridarium.environment.profiles import Profiles, read_profiles
from gridarium.environment.storage import StorageRatings
from gridarium.market.cleanness import Pricing, green_price_per_mwh
from gridarium.market.regional_bill import RegionDay

N_REGION = 5
ENERGY_MWH = (1.2, 1.0, 1.5, 1.0, 1.2)
"""Of each region's storage; invented, as is all below."""
POWER_MW = 0.5
INITIAL_SHARE = 0.3
SALE_SHARE = 0.8
"""Of the purchase price, at which regions sell."""


@cache
def _profiles() -> Profiles:
    return read_profiles(Path(__file__).parents[1] / "data" / "green-vpp.csv")


def shipped_day(
    region: int, pricing: Pricing = "uniform", hours: int = 24, efficiency: float = 0.95
) -> GreenDay:
    """The first hours of the shipped profiles in one region, from 0 to 4, with an invented storage."""
    profiles, name = _profiles(), f"region_{region + 1}"
    buy = profiles.column(f"{name}_tou_price_per_mwh")[:hours]
    return GreenDay(
        RegionDay(
            name,
            profiles.column(f"{name}_load_mw")[:hours],
            buy,
            SALE_SHARE * buy,
            green_price_per_mwh(profiles.column("carbon_price_per_tco2")[:hours]),
        ),
        _ratings(name, POWER_MW, ENERGY_MWH[region], efficiency),
        INITIAL_SHARE,
        profiles.column("green_share")[:hours],
        pricing,
    )


def varied_day(seed: int) -> GreenDay:
    """A shipped region whose load and storage are up to a fifth larger or smaller."""
    random = np.random.default_rng(seed)
    day = shipped_day(seed % N_REGION)
    region = replace(day.region, name=f"varied_{seed}", load_mw=day.region.load_mw * random.uniform(0.8, 1.2))
    energy = day.ratings.e_max_mwh * float(random.uniform(0.8, 1.2))
    return replace(day, region=region, ratings=replace(day.ratings, e_max_mwh=energy))


def drawn_day(seed: int, pricing: Pricing = "uniform") -> GreenDay:
    """A random day: a shipped region with drawn storage, prices, loads and green shares."""
    random = np.random.default_rng(seed)
    day = shipped_day(int(random.integers(N_REGION)), pricing)
    n, name = day.n_period, f"drawn_{seed}"
    buy = day.region.buy_price_per_mwh * random.uniform(0.8, 1.2, n)
    share = np.clip(day.green_share + random.normal(0.0, 0.05, n), 0.05, 0.95)
    energy = float(random.uniform(0.6, 1.8))
    region = RegionDay(
        name,
        day.region.load_mw * random.uniform(0.8, 1.2, n),
        buy,
        buy * random.uniform(0.7, 1.0),
        day.region.green_price_per_mwh * random.uniform(0.5, 2.0),
    )
    ratings = _ratings(
        name, energy * float(random.uniform(0.25, 0.6)), energy, float(random.uniform(0.9, 0.98))
    )
    start = float(np.quantile(share, random.uniform(0.0, 0.5)))
    return replace(day, region=region, ratings=ratings, initial_share=start, green_share=share)


def _ratings(name: str, power_mw: float, energy_mwh: float, efficiency: float) -> StorageRatings:
    return StorageRatings(name, power_mw, energy_mwh, 0.1, 0.9, 0.5, efficiency, efficiency, power_mw)
