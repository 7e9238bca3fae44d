"""Plans of a system operator for the rest of a day, read with the scenario and the state that tables tell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from gridarium.agents.system.system_operator import SystemOperator
from gridarium.agents.system.system_planner import AdoptedPlan
from gridarium.environment.arrays import Array
from gridarium.experiments.evidence.grid_evidence import GridEvidence
from gridarium.experiments.evidence.system.rest_of_day import RestCase, RestLoad, RestUnit
from gridarium.experiments.parts.carbon_market import CARBON_MARKET
from gridarium.experiments.parts.loads import FLEXIBLE_LOADS
from gridarium.experiments.parts.operator import OPERATOR
from gridarium.experiments.parts.provider import active_provider
from gridarium.experiments.parts.supply import REAL_TIME
from gridarium.experiments.parts.thermal_units import THERMAL_UNITS
from gridarium.experiments.parts.wind_farms import WIND_FARMS


def rest_cases(
    known: GridEvidence, operator: SystemOperator, adopted: Sequence[AdoptedPlan]
) -> Iterator[RestCase]:
    """Each plan, with what was before it; left out are first plans of further days, made during one."""
    for one in adopted:
        if one.plan.first or not one.day:
            yield _case(known, operator, one)


def _case(known: GridEvidence, operator: SystemOperator, adopted: AdoptedPlan) -> RestCase:
    plan, forecast, first = adopted.plan, adopted.forecast, adopted.plan.first
    now, scenario = adopted.day * operator.day_length + first, known.scenario
    section, carbon, provider = OPERATOR.of(scenario), CARBON_MARKET.of(scenario), active_provider(scenario)
    assert section is not None
    told: dict[str, Array] = {
        name: value[first:]
        for name, value in vars(plan).items()
        if np.ndim(value) and len(value) == len(plan.on)
    }
    told |= {f"expected {name}": value[first:] for name, value in vars(forecast).items()}
    capacity = sum(farm.capacity_mw for farm in WIND_FARMS.of(scenario).values())
    e_mwh = 0.0
    if provider is not None:
        before = _before(known, "storages", None, now)
        own = provider.storage
        e_mwh = own.soc_initial * own.e_max_mwh if before is None else float(before["e_mwh"])
    return RestCase(
        known.world.period_h, list(_units(known, told, now)), list(_loads(known, told, now, first)),
        None if provider is None else provider.storage,
        0.0 if provider is None else provider.compensation_per_mwh, e_mwh, told["charge_mw"],
        told["discharge_mw"], told["expected load_mw"], told["expected wind_mw"], told["expected pool_mw"],
        told["wind_mw"], told["pool_mw"], told["market_mw"], told["spill_mw"],
        REAL_TIME.of(scenario).price_per_mwh, section.pool_fee_per_mwh if operator.members.desk else 0.0,
        REAL_TIME.of(scenario).import_limit_mw, carbon.price_per_tco2, carbon.allowance_tco2_per_mwh,
        section.reserve_load_share, section.reserve_wind_share * capacity, plan.objective_money,
    )  # fmt: skip


def _units(known: GridEvidence, told: dict[str, Array], now: int) -> Iterator[RestUnit]:
    for column, (name, unit) in enumerate(THERMAL_UNITS.of(known.scenario).items()):
        before, plant = _before(known, "units", name, now), unit.capture
        if before is None:
            was_on, power = float(unit.on_initially), unit.p_initial_mw
            tank = plant.tank_initial_share * plant.tank_tco2 if plant else 0.0
        else:
            was_on, power, tank = (float(before[key]) for key in ("on", "gross_mw", "tank_tco2"))
        yield RestUnit(
            unit, was_on > 0.5, power, tank, told["on"][:, column] > 0.5, told["gross_mw"][:, column],
            told["absorbed_tco2_per_h"][:, column], told["regenerated_tco2_per_h"][:, column],
        )  # fmt: skip


def _loads(known: GridEvidence, told: dict[str, Array], now: int, first: int) -> Iterator[RestLoad]:
    loads = known.tables["loads"]
    for column, (name, load) in enumerate(FLEXIBLE_LOADS.of(known.scenario).items()):
        rows = loads[loads["agent"] == name]
        base, drawn = (rows[key].to_numpy(dtype=float) for key in ("p_base_mw", "p_metered_mw"))
        owed = known.world.period_h * float((base - drawn)[now - first : now].sum())
        rest = slice(now, now + len(told["on"]))
        yield RestLoad(load, base[rest], told["flexible_mw"][:, column], owed)


def _before(known: GridEvidence, table: str, agent: str | None, now: int) -> pd.Series[Any] | None:
    """What a table tells of the period before; None before the first one."""
    if not now:
        return None
    rows = known.tables[table]
    own = rows if agent is None else rows[rows["agent"] == agent]
    return own[own["period"] == now - 1].iloc[0]
