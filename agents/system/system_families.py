"""Constraint families that the commitment, the real-time dispatch and their benchmark share.

They are written over ``m.unit``, ``m.period`` and a `Running`, whose on, rise and fall may be decisions (a
commitment) or signals (a dispatch at given commitment).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyomo.environ as pyo

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


@dataclass(frozen=True)
class Running:
    """Which units run, and what their ramps allow, as expressions of (unit, period).

    Parameters
    ----------
    on : callable
        1 while a unit runs.
    rise_mw, fall_mw : callable
        Most that its power may rise and fall from the period before; in the period where the state enters
        they contain the power before it.
    """

    on: Callable[[str, int], Any]
    rise_mw: Callable[[str, int], Any]
    fall_mw: Callable[[str, int], Any]


def declare_sets(m: Any, system: PowerSystem, n_period: int) -> None:
    """Periods, units, those with capture, flexible loads, and the storage if there is one."""
    m.period = pyo.RangeSet(0, n_period - 1)
    m.unit = pyo.Set(initialize=[unit.name for unit in system.units], ordered=True)
    m.capture = pyo.Set(initialize=[unit.name for unit in system.units if unit.capture], ordered=True)
    m.flexible = pyo.Set(initialize=[load.name for load in system.loads], ordered=True)
    m.storage = pyo.Set(initialize=[system.storage.name] if system.storage else [], ordered=True)


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
    declare_units(m, system, running, period_h)
    declare_reserve(m)
    declare_capture(m, system, running, period_h)
    declare_storage(m, system, period_h)
    declare_flexible_loads(m, period_h)
    declare_balance(m, system, running)


def declare_units(m: Any, system: PowerSystem, running: Running, period_h: float) -> None:
    """on Pmin <= PG - R_down, PG + R_up <= on Pmax, ramps, reserves within a ramp (E16, E17, E28, E29)."""
    unit = {u.name: u for u in system.units}
    m.gross_mw = pyo.Var(m.unit, m.period, bounds=(0, None), doc="gross power (MW)")
    m.up_mw = pyo.Var(m.unit, m.period, bounds=(0, None), doc="spinning reserve up (MW)")
    m.down_mw = pyo.Var(m.unit, m.period, bounds=(0, None), doc="spinning reserve down (MW)")
    m.most_output = pyo.Constraint(
        m.unit,
        m.period,
        rule=lambda m, i, t: m.gross_mw[i, t] + m.up_mw[i, t] <= unit[i].p_max_mw * running.on(i, t),
        doc="most output of a unit (MW)",
    )
    m.least_output = pyo.Constraint(
        m.unit,
        m.period,
        rule=lambda m, i, t: m.gross_mw[i, t] - m.down_mw[i, t] >= unit[i].p_min_mw * running.on(i, t),
        doc="least output of a unit (MW)",
    )
    m.up_within_ramp = pyo.Constraint(
        m.unit,
        m.period,
        rule=lambda m, i, t: m.up_mw[i, t] <= unit[i].ramp_mw_per_h * period_h * running.on(i, t),
    )
    m.down_within_ramp = pyo.Constraint(
        m.unit,
        m.period,
        rule=lambda m, i, t: m.down_mw[i, t] <= unit[i].ramp_down_mw_per_h * period_h * running.on(i, t),
    )

    def step(m: Any, i: str, t: int) -> Any:
        return m.gross_mw[i, t] - (m.gross_mw[i, t - 1] if t else 0.0)

    m.ramp_up = pyo.Constraint(
        m.unit, m.period, rule=lambda m, i, t: step(m, i, t) <= running.rise_mw(i, t), doc="ramp up (MW)"
    )
    m.ramp_down = pyo.Constraint(
        m.unit, m.period, rule=lambda m, i, t: -step(m, i, t) <= running.fall_mw(i, t), doc="ramp down (MW)"
    )


def declare_reserve(m: Any) -> None:
    """sum of reserves + shortage >= mu11 load + mu22 wind capacity, up and down (E29)."""
    m.up_short_mw = pyo.Var(m.period, bounds=(0, None))
    m.down_short_mw = pyo.Var(m.period, bounds=(0, None))
    for reserve, short, name in (
        (m.up_mw, m.up_short_mw, "reserve_up"),
        (m.down_mw, m.down_short_mw, "reserve_down"),
    ):
        m.add_component(
            name,
            pyo.Constraint(
                m.period,
                rule=lambda m, t, reserve=reserve, short=short: (
                    sum(reserve[i, t] for i in m.unit) + short[t] >= m.reserve_mw[t]
                ),
            ),
        )


def declare_capture(m: Any, system: PowerSystem, running: Running, period_h: float) -> None:
    """0 <= A <= eta e PG, S_t = S_{t-1} + (A - EB) Dt, 0 <= S <= Smax, S_T = S_0, PGH >= 0 (E1 to E4)."""
    unit = {u.name: u for u in system.units}
    plant = {u.name: u.capture for u in system.units if u.capture}
    last = m.period.last()
    m.absorbed_tco2_per_h = pyo.Var(m.capture, m.period, bounds=(0, None))
    m.regenerated_tco2_per_h = pyo.Var(m.capture, m.period, bounds=(0, None))
    m.tank_tco2 = pyo.Var(
        m.capture, m.period, bounds=lambda m, i, t: (0, plant[i].tank_tco2), doc="solvent tank (tCO2)"
    )
    m.absorber = pyo.Constraint(
        m.capture,
        m.period,
        rule=lambda m, i, t: (
            m.absorbed_tco2_per_h[i, t]
            <= plant[i].efficiency * unit[i].emission_tco2_per_mwh * m.gross_mw[i, t]
        ),
    )
    m.no_negative_output = pyo.Constraint(
        m.capture, m.period, rule=lambda m, i, t: net_power(m, system, running, i, t) >= 0
    )

    def level(m: Any, i: str, t: int) -> Any:
        before = m.tank_arriving_tco2[i, t] + (m.tank_tco2[i, t - 1] if t else 0.0)
        flow = m.absorbed_tco2_per_h[i, t] - m.regenerated_tco2_per_h[i, t]
        return m.tank_tco2[i, t] == before + flow * period_h

    m.solvent = pyo.Constraint(m.capture, m.period, rule=level, doc="solvent balance (tCO2)")
    m.tank_below_tco2 = pyo.Var(m.capture, bounds=(0, None))
    m.tank_above_tco2 = pyo.Var(m.capture, bounds=(0, None))
    m.tank_cycle = pyo.Constraint(
        m.capture,
        rule=lambda m, i: (
            m.tank_tco2[i, last] + m.tank_below_tco2[i] - m.tank_above_tco2[i] == plant[i].tank_initial_tco2
        ),
    )


def net_power(m: Any, system: PowerSystem, running: Running, name: str, period: int) -> Any:
    """PGH = PG - sigma EB - on PD (E1, E2)."""
    plant = next(unit.capture for unit in system.units if unit.name == name)
    if plant is None:
        return m.gross_mw[name, period]
    operation = plant.energy_mwh_per_tco2 * m.regenerated_tco2_per_h[name, period]
    return m.gross_mw[name, period] - operation - plant.fixed_mw * running.on(name, period)


def declare_storage(m: Any, system: PowerSystem, period_h: float) -> None:
    """E_t = E_{t-1} + (eta_ch P_ch - P_dis / eta_dis) Dt, Emin <= E <= Emax, E_T = E_0 (E6).

    Energy is counted from the band's lower end. No binaries: wear makes charging and discharging at once
    a loss, since what nobody takes may be spilled for nothing.
    """
    ratings = system.storage
    band = ratings.band_mwh if ratings else (0.0, 0.0)
    m.charge_mw = pyo.Var(m.storage, m.period, bounds=(0, None))
    m.discharge_mw = pyo.Var(m.storage, m.period, bounds=(0, None))
    m.e_above_mwh = pyo.Var(m.storage, m.period, bounds=(0, band[1] - band[0]), doc="stored energy (MWh)")
    m.e_below_target_mwh = pyo.Var(m.storage, bounds=(0, None))
    m.e_above_target_mwh = pyo.Var(m.storage, bounds=(0, None))
    if ratings is None:
        return
    last, name = m.period.last(), ratings.name
    m.charge_rating = pyo.Constraint(
        m.storage, m.period, rule=lambda m, s, t: m.charge_mw[s, t] <= m.storage_power_mw[s, t]
    )
    m.discharge_rating = pyo.Constraint(
        m.storage, m.period, rule=lambda m, s, t: m.discharge_mw[s, t] <= m.storage_power_mw[s, t]
    )

    def balance(m: Any, s: str, t: int) -> Any:
        before = m.e_arriving_mwh[s, t] + (m.e_above_mwh[s, t - 1] if t else 0.0)
        stored = ratings.efficiency_charge * m.charge_mw[s, t]
        drawn = m.discharge_mw[s, t] / ratings.efficiency_discharge
        return m.e_above_mwh[s, t] == before + (stored - drawn) * period_h

    m.storage_energy = pyo.Constraint(m.storage, m.period, rule=balance, doc="storage balance (MWh)")
    target = ratings.soc_initial * ratings.e_max_mwh - band[0]
    m.storage_cycle = pyo.Constraint(
        expr=m.e_above_mwh[name, last] + m.e_below_target_mwh[name] - m.e_above_target_mwh[name] == target
    )


def declare_flexible_loads(m: Any, period_h: float) -> None:
    """P = plan + raised - lowered within its band, energy of the day preserved (E5)."""
    m.raised_mw = pyo.Var(m.flexible, m.period, bounds=(0, None))
    m.lowered_mw = pyo.Var(m.flexible, m.period, bounds=(0, None))
    m.most_raised = pyo.Constraint(
        m.flexible, m.period, rule=lambda m, d, t: m.raised_mw[d, t] <= m.most_raised_mw[d, t]
    )
    m.most_lowered = pyo.Constraint(
        m.flexible, m.period, rule=lambda m, d, t: m.lowered_mw[d, t] <= m.most_lowered_mw[d, t]
    )
    m.too_little_mwh = pyo.Var(m.flexible, bounds=(0, None))
    m.too_much_mwh = pyo.Var(m.flexible, bounds=(0, None))
    m.energy_preserved = pyo.Constraint(
        m.flexible,
        rule=lambda m, d: (
            period_h * sum(m.raised_mw[d, t] - m.lowered_mw[d, t] for t in m.period)
            + m.too_little_mwh[d]
            - m.too_much_mwh[d]
            == m.owed_mwh[d]
        ),
    )


def declare_balance(m: Any, system: PowerSystem, running: Running) -> None:
    """sum PGH + P_W + P_dis + P_P2P + P_market = P_el + sum P_m + P_ch + spill (E27, signs repaired).

    Wind up to what is available (E30), the pool up to what it is expected to deliver.
    """
    m.wind_mw = pyo.Var(m.period, bounds=(0, None))
    m.pool_mw = pyo.Var(m.period, bounds=(0, None))
    m.market_mw = pyo.Var(m.period, bounds=(0, None))
    m.spill_mw = pyo.Var(m.period, bounds=(0, None))
    m.wind_limit = pyo.Constraint(m.period, rule=lambda m, t: m.wind_mw[t] <= m.wind_available_mw[t])
    m.pool_limit = pyo.Constraint(m.period, rule=lambda m, t: m.pool_mw[t] <= m.most_pool_mw[t])
    m.market_limit = pyo.Constraint(
        m.period, rule=lambda m, t: m.market_mw[t] <= m.most_market_mw[t], doc="import limit (MW)"
    )

    def balance(m: Any, t: int) -> Any:
        supply = m.wind_mw[t] + m.pool_mw[t] + m.market_mw[t] - m.spill_mw[t]
        units = sum(net_power(m, system, running, i, t) for i in m.unit)
        storage = sum(m.discharge_mw[s, t] - m.charge_mw[s, t] for s in m.storage)
        flexible = sum(m.raised_mw[d, t] - m.lowered_mw[d, t] for d in m.flexible)
        return units + supply + storage == m.load_mw[t] + flexible

    m.balance = pyo.Constraint(m.period, rule=balance, doc="power balance (MW)")


def running_cost(m: Any, system: PowerSystem, running: Running, fuel: Any, period_h: float) -> Any:
    """C_H + C_P + C_m + C_s + C_P2P + imports (E19 to E26), and penalties on what is missing.

    `fuel` gives the hourly fuel cost of (unit, period).
    """
    ratings, beta = system.storage, {load.name: load.compensation_per_mwh for load in system.loads}
    unit = {u.name: u for u in system.units}

    def hourly(t: int) -> Any:
        units = sum(fuel(i, t) for i in m.unit)
        carbon = sum(
            (unit[i].emission_tco2_per_mwh - system.allowance_tco2_per_mwh) * m.gross_mw[i, t] for i in m.unit
        ) - sum(m.absorbed_tco2_per_h[i, t] for i in m.capture)
        shifts = sum(beta[d] * (m.raised_mw[d, t] + m.lowered_mw[d, t]) for d in m.flexible)
        wear = system.wear_cost_per_mwh * sum(
            ratings.efficiency_charge * m.charge_mw[s, t]
            + m.discharge_mw[s, t] / ratings.efficiency_discharge
            for s in m.storage
            if ratings
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
