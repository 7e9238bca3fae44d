"""A made-up pool of any number of prosumers from one seed, for benchmarks, tests and bargaining studies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pandas as pd

from gridarium.agents.prosumers.bargaining_rules import ConcessionRule
from gridarium.agents.prosumers.manners import BargainingRule
from gridarium.agents.prosumers.own_balance import ProsumerData
from gridarium.agents.prosumers.p2p_desk import DeskRules, P2pDesk
from gridarium.agents.prosumers.prosumer import Prosumer
from gridarium.agents.prosumers.trading import TradeRules
from gridarium.environment.arrays import Array
from gridarium.environment.clock import QUARTER_S, Clock
from gridarium.environment.grids import Grid
from gridarium.environment.links import LinkQuality
from gridarium.environment.network import Feeder
from gridarium.environment.private_lines import PrivateLines
from gridarium.environment.random_streams import RandomStreams
from gridarium.environment.storage import StorageRatings
from gridarium.environment.world import World
from gridarium.market.messages.leasing import LeaseTerms
from gridarium.market.utility import LogUtility, QuadraticUtility, Utility

PROVIDER = "esp"
TERMS = LeaseTerms(1.0)
"""1 money for each km and MWh in the first 50 km, a quarter more in each further 50 km."""
_START = pd.Timestamp("2026-06-15", tz="Asia/Shanghai")
_OPENS_S = 3600.0


@dataclass(frozen=True)
class SyntheticPoolPlan:
    """A pool to be made up.

    Parameters
    ----------
    n_prosumer : int
    bargaining : BargainingRule
    rules : TradeRules
    desk : bool
        Whether a desk introduces; otherwise everyone knows its neighbours.
    partners : int
        Sellers that a buyer is introduced to, or half the neighbours that everyone knows.
    n_period, first_period : int
        Quarters of the day that are run.
    log_share : float
        Part of the prosumers with a logarithmic utility; the others have a quadratic one.
    battery_share : float
        Part of the prosumers with a battery.
    fluctuation : float
        Of panels and loads from minute to minute.
    capacity_mw, loss_per_km : float
        Of the lines.
    terms : LeaseTerms
    """

    n_prosumer: int
    bargaining: BargainingRule = field(default_factory=ConcessionRule)
    rules: TradeRules = field(default_factory=TradeRules)
    desk: bool = True
    partners: int = 8
    n_period: int = 96
    first_period: int = 0
    log_share: float = 0.0
    battery_share: float = 0.4
    fluctuation: float = 0.1
    capacity_mw: float = 5.0
    loss_per_km: float = 0.0005
    terms: LeaseTerms = TERMS


@dataclass(frozen=True)
class MadeUpProsumers:
    """Where prosumers stand, km, and their private data, by name."""

    positions_km: Mapping[str, tuple[float, float]]
    data: Mapping[str, ProsumerData]


@dataclass(frozen=True)
class SyntheticPool:
    """A pool that was made up, ready to run."""

    world: World
    lines: PrivateLines
    prosumers: Sequence[Prosumer]
    data: Sequence[ProsumerData]
    desk: P2pDesk | None


def synthetic_pool(
    plan: SyntheticPoolPlan, seed: int = 1, quality: LinkQuality | None = None
) -> SyntheticPool:
    """Make up a pool: every second prosumer has large panels, the others mostly a load.

    Parameters
    ----------
    plan : SyntheticPoolPlan
    seed : int
    quality : LinkQuality, optional
        Of the message bus.

    Notes
    -----
    Prosumers are spread evenly at one per 400 km2 whatever their number, so that a larger pool is more of
    the same and not a denser one.
    """
    made_up = made_up_prosumers(plan, RandomStreams(seed).stream("synthetic pool"))
    names, data, positions = list(made_up.data), list(made_up.data.values()), made_up.positions_km
    lines = PrivateLines(positions, plan.capacity_mw, plan.loss_per_km)
    grid = Grid(Feeder.copper_plate(), np.zeros(plan.n_period))
    world = World(
        grid,
        Clock(_START, QUARTER_S),
        plan.n_period,
        _OPENS_S,
        seed,
        quality,
        settles_after_s=QUARTER_S,
    )
    desk = P2pDesk(grid.head, "desk", lines, DeskRules(plan.partners), plan.terms) if plan.desk else None
    near = [()] * len(names) if plan.desk else lines.nearest(names, names, 2 * plan.partners)
    make = partial(Prosumer, provider=PROVIDER, terms=plan.terms, desk="desk" if plan.desk else None)
    prosumers = [
        make(grid.head, name, each, lines, plan.rules, plan.bargaining, neighbours=tuple(known))
        for name, each, known in zip(names, data, near, strict=True)
    ]
    return SyntheticPool(world, lines, prosumers, data, desk)


def made_up_prosumers(plan: SyntheticPoolPlan, draws: np.random.Generator) -> MadeUpProsumers:
    """Draw the prosumers of a plan, and where they stand."""
    names = [f"prosumer_{number:05d}" for number in range(plan.n_prosumer)]
    side_km = 20.0 * np.sqrt(plan.n_prosumer)
    places = draws.uniform(0.0, side_km, (plan.n_prosumer, 2)).tolist()
    positions = {name: (x, y) for name, (x, y) in zip(names, places, strict=True)}
    data = {name: _data(plan, name, number % 2 == 0, draws) for number, name in enumerate(names)}
    return MadeUpProsumers(positions, data)


def _data(plan: SyntheticPoolPlan, name: str, sunny: bool, draws: np.random.Generator) -> ProsumerData:
    hours: Array = 0.25 * (plan.first_period + np.arange(plan.n_period, dtype=np.float64)) + 0.125
    size = draws.uniform(0.5, 1.5, 5)
    pv_peak = 4.0 * size[0] if sunny else 0.3 * size[0]
    load_mean = 0.8 * size[1] if sunny else 1.6 * size[1]
    load = load_mean * (1.0 + 0.3 * np.cos(2.0 * np.pi * (hours - 12.0 - 8.0 * size[2]) / 24.0))
    log_like, has_battery = draws.random(2) < (plan.log_share, plan.battery_share)
    battery = None
    if has_battery:
        power = 0.5 * size[3]
        battery = StorageRatings(f"{name} battery", power, 4.0 * power, 0.1, 0.9, 0.2, 0.98, 0.98, power)
    return ProsumerData(
        pv_mw=pv_peak * _sun(hours),
        load_mw=load,
        utility=_utility(bool(log_like), load_mean / 60.0, float(size[4])),
        battery=battery,
        fluctuation=plan.fluctuation,
    )


def _sun(hours: Array) -> Array:
    """Share of the peak of panels between 6 and 19 h; 0 at night."""
    return (
        np.asarray(np.clip(np.sin(np.pi * (hours - 6.0) / 13.0), 0.0, None)) * (hours > 6.0) * (hours < 19.0)
    )


def _utility(log_like: bool, scale_mwh: float, taste: float) -> Utility:
    """A utility whose demand at 50 money/MWh is near the mean load of a minute."""
    if log_like:
        unit = 0.25 * scale_mwh
        return LogUtility(50.0 * taste * (scale_mwh + unit), unit)
    return QuadraticUtility(283.7, (283.7 - 50.0) / (scale_mwh * taste))
