"""Constraint families of single-level problems: caps on what followers pay, and the cost of supplying them.

Problems that use them have ``m.price`` of the period, money/MWh, and ``m.drawn`` of (follower, period), MW;
bills and costs of the day are in thousands of money.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyomo.environ as pyo

from gridarium.agents.leader.follower_model import FollowerModel
from gridarium.agents.leader.problem import LeaderProblem
from gridarium.agents.problems.flexible_load import energy_preserved
from gridarium.environment.arrays import Array

THOUSAND = 1e3


def declare_caps(m: Any, problem: LeaderProblem, bills: Any) -> None:
    """Caps on all bills and on each, on the base load's mean price and on discounts (C8).

    Parameters
    ----------
    m : pyomo.environ.ConcreteModel
    problem : LeaderProblem
    bills : pyomo.environ.Var or pyomo.environ.Expression
        Of the follower.
    """
    limits, base, total = problem.limits, problem.base_mw, sum(bills[k] for k in m.follower)
    if limits.bill_cap_money is not None:
        m.bill_cap = pyo.Constraint(expr=total <= limits.bill_cap_money / THOUSAND)
    caps = problem.follower_bill_caps_money
    m.each_bill_cap = pyo.Constraint(range(len(caps)), rule=lambda m, k: bills[k] <= caps[k] / THOUSAND)
    if limits.average_cap_per_mwh is not None:
        mean = sum(float(base[t] / base.sum()) * m.price[t] for t in m.period)
        m.average_cap = pyo.Constraint(expr=mean <= limits.average_cap_per_mwh)
    if limits.discount_cap_money is not None:
        plain = _worth(m, problem, problem.reference_price_per_mwh, THOUSAND)
        m.discount_cap = pyo.Constraint(expr=plain - total <= limits.discount_cap_money / THOUSAND)


def declare_answers(m: Any, followers: Sequence[FollowerModel], period_h: float) -> None:
    """What followers draw at the price: sum d = 0 and reference - price - nu - beta d - up + lo = 0.

    Parameters
    ----------
    m : pyomo.environ.ConcreteModel
        With ``m.neutral`` (nu) of the follower, and ``m.shift`` (d), ``m.upper`` and ``m.lower`` of
        (follower, period); ``m.drawn`` is made here.
    followers : sequence of FollowerModel
    period_h : float
    """
    m.stationary = pyo.Constraint(
        m.follower,
        m.period,
        rule=lambda m, k, t: (
            m.price[t]
            + m.neutral[k]
            + float(followers[k].beta_per_mwh_per_mw) * m.shift[k, t]
            + m.upper[k, t]
            - m.lower[k, t]
            == float(followers[k].reference_price_per_mwh[t])
        ),
    )
    m.drawn = pyo.Expression(
        m.follower, m.period, rule=lambda m, k, t: float(followers[k].base_mw[t]) + m.shift[k, t]
    )
    m.energy_neutral = energy_preserved(m.shift, lambda k: 0.0, period_h)


def declare_supply(m: Any, problem: LeaderProblem, row_money: float) -> None:
    """Cost of supply above all its tangents, ``m.cost`` (C9).

    Parameters
    ----------
    m : pyomo.environ.ConcreteModel
    problem : LeaderProblem
    row_money : float
        Money that a row counts as 1. Searches end at other prices of equal worth where rows are scaled anew.
    """
    m.cost = pyo.Var()

    def tangent(m: Any, i: int) -> Any:
        cut = problem.supply[i]
        supplied = _worth(m, problem, cut.marginal_cost_per_mwh, row_money)
        return THOUSAND / row_money * m.cost >= cut.constant_money / row_money + supplied

    m.supply = pyo.Constraint(range(len(problem.supply)), rule=tangent)


def _worth(m: Any, problem: LeaderProblem, price_per_mwh: Array, unit_money: float) -> Any:
    """What all that is drawn is worth at prices of the period, or of (follower, period)."""
    h, price = problem.period_h / unit_money, np.broadcast_to(price_per_mwh, (len(m.follower), len(m.period)))
    return sum(h * float(price[k, t]) * m.drawn[k, t] for k in m.follower for t in m.period)
