"""Renewable plants of a feeder."""

from __future__ import annotations

from typing import Annotated

from gridarium.experiments.parts.network import unit_sites
from gridarium.experiments.parts.part import GridBuild, Part
from gridarium.experiments.scenario_fields import Name, Probability, Range, Section


class Renewable(Section):
    """A plant that follows a profile."""

    column: Name
    """Profile column with its available power, MW."""
    inverter_oversize: Annotated[float, Range(1, 10)] = 1.1
    """Apparent power rating as a multiple of the column's peak."""
    error_bound: Probability = 0.0
    """Largest relative error of the forecast."""
    error_persistence: Probability = 0.9
    """Autocorrelation of the error from one period to the next."""


def inverter_mva(build: GridBuild, unit: Renewable) -> float:
    """Rating of the inverter of a plant, MVA."""
    return float(unit.inverter_oversize * build.column(unit.column).max())


def _build(build: GridBuild) -> None:
    from gridarium.agents.devices.renewable_plant import RenewablePlant
    from gridarium.environment.forecast_error import ForecastError

    sites = unit_sites(build)
    for name, unit in RENEWABLES.of(build.scenario).items():
        error = ForecastError(unit.error_bound, unit.error_persistence)
        RenewablePlant(sites[name], name, build.column(unit.column), error, horizon=build.horizon)


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
