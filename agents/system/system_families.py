"""The system as the commitment, the real-time dispatch and their benchmark share it.

It is put together from `gridarium.agents.problems` over ``m.unit``, ``m.period`` and a `Running`, whose on,
rise and fall may be decisions (a commitment) or signals (a dispatch at given commitment).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyomo.environ as pyo

from gridarium.agents.problems.carbon_capture import declare_capture
from gridarium.agents.problems.flexible_load import declare_flexible_loads
from gridarium.agents.problems.limits import at_most
from gridarium.agents.problems.storage import declare_storages, throughput
from gridarium.agents.problems.thermal_unit import Running, declare_reserve, declare_units
from gridarium.agents.system.power_system import PowerSystem

SIGNALS = (
    "load_mw",
    "reserve_mw",
    "wind_available_mw",
    "most_raised_mw",
    "most_lowered_mw",
    "market_price",
    "most_market_mw",
    "pool_fee",
    "most_pool_mw",
    "storage_power_mw",
    "e_arriving_mwh",
    "tank_arriving_tco2",
    "owed_mwh",
)
"""Signals of every problem of the system: the forecast, and the state where it enters."""


def declare_sets(m: Any, system: PowerSystem, n_period: int) -> None:
    """Periods, units, those with capture, flexible loads, and the storage if there is one."""
    m.period = pyo.RangeSet(0, n_period - 1)
    m.unit = pyo.Set(initialize=[unit.name for unit in system.units], ordered=True)
    m.capture = pyo.Set(initialize=[unit.name for unit in system.units if unit.capture], ordered=True)
    m.flexible = pyo.Set(initialize=[load.name for load in system.loads], ordered=True)
    m.storage = pyo.Set(initialize=[storage.name for storage in system.storages], ordered=True)


def declare_signals(m: Any) -> None:
    """What the forecast and the state tell; see `SIGNALS`."""
    for name in ("load_mw", "reserve_mw", "wind_available_mw", "market_price", "most_market_mw"):
        m.add_component(name, pyo.Var(m.period))
    m.pool_fee, m.most_pool_mw = pyo.Var(m.period), pyo.Var(m.period)
    m.most_raised_mw, m.most_lowered_mw = pyo.Var(m.flexible, m.period), pyo.Var(m.flexible, m.period)
    m.storage_power_mw, m.e_arriving_mwh = pyo.Var(m.storage, m.period), pyo.Var(m.storage, m.period)
    m.tank_arriving_tco2 = pyo.Var(m.capture, m.period)
    m.owed_mwh = pyo.Var(m.flexible)


def declare_physics(m: Any, system: PowerSystem, running: Running, period_h: float) -> None:
    """All constraints that hold at a given commitment."""
    declare_units(m, system.units, running, period_h)
    declare_reserve(m)
    declare_capture(m, system.units, m.gross_mw, running.on, period_h)
    declare_storages(m, system.storages, period_h)
    declare_flexible_loads(m, period_h)
    declare_balance(m)


def declare_balance(m: Any) -> None:
    """sum PGH + P_W + P_dis + P_P2P + P_market = P_el + sum P_m + P_ch + spill (E27, signs repaired).

    Wind up to what is available (E30), the pool up to what it is expected to deliver.
    """
    m.wind_mw = pyo.Var(m.period, bounds=(0, None))
    m.pool_mw = pyo.Var(m.period, bounds=(0, None))
    m.market_mw = pyo.Var(m.period, bounds=(0, None), doc="import limit (MW)")
    m.spill_mw = pyo.Var(m.period, bounds=(0, None))
    m.wind_limit = at_most(m.wind_mw, m.wind_available_mw)
    m.pool_limit = at_most(m.pool_mw, m.most_pool_mw)
    m.market_limit = at_most(m.market_mw, m.most_market_mw, doc="import limit (MW)")

    def balance(m: Any, t: int) -> Any:
        supply = m.wind_mw[t] + m.pool_mw[t] + m.market_mw[t] - m.spill_mw[t]
        units = sum(m.net_mw[i, t] for i in m.unit)
        storage = sum(m.discharge_mw[s, t] - m.charge_mw[s, t] for s in m.storage)
        flexible = sum(m.moved_mw[d, t] for d in m.flexible)
        return units + supply + storage == m.load_mw[t] + flexible

    m.balance = pyo.Constraint(m.period, rule=balance, doc="power balance (MW)")


def running_cost(m: Any, system: PowerSystem, fuel: Callable[[str, int], Any], period_h: float) -> Any:
    """C_H + C_P + C_m + C_s + C_P2P + imports (E19 to E26), and penalties on what is missing.

    `fuel` gives the hourly fuel cost of (unit, period).
    """
    beta = {load.name: load.compensation_per_mwh for load in system.loads}
    unit = {u.name: u for u in system.units}

    def hourly(t: int) -> Any:
        units = sum(fuel(i, t) for i in m.unit)
        carbon = sum(
            (unit[i].emission_tco2_per_mwh - system.allowance_tco2_per_mwh) * m.gross_mw[i, t] for i in m.unit
        ) - sum(m.absorbed_tco2_per_h[i, t] for i in m.capture)
        shifts = sum(beta[d] * (m.raised_mw[d, t] + m.lowered_mw[d, t]) for d in m.flexible)
        wear = system.wear_cost_per_mwh * sum(
            throughput(storage.efficiencies, m.charge_mw[storage.name, t], m.discharge_mw[storage.name, t])
            for storage in system.storages
        )
        bought = m.market_price[t] * m.market_mw[t] + m.pool_fee[t] * m.pool_mw[t]
        short = system.shortage_cost_per_mwh * (m.up_short_mw[t] + m.down_short_mw[t])
        return units + system.carbon_price_per_tco2 * carbon + shifts + wear + bought + short

    missed = (
        sum(m.tank_below_tco2[i] + m.tank_above_tco2[i] for i in m.capture)
        + sum(m.e_below_target_mwh[s] + m.e_above_target_mwh[s] for s in m.storage)
        + sum(m.too_little_mwh[d] + m.too_much_mwh[d] for d in m.flexible)
    )
    return period_h * sum(hourly(t) for t in m.period) + system.missed_cost_per_mwh * missed
