"""Every part that gridarium has, and the schema of a grid that they and those of other packages make."""

from __future__ import annotations

import copyreg
from functools import cache
from typing import Any

from pydantic import Field, create_model

from gridarium.environment.errors import Fault, ScenarioError
from gridarium.experiments.names.registry import entries, load
from gridarium.experiments.parts.carbon_market import CARBON_MARKET
from gridarium.experiments.parts.carbon_policy import CARBON_POLICY
from gridarium.experiments.parts.carbon_pool import CARBON_POOL
from gridarium.experiments.parts.compensators import COMPENSATORS
from gridarium.experiments.parts.consumers import CONSUMERS
from gridarium.experiments.parts.day_ahead_market import DAY_AHEAD_MARKET
from gridarium.experiments.parts.distribution_operator import DISTRIBUTION_OPERATOR
from gridarium.experiments.parts.dso import DSO
from gridarium.experiments.parts.edge import EDGE
from gridarium.experiments.parts.gas_turbines import GAS_TURBINES
from gridarium.experiments.parts.incidents import INCIDENTS
from gridarium.experiments.parts.leader import LEADER
from gridarium.experiments.parts.lines import LINES
from gridarium.experiments.parts.loads import FLEXIBLE_LOADS, LOAD
from gridarium.experiments.parts.negotiation import NEGOTIATION
from gridarium.experiments.parts.network import NETWORK
from gridarium.experiments.parts.operator import OPERATOR
from gridarium.experiments.parts.part import GridScenario, Part
from gridarium.experiments.parts.price_regions import PRICE_REGIONS
from gridarium.experiments.parts.prosumers import PROSUMERS
from gridarium.experiments.parts.provider import PROVIDER
from gridarium.experiments.parts.recorded_grids import RECORDED_GRIDS
from gridarium.experiments.parts.regions import REGIONS
from gridarium.experiments.parts.renewables import RENEWABLES
from gridarium.experiments.parts.standby_storages import STANDBY_STORAGES
from gridarium.experiments.parts.storage_pool import STORAGE_POOL
from gridarium.experiments.parts.storages import STORAGES
from gridarium.experiments.parts.supply import PRICES, REAL_TIME
from gridarium.experiments.parts.tap_changer import TAP_CHANGER
from gridarium.experiments.parts.tariff import TARIFF
from gridarium.experiments.parts.thermal_units import THERMAL_UNITS
from gridarium.experiments.parts.ties import TIES
from gridarium.experiments.parts.trading import TRADING
from gridarium.experiments.parts.vpps import VPPS
from gridarium.experiments.parts.wind_farms import WIND_FARMS

HOUSE: tuple[Part[Any], ...] = (
    NETWORK,
    PRICES,
    REAL_TIME,
    CARBON_MARKET,
    RENEWABLES,
    STORAGES,
    GAS_TURBINES,
    COMPENSATORS,
    TAP_CHANGER,
    CONSUMERS,
    TARIFF,
    LEADER,
    NEGOTIATION,
    DSO,
    THERMAL_UNITS,
    WIND_FARMS,
    LOAD,
    FLEXIBLE_LOADS,
    DAY_AHEAD_MARKET,
    RECORDED_GRIDS,
    OPERATOR,
    TRADING,
    LINES,
    PROSUMERS,
    PROVIDER,
    CARBON_POLICY,
    REGIONS,
    CARBON_POOL,
    STORAGE_POOL,
    STANDBY_STORAGES,
    INCIDENTS,
    EDGE,
    TIES,
    PRICE_REGIONS,
    VPPS,
    DISTRIBUTION_OPERATOR,
)
"""Parts of gridarium; units without a site are placed in this order."""


@cache
def all_parts() -> tuple[Part[Any], ...]:
    """Those of gridarium and of other packages, in the order in which their agents are made.

    Who operates a grid comes last, and knows by then who is there.

    Raises
    ------
    ScenarioError
        If what another package has registered is no part, or takes the name of another field.
    """
    found = [*HOUSE]
    for entry in entries("parts").values():
        part = load("parts", entry.name)
        if not isinstance(part, Part):
            raise ScenarioError(entry.target, [Fault("parts", entry.name, "must be a Part")])
        if part.field in GridScenario.model_fields or any(part.field == one.field for one in found):
            allowed = "must have a name of its own: a scenario has such a field already"
            raise ScenarioError(entry.target, [Fault("parts", part.field, allowed)])
        found.append(part)
    return tuple(sorted(found, key=lambda part: part.operates))


@cache
def grid_schema() -> type[GridScenario]:
    """The schema of one grid: a field for each part."""
    fields: dict[str, Any] = {
        part.field: (part.annotation, Field(default=part.default, description=part.meaning))
        for part in all_parts()
    }
    schema = create_model("GridScenario", __base__=GridScenario, __doc__=GridScenario.__doc__, **fields)
    schema.parts = all_parts()
    # No module has this class by its name: another process makes its own and fills an instance of that.
    copyreg.pickle(schema, _taken_apart)
    return schema


def _taken_apart(scenario: GridScenario) -> tuple[Any, ...]:
    return _put_together, (scenario.__getstate__(),)


def _put_together(state: dict[Any, Any]) -> GridScenario:
    scenario = grid_schema().model_construct()
    scenario.__setstate__(state)
    return scenario
