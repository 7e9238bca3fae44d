"""A storage owner's plan: charge where energy is cheap, discharge where it is dear."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyomo.environ as pyo

from gridarium.agents.problems.storage import daily_storage
from gridarium.environment.storage import StorageRatings

SIGNALS = ("buy_price", "sell_price", "initial_mwh")


@dataclass(frozen=True)
class StorageShape:
    """What fixes the structure of a storage owner's problem.

    Parameters
    ----------
    ratings : StorageRatings
    n_period : int
    period_h : float
    wear_cost_per_mwh : float
        Cost of each MWh that is discharged.
    """

    ratings: StorageRatings
    n_period: int
    period_h: float
    wear_cost_per_mwh: float = 0.0


def build_storage_model(shape: StorageShape) -> Any:
    """The storage owner's problem as a Pyomo model; powers in MW at the grid terminals, money in money.

    Notes
    -----
    Equation A20. Charging and discharging at once only pays where the sell price exceeds the buy price
    or a price is negative; such plans need binaries and are not meant here.
    """
    m = pyo.ConcreteModel(name="storage")
    m.period = pyo.RangeSet(0, shape.n_period - 1)
    m.buy_price = pyo.Var(m.period)
    m.sell_price = pyo.Var(m.period)
    m.initial_mwh = pyo.Var()
    _declare_storage(m, shape)
    m.cost_money = pyo.Objective(
        expr=shape.period_h
        * sum(
            m.buy_price[t] * m.p_charge_mw[t]
            + (shape.wear_cost_per_mwh - m.sell_price[t]) * m.p_discharge_mw[t]
            for t in m.period
        )
    )
    return m


def _declare_storage(m: Any, shape: StorageShape) -> None:
    """0 <= P_ch <= Pmax, 0 <= P_dis <= Pmax, energy within its band, balanced, E_T = E_0 (A20)."""
    ratings = shape.ratings
    m.p_charge_mw = pyo.Var(m.period, bounds=(0, ratings.p_max_mw), doc="charging power")
    m.p_discharge_mw = pyo.Var(m.period, bounds=(0, ratings.p_max_mw), doc="discharging power")
    m.energy_mwh = pyo.Var(m.period, bounds=ratings.band_mwh, doc="state of charge")
    m.storage_energy, m.storage_cycle = daily_storage(
        m.energy_mwh,
        (m.p_charge_mw, m.p_discharge_mw),
        lambda: ratings.efficiencies,
        lambda: m.initial_mwh,
        shape.period_h,
    )
