"""Certificate of a day of perfect information: what it is said to cost, by its decisions and the scenario."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gridarium.agents.system.perfect_information import BenchmarkDay
from gridarium.environment.arrays import Array
from gridarium.experiments.evidence.grid_evidence import GridEvidence
from gridarium.experiments.evidence.shares import LEAST_MONEY, share_of
from gridarium.experiments.evidence.world.perfect_information import benchmark_day
from gridarium.experiments.parts.carbon_market import CARBON_MARKET
from gridarium.experiments.parts.loads import FLEXIBLE_LOADS
from gridarium.experiments.parts.operator import OPERATOR
from gridarium.experiments.parts.provider import active_provider
from gridarium.experiments.parts.supply import REAL_TIME
from gridarium.experiments.parts.thermal_units import THERMAL_UNITS
from gridarium.experiments.results.records import Reading

_SAME, _TANGENTS = 1e-5, 9
"""Two sums of the same parts, relative; and how many tangents to its fuel cost a unit has, over its band."""
_SHORTAGE_PER_MWH, _MISSED_PER_MWH = 1000.0, 3000.0
"""Penalties on missing reserve, and on what storages, tanks and loads miss of what they should end with."""


def cost_of_perfect_information(known: GridEvidence) -> Iterator[Reading]:
    """What the best day that was possible costs by its own decisions."""
    if "benchmarks" not in known.tables:
        return
    day, told = benchmark_day(known), known.tables["benchmarks"]["cost_money"].to_numpy(dtype=float)
    assert day is not None
    own = _unit_money(known, day) + _other_money(known, day) + _MISSED_PER_MWH * _missed(known, day)
    apart = max(share_of(abs(own - float(cost)), own, LEAST_MONEY) for cost in told)
    yield Reading(
        "cost of perfect information", apart, _SAME, "", True,
        "largest difference of what the best day of perfect information is said to cost, and fuel by "
        "tangents, starts, carbon, moved loads, wear, imports, reserve and the pool at its decisions, "
        "relative (E14, E19 to E26)",
    )  # fmt: skip


def _unit_money(known: GridEvidence, day: BenchmarkDay) -> float:
    """Fuel, starts and stops, and carbon beyond the allowance (E19 to E21)."""
    hours, carbon, money = known.world.period_h, CARBON_MARKET.of(known.scenario), 0.0
    for column, unit in enumerate(THERMAL_UNITS.of(known.scenario).values()):
        on, gross = day.on[:, column].astype(float), day.gross_mw[:, column]
        a, b, c = unit.cost_quadratic_per_mw2h, unit.cost_linear_per_mwh, unit.cost_fixed_per_h
        touched = np.linspace(unit.p_min_mw, unit.p_max_mw, _TANGENTS)[:, None]
        fuel = ((2.0 * a * touched + b) * gross + c - a * touched**2).max(axis=0)
        before = np.append(float(unit.on_initially), on[:-1])
        beyond = (unit.emission_tco2_per_mwh - carbon.allowance_tco2_per_mwh) * gross
        beyond = beyond - day.absorbed_tco2_per_h[:, column]
        per_h = on * fuel + carbon.price_per_tco2 * beyond
        money += hours * float(per_h.sum()) + unit.start_stop_money * float((on != before).sum())
    return money


def _other_money(known: GridEvidence, day: BenchmarkDay) -> float:
    """Moved loads, wear, imports, missing reserve, and what the pool is paid for its calls (E24 to E26)."""
    operator, provider = OPERATOR.of(known.scenario), active_provider(known.scenario)
    assert operator is not None
    per_h = (
        REAL_TIME.of(known.scenario).price_per_mwh * day.market_mw + operator.pool_fee_per_mwh * day.pool_mw
    )
    per_h = per_h + _SHORTAGE_PER_MWH * (day.reserve_up_short_mw + day.reserve_down_short_mw)
    for load, moved in zip(FLEXIBLE_LOADS.of(known.scenario).values(), _moved_mw(known, day), strict=True):
        per_h = per_h + load.compensation_per_mwh * np.abs(moved)
    if provider is not None:
        own = provider.storage
        inside = own.efficiency_charge * day.charge_mw + day.discharge_mw / own.efficiency_discharge
        per_h = per_h + provider.compensation_per_mwh * inside
    return known.world.period_h * float(per_h.sum())


def _moved_mw(known: GridEvidence, day: BenchmarkDay) -> list[Array]:
    """What each flexible load draws more than its base, shape (n_period,)."""
    loads = known.tables["loads"]
    base = [loads.loc[loads["agent"] == name, "p_base_mw"] for name in FLEXIBLE_LOADS.of(known.scenario)]
    return [day.flexible_mw[:, at] - own.to_numpy(dtype=float) for at, own in enumerate(base)]


def _missed(known: GridEvidence, day: BenchmarkDay) -> float:
    """MWh of storage and loads, and tCO2 of tanks, that are not back at the end of the day."""
    hours, provider = known.world.period_h, active_provider(known.scenario)
    missed = sum(abs(hours * float(moved.sum())) for moved in _moved_mw(known, day))
    if provider is not None:
        own = provider.storage
        missed += abs(float(day.e_mwh[-1]) - own.soc_initial * own.e_max_mwh)
    for column, unit in enumerate(THERMAL_UNITS.of(known.scenario).values()):
        if unit.capture is not None:
            first = unit.capture.tank_initial_share * unit.capture.tank_tco2
            missed += abs(float(day.tank_tco2[-1, column]) - first)
    return missed
