"""Values of certificates that tables and scenario determine, worked out anew."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from gridarium.environment.arrays import Array, Index
from gridarium.experiments.verification.balancing import off_balancing
from gridarium.experiments.verification.devices import ramp_errors, unit_errors, units_of
from gridarium.experiments.verification.network_model import feeder_of
from gridarium.experiments.verification.operator_costs import off_cost
from gridarium.experiments.verification.run_tables import GridTables, numbers, scope_of, wide
from gridarium.market.accounts import POOL_CALL

_PLAN_KEPT_MW = 1e-6

Value = Callable[[GridTables], float]
"""Of a certificate of a grid; raises KeyError where a table that it needs is not there."""


def _most(values: Array) -> float:
    return float(np.nanmax(values, initial=0.0))


def _energy_balance(grid: GridTables) -> float:
    dispatch, branches = grid.tables["dispatch"], grid.rows("branches")
    net = grid.series(dispatch, "p_supply_mw") - grid.series(dispatch, "p_demand_mw")
    if len(branches):
        net = net - grid.series(branches, "p_from_mw") + grid.series(branches, "p_to_mw")
    feeder = feeder_of(grid.section)
    if feeder is not None:
        vm_pu = wide(grid.tables["buses"], "vm_pu", grid.n_period)
        net = net - (feeder.g_bus_pu - feeder.g_load_pu) * feeder.base_mva @ vm_pu**2
    return float(np.abs(net).max())


def _own_ledger(grid: GridTables) -> tuple[Array, Index]:
    """Amounts of the grid's payments, and a number for the instant of each."""
    ledger = grid.tables["ledger"]
    if grid.name:
        sides = (ledger[side].map(scope_of) == grid.name for side in ("account", "counterparty"))
        ledger = ledger[np.logical_or.reduce([side.to_numpy() for side in sides])]
    return numbers(ledger, "amount_money"), np.asarray(ledger.groupby("time").ngroup(), dtype=np.int64)


def _money_balance(grid: GridTables) -> float:
    return abs(float(_own_ledger(grid)[0].sum()))


def _money_each_minute(grid: GridTables) -> float:
    amounts, instant = _own_ledger(grid)
    return _most(np.abs(np.bincount(instant, weights=amounts)))


def _voltage_band(grid: GridTables) -> float:
    network, vm_pu = grid.section["network"], numbers(grid.tables["buses"], "vm_pu")
    low, high = float(network["voltage_min_pu"]), float(network["voltage_max_pu"])
    return max(0.0, _most(low - vm_pu), _most(vm_pu - high))


def _branch_loading(grid: GridTables) -> float:
    most = float(grid.section["network"]["loading_max"])
    return max(0.0, float(np.nanmax(numbers(grid.tables["branches"], "loading"))) - most)


def _ac_voltage_error(grid: GridTables) -> float:
    """In periods in which no storage provider moves what was called for: no plan knows of that."""
    buses, provided = grid.tables["buses"], grid.rows("storages", kind="storage_provider")
    off = np.abs(wide(buses, "vm_pu", grid.n_period) - wide(buses, "vm_dispatch_pu", grid.n_period))
    moved = grid.series(provided, "p_charge_mw") + grid.series(provided, "p_discharge_mw")
    return _most(off[:, moved <= _PLAN_KEPT_MW])


def _cone_gap(grid: GridTables) -> float:
    return float(numbers(grid.rows("days", kind="dso"), "cone_gap_pu").max())


def _plan_kept(grid: GridTables) -> float:
    loads = grid.rows("loads", kind="consumer")
    return _most(np.abs(grid.series(loads, "p_metered_mw") - grid.series(loads, "p_plan_mw")))


def _carbon_correction(grid: GridTables) -> float:
    told = grid.rows("signals", kind="dso")
    apart = numbers(told, "factor_tco2_per_mwh") - numbers(told, "factor_planned_tco2_per_mwh")
    return _most(np.abs(apart))


def _dispatch_optimality(grid: GridTables) -> float:
    days, told = grid.rows("days", kind="dso"), grid.rows("signals", kind="dso")
    gap = float((numbers(days, "dispatch_cost_money") - numbers(days, "dispatch_bound_money")).sum())
    sold = np.abs(numbers(told, "price_per_mwh")) * numbers(told, "p_load_plan_mw")
    return max(0.0, gap) / max(float(sold.sum()) * grid.period_h, 1.0)


def _dispatch_bound(grid: GridTables) -> float:
    days, told = grid.rows("days", kind="dso"), grid.rows("signals", kind="dso")
    cost = numbers(days, "dispatch_cost_money")
    above = float((numbers(days, "dispatch_bound_money") - cost).max())
    sold = np.abs(numbers(told, "price_per_mwh")) * numbers(told, "p_load_plan_mw")
    whole = float(sold.sum()) * grid.period_h + float(np.abs(cost).sum())
    return max(0.0, above) / max(whole, 1.0)


def _over_units(grid: GridTables, errors: Callable[..., Array], *more: float) -> float:
    """The most of an error over the thermal units of a grid."""
    told = ((unit, grid.rows("units", agent=name)) for name, unit in units_of(grid).items())
    return max(_most(errors(unit, rows, *more)) for unit, rows in told if len(rows))


def _unit_limits(grid: GridTables) -> float:
    return _over_units(grid, lambda unit, rows: unit_errors(unit, rows)[0])


def _ramps(grid: GridTables) -> float:
    return _over_units(grid, ramp_errors, grid.period_h)


