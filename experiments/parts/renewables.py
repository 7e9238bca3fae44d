"""Renewable plants of a feeder."""

from __future__ import annotations

from typing import Annotated

from gridarium.environment.arrays import Array, series
from gridarium.experiments.parts.network import unit_sites
from gridarium.experiments.parts.part import GridBuild, Part
from gridarium.experiments.scenario_fields import Name, Probability, Range, Section


class Renewable(Section):
    """A plant that follows a profile."""

    column: Name
    """Profile column with its available power, MW."""
    scale: Annotated[float, Range(0, 100)] = 1.0
    """Factor on the column: more of the same plant, or less."""
    inverter_oversize: Annotated[float, Range(1, 10)] = 1.1
    """Apparent power rating as a multiple of the column's peak."""
    error_bound: Probability = 0.0
    """Largest relative error of the forecast."""
    error_persistence: Probability = 0.9
    """Autocorrelation of the error from one period to the next."""


def inverter_mva(build: GridBuild, unit: Renewable) -> float:
    """Rating of the inverter of a plant, MVA."""
    return float(unit.inverter_oversize * _available_mw(build, unit).max())


def _available_mw(build: GridBuild, unit: Renewable) -> Array:
    """What a plant could deliver, over all days, MW, shape (n_day * n_step,)."""
    return series(unit.scale * build.column(unit.column))


def _build(build: GridBuild) -> None:
    from gridarium.agents.devices.renewable_plant import RenewablePlant
    from gridarium.environment.forecast_error import ForecastError

    sites = unit_sites(build)
    for name, unit in RENEWABLES.of(build.scenario).items():
        error = ForecastError(unit.error_bound, unit.error_persistence)
        RenewablePlant(sites[name], name, _available_mw(build, unit), error, horizon=build.horizon)


RENEWABLES: Part[dict[str, Renewable]] = Part(
    field="renewables",
    annotation=dict[Name, Renewable],
    default={},
    meaning="Renewable plants of a feeder or of a TIES.",
    under=("dso", "ties"),
    build=_build,
    columns=lambda units: (unit.column for unit in units.values()),
    has_sites=True,
)
