"""Grids below a system by what another run has recorded at their heads."""

from __future__ import annotations

from typing import Annotated

import numpy as np

from gridarium.experiments.parts.part import GridBuild, Part
from gridarium.experiments.schema.fields import Name, Range, Section


class RecordedGrid(Section):
    """A grid below by what another run has recorded at its head; all columns are of one grid, MW."""

    forecast_column: Name
    """Profile column with the exchange that was told before the terms, MW."""
    plan_column: Name
    """Profile column with the exchange that was planned under them, MW."""
    metered_column: Name
    """Profile column with the exchange that came, MW."""
    factor_column: Name | None = None
    """Profile column with the carbon factor of what was fed back, tCO2/MWh; null for 0."""
    replicas: Annotated[int, Range(1, 10_000)] = 1
    """How many equal grids it stands for."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that the profiles must have."""
        own = (self.forecast_column, self.plan_column, self.metered_column)
        return (*own, *([self.factor_column] if self.factor_column else []))


def _build(build: GridBuild) -> None:
    from gridarium.agents.recorded_grid import HeadRecord
    from gridarium.agents.recorded_grid import RecordedGrid as Agent

    nothing = np.zeros(build.grid.world.n_period)
    for name, one in RECORDED_GRIDS.of(build.scenario).items():
        factor = build.column(one.factor_column) if one.factor_column else nothing
        record = HeadRecord(
            build.column(one.forecast_column),
            build.column(one.plan_column),
            build.column(one.metered_column),
            factor,
        )
        Agent(build.grid.head, name, record, build.leader, one.replicas)


RECORDED_GRIDS: Part[dict[str, RecordedGrid]] = Part(
    field="recorded_grids",
    annotation=dict[Name, RecordedGrid],
    default={},
    meaning="Grids below a system by what was recorded at their heads in another run.",
    under=("operator",),
    build=_build,
    columns=lambda grids: (column for one in grids.values() for column in one.columns),
)
