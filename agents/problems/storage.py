"""What is stored from one period to the next: energy in a storage, carbon in a pool, solvent in a tank."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pyomo.environ as pyo

from gridarium.agents.problems.indices import for_each_unit, key
from gridarium.agents.problems.limits import at_most
from gridarium.environment.storage import StorageRatings

Efficiency = Callable[..., tuple[float, float]]
"""Of a unit, or of nothing where there is one: its one-way efficiencies of what enters and what leaves."""


def lossless(*unit: Any) -> tuple[float, float]:
    """What is no energy keeps all that enters."""
    return 1.0, 1.0


def throughput(efficiencies: tuple[float, float], p_charge_mw: Any, p_discharge_mw: Any) -> Any:
    """eta_ch P_ch + P_dis / eta_dis, MW inside that wear a storage (E24)."""
    return efficiencies[0] * p_charge_mw + p_discharge_mw / efficiencies[1]


def storage_balance(
    level: Any,
    flows: tuple[Any, Any],
    efficiency: Efficiency,
    arriving: Callable[..., Any],
    period_h: float,
    doc: str | None = None,
) -> Any:
    """E_t = E_{t-1} + arriving_t + (eta_in P_in - P_out / eta_out) Dt (A20, E6; lossless C2, E4).

    Parameters
    ----------
    level : pyomo.environ.Var
        At the end of a period, MWh or tCO2.
    flows : tuple of pyomo.environ.Var
        What enters and what leaves, outside of the losses, MW or tCO2/h.
    efficiency : callable
    arriving : callable
        Of the index: the level before the day, in the period where it begins, and 0 in all others.
    period_h : float
    doc : str, optional
        Name of the family in errors; the constraint's own if left out.
    """
    inflow, outflow = flows

    def balance(m: Any, *index: Any) -> Any:
        *unit, t = index
        at, (into, out) = key(*index), efficiency(*unit)
        before = arriving(*index) + (level[key(*unit, t - 1)] if t else 0.0)
        return level[at] == before + (into * inflow[at] - outflow[at] / out) * period_h

    return pyo.Constraint(level.index_set(), rule=balance, doc=doc)


def storage_cycle(level: Any, end: Callable[..., Any]) -> Any:
    """E_T = end, in the unit of the level: E_0, or a target less what may be missing (A20, C2, E4, E6).

    Parameters
    ----------
    level : pyomo.environ.Var
    end : callable
        Of the unit, or of nothing.
    """
    *_, periods = level.index_set().subsets()
    return for_each_unit(level, lambda *unit: level[key(*unit, periods.last())] == end(*unit))


def daily_storage(
    level: Any,
    flows: tuple[Any, Any],
    efficiency: Efficiency,
    initial: Callable[..., Any],
    period_h: float,
    final: Callable[..., Any] | None = None,
) -> tuple[Any, Any]:
    """`storage_balance` from E_0 at the day's start and `storage_cycle` back to it (A20, C2).

    Parameters
    ----------
    initial : callable
        Of the unit, or of nothing where there is one: E_0, MWh or tCO2.
    final : callable, optional
        The level at the end, where it is another one.
    """

    def arriving(*index: Any) -> Any:
        *unit, t = index
        return 0.0 if t else initial(*unit)

    balance = storage_balance(level, flows, efficiency, arriving, period_h)
    return balance, storage_cycle(level, final or initial)


def declare_storages(m: Any, storages: Sequence[StorageRatings], period_h: float) -> None:
    """Powers, balance, Emin <= E <= Emax, E_T = E_0 or a lack of it (E6, A20), over ``m.storage``.

    Powers are at most ``m.storage_power_mw``; what is inside at first is ``m.e_arriving_mwh``. Energy is
    counted from the band's lower end. No binaries: wear makes charging and discharging at once a loss, since
    what nobody takes may be spilled for nothing.
    """
    storage = {one.name: one for one in storages}
    low = {name: one.band_mwh[0] for name, one in storage.items()}
    m.charge_mw = pyo.Var(m.storage, m.period, bounds=(0, None))
    m.discharge_mw = pyo.Var(m.storage, m.period, bounds=(0, None))
    room = {name: one.band_mwh[1] - low[name] for name, one in storage.items()}
    m.e_above_mwh = pyo.Var(
        m.storage, m.period, bounds=lambda m, s, t: (0, room[s]), doc="stored energy (MWh)"
    )
    m.e_below_target_mwh = pyo.Var(m.storage, bounds=(0, None))
    m.e_above_target_mwh = pyo.Var(m.storage, bounds=(0, None))
    m.charge_rating = at_most(m.charge_mw, m.storage_power_mw)
    m.discharge_rating = at_most(m.discharge_mw, m.storage_power_mw)
    m.storage_energy = storage_balance(
        m.e_above_mwh,
        (m.charge_mw, m.discharge_mw),
        lambda s: storage[s].efficiencies,
        lambda s, t: m.e_arriving_mwh[s, t],
        period_h,
        doc="storage balance (MWh)",
    )

    def end(s: str) -> Any:
        target = storage[s].soc_initial * storage[s].e_max_mwh - low[s]
        return target - m.e_below_target_mwh[s] + m.e_above_target_mwh[s]

    m.storage_cycle = storage_cycle(m.e_above_mwh, end)
