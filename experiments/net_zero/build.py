"""From a checked scenario of model E to a world full of agents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from gridarium.agents.prosumers.p2p_desk import P2pDesk
from gridarium.agents.prosumers.prosumer import Prosumer
from gridarium.agents.recorded_grid import HeadRecord, RecordedGrid
from gridarium.agents.system.flexible_load import FlexibleLoad
from gridarium.agents.system.storage_provider import StorageProvider
from gridarium.agents.system.system_load import SystemLoad
from gridarium.agents.system.system_operator import SystemOperator
from gridarium.agents.system.thermal_plant import ThermalPlant
from gridarium.agents.system.wind_farm import WindFarm
from gridarium.agents.upstream import SupplyProfile, UpstreamMarket
from gridarium.environment.arrays import Array, series
from gridarium.environment.clock import HOUR_S, Clock
from gridarium.environment.grids import Grid
from gridarium.environment.horizon import Horizon
from gridarium.environment.network import Feeder
from gridarium.environment.private_lines import PrivateLines
from gridarium.environment.profiles import Profiles, read_profiles
from gridarium.environment.world import World
from gridarium.experiments.net_zero.build_pool import build_pool, private_lines
from gridarium.experiments.net_zero.build_system import build_system
from gridarium.experiments.net_zero.checks import OPERATOR
from gridarium.experiments.scenario_files import profile_path
from gridarium.experiments.world_parts import cut_off, link_quality
from gridarium.market.accounts import REAL_TIME_MARKET

if TYPE_CHECKING:
    from gridarium.experiments.net_zero.schema import NetZeroScenario


@dataclass(frozen=True)
class Built:
    """A world ready to step, and its agents by role; roles that a scenario leaves out are None or empty."""

    scenario: NetZeroScenario
    world: World
    grid: Grid
    operator: SystemOperator | None
    plants: tuple[ThermalPlant, ...]
    wind_farms: tuple[WindFarm, ...]
    load: SystemLoad | None
    flexible_loads: tuple[FlexibleLoad, ...]
    provider: StorageProvider | None
    desk: P2pDesk | None
    prosumers: tuple[Prosumer, ...]
    recorded: tuple[RecordedGrid, ...]
    lines: PrivateLines

    @property
    def sections(self) -> Mapping[str, NetZeroScenario]:
        """The scenario of the grid, by its name."""
        return {self.grid.name: self.scenario}


def build(scenario: NetZeroScenario) -> Built:
    """Make the world of one case.

    Raises
    ------
    InputError
        If the profiles or a name turn out unusable; carries all faults found.
    """
    profiles = read_profiles(profile_path(scenario.profiles))
    n_period = round(scenario.horizon_h / scenario.period_h)
    grid = Grid(Feeder.copper_plate(), np.zeros(n_period))
    world = _world(scenario, grid, n_period)
    market = real_time_market(scenario, grid)
    built = build_agents(scenario, profiles, grid, market.name)
    cut_off(world, scenario)
    return built


def real_time_market(scenario: NetZeroScenario, grid: Grid) -> UpstreamMarket:
    """Who supplies the head of a system that nothing stands above: at one price, and nothing for exports."""
    world, horizon = grid.world, Horizon.of(grid.world)
    price = np.full(world.n_period, scenario.real_time_market.price_per_mwh)
    nothing = np.zeros(world.n_period)
    factor = nothing if grid.head_factor_tco2_per_mwh is None else grid.head_factor_tco2_per_mwh
    customer = grid.named(OPERATOR) if scenario.operator else None
    opens_s = world.delivery_s - scenario.opens_h_before * HOUR_S
    return UpstreamMarket(
        grid.head,
        REAL_TIME_MARKET,
        SupplyProfile(price, nothing, factor),
        customer,
        opens_s,
        world.delivery_s,
        horizon,
    )


def build_agents(
    scenario: NetZeroScenario, profiles: Profiles, grid: Grid, supplier: str, below: Sequence[str] = ()
) -> Built:
    """Make the agents of a system and its pool on its grid, without whoever supplies it.

    Parameters
    ----------
    scenario : NetZeroScenario
    profiles : Profiles
    grid : Grid
        In its world already.
    supplier : str
        Who supplies its head.
    below : sequence of str
        Operators of the grids that hang on it.
    """
    n_period = grid.world.n_period
    columns = {name: over_horizon(profiles, name, n_period) for name in scenario.profile_columns}
    lines = private_lines(scenario, grid)
    recorded = _recorded(scenario, grid, columns)
    system = build_system(grid, scenario, columns, supplier, (*below, *(one.name for one in recorded)))
    pool = build_pool(grid, scenario, columns, lines, supplier)
    return Built(
        scenario,
        grid.world,
        grid,
        system.operator,
        system.plants,
        system.wind_farms,
        system.load,
        system.flexible_loads,
        pool.provider,
        pool.desk,
        pool.prosumers,
        recorded,
        lines,
    )


def _recorded(
    scenario: NetZeroScenario, grid: Grid, columns: Mapping[str, Array]
) -> tuple[RecordedGrid, ...]:
    nothing = np.zeros(grid.world.n_period)
    return tuple(
        RecordedGrid(
            grid.head,
            name,
            HeadRecord(
                columns[one.forecast_column],
                columns[one.plan_column],
                columns[one.metered_column],
                columns[one.factor_column] if one.factor_column else nothing,
            ),
            grid.named(OPERATOR),
            one.replicas,
        )
        for name, one in scenario.recorded_grids.items()
    )


def over_horizon(profiles: Profiles, name: str, n_period: int) -> Array:
    """A column of the profiles, cut off or repeated, shape (n_period,)."""
    return series(np.resize(profiles.column(name), n_period))


def _world(scenario: NetZeroScenario, grid: Grid, n_period: int) -> World:
    opens_h, period_s = scenario.opens_h_before, scenario.period_h * HOUR_S
    start = pd.Timestamp(scenario.start) - pd.Timedelta(hours=opens_h)
    return World(
        grid,
        Clock(start, period_s),
        n_period,
        opens_h * HOUR_S,
        scenario.seed,
        link_quality(scenario.communication),
        settles_after_s=period_s,
    )
