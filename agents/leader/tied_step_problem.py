"""The leader's problem under C7 near a price: dispatch and pools as they are, the tie as a tangent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyomo.environ as pyo

from gridarium.agents.leader.leader_families import declare_answers
from gridarium.agents.leader.tied_problem import TiedProblem
from gridarium.agents.leader.tied_supply import NetworkTangent, TiedSupply
from gridarium.agents.problems.storage import daily_storage, lossless
from gridarium.environment.arrays import Array

TIE_WEIGHT = 200.0
"""Price of a money/h by which a bill and its carbon differ, while the sequence is under way."""

MOST_MULTIPLIER_PER_MWH = 1e4
"""More than a follower at its limit ever presses; bounds of each step are far below, money/MWh."""

CURVE_SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Where the quadratic cost of a turbine is touched, as shares of its power."""


LITTLE_LOAD = 0.25
"""Base load, relative to the largest, below which the bound of the carbon factor is a row of its own."""


@dataclass(frozen=True)
class TiedAnchor:
    """A price and how the loads answer near it.

    Parameters
    ----------
    price_per_mwh, load_mw : ndarray, shape (n_period,)
    slope : ndarray, shape (n_period, n_period)
        Change of the loads with prices, MW per money/MWh.
    """

    price_per_mwh: Array
    load_mw: Array
    slope: Array

    @classmethod
    def of(cls, problem: TiedProblem, price: Array) -> TiedAnchor:
        """The anchor at a price under the followers' own answers."""
        return cls(price, problem.loads(price).sum(axis=0), problem.slope(price))

    def response_rows(self) -> tuple[Array, Array]:
        """``load - slope price = right side``: the factors of prices, and the right sides."""
        return -self.slope, self.load_mw - self.slope @ self.price_per_mwh

    def tie_rows(self, problem: TiedProblem) -> tuple[Array, Array, Array]:
        """Factors of price and load in the tie, and its right sides, shape (n_period,) each.

        Notes
        -----
        With ``w = price - price at no carbon``, C7 times the load is ``w P = kappa lambda (e P)``, and
        ``w P ~ w_k P + P_k w - w_k P_k`` (38).
        """
        floor = problem.zero_factor_price_per_mwh
        above = self.price_per_mwh - floor
        return self.load_mw, above, self.load_mw * (floor + above)


def build_exact_step_model(problem: TiedProblem) -> Any:
    """One step that knows the response as it is, kinks included; anchors and radii come as bounds.

    Only price times load is a line. Binaries stand for the limits of followers, and for the way that power
    goes in storages, and at the head where both are allowed.

    Notes
    -----
    C2, C3, C7, C9, C12 to C16, A20.
    """
    m = _declare_plan(problem)
    m.follower = pyo.RangeSet(0, len(problem.followers) - 1)
    _declare_answers(m, problem)
    m.response = pyo.Constraint(
        m.period, rule=lambda m, t: m.total_load[t] == sum(m.drawn[k, t] for k in m.follower)
    )
    _declare_tie(m, problem, TiedAnchor.of(problem, problem.reference_price_per_mwh))
    _declare_budget(m, problem)
    _declare_profit(m, problem)
    _declare_ways(m, problem.supply)
    return m


def _declare_answers(m: Any, problem: TiedProblem) -> None:
    """reference - price - nu - beta d - up + lo = 0, sum d = 0, up (most - d) = 0, lo (d + least) = 0."""
    followers = problem.followers
    m.neutral = pyo.Var(m.follower)
    m.shift = pyo.Var(m.follower, m.period)
    m.upper, m.lower = (pyo.Var(m.follower, m.period, bounds=(0, None)) for _ in range(2))
    m.at_upper, m.at_lower = (pyo.Var(m.follower, m.period, domain=pyo.Binary) for _ in range(2))
    declare_answers(m, followers, problem.period_h)

    def side(multiplier: Any, at: Any, sign: float) -> tuple[Any, Any]:
        def forced(m: Any, k: int, t: int) -> Any:
            return multiplier[k, t] <= MOST_MULTIPLIER_PER_MWH * at[k, t]

        def met(m: Any, k: int, t: int) -> Any:
            one = followers[k]
            up, down = float(one.most_up_mw[t]), float(one.most_down_mw[t])
            return (up if sign > 0.0 else down) - sign * m.shift[k, t] <= (up + down) * (1 - at[k, t])

        return tuple(pyo.Constraint(m.follower, m.period, rule=rule) for rule in (forced, met))

    m.upper_forced, m.upper_met = side(m.upper, m.at_upper, 1.0)
    m.lower_forced, m.lower_met = side(m.lower, m.at_lower, -1.0)


