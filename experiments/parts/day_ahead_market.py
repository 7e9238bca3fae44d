"""The day-ahead market of a system: an exogenous price for what its operator declares the day before."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gridarium.environment.arrays import Array
from gridarium.experiments.parts.part import GridBuild, Part
from gridarium.experiments.parts.supply import REAL_TIME
from gridarium.experiments.schema.fields import Conflict, MoneyAmount, Name, Section
from gridarium.market.accounts import DAY_AHEAD_MARKET as ACCOUNT


class DayAheadMarket(Section):
    """At what energy is settled that was declared the day before; units bear their own costs then."""

    price_per_mwh: MoneyAmount | None = None
    """Price of all hours, money/MWh; null where there is a column."""
    price_column: Name | None = None
    """Profile column with the price instead, money/MWh."""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield a market without a price, or with two."""
        if self.price_per_mwh is None and self.price_column is None:
            yield Conflict("price_per_mwh", None, "must be given where there is no price_column")
        if self.price_per_mwh is not None and self.price_column is not None:
            allowed = f"must be left out where price_per_mwh is given, as {self.price_per_mwh:g}"
            yield Conflict("price_column", self.price_column, allowed)


def _build(build: GridBuild) -> None:
    section = DAY_AHEAD_MARKET.of(build.scenario)
    if section is None:
        return
    from gridarium.agents.devices.flexible_load import FlexibleLoad
    from gridarium.agents.devices.renewable_plant import RenewablePlant
    from gridarium.agents.devices.system_load import SystemLoad
    from gridarium.agents.devices.thermal_plant import ThermalPlant
    from gridarium.agents.system.day_ahead_market import DayAheadMarket as Agent
    from gridarium.agents.system.day_ahead_market import SettlementPrices

    grid, world = build.grid, build.grid.world
    declared = (ThermalPlant, RenewablePlant, SystemLoad, FlexibleLoad)
    participants = {
        agent.name: agent.kind for agent in world.agents if isinstance(agent, declared) and agent.grid is grid
    }
    real_time = np.full(world.n_period, REAL_TIME.of(build.scenario).price_per_mwh)
    prices = SettlementPrices(_price_per_mwh(build, section), real_time)
    Agent(grid.head, ACCOUNT, build.leader, participants, prices)


def _price_per_mwh(build: GridBuild, section: DayAheadMarket) -> Array:
    """By settlement period of all days."""
    if section.price_column is not None:
        return build.horizon.by_period(build.column(section.price_column))
    assert section.price_per_mwh is not None
    return np.full(build.grid.world.n_period, section.price_per_mwh)


def _columns(section: DayAheadMarket | None) -> tuple[str, ...]:
    return () if section is None or section.price_column is None else (section.price_column,)


DAY_AHEAD_MARKET: Part[DayAheadMarket | None] = Part(
    field="day_ahead_market",
    annotation=DayAheadMarket | None,
    default=None,
    meaning="Settlement of what the operator of a system declares the day before; null for none.",
    under=("operator",),
    build=_build,
    columns=_columns,
    names=lambda section: () if section is None else (ACCOUNT,),
)
