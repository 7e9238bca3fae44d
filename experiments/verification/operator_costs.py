"""What the operator of a system has counted as cost, by part: each formula with what tables tell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gridarium.environment.arrays import Array
from gridarium.experiments.verification.run_tables import GridTables, numbers
from gridarium.market.accounts import POOL_CALL

SHORTAGE_PER_MWH = 1e3
"""Money per MW of missing reserve and hour, in the currency of the operator; counted, and paid by nobody."""
_A_WATT_MW = 1e-6


def off_cost(grid: GridTables) -> float:
    """Largest difference of a part of a period's cost and its formula, money; of fees for calls, in all."""
    told, payments = grid.rows("quarters", kind="operator"), grid.rows("ledger", purpose=POOL_CALL)
    operator = grid.full(str(told["agent"].iloc[0]))
    paid = numbers(payments[payments["account"] == operator], "amount_money").sum()
    apart = (np.abs(numbers(told, name) - due).max() for name, due in parts_of_cost(grid).items())
    return float(max(*apart, abs(numbers(told, "line_fee_money").sum() + paid)))


def parts_of_cost(grid: GridTables) -> dict[str, Array]:
    """Parts of the cost of each period, money, each of shape (n_period,) (E14, E20 to E26).

    Parameters
    ----------
    grid : GridTables
        With an operator.
    """
    told, head = grid.rows("quarters", kind="operator"), grid.rows("heads", kind="operator")
    exchange = numbers(head, "p_metered_mw")
    taken = np.where(exchange > _A_WATT_MW, exchange, 0.0)
    price = numbers(head, "price_per_mwh")
    short = numbers(told, "reserve_up_short_mw") + numbers(told, "reserve_down_short_mw")
    traded = np.maximum(0.0, -numbers(told, "delivered_mw"))
    missing = np.maximum(0.0, -numbers(told, "called_mw") - traded)
    per_hour = {
        **_of_units(grid),
        "compensation_money": _of_loads(grid),
        "wear_money": _of_storage(grid),
        "market_money": price * taken,
        "shortage_money": SHORTAGE_PER_MWH * short,
        "pool_short_money": price * np.minimum(missing, taken),
    }
    parts = {name: rate * grid.period_h for name, rate in per_hour.items()}
    return parts | {"start_stop_money": _of_switching(grid)}


def _units(grid: GridTables) -> list[tuple[Mapping[str, Any], Any]]:
    """Each thermal unit, and what it did."""
    units = grid.section.get("thermal_units") or {}
    return [(unit, grid.rows("units", agent=str(name))) for name, unit in units.items()]


def _of_units(grid: GridTables) -> dict[str, Array]:
    """a P^2 + b P + c, and carbon at its price less the allowance, money/h."""
    fuel, carbon = np.zeros((2, grid.n_period))
    market, rate = grid.section["carbon_market"], grid.money_rate
    for unit, rows in _units(grid):
        on, gross = numbers(rows, "on"), numbers(rows, "gross_mw")
        fuel += unit["cost_quadratic_per_mw2h"] * gross**2 + unit["cost_linear_per_mwh"] * gross
        fuel += unit["cost_fixed_per_h"] * on
        net = unit["emission_tco2_per_mwh"] * gross - numbers(rows, "absorbed_tco2_per_h")
        carbon += market["price_per_tco2"] * (net - market["allowance_tco2_per_mwh"] * gross)
    return {"fuel_money": rate * fuel, "carbon_money": rate * carbon}


def _of_switching(grid: GridTables) -> Array:
    """tau for each start and stop, money."""
    switched = np.zeros(grid.n_period)
    for unit, rows in _units(grid):
        on = numbers(rows, "on")
        switched += unit["start_stop_money"] * (on != np.concatenate([[unit["on_initially"]], on[:-1]]))
    return grid.money_rate * switched


def _of_loads(grid: GridTables) -> Array:
    """beta |P - P_0| of all flexible loads, money/h (E25)."""
    found = np.zeros(grid.n_period)
    for name, load in (grid.section.get("flexible_loads") or {}).items():
        rows = grid.rows("loads", agent=str(name))
        moved = numbers(rows, "p_metered_mw") - numbers(rows, "p_base_mw")
        found += load["compensation_per_mwh"] * np.abs(moved)
    return grid.money_rate * found


def _of_storage(grid: GridTables) -> Array:
    """rho (eta P_ch + P_dis / eta), money/h (E24)."""
    rows = grid.rows("storages", kind="storage_provider")
    if rows.empty:
        return np.zeros(grid.n_period)
    provider = grid.section["provider"]
    storage = provider["storage"]
    inside = storage["efficiency_charge"] * grid.series(rows, "p_charge_mw")
    inside += grid.series(rows, "p_discharge_mw") / storage["efficiency_discharge"]
    return np.asarray(grid.money_rate * provider["compensation_per_mwh"] * inside)
