"""Wind farms of a system."""

from __future__ import annotations

import math

from gridarium.experiments.parts.part import GridBuild, Part
from gridarium.experiments.schema.fields import Name, PositiveAmount, Probability, Section


class WindFarm(Section):
    """A wind farm whose power departs from its forecast."""

    column: Name
    """Profile column with its forecast, MW."""
    capacity_mw: PositiveAmount
    """Installed power, MW."""
    error_bound: Probability = 0.15
    """Largest relative error of the forecast."""
    error_persistence: Probability = 0.9
    """Autocorrelation of the error from one period to the next."""


def _build(build: GridBuild) -> None:
    from gridarium.agents.devices.renewable_plant import RenewablePlant
    from gridarium.environment.forecast_error import ForecastError

    for name, farm in WIND_FARMS.of(build.scenario).items():
        error = ForecastError(farm.error_bound, farm.error_persistence)
        forecast_mw = build.column(farm.column)
        # Free until its operator limits it.
        RenewablePlant(build.grid.head, name, forecast_mw, error, farm.capacity_mw, untold_limit_mw=math.inf)


WIND_FARMS: Part[dict[str, WindFarm]] = Part(
    field="wind_farms",
    annotation=dict[Name, WindFarm],
    default={},
    meaning="Wind farms of a system.",
    under=("operator",),
    build=_build,
    columns=lambda farms: (farm.column for farm in farms.values()),
)