def build_tied_model(problem: TiedProblem, anchor: TiedAnchor, target: Array | None = None) -> Any:
    """One convex step as a Pyomo model; powers in MW, liability in tCO2/h, money in money.

    Factor times load is kept as one variable, ``m.carried``, so that C3 is straight; only price times load
    and the response are lines at the anchor. The tie gives way at a price. With a target, shape (n_period,),
    the price next to it is sought that has a dispatch and pools, and not the one that pays best.

    Notes
    -----
    C9 with C7 put in, C2, C3, A20. One direction at the head and in each storage is left to bounds.
    """
    m = _declare_plan(problem)
    _declare_tie(m, problem, anchor)
    _declare_budget(m, problem)
    _declare_response(m, anchor)
    if target is None:
        _declare_profit(m, problem)
    else:
        _declare_distance(m, problem, target)
    return m


def _declare_plan(problem: TiedProblem) -> Any:
    """Price and load, and all that is dispatched for it."""
    m, supply = pyo.ConcreteModel(name="tied leader"), problem.supply
    m.period = pyo.RangeSet(0, problem.n_period - 1)
    m.turbine = pyo.RangeSet(0, len(supply.turbines) - 1)
    m.renewable = pyo.RangeSet(0, len(supply.available_mw) - 1)
    m.storage = pyo.RangeSet(0, len(supply.storages) - 1)
    m.price = pyo.Var(m.period)
    m.total_load = pyo.Var(m.period, bounds=(0, None))
    _declare_units(m, supply)
    _declare_storages(m, problem)
    _declare_balance(m, supply)
    _declare_pools(m, problem)
    return m


def _declare_units(m: Any, supply: TiedSupply) -> None:
    """Head, turbines while they run, renewables; cost >= a P_g^2 by tangents (C9)."""
    units, on = supply.turbines, supply.running
    m.p_buy_mw = pyo.Var(m.period, bounds=(0, supply.import_limit_mw))
    m.p_sell_mw = pyo.Var(m.period, bounds=(0, supply.export_limit_mw))
    m.p_turbine_mw = pyo.Var(
        m.turbine,
        m.period,
        bounds=lambda m, g, t: (units[g].p_min_mw, units[g].p_max_mw) if on[g, t] else (0.0, 0.0),
    )
    m.p_renewable_mw = pyo.Var(
        m.renewable, m.period, bounds=lambda m, r, t: (0.0, max(0.0, float(supply.available_mw[r, t])))
    )
    curved = [g for g in m.turbine if units[g].cost_quadratic_per_mw2h > 0.0]
    m.curved = pyo.Set(initialize=curved, ordered=True)
    m.curved_cost_per_h = pyo.Var(m.curved, m.period, bounds=(0, None))

    def tangent(m: Any, g: int, t: int, i: int) -> Any:
        at = CURVE_SHARES[i] * units[g].p_max_mw
        return m.curved_cost_per_h[g, t] >= units[g].cost_quadratic_per_mw2h * (
            2.0 * at * m.p_turbine_mw[g, t] - at**2
        )

    m.turbine_curve = pyo.Constraint(m.curved, m.period, range(len(CURVE_SHARES)), rule=tangent)


def _declare_storages(m: Any, problem: TiedProblem) -> None:
    """0 <= P_ch, P_dis <= Pmax, balance, band, E_T = E_0 (A20)."""
    unit = problem.supply.storages
    m.p_charge_mw, m.p_discharge_mw = (
        pyo.Var(m.storage, m.period, bounds=lambda m, s, t: (0, unit[s].p_max_mw)) for _ in range(2)
    )
    m.energy_mwh = pyo.Var(m.storage, m.period, bounds=lambda m, s, t: unit[s].band_mwh)
    m.storage_energy, m.storage_cycle = daily_storage(
        m.energy_mwh,
        (m.p_charge_mw, m.p_discharge_mw),
        lambda s: unit[s].efficiencies,
        lambda s: float(problem.supply.initial_mwh[s]),
        problem.period_h,
    )


def _declare_balance(m: Any, supply: TiedSupply) -> None:
    """Head + turbines + renewables + discharge - charge = loads + losses; no barrier is crossed (A13)."""

    def lost(m: Any, t: int) -> Any:
        losses = supply.losses
        return 0.0 if losses is None else float(losses.constant[t]) + _moved(m, losses, t)

    m.balance = pyo.Constraint(
        m.period,
        rule=lambda m, t: (
            m.p_buy_mw[t]
            - m.p_sell_mw[t]
            + sum(m.p_turbine_mw[g, t] for g in m.turbine)
            + sum(m.p_renewable_mw[r, t] for r in m.renewable)
            + sum(m.p_discharge_mw[s, t] - m.p_charge_mw[s, t] for s in m.storage)
            == m.total_load[t] + lost(m, t)
        ),
    )
    barriers = tuple(supply.barriers.values())
    m.barrier = pyo.Constraint(
        range(len(barriers)),
        rule=lambda m, i: sum(_moved(m, barriers[i], t) for t in m.period) <= -float(barriers[i].constant),
    )


