"""The models that a scenario can ask for; their parts are imported when they are first used."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, cast

if TYPE_CHECKING:
    from gridarium.environment.world import World
    from gridarium.experiments.claim_kinds import Evidence
    from gridarium.experiments.records import Claim, Drawing
    from gridarium.experiments.results import Result
    from gridarium.experiments.scenario_checks import CrossCheck
    from gridarium.experiments.scenario_schema import Scenario


class Built(Protocol):
    """What a model builds: a world that is ready to step, and what the scenario says of its grids."""

    @property
    def world(self) -> World:
        """Where the agents live."""

    @property
    def sections(self) -> Mapping[str, Any]:
        """The section of the scenario for each grid, by its name; that of a single grid is ""."""


@dataclass(frozen=True)
class Model:
    """A model: what its scenarios may say, how its world is built, and what is read off it.

    - `schema`, `cross_checks`: what a scenario may say
    - `build`: from a scenario to a world
    - `drawings`, `claims`: figures of a run, and what the paper of the model states

    Parameters
    ----------
    name : str
        What a scenario writes under `model`.
    package : str
        Where its parts are, under the same names in every model: schema, checks, build, drawings and claims.
    """

    name: str
    package: str

    def _part(self, module: str, name: str) -> Any:
        return getattr(importlib.import_module(f"{self.package}.{module}"), name)

    @property
    def schema(self) -> type[Scenario]:
        """Fields of its scenarios."""
        return cast("type[Scenario]", self._part("schema", "SCHEMA"))

    @property
    def cross_checks(self) -> Sequence[CrossCheck]:
        """Checks between the sections of its scenarios."""
        return cast("Sequence[CrossCheck]", self._part("checks", "CROSS_CHECKS"))

    @property
    def claims(self) -> Sequence[Callable[[Evidence], Claim]]:
        """What its paper states."""
        return cast("Sequence[Callable[[Evidence], Claim]]", self._part("claims", "CLAIMS"))

    def build(self, scenario: Scenario) -> Built:
        """Make the world of one case."""
        return cast("Built", self._part("build", "build")(scenario))

    def drawings(self, result: Result) -> Iterator[Drawing]:
        """Every figure that the tables of a run allow, one after the other."""
        return cast("Iterator[Drawing]", self._part("drawings", "drawings")(result))


MODELS: Mapping[str, Model] = {
    model.name: model
    for model in (
        Model("adcef", "gridarium.experiments.adcef"),
        Model("net-zero", "gridarium.experiments.net_zero"),
        Model("grids", "gridarium.experiments.stacked"),
    )
}
"""Every model by the name that scenarios use."""
