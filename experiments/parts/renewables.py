"""Renewable plants of a feeder."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import numpy as np

from gridarium.environment.arrays import Array, series
from gridarium.environment.profiles import read_profiles
from gridarium.experiments.parts.network import unit_sites
from gridarium.experiments.parts.part import GridBuild, Part
from gridarium.experiments.reading.scenario_files import profile_path
from gridarium.experiments.schema.fields import Conflict, Name, PositiveAmount, Probability, Range, Section

if TYPE_CHECKING:
    from gridarium.agents.feeder.dispatch_problem import Renewable as Inverter


SHARES = "_share"
"""End of the names of columns that are fractions of a power of the network's own, and no shapes of it."""


class Renewable(Section):
    """A plant that follows a profile."""

    column: Name | None = None
    """Profile column with its available power, MW; null for one that has `p_mw` at all times."""
    p_mw: PositiveAmount | None = None
    """Power at the highest point of the column, MW, which is a shape then, or of which a column `..._share`
    is the fraction; null takes the column as it is."""
    mvar_per_mw: Annotated[float, Range(-100, 100)] | None = None
    """Reactive power that it always gives for each MW, Mvar; null leaves reactive power to the operator."""
    scale: Annotated[float, Range(0, 100)] = 1.0
    """Factor on the column: more of the same plant, or less."""
    inverter_oversize: Annotated[float, Range(1, 10)] = 1.1
    """Apparent power rating as a multiple of the column's peak."""
    error_bound: Probability = 0.0
    """Largest relative error of the forecast."""
    error_persistence: Probability = 0.9
    """Autocorrelation of the error from one period to the next."""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield a plant without power."""
        if self.column is None and self.p_mw is None:
            yield Conflict("column", None, "must be given where p_mw is not")
        elif self.p_mw is None and self.column is not None and self.column.endswith(SHARES):
            yield Conflict("p_mw", None, f"must be given, of which {self.column} is a fraction")


def inverter(build: GridBuild, name: str, unit: Renewable) -> Inverter:
    """A plant as a dispatch counts with it: its rating, and its power factor where that is fixed."""
    from gridarium.agents.feeder.dispatch_problem import Renewable as Inverter

    rating_mva = _most_mw(build, unit)
    if unit.mvar_per_mw is not None:
        rating_mva *= math.hypot(1.0, unit.mvar_per_mw)
    return Inverter(name, rating_mva, unit.mvar_per_mw)


def _most_mw(build: GridBuild, unit: Renewable) -> float:
    """What its inverter delivers at most, MW; more wind or sun than foreseen passes nothing beyond that."""
    return float(unit.inverter_oversize * _available_mw(build, unit).max())


def _available_mw(build: GridBuild, unit: Renewable) -> Array:
    """What a plant could deliver, over all days, MW, shape (n_day * n_step,)."""
    scale = unit.scale
    if unit.column is None:
        assert unit.p_mw is not None
        return build.over_days(np.full(1, scale * unit.p_mw))
    if unit.column.endswith(SHARES):
        scale *= build.scenario.power_scale * (unit.p_mw or 0.0)
    elif unit.p_mw is not None:
        highest_mw = float(read_profiles(profile_path(build.scenario.profiles)).column(unit.column).max())
        scale *= unit.p_mw / highest_mw if highest_mw > 0.0 else 0.0
    return series(scale * build.column(unit.column))


def _build(build: GridBuild) -> None:
    from gridarium.agents.devices.renewable_plant import RenewablePlant
    from gridarium.environment.forecast_error import ForecastError

    sites = unit_sites(build)
    for name, unit in RENEWABLES.of(build.scenario).items():
        error = ForecastError(unit.error_bound, unit.error_persistence)
        RenewablePlant(
            sites[name],
            name,
            _available_mw(build, unit),
            error,
            _most_mw(build, unit),
            horizon=build.horizon,
            mvar_per_mw=unit.mvar_per_mw,
        )


RENEWABLES: Part[dict[str, Renewable]] = Part(
    field="renewables",
    annotation=dict[Name, Renewable],
    default={},
    meaning="Renewable plants of a feeder or of a TIES.",
    under=("dso", "ties"),
    build=_build,
    columns=lambda units: (unit.column for unit in units.values() if unit.column is not None),
    has_sites=True,
)
