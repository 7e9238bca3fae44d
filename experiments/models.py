"""The models that a scenario can ask for; their parts are imported when they are first used."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, cast

if TYPE_CHECKING:
    import pandas as pd

    from gridarium.environment.world import World
    from gridarium.experiments.claim_kinds import Evidence
    from gridarium.experiments.records import Certificate, Claim, Drawing
    from gridarium.experiments.results import Result
    from gridarium.experiments.scenario_checks import CrossCheck
    from gridarium.experiments.scenario_schema import Scenario

    Tables = Mapping[str, pd.DataFrame]


class Built(Protocol):
    """What a model builds: a world that is ready to step, and whatever its tables are taken from."""

    @property
    def world(self) -> World:
        """Where the agents live."""


@dataclass(frozen=True)
class Model:
    """A model: what its scenarios may say, how its world is built, and what is read off it.

    - `schema`, `cross_checks`: what a scenario may say
    - `build`: from a scenario to a world
    - `tables_of`, `summarise`, `certify`: from a finished world to tables, metrics and certificates
    - `drawings`, `claims`: figures of a run, and what the paper of the model states

    Parameters
    ----------
    name : str
        What a scenario writes under `model`.
    package : str
        Where its parts are, under the same names in every model: schema, checks, build, tables, metrics,
        certificates, drawings and claims.
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
    def measured(self) -> Sequence[str]:
        """The tables that its metrics and certificates are taken from."""
        return cast("Sequence[str]", self._part("tables", "MEASURED"))

    @property
    def claims(self) -> Sequence[Callable[[Evidence], Claim]]:
        """What its paper states."""
        return cast("Sequence[Callable[[Evidence], Claim]]", self._part("claims", "CLAIMS"))

    def build(self, scenario: Scenario) -> Built:
        """Make the world of one case."""
        return cast("Built", self._part("build", "build")(scenario))

    def tables_of(self, case: str, built: Built, names: Sequence[str] | None = None) -> Tables:
        """Tables of a case, each with a first column `case`; all of the model's by default."""
        make = self._part("tables", "tables_of")
        return cast("Tables", make(case, built) if names is None else make(case, built, names))

    def summarise(self, tables: Tables, period_h: float) -> dict[str, float]:
        """Metrics of the tables of one case."""
        return cast("dict[str, float]", self._part("metrics", "summarise")(tables, period_h))

    def certify(self, case: str, scenario: Scenario, built: Built, tables: Tables) -> list[Certificate]:
        """All certificates of one case."""
        make = self._part("certificates", "certify")
        return cast("list[Certificate]", make(case, scenario, built, tables))

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
