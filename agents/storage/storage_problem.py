"""A storage owner's plan: charge where energy is cheap, discharge where it is dear."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import pyomo.environ as pyo

from gridarium.agents.problems.storage import daily_storage
from gridarium.agents.solving.standard_form import StandardForm, compile_model
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
    spreading_cost_per_mw2h : float
        Quadratic cost of power, so small that it decides only between schedules that are worth the same.
    directions : {"one way at a time"} or tuple of bool, optional
        Binaries that keep charge and discharge apart, or of each period whether it may only charge, else only
        discharge. Needed where a price is negative; elsewhere both at once never pays.
    """

    ratings: StorageRatings
    n_period: int
    period_h: float
    wear_cost_per_mwh: float = 0.0
    spreading_cost_per_mw2h: float = 0.0
    directions: Literal["one way at a time"] | tuple[bool, ...] | None = None


def build_storage_model(shape: StorageShape) -> Any:
    """The storage owner's problem as a Pyomo model; powers in MW at the grid terminals, money in money.

    Notes
    -----
    Equation A20. Charging and discharging at once only pays where the sell price exceeds the buy price
    or a price is negative; there the shape must say directions.
    """
    m = pyo.ConcreteModel(name="storage")
    m.period = pyo.RangeSet(0, shape.n_period - 1)
    m.buy_price = pyo.Var(m.period)
    m.sell_price = pyo.Var(m.period)
    m.initial_mwh = pyo.Var()
    declare_storage(m, shape)
    m.cost_money = pyo.Objective(
        expr=shape.period_h
        * sum(
            m.buy_price[t] * m.p_charge_mw[t]
            + (shape.wear_cost_per_mwh - m.sell_price[t]) * m.p_discharge_mw[t]
            + _spreading(m, shape, t)
            for t in m.period
        )
    )
    return m


@lru_cache(maxsize=64)
def storage_form(shape: StorageShape) -> StandardForm:
    """The compiled plan of a shape; pure numbers, so shared by all worlds."""
    return compile_model(build_storage_model(shape), SIGNALS)


def _spreading(m: Any, shape: StorageShape, t: int) -> Any:
    """c (P_ch^2 + P_dis^2), money/h: of equal schedules the one of least squares."""
    cost = shape.spreading_cost_per_mw2h
    return cost * (m.p_charge_mw[t] ** 2 + m.p_discharge_mw[t] ** 2) if cost else 0.0


def _directions(shape: StorageShape) -> tuple[Sequence[bool], Sequence[bool]]:
    """Of each period: may it charge, may it discharge?"""
    if isinstance(shape.directions, tuple):
        return shape.directions, tuple(not charging for charging in shape.directions)
    return ((True,) * shape.n_period,) * 2


def declare_storage(m: Any, shape: StorageShape, final_mwh: float | None = None) -> None:
    """0 <= P_ch <= Pmax, 0 <= P_dis <= Pmax, energy within its band, balanced, E_T = E_0 (A20).

    Over ``m.period``; ``m.initial_mwh`` is inside before it, and after it unless `final_mwh` is given.
    """
    ratings = shape.ratings
    may_charge, may_discharge = _directions(shape)
    m.p_charge_mw = pyo.Var(
        m.period, bounds=lambda m, t: (0, ratings.p_max_mw * may_charge[t]), doc="charging power"
    )
    m.p_discharge_mw = pyo.Var(
        m.period, bounds=lambda m, t: (0, ratings.p_max_mw * may_discharge[t]), doc="discharging power"
    )
    if shape.directions == "one way at a time":
        m.charging = pyo.Var(m.period, domain=pyo.Binary)
        m.charge_exclusive = pyo.Constraint(
            m.period, rule=lambda m, t: m.p_charge_mw[t] <= ratings.p_max_mw * m.charging[t]
        )
        m.discharge_exclusive = pyo.Constraint(
            m.period, rule=lambda m, t: m.p_discharge_mw[t] <= ratings.p_max_mw * (1 - m.charging[t])
        )
    m.energy_mwh = pyo.Var(m.period, bounds=ratings.band_mwh, doc="state of charge")
    m.storage_energy, m.storage_cycle = daily_storage(
        m.energy_mwh,
        (m.p_charge_mw, m.p_discharge_mw),
        lambda: ratings.efficiencies,
        lambda: m.initial_mwh,
        shape.period_h,
        None if final_mwh is None else lambda: final_mwh,
    )