def _moved(m: Any, tangent: NetworkTangent, t: int) -> Any:
    """What a tangent makes of the loads and units of a period."""
    return (
        float(tangent.per_load[t]) * m.total_load[t]
        + sum(float(tangent.per_turbine[g, t]) * m.p_turbine_mw[g, t] for g in m.turbine)
        + sum(float(tangent.per_renewable[r, t]) * m.p_renewable_mw[r, t] for r in m.renewable)
        + sum(
            float(tangent.per_storage[s, t]) * (m.p_discharge_mw[s, t] - m.p_charge_mw[s, t])
            for s in m.storage
        )
    )


def _declare_pools(m: Any, problem: TiedProblem) -> None:
    """e P = emission - F_in + F_out (C3); F <= ebar_max P, V >= 0, V_T = V_0, F_in <= emission (C2).

    Where there is little load, which storages may outweigh, the factor keeps its bound: e P <= e_most P.
    """
    supply, most = problem.supply, problem.largest_factor_tco2_per_mwh
    m.inflow = pyo.Var(m.storage, m.period, bounds=(0, None))
    m.outflow = pyo.Var(m.storage, m.period, bounds=(0, None))
    m.content = pyo.Var(m.storage, m.period, bounds=(0, None))
    m.carried = pyo.Var(m.period, bounds=(0, None))
    m.inflow_limit = _with_power(m, m.inflow, m.p_charge_mw, most)
    m.outflow_limit = _with_power(m, m.outflow, m.p_discharge_mw, most)
    m.pool_balance, m.pool_neutral = daily_storage(
        m.content, (m.inflow, m.outflow), lossless, lambda s: float(supply.first_tco2[s]), problem.period_h
    )
    m.emission = pyo.Expression(
        m.period,
        rule=lambda m, t: (
            float(supply.grid_factor_tco2_per_mwh[t]) * m.p_buy_mw[t]
            + sum(supply.turbines[g].emission_tco2_per_mwh * m.p_turbine_mw[g, t] for g in m.turbine)
        ),
    )
    m.liability = pyo.Constraint(
        m.period,
        rule=lambda m, t: (
            m.carried[t] == m.emission[t] - sum(m.inflow[s, t] - m.outflow[s, t] for s in m.storage)
        ),
    )
    highest = problem.bounds.high_tco2_per_mwh
    little = np.flatnonzero(problem.base_mw < LITTLE_LOAD * problem.base_mw.max())
    m.factor_bound = pyo.Constraint(little, rule=lambda m, t: m.carried[t] <= highest * m.total_load[t])
    if len(m.storage):
        m.inflow_emitted = pyo.Constraint(
            m.period, rule=lambda m, t: sum(m.inflow[s, t] for s in m.storage) <= m.emission[t]
        )


def _declare_ways(m: Any, supply: TiedSupply) -> None:
    """P_ch <= Pmax z, P_dis <= Pmax (1 - z), and the same at the head where both ways are allowed (A20)."""
    unit = supply.storages
    m.charging = pyo.Var(m.storage, m.period, domain=pyo.Binary)
    m.charge_way = pyo.Constraint(
        m.storage, m.period, rule=lambda m, s, t: m.p_charge_mw[s, t] <= unit[s].p_max_mw * m.charging[s, t]
    )
    m.discharge_way = pyo.Constraint(
        m.storage,
        m.period,
        rule=lambda m, s, t: m.p_discharge_mw[s, t] <= unit[s].p_max_mw * (1 - m.charging[s, t]),
    )
    if min(supply.import_limit_mw, supply.export_limit_mw) > 0.0:
        m.buying = pyo.Var(m.period, domain=pyo.Binary)
        m.buy_way = pyo.Constraint(
            m.period, rule=lambda m, t: m.p_buy_mw[t] <= supply.import_limit_mw * m.buying[t]
        )
        m.sell_way = pyo.Constraint(
            m.period, rule=lambda m, t: m.p_sell_mw[t] <= supply.export_limit_mw * (1 - m.buying[t])
        )


