"""What is stored from one period to the next: energy in a storage, carbon in a pool, solvent in a tank."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyomo.environ as pyo

from gridarium.agents.problems.indices import for_each_unit, key

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
    level: Any, flows: tuple[Any, Any], efficiency: Efficiency, initial: Callable[..., Any], period_h: float
) -> tuple[Any, Any]:
    """`storage_balance` from E_0 at the day's start and `storage_cycle` back to it (A20, C2).

    Parameters
    ----------
    initial : callable
        Of the unit, or of nothing where there is one: E_0, MWh or tCO2.
    """

    def arriving(*index: Any) -> Any:
        *unit, t = index
        return 0.0 if t else initial(*unit)

    return storage_balance(level, flows, efficiency, arriving, period_h), storage_cycle(level, initial)
