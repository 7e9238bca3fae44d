"""The pool of the storages of a feeder: who may join, what coalitions are worth, and how that is shared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from gridarium.experiments.parts.part import GridScenario, Part
from gridarium.experiments.parts.pool_section import Pool
from gridarium.experiments.schema.fields import Flag, MoneyAmount

POOL_AGENT = "pool"
"""Name of the platform of a pool of storages in its grid."""

Task = Literal["energy", "voltage"]


class StoragePool(Pool):
    """The platform of a pool: its members are commanded by the operator, the others live on the tariff."""

    outside: Literal["stand-alone", "idle"] = "stand-alone"
    """What storages outside a coalition do where coalitions are valued: what their owners do alone, and then
    members get that too, beside their share; or nothing."""
    counts_ageing: Flag = False
    """Whether what members age counts against a coalition."""
    service_cost_per_mwh: MoneyAmount = 0.0
    """Cost of service of each MWh that a member charges or discharges (c_srv): inverters, cooling,
    aggregation; the operator bears it, money/MWh."""
    fast_response_tasks: list[Task] = Field(default=["energy", "voltage"])
    """What the fast-response class serves."""
    energy_reserve_tasks: list[Task] = Field(default=["energy"])
    """What the energy-reserve class serves."""

    @property
    def tasks(self) -> Mapping[str, tuple[str, ...]]:
        """What each class serves."""
        return {
            "fast-response": tuple(self.fast_response_tasks),
            "energy-reserve": tuple(self.energy_reserve_tasks),
        }


def pool_of(scenario: GridScenario) -> StoragePool | None:
    """The pool of a grid, where there is one."""
    return STORAGE_POOL.of(scenario)


STORAGE_POOL: Part[StoragePool | None] = Part(
    field="storage_pool",
    annotation=StoragePool | None,
    default=None,
    meaning="The pool that owners of storages join and leave; null for none.",
    under=("dso",),
    names=lambda section: () if section is None else (POOL_AGENT,),
)