def _with_power(m: Any, flow: Any, power: Any, most: float) -> Any:
    return pyo.Constraint(m.storage, m.period, rule=lambda m, s, t: flow[s, t] <= most * power[s, t])


def _declare_response(m: Any, anchor: TiedAnchor) -> None:
    """P = P_k + slope (price - price_k) (C12 to C16)."""
    factors, sides = anchor.response_rows()
    m.response = pyo.Constraint(
        m.period,
        rule=lambda m, t: (
            m.total_load[t] + sum(float(factors[t, u]) * m.price[u] for u in m.period) == float(sides[t])
        ),
    )


def _declare_tie(m: Any, problem: TiedProblem, anchor: TiedAnchor) -> None:
    """w_k P + P_k price = kappa lambda (e P) + P_k (price_0 + w_k), which may give way (C7, 38)."""
    per_price, per_load, right = anchor.tie_rows(problem)
    m.short_per_h, m.over_per_h = (pyo.Var(m.period, bounds=(0, None)) for _ in range(2))
    m.tie = pyo.Constraint(
        m.period,
        rule=lambda m, t: (
            float(per_price[t]) * m.price[t]
            + float(per_load[t]) * m.total_load[t]
            - problem.price_per_tco2 * m.carried[t]
            + m.short_per_h[t]
            - m.over_per_h[t]
            == float(right[t])
        ),
    )


def _declare_budget(m: Any, problem: TiedProblem) -> None:
    """(kappa - 1) lambda (Em - quota D) >= 0, which may give way like the tie; nothing at kappa = 1 (C8)."""
    rate = (problem.adjustment - 1.0) * problem.carbon_price_per_tco2
    is_bound = problem.budget_balanced and rate != 0.0
    m.granted_beyond = pyo.Var(m.period, bounds=(0, None if is_bound else 0.0))
    if is_bound:
        left = sum(m.emission[t] - problem.quota_tco2_per_mwh * m.total_load[t] for t in m.period)
        m.budget = pyo.Constraint(expr=rate * left + sum(m.granted_beyond[t] for t in m.period) >= 0.0)


def _untied(m: Any) -> Any:
    """Price of what the tie gives way, money/h."""
    return TIE_WEIGHT * sum(m.short_per_h[t] + m.over_per_h[t] + m.granted_beyond[t] for t in m.period)


def _declare_distance(m: Any, problem: TiedProblem, target: Array) -> None:
    """sum |price - target| P_base, and the price of what the tie gives way."""
    weight = problem.base_mw
    m.away = pyo.Var(m.period, bounds=(0, None))
    m.away_above = pyo.Constraint(m.period, rule=lambda m, t: m.away[t] >= m.price[t] - float(target[t]))
    m.away_below = pyo.Constraint(m.period, rule=lambda m, t: m.away[t] >= float(target[t]) - m.price[t])
    m.distance_money = pyo.Objective(
        expr=problem.period_h * (sum(float(weight[t]) * m.away[t] for t in m.period) + _untied(m))
    )


def _declare_profit(m: Any, problem: TiedProblem) -> None:
    """sum TOU P - cost + (kappa - 1) lambda (Em - quota D), less the price of what the tie gives way."""
    supply, h, unit = problem.supply, problem.period_h, problem.supply.turbines
    beyond = (problem.adjustment - 1.0) * problem.carbon_price_per_tco2

    def series(values: Array) -> Callable[[int], float]:
        return lambda t: float(values[t])

    tou, buy, sell = (
        series(values)
        for values in (
            problem.reference_price_per_mwh,
            supply.wholesale_price_per_mwh,
            supply.export_price_per_mwh,
        )
    )
    sales = sum(tou(t) * m.total_load[t] for t in m.period)
    trade = sum(buy(t) * m.p_buy_mw[t] - sell(t) * m.p_sell_mw[t] for t in m.period)
    fuel = sum(unit[g].cost_linear_per_mwh * m.p_turbine_mw[g, t] for g in m.turbine for t in m.period)
    curve = sum(m.curved_cost_per_h[key] for key in m.curved_cost_per_h)
    wear = sum(
        float(supply.wear_cost_per_mwh[s]) * m.p_discharge_mw[s, t] for s in m.storage for t in m.period
    )
    carbon = beyond * sum(m.emission[t] - problem.quota_tco2_per_mwh * m.total_load[t] for t in m.period)
    fixed = sum(
        one.cost_fixed_per_h * float(np.count_nonzero(on))
        for one, on in zip(unit, supply.running, strict=True)
    )
    m.profit_money = pyo.Objective(
        expr=h * (sales - trade - fuel - curve - wear - fixed + carbon - _untied(m)), sense=pyo.maximize
    )