def _demand_response_energy(grid: GridTables) -> float:
    loads = grid.rows("loads", kind="flexible_load")
    changes = (numbers(loads, "p_metered_mw") - numbers(loads, "p_base_mw")) * grid.period_h
    per_day = round(24.0 / grid.period_h)
    return _most(np.abs(changes.reshape(-1, min(per_day, grid.n_period)).sum(axis=1)))


def _captures(grid: GridTables) -> Iterator[tuple[Mapping[str, Any], dict[str, Array]]]:
    """Each unit with an absorber: its plant, and what its rows tell, by column."""
    for name, unit in units_of(grid).items():
        rows = grid.rows("units", agent=name)
        if unit.get("capture") and len(rows):
            yield unit["capture"], {column: numbers(rows, column) for column in _ABSORBER}


_ABSORBER = ("absorbed_tco2_per_h", "regenerated_tco2_per_h", "tank_tco2", "emission_gross_tco2_per_h")


def _solvent_tank(grid: GridTables) -> float:
    worst = 0.0
    for plant, told in _captures(grid):
        size, content = plant["tank_tco2"], told["tank_tco2"]
        moved = (told["absorbed_tco2_per_h"] - told["regenerated_tco2_per_h"]) * grid.period_h
        meant = plant["tank_initial_share"] * size + np.cumsum(moved)
        worst = max(worst, _most(np.abs(content - meant)), _most(-content), _most(content - size))
    return worst


def _tank_cycle(grid: GridTables) -> float:
    drifts = [
        abs(float(told["tank_tco2"][-1]) - plant["tank_initial_share"] * plant["tank_tco2"])
        for plant, told in _captures(grid)
    ]
    return float(max(drifts))


def _capture(grid: GridTables) -> float:
    """The most that absorbers took up beyond their share; units without one take nothing up."""
    beyond = [
        _most(told["absorbed_tco2_per_h"] - plant["efficiency"] * told["emission_gross_tco2_per_h"])
        for plant, told in _captures(grid)
    ]
    return max(0.0, *beyond, 0.0)


def _minimum_times(grid: GridTables) -> float:
    """Hours by which a unit was on or off for less than it must; what a run begins or ends in is not told."""
    missing = 0.0
    for name, unit in units_of(grid).items():
        on = numbers(grid.rows("units", agent=name), "on") > 0.5
        turns = np.flatnonzero(np.diff(on)) + 1
        for begun, ended in itertools.pairwise(turns):
            least = unit["min_up_h"] if on[begun] else unit["min_down_h"]
            missing = max(missing, least - (ended - begun) * grid.period_h)
    return float(missing)


def _storage_cycle(grid: GridTables) -> float:
    """Of storages under a schedule, or of a provider's: none is dispatched anew, or this is not looked at."""
    ratings, kind = grid.section.get("storages") or {}, "storage"
    if not len(grid.rows("storages", kind=kind)):
        ratings, kind = {None: grid.section["provider"]["storage"]}, "storage_provider"
    drifts = []
    for name, rating in ratings.items():
        rows = grid.rows("storages", kind=kind, **({} if name is None else {"agent": name}))
        if len(rows):
            first = rating["soc_initial"] * rating["e_max_mwh"]
            drifts.append(abs(float(rows["e_mwh"].iloc[-1]) - first))
    return float(max(drifts))


def _reports(grid: GridTables) -> float:
    return float(numbers(grid.tables["quarters"], "silent").sum())


def _premiums(grid: GridTables) -> float:
    trades, ledger = grid.tables["trades"], grid.tables["ledger"]
    calls = ledger[(ledger["purpose"] == POOL_CALL) & (ledger["amount_money"] > 0.0)]
    if grid.name:
        calls = calls[calls["account"].map(scope_of) == grid.name]
    told = float(np.nansum(numbers(trades, "premium_money")))
    return abs(told - float(numbers(calls, "amount_money").sum()))


def _payoffs_of_prosumers(grid: GridTables) -> float:
    told = (
        grid.rows("payoffs", kind="prosumer", item="value of energy").groupby("agent")["amount_money"].sum()
    )
    valued = grid.rows("prosumers").groupby("agent")["value_money"].sum()
    return float((told - valued.reindex(told.index)).abs().max())


def _trades_declared(grid: GridTables) -> float:
    """Trades of minutes of which the buyer had said nothing to the seller."""
    said = grid.rows("declarations")
    if said.empty:
        return float(len(grid.rows("trades", kind="prosumer")))
    told = set(zip(said["agent"], said["seller"], said["period"], strict=True))
    made = grid.rows("trades", kind="prosumer")
    return float(
        sum(one not in told for one in zip(made["buyer"], made["seller"], made["period"], strict=True))
    )


RECOMPUTED: dict[str, Value] = {
    "payoffs of prosumers": _payoffs_of_prosumers,
    "trades declared": _trades_declared,
    "energy balance": _energy_balance,
    "money balance": _money_balance,
    "money each minute": _money_each_minute,
    "voltage band": _voltage_band,
    "branch loading": _branch_loading,
    "AC voltage error": _ac_voltage_error,
    "cone gap": _cone_gap,
    "plan kept": _plan_kept,
    "carbon correction": _carbon_correction,
    "dispatch optimality": _dispatch_optimality,
    "bound of dispatch": _dispatch_bound,
    "unit limits": _unit_limits,
    "ramps": _ramps,
    "quarters counted": off_cost,
    "demand response energy": _demand_response_energy,
    "solvent tank": _solvent_tank,
    "tank cycle": _tank_cycle,
    "capture": _capture,
    "minimum times": _minimum_times,
    "storage cycle": _storage_cycle,
    "reports": _reports,
    "balancing energy": off_balancing,
    "premiums of calls": _premiums,
}
"""By name of the certificate, without its grid."""
