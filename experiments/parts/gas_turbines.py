"""Gas turbines of a feeder, which its operator runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from gridarium.experiments.parts.network import unit_sites
from gridarium.experiments.parts.part import GridBuild, Part
from gridarium.experiments.schema.fields import (
    Amount,
    Conflict,
    MoneyAmount,
    Name,
    PositiveAmount,
    Range,
    Section,
)

if TYPE_CHECKING:
    from gridarium.environment.thermal_unit import ThermalUnit


class GasTurbine(Section):
    """A gas turbine that may be off, with a quadratic cost a p^2 + b p + c while it runs."""

    p_min_mw: Amount = 0.0
    """Lowest output while it runs, MW."""
    p_max_mw: PositiveAmount
    """Highest output, MW."""
    s_max_mva: PositiveAmount
    """Apparent power rating, MVA."""
    cost_quadratic_per_mw2h: MoneyAmount
    """a, money/(MW^2 h)."""
    cost_linear_per_mwh: MoneyAmount
    """b, money/MWh."""
    cost_fixed_per_h: MoneyAmount
    """c, money/h while it runs."""
    emission_tco2_per_mwh: Annotated[float, Range(0, 3)]
    """Emission factor, tCO2/MWh."""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield outputs in the wrong order."""
        if self.p_min_mw > self.p_max_mw:
            yield Conflict("p_min_mw", self.p_min_mw, f"must be at most p_max_mw = {self.p_max_mw:g} MW")
        if self.s_max_mva < self.p_max_mw:
            yield Conflict("s_max_mva", self.s_max_mva, f"must be at least p_max_mw = {self.p_max_mw:g} MW")


def turbine_ratings(name: str, unit: GasTurbine) -> ThermalUnit:
    """Ratings of a turbine."""
    from gridarium.environment.thermal_unit import gas_turbine

    return gas_turbine(name=name, **unit.model_dump())


def _build(build: GridBuild) -> None:
    from gridarium.agents.devices.thermal_plant import ThermalPlant

    sites = unit_sites(build)
    for name, unit in GAS_TURBINES.of(build.scenario).items():
        # Its operator answers to the carbon market for the whole feeder.
        ratings = turbine_ratings(name, unit)
        ThermalPlant(sites[name], name, ratings, build.leader, None, kind="gas_turbine")


GAS_TURBINES: Part[dict[str, GasTurbine]] = Part(
    field="gas_turbines",
    annotation=dict[Name, GasTurbine],
    default={},
    meaning="Gas turbines of a feeder.",
    under=("dso",),
    build=_build,
    has_sites=True,
)
