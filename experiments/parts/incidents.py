"""What befalls units of a feeder at a given time: failures, and drops of what plants have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from gridarium.environment.clock import HOUR_S
from gridarium.environment.errors import Fault, ScenarioError
from gridarium.experiments.parts.part import GridBuild, GridScenario, Part
from gridarium.experiments.parts.renewables import RENEWABLES
from gridarium.experiments.parts.standby_storages import STANDBY_STORAGES, StandbyStorage
from gridarium.experiments.parts.storage_devices import storage_devices
from gridarium.experiments.parts.storages import STORAGES, StorageUnit
from gridarium.experiments.schema.fields import Conflict, Name, PositiveShare, Range, Section

if TYPE_CHECKING:
    from gridarium.agents.devices.renewable_plant import RenewablePlant


class Incident(Section):
    """Something that happens to one unit."""

    unit: Name
    """Whom it happens to: a storage that fails or gets hot, a renewable plant whose output drops."""
    kind: Literal["failure", "cooling-failure", "output-drop"] = "failure"
    """The unit is out of order: its breaker opens, and it tells nothing; or it is cooled less; or there is
    less sun or wind."""
    day: Annotated[int, Range(0, 1e4)] = 0
    """Day of the run, from 0."""
    at_h: Annotated[float, Range(0, 24, below_high=True)]
    """When it begins, h since the day began."""
    lasts_h: Annotated[float, Range(0, 1e4, above_low=True)]
    """How long it lasts, h."""
    share: PositiveShare | None = None
    """Of an output drop: by how much, as a share of what there would be."""
    factor: Annotated[float, Range(1, 1e3, above_low=True)] | None = None
    """Of a cooling failure: how many times its thermal resistance is what it was."""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield a share of what cannot drop, and a drop without one."""
        if (self.share is None) == (self.kind == "output-drop"):
            allowed = "must be given for an output-drop, and for nothing else"
            yield Conflict("share", self.share, allowed)
        if (self.factor is None) == (self.kind == "cooling-failure"):
            allowed = "must be given for a cooling-failure, and for nothing else"
            yield Conflict("factor", self.factor, allowed)


def _build(build: GridBuild) -> None:
    from gridarium.agents.devices.incidents import cools_less, drops, fails

    world, ends_s = build.grid.world, build.horizon.n_day * build.horizon.day_s
    devices, faults = storage_devices(build.grid), []
    for name, one in INCIDENTS.of(build.scenario).items():
        begins_s = one.day * build.horizon.day_s + one.at_h * HOUR_S
        if begins_s >= ends_s:
            allowed = f"must begin before the run ends after {ends_s / HOUR_S:g} h"
            faults.append(Fault(f"incidents.{name}.at_h", one.at_h, allowed))
            continue
        from_s, lasts_s = world.delivery_s + begins_s, one.lasts_h * HOUR_S
        if one.kind == "failure":
            fails(world.clock, devices[build.grid.named(one.unit)].breaker, from_s, lasts_s)
        elif one.factor is not None:
            thermal = devices[build.grid.named(one.unit)].thermal
            assert thermal is not None
            cools_less(world.clock, thermal, from_s, lasts_s, one.factor)
        else:
            assert one.share is not None
            drops(_plant(build, one.unit), from_s, lasts_s, one.share)
    if faults:
        raise ScenarioError(build.scenario.title or "scenario", faults)


def _plant(build: GridBuild, name: str) -> RenewablePlant:
    from gridarium.agents.devices.renewable_plant import RenewablePlant

    wanted = build.grid.named(name)
    (plant,) = (
        one for one in build.grid.world.agents if isinstance(one, RenewablePlant) and one.name == wanted
    )
    return plant


def _have_units(scenario: GridScenario) -> Iterator[Fault]:
    """Yield incidents of units that there are not."""
    storages: dict[str, StorageUnit | StandbyStorage] = {
        **STORAGES.of(scenario),
        **STANDBY_STORAGES.of(scenario),
    }
    hot = [name for name, unit in storages.items() if unit.thermal is not None]
    units = {
        "failure": ("storages or standby_storages", [*storages]),
        "cooling-failure": ("storages or standby_storages with a thermal section", hot),
        "output-drop": ("renewables", [*RENEWABLES.of(scenario)]),
    }
    for name, one in INCIDENTS.of(scenario).items():
        kind, known = units[one.kind]
        if one.unit not in known:
            allowed = f"must be one of {kind}: {', '.join(known) or 'none'}"
            yield Fault(f"incidents.{name}.unit", one.unit, allowed)


INCIDENTS: Part[dict[str, Incident]] = Part(
    field="incidents",
    annotation=dict[Name, Incident],
    default={},
    meaning="What befalls units of a feeder.",
    under=("dso",),
    build=_build,
    checks=((frozenset({"incidents", "storages", "standby_storages", "renewables"}), _have_units),),
    names=lambda section: (),
)
