"""A scenario file of model E: a system with captured carbon and shared storage, and a pool of prosumers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from gridarium.experiments.net_zero.pool_sections import Lines, Prosumer, Provider, Trading
from gridarium.experiments.net_zero.system_sections import (
    CarbonMarket,
    FlexibleLoad,
    Operator,
    RealTimeMarket,
    RecordedGrid,
    SystemLoad,
    ThermalUnit,
    WindFarm,
)
from gridarium.experiments.scenario_fields import Conflict, Name, Range, Source
from gridarium.experiments.scenario_files import profile_path
from gridarium.experiments.scenario_schema import Scenario


class NetZeroScenario(Scenario):
    """One case of a study of model E, with every default filled in."""

    model: Literal["net-zero"]
    """Which model is built."""
    period_h: Annotated[float, Range(0.25, 0.25)] = 0.25
    """Length of a settlement period, h: a quarter of an hour."""
    profiles: Source = "net-zero"
    """A shipped set of profiles or the path of a CSV file."""
    horizon_h: Annotated[int, Range(1, 8784)] = 24
    """Hours of delivery, up to a day or whole days; the profiles are repeated."""
    opens_h_before: Annotated[float, Range(0.5, 168)] = 2.0
    """When agents begin before the first day, h; the operator commits its units at once."""
    real_time_market: RealTimeMarket = RealTimeMarket()
    operator: Operator | None = None
    """The system operator; null leaves the pool alone."""
    carbon_market: CarbonMarket = CarbonMarket()
    thermal_units: dict[Name, ThermalUnit] = Field(default_factory=dict)
    wind_farms: dict[Name, WindFarm] = Field(default_factory=dict)
    load: SystemLoad | None = None
    """The load of the system; null for none."""
    flexible_loads: dict[Name, FlexibleLoad] = Field(default_factory=dict)
    recorded_grids: dict[Name, RecordedGrid] = Field(default_factory=dict)
    """Grids below by what was recorded at their heads in another run."""
    provider: Provider | None = None
    """The energy storage provider; null for none."""
    lines: Lines | None = None
    """Private lines of prosumers; null for none."""
    prosumers: dict[Name, Prosumer] = Field(default_factory=dict)
    trading: Trading | None = None
    """Trade over leased lines; null for none."""

    @property
    def active_provider(self) -> Provider | None:
        """The storage provider if it takes part."""
        return self.provider if self.provider and self.provider.active else None

    @property
    def active_trading(self) -> Trading | None:
        """The rules of trade if prosumers trade."""
        return self.trading if self.trading and self.trading.active else None

    def conflicts(self) -> Iterator[Conflict]:
        """Yield a horizon that ends within a day after the first."""
        if self.horizon_h > 24 and self.horizon_h % 24:
            yield Conflict("horizon_h", self.horizon_h, "must be at most 24 h or whole days")

    @property
    def files(self) -> tuple[Path, ...]:
        """Files that the scenario reads."""
        return (profile_path(self.profiles),)

    @property
    def profile_source(self) -> str:
        """What its profiles are read from."""
        return self.profiles

    @property
    def profile_columns(self) -> tuple[str, ...]:
        """Columns that the profiles must have."""
        prosumers = self.prosumers.values()
        return (
            *([self.load.column] if self.load else []),
            *(farm.column for farm in self.wind_farms.values()),
            *(one.pv_column for one in prosumers),
            *(one.load_column for one in prosumers),
            *(column for one in self.recorded_grids.values() for column in one.columns),
        )


SCHEMA = NetZeroScenario
