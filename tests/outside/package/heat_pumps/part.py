"""The section `heat_pumps` of a scenario, and how it becomes agents."""

from typing import Annotated

from gridarium.experiments.parts.network import unit_sites
from gridarium.experiments.parts.part import GridBuild, Part
from gridarium.experiments.schema.fields import Name, PositiveAmount, Range, Section


class HeatPump(Section):
    """A heat pump with a building that keeps heat."""

    column: Name
    """Profile column whose shape its heat demand follows."""
    mean_mw: PositiveAmount
    """Mean electric power that the heat needs, MW."""
    store_h: Annotated[float, Range(0, 48)] = 3.0
    """Heat that the building holds, in hours of the mean power."""
    loss_per_h: Annotated[float, Range(0, 1)] = 0.01
    """Share of the heat that is lost in an hour."""


def _build(build: GridBuild) -> None:
    from heat_pumps.agent import Building
    from heat_pumps.agent import HeatPump as Agent

    sites = unit_sites(build)
    for name, pump in HEAT_PUMPS.of(build.scenario).items():
        shape = build.horizon.of_day(build.column(pump.column), 0)
        demand = pump.mean_mw * shape / shape.mean()
        store = pump.store_h * pump.mean_mw
        building = Building(demand, 2.0 * float(demand.max()), store, pump.loss_per_h)
        agent = Agent(sites[name], name, building, build.leader, build.horizon)
        build.followers[agent.name] = sites[name]


HEAT_PUMPS: Part[dict[str, HeatPump]] = Part(
    field="heat_pumps",
    annotation=dict[Name, HeatPump],
    default={},
    meaning="Heat pumps that follow the tariff of a feeder.",
    under=("dso",),
    build=_build,
    columns=lambda pumps: (pump.column for pump in pumps.values()),
    has_sites=True,
)
