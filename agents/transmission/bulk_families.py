"""What the commitment, the merit order and the network's dispatch of a bulk system have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyomo.environ as pyo

from gridarium.agents.problems.carbon_capture import declare_capture
from gridarium.agents.problems.limits import at_most
from gridarium.agents.problems.storage import declare_storages
from gridarium.agents.problems.thermal_unit import (
    Running,
    declare_reserve,
    declare_units,
    ramp_limits,
)
from gridarium.agents.transmission.bulk_system import BulkForecast, BulkState, BulkSystem
from gridarium.environment.arrays import Array, Flags

SIGNALS = (
    "load_mw",
    "reserve_mw",
    "available_mw",
    "import_price",
    "most_import_mw",
    "storage_power_mw",
    "e_arriving_mwh",
    "tank_arriving_tco2",
    "emitted_tco2",
)
"""Signals of every problem on one bus: the forecast, and the state where it enters."""
RUNNING_SIGNALS = ("on", "most_rise_mw", "most_fall_mw")
"""Signals of a dispatch at given commitment."""
_DECIDED = ("load_mw", "reserve_mw")
OTHER_SIGNALS = tuple(f"other_{name}" for name in _DECIDED)
"""Load and reserve that followers whose draw is decided have no part in."""
DRAWN_SIGNALS = (*(name for name in SIGNALS if name not in _DECIDED), *OTHER_SIGNALS, *RUNNING_SIGNALS)
"""Signals of a dispatch that decides what followers draw."""


def declare_sets(m: Any, system: BulkSystem, n_period: int) -> None:
    """Periods, units, those with capture, storages, renewable plants, and the signals of `SIGNALS`."""
    m.period = pyo.RangeSet(0, n_period - 1)
    m.unit = pyo.Set(initialize=[unit.name for unit in system.units], ordered=True)
    m.capture = pyo.Set(initialize=[unit.name for unit in system.units if unit.capture], ordered=True)
    m.storage = pyo.Set(initialize=[storage.name for storage in system.storages], ordered=True)
    m.renewable = pyo.Set(initialize=list(system.renewables), ordered=True)
    for name in ("load_mw", "reserve_mw", "import_price", "most_import_mw"):
        m.add_component(name, pyo.Var(m.period))
    m.available_mw = pyo.Var(m.renewable, m.period)
    m.storage_power_mw, m.e_arriving_mwh = (pyo.Var(m.storage, m.period) for _ in range(2))
    m.tank_arriving_tco2 = pyo.Var(m.capture, m.period)
    m.emitted_tco2 = pyo.Var()


def declare_running(m: Any) -> Running:
    """Units at given commitment: which run, and what their ramps allow, as signals."""
    for name in RUNNING_SIGNALS:
        m.add_component(name, pyo.Var(m.unit, m.period))
    return Running(
        lambda i, t: m.on[i, t], lambda i, t: m.most_rise_mw[i, t], lambda i, t: m.most_fall_mw[i, t]
    )


def declare_dispatch(m: Any, system: BulkSystem, n_period: int, period_h: float) -> Any:
    """All of a dispatch on one bus at given commitment; returns what it costs (D1 to D4, D6 to D8, D10)."""
    declare_sets(m, system, n_period)
    declare_physics(m, system, declare_running(m), period_h)
    unit = {u.name: u for u in system.units}
    return uneven_capture(m, system, period_h) + running_cost(
        m, system, lambda i, t: unit[i].fuel_cost_per_h(m.gross_mw[i, t], m.on[i, t]), period_h
    )


def uneven_capture(m: Any, system: BulkSystem, period_h: float) -> Any:
    """Weight of the squares of capture flows, over the day."""
    weight = 0.5 * system.uneven_capture_per_t2 * period_h
    if not weight:
        return 0.0
    flows = (m.absorbed_tco2_per_h, m.regenerated_tco2_per_h)
    return weight * sum(flow[at] ** 2 for flow in flows for at in flow)


def declare_drawn(m: Any, system: BulkSystem, drawn_mw: Callable[[int], Any]) -> None:
    """load = others' load + drawn, and reserve = others' reserve + share drawn: both follow from the draw.

    `drawn_mw` gives what followers draw in a period, as an expression.
    """
    m.other_load_mw, m.other_reserve_mw = pyo.Var(m.period), pyo.Var(m.period)
    m.whole_load = pyo.Constraint(
        m.period, rule=lambda m, t: m.load_mw[t] == m.other_load_mw[t] + drawn_mw(t), doc="load (MW)"
    )
    share = system.reserve_load_share
    m.whole_reserve = pyo.Constraint(
        m.period, rule=lambda m, t: m.reserve_mw[t] == m.other_reserve_mw[t] + share * drawn_mw(t)
    )


def declare_physics(m: Any, system: BulkSystem, running: Running, period_h: float) -> None:
    """All constraints on one bus that hold at a given commitment (D6, D7, D8, D10; capture as E1 to E4)."""
    declare_units(m, system.units, running, period_h)
    declare_reserve(m)
    declare_capture(m, system.units, m.gross_mw, running.on, period_h)
    declare_storages(m, system.storages, period_h)
    m.renewable_mw = pyo.Var(m.renewable, m.period, bounds=(0, None))
    m.renewable_limit = at_most(m.renewable_mw, m.available_mw)
    m.import_mw = pyo.Var(m.period, bounds=(0, None), doc="import limit (MW)")
    m.spill_mw = pyo.Var(m.period, bounds=(0, None))
    m.import_limit = at_most(m.import_mw, m.most_import_mw, doc="import limit (MW)")

    def balance(m: Any, t: int) -> Any:
        own = sum(m.net_mw[i, t] for i in m.unit) + sum(m.renewable_mw[r, t] for r in m.renewable)
        stored = sum(m.discharge_mw[s, t] - m.charge_mw[s, t] for s in m.storage)
        return own + stored + m.import_mw[t] - m.spill_mw[t] == m.load_mw[t]

    m.balance = pyo.Constraint(m.period, rule=balance, doc="power balance (MW)")
    declare_carbon(m, system, m.gross_mw, period_h, m.absorbed_tco2_per_h, m.emitted_tco2)


def declare_carbon(
    m: Any, system: BulkSystem, power: Any, period_h: float, absorbed: Any = (), emitted_tco2: Any = 0.0
) -> None:
    """sum of segments = emitted + sum (e P - A) Dt, each segment within its length (D4, D10, E4).

    Prices rise from segment to segment, so that no binaries are needed.

    Parameters
    ----------
    power : pyomo.environ.Var
        Gross power of (unit, period), MW.
    absorbed : pyomo.environ.Var, optional
        Of (unit, period), tCO2/h; nothing is captured by default.
    emitted_tco2 : optional
        Since the day began, a number or a signal.
    """
    factor = dict(zip([unit.name for unit in system.units], system.emission_tco2_per_mwh, strict=True))
    segments = system.carbon.segments()
    m.segment = pyo.RangeSet(0, len(segments) - 1)
    lengths = [segment.length_tco2 for segment in segments]
    m.segment_tco2 = pyo.Var(
        m.segment, bounds=lambda m, k: (0, lengths[k] if np.isfinite(lengths[k]) else None)
    )
    m.beyond_tco2 = pyo.Var(bounds=(0, None))
    captured = sum(absorbed[at] for at in absorbed)
    emission = period_h * (sum(float(factor[i]) * power[i, t] for i, t in power) - captured)
    m.emission = pyo.Constraint(expr=sum(m.segment_tco2[k] for k in m.segment) == emitted_tco2 + emission)
    if np.isfinite(system.carbon.limit_tco2):
        m.most_emission = pyo.Constraint(
            expr=sum(m.segment_tco2[k] for k in m.segment) <= system.carbon.limit_tco2 + m.beyond_tco2
        )


def carbon_cost(m: Any, system: BulkSystem) -> Any:
    """What the segments cost, with the reward of a day without emission, and the penalty beyond D10."""
    priced = zip(m.segment, system.carbon.segments(), strict=True)
    steps = sum(segment.price_per_tco2 * m.segment_tco2[k] for k, segment in priced)
    return steps + system.carbon.at_zero_money + system.beyond_cost_per_tco2 * m.beyond_tco2


def running_cost(m: Any, system: BulkSystem, fuel: Callable[[str, int], Any], period_h: float) -> Any:
    """C_G + C_ES + C_CO2 and imports, and penalties on what is missing or left over (D1 to D4).

    `fuel` gives the hourly fuel cost of (unit, period).
    """
    wear = dict(zip([one.name for one in system.storages], system.wear_cost_per_mwh, strict=True))

    def hourly(t: int) -> Any:
        units = sum(fuel(i, t) for i in m.unit)
        worn = sum(wear[s] * m.discharge_mw[s, t] for s in m.storage)
        short = system.shortage_cost_per_mwh * (m.up_short_mw[t] + m.down_short_mw[t])
        head = m.import_price[t] * m.import_mw[t] + system.spill_cost_per_mwh * m.spill_mw[t]
        return units + worn + head + short

    missed = sum(m.e_below_target_mwh[s] + m.e_above_target_mwh[s] for s in m.storage)
    return (
        period_h * sum(hourly(t) for t in m.period)
        + system.missed_cost_per_mwh * missed
        + missed_tanks(m, system)
        + carbon_cost(m, system)
    )


def bulk_signals(
    system: BulkSystem, forecast: BulkForecast, state: BulkState, first: int = 0
) -> dict[str, Array]:
    """Values of `SIGNALS`; periods before `first` are switched off.

    Parameters
    ----------
    system : BulkSystem
    forecast : BulkForecast
    state : BulkState
        When `first` begins.
    first : int
    """
    n_period = len(forecast.load_mw)
    ahead = (np.arange(n_period) >= first).astype(float)
    arriving = np.zeros((len(system.storages), n_period))
    for row, storage, inside in zip(arriving, system.storages, state.e_mwh, strict=True):
        low, high = storage.band_mwh
        row[first] = min(max(float(inside), low), high) - low
    return {
        "load_mw": ahead * (forecast.load_mw + forecast.loss_mw),
        "reserve_mw": ahead * system.reserve_mw(forecast.load_mw, forecast.available_mw),
        "available_mw": ahead * forecast.available_mw,
        "import_price": ahead * forecast.import_price_per_mwh,
        "most_import_mw": ahead * system.import_limit_mw,
        "storage_power_mw": np.array([one.p_max_mw * ahead for one in system.storages]).reshape(-1, n_period),
        "e_arriving_mwh": arriving,
        "tank_arriving_tco2": tank_signal(system, state, n_period, first),
        "emitted_tco2": np.array(state.emitted_tco2),
    }


def tank_signal(system: BulkSystem, state: BulkState, n_period: int, first: int = 0) -> Array:
    """What solvent tanks hold when a period begins, and 0 in all others, shape (n_capture, n_period)."""
    captures = [place for place, unit in enumerate(system.units) if unit.capture]
    arriving = np.zeros((len(captures), n_period))
    arriving[:, first] = state.tank_tco2[captures]
    return arriving


def missed_tanks(m: Any, system: BulkSystem) -> Any:
    """Penalty on what solvent tanks lack, or have too much of, at the day's end."""
    missed = sum(m.tank_below_tco2[i] + m.tank_above_tco2[i] for i in m.capture)
    return system.missed_cost_per_tco2 * missed


def running_signals(
    system: BulkSystem, on: Flags, state: BulkState, period_h: float, first: int = 0
) -> dict[str, Array]:
    """Values of `RUNNING_SIGNALS` for a commitment, shape (n_unit, n_period), from a period on (D7, E28)."""
    rise, fall = ramp_limits(system.units, period_h, on.T, first, state.on, state.power_mw)
    runs = on & (np.arange(on.shape[1]) >= first)
    return {"on": runs.astype(float), "most_rise_mw": rise.T, "most_fall_mw": fall.T}


def drawn_signals(
    system: BulkSystem, others: BulkForecast, on: Flags, state: BulkState, period_h: float
) -> dict[str, Array]:
    """Values of `DRAWN_SIGNALS`, by a forecast whose load is that of others, for a whole day."""
    signals = bulk_signals(system, others, state)
    for decided, other in zip(_DECIDED, OTHER_SIGNALS, strict=True):
        signals[other] = signals.pop(decided)
    return signals | running_signals(system, on, state, period_h)
