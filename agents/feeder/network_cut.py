"""Tangents of what a network costs its operator, in what is drawn and fed in at its buses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gridarium.agents.feeder.dispatch_problem import DispatchShape
from gridarium.agents.feeder.head_terms import head_cost_per_h
from gridarium.agents.optimisation import LocalProblem, Solution
from gridarium.environment.arrays import Array


@dataclass(frozen=True)
class NetworkCut:
    """Purchase, head terms and losses of lines cost ``constant + p_price p + q_price q`` or more in a period.

    Parameters
    ----------
    constant_money : ndarray, shape (n_period,)
    p_price_money, q_price_money : ndarray, shape (n_bus, n_period)
        Per MW and Mvar drawn at a bus throughout a period, net of what is fed in there.

    Notes
    -----
    With prices given and the ways through the head held, the cost of a period is convex in what is drawn net
    at the buses, and its slopes at an optimum are the nodal prices.
    """

    constant_money: Array
    p_price_money: Array
    q_price_money: Array

    @classmethod
    def of(
        cls, problem: LocalProblem, solution: Solution, shape: DispatchShape, day: dict[str, Array]
    ) -> NetworkCut:
        """The tangent at a solved dispatch: the last solution of its problem, at the signals of a day."""
        p_price, q_price = (problem.sensitivity(solution, name) for name in ("load_p_mw", "load_q_mvar"))
        p_drawn, q_drawn = day["load_p_mw"].copy(), day["load_q_mvar"].copy()
        site = dict(shape.sites)
        net_storage = solution["p_discharge_mw"] - solution["p_charge_mw"]
        names = [unit.name for kind in (shape.turbines, shape.renewables, shape.storages) for unit in kind]
        p_mw = [*solution["p_turbine_mw"], *solution["p_renewable_mw"], *net_storage]
        q_mvar = [*solution["q_turbine_mvar"], *solution["q_renewable_mvar"], *solution["q_storage_mvar"]]
        for name, p, q in zip(names, p_mw, q_mvar, strict=True):
            p_drawn[site[name]] -= p
            q_drawn[site[name]] -= q
        purchase = day["buy_price"] * solution["p_buy_mw"] - day["sell_price"] * solution["p_sell_mw"]
        r = shape.feeder.r_pu / shape.feeder.base_mva
        losses = shape.loss_price_per_mwh * (r @ solution["current_squared"])
        head = head_cost_per_h(shape.head, solution["p_buy_mw"], solution["p_sell_mw"], day)
        cost = shape.period_h * (purchase + losses + head)
        slope = (p_price * p_drawn + q_price * q_drawn).sum(axis=0)
        return cls(np.asarray(cost - slope), p_price, q_price)
