"""What a quarter of a system cost by meters and the scenario, and what a further MWh costs by a plan."""

from __future__ import annotations

import numpy as np

from gridarium.agents.system.system_operator import SystemOperator
from gridarium.agents.system.system_planner import AdoptedPlan
from gridarium.environment.arrays import Array
from gridarium.experiments.evidence.grid_evidence import GridEvidence, by_period, rows_of
from gridarium.experiments.parts.carbon_market import CARBON_MARKET
from gridarium.experiments.parts.loads import FLEXIBLE_LOADS
from gridarium.experiments.parts.provider import active_provider
from gridarium.experiments.parts.supply import REAL_TIME
from gridarium.experiments.parts.thermal_units import THERMAL_UNITS
from gridarium.market.accounts import POOL_CALL

_SHORTAGE_PER_MWH = 1000.0
_AT_LIMIT_MW, _A_WATT_MW = 1e-3, 1e-6


def costs_told_money(known: GridEvidence, operator: SystemOperator) -> float:
    """Largest difference of a part of a quarter's cost as told, and the same by meters, money."""
    told, hours = known.tables["quarters"].sort_values("period"), known.world.period_h
    short = told["reserve_up_short_mw"] + told["reserve_down_short_mw"]
    bought = _bought_mw(known) * REAL_TIME.of(known.scenario).price_per_mwh
    meant = {
        **_unit_money(known),
        "compensation_money": hours * _moved_money_per_h(known),
        "wear_money": hours * _wear_money_per_h(known),
        "market_money": hours * bought,
        "shortage_money": hours * _SHORTAGE_PER_MWH * short.to_numpy(dtype=float),
    }
    apart = [np.abs(told[name].to_numpy(dtype=float) - own).max() for name, own in meant.items()]
    ledger = known.tables["ledger"]
    own = (ledger["account"] == known.grid.local(operator.name)) & (ledger["purpose"] == POOL_CALL)
    paid = -float(ledger.loc[own, "amount_money"].sum())
    return float(max(*apart, abs(float(told["line_fee_money"].sum()) - paid)))


def _bought_mw(known: GridEvidence) -> Array:
    """What came in through the head; less than a watt is nobody's bill."""
    taken = known.grid.exchange_mw
    return np.asarray(np.where(np.abs(taken) > _A_WATT_MW, np.maximum(taken, 0.0), 0.0))


def _unit_money(known: GridEvidence) -> dict[str, Array]:
    """Starts and stops, fuel, and carbon beyond the allowance."""
    n, hours, carbon = known.world.n_period, known.world.period_h, CARBON_MARKET.of(known.scenario)
    found = {name: np.zeros(n) for name in ("start_stop_money", "fuel_money", "carbon_money")}
    table = rows_of(known.tables, "units", "thermal")
    for name, unit in THERMAL_UNITS.of(known.scenario).items():
        rows = table[table["agent"] == name].sort_values("period")
        gross, on, absorbed = (
            rows[column].to_numpy(dtype=float) for column in ("gross_mw", "on", "absorbed_tco2_per_h")
        )
        before = np.append(float(unit.on_initially), on[:-1])
        a, b, c = unit.cost_quadratic_per_mw2h, unit.cost_linear_per_mwh, unit.cost_fixed_per_h
        found["start_stop_money"] += unit.start_stop_money * (on != before)
        found["fuel_money"] += hours * on * (a * gross**2 + b * gross + c)
        beyond = (unit.emission_tco2_per_mwh - carbon.allowance_tco2_per_mwh) * gross - absorbed
        found["carbon_money"] += hours * carbon.price_per_tco2 * beyond
    return found


def _moved_money_per_h(known: GridEvidence) -> Array:
    """E25: what flexible loads are due for each MW that they drew more or less."""
    found, table = np.zeros(known.world.n_period), known.tables["loads"]
    for name, load in FLEXIBLE_LOADS.of(known.scenario).items():
        rows = table[table["agent"] == name].sort_values("period")
        moved = (rows["p_metered_mw"] - rows["p_base_mw"]).abs().to_numpy(dtype=float)
        found = found + load.compensation_per_mwh * moved
    return found


def _wear_money_per_h(known: GridEvidence) -> Array:
    """E24: of what enters and leaves the storage, inside."""
    provider, n = active_provider(known.scenario), known.world.n_period
    rows = rows_of(known.tables, "storages", "storage_provider")
    if provider is None or rows.empty:
        return np.zeros(n)
    charge, discharge = (by_period(rows, f"p_{way}_mw", n) for way in ("charge", "discharge"))
    own = provider.storage
    inside = own.efficiency_charge * charge + discharge / own.efficiency_discharge
    return np.asarray(provider.compensation_per_mwh * inside)


def price_per_mwh(known: GridEvidence, adopted: AdoptedPlan, place: int) -> float:
    """What a further MWh costs in a period of a plan, money/MWh.

    Imports, where there are any; else the dearest unit between its limits; nothing where wind or power is
    left over; else the dearest unit that runs. Of units at unchanged capture.
    """
    plan, carbon = adopted.plan, CARBON_MARKET.of(known.scenario)
    if plan.market_mw[place] > _AT_LIMIT_MW:
        return REAL_TIME.of(known.scenario).price_per_mwh
    inside, running = [], [0.0]
    for column, unit in enumerate(THERMAL_UNITS.of(known.scenario).values()):
        gross = float(plan.gross_mw[place, column])
        if not plan.on[place, column]:
            continue
        beyond = unit.emission_tco2_per_mwh - carbon.allowance_tco2_per_mwh
        fuel = 2.0 * unit.cost_quadratic_per_mw2h * gross + unit.cost_linear_per_mwh
        running.append(fuel + carbon.price_per_tco2 * beyond)
        if unit.p_min_mw + _AT_LIMIT_MW < gross < unit.p_max_mw - _AT_LIMIT_MW:
            inside.append(running[-1])
    if inside:
        return max(inside)
    left = plan.spill_mw[place] + adopted.forecast.wind_mw[place] - plan.wind_mw[place]
    return 0.0 if left > _AT_LIMIT_MW else max(running)
