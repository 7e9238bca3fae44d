"""How the DSO fills and empties the virtual carbon pools of its storages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from gridarium.agents.feeder.dispatch import Dispatch
from gridarium.agents.feeder.pool_problem import pool_form
from gridarium.agents.optimisation import LocalProblem
from gridarium.environment.arrays import Array
from gridarium.environment.commons import Commons
from gridarium.environment.storage import StorageRatings
from gridarium.market.adcef import strict_pool
from gridarium.market.messages.tariffs import MarketConditions
from gridarium.market.supply import Supply, system_factor

_FULL_TCO2 = 1e3
"""Idle contents from which on only the rest of them is put to the solver."""
_NOTHING_TCO2 = 1e-6
_PENALTY_PER_T2_H = 50.0
"""Of each tonne that is not back after the last day, times h: far above any transfer squared, (t/h)**2."""


@dataclass(frozen=True)
class CarbonPoolPlan:
    """Liability in and out of each pool; tCO2/h, shape (n_storage, n_period), and first contents, tCO2."""

    inflow_t_per_h: Array
    outflow_t_per_h: Array
    first_tco2: Array

    def last_tco2(self, period_h: float) -> Array:
        """Content of each pool after the day, tCO2, shape (n_storage,)."""
        gained = (self.inflow_t_per_h - self.outflow_t_per_h).sum(axis=1) * period_h
        return np.asarray(np.maximum(0.0, self.first_tco2 + gained))


@dataclass(frozen=True)
class PoolTerms:
    """What is agreed on managed pools.

    Parameters
    ----------
    carries_over : bool
        Whether only the last day must end as the first one began; by default every day does.
    first_tco2_per_mwh : float, optional
        Carbon at first per MWh of stored energy, which makes V_0; the quota if left out.
    """

    carries_over: bool = False
    first_tco2_per_mwh: float | None = None


@dataclass(frozen=True)
class PoolDay:
    """Contents of the managed pools before a day and where they return to, tCO2, shape (n_storage,).

    Parameters
    ----------
    first_tco2, end_tco2 : ndarray
    is_last : bool
        Whether no day follows, so that what was carried over must be back.
    """

    first_tco2: Array
    end_tco2: Array
    is_last: bool


class CarbonPool:
    """Allocates virtual carbon for one DSO.

    Parameters
    ----------
    world : Commons
        Shares the compiled problem.
    owner : str
        Named in errors.
    storages : tuple of StorageRatings
    rule : {"strict", "managed"} or None
        None where the tariff knows no pool.
    period_h : float
        Length of a period of the plan, h.
    terms : PoolTerms
    """

    def __init__(
        self,
        world: Commons,
        owner: str,
        storages: tuple[StorageRatings, ...],
        rule: Literal["strict", "managed"] | None,
        period_h: float,
        terms: PoolTerms,
    ) -> None:
        self._world, self._owner, self._storages, self._period_h = world, owner, storages, period_h
        self._rule, self._terms = rule if storages else None, terms

    def begin(self, quota: float, before: PoolDay | None, left: CarbonPoolPlan | None, last: bool) -> PoolDay:
        """What managed pools begin a day with.

        Parameters
        ----------
        quota : float
            Values the energy that is inside at first where the terms do not, tCO2/MWh.
        before : PoolDay, optional
            The day before, where there is one.
        left : CarbonPoolPlan, optional
            Its final plan.
        last : bool
            Whether no day follows.
        """
        if self._terms.carries_over and before is not None and left is not None:
            return PoolDay(left.last_tco2(self._period_h), before.end_tco2, last)
        told = self._terms.first_tco2_per_mwh
        factor = quota if told is None else told
        first = np.array([unit.soc_initial * unit.e_max_mwh * factor for unit in self._storages])
        return PoolDay(first, first, last)

    def allocate(
        self, dispatch: Dispatch, supply: Supply, wanted_t_per_h: Array, day: PoolDay
    ) -> CarbonPoolPlan:
        """Flows for one dispatch.

        Parameters
        ----------
        dispatch : Dispatch
        supply : Supply
        wanted_t_per_h : ndarray, shape (n_period,)
            Net flow out of all pools that a managed one aims at, as `wanted_transfer` gives it.
        day : PoolDay
            What managed pools begin and shall end with.
        """
        if self._rule == "strict":
            return self._strict(dispatch, supply)
        if self._rule == "managed":
            return self._managed(dispatch, supply, wanted_t_per_h, day)
        nothing = np.zeros_like(dispatch.charge_mw)
        return CarbonPoolPlan(nothing, nothing, np.zeros(len(self._storages)))

    def _strict(self, dispatch: Dispatch, supply: Supply) -> CarbonPoolPlan:
        hours, factor = self._period_h, system_factor(supply)
        inflow, outflow = np.zeros_like(dispatch.charge_mw), np.zeros_like(dispatch.charge_mw)
        first = np.zeros(len(self._storages))
        for row, unit in enumerate(self._storages):
            charge = dispatch.charge_mw[row] * hours
            into, out, first[row] = strict_pool(
                unit.efficiency_charge * charge,
                dispatch.discharge_mw[row] * hours / unit.efficiency_discharge,
                unit.soc_initial * unit.e_max_mwh,
                factor,
                charge,
            )
            inflow[row], outflow[row] = into / hours, out / hours
        return CarbonPoolPlan(inflow, outflow, first)

    def _managed(
        self, dispatch: Dispatch, supply: Supply, wanted_t_per_h: Array, day: PoolDay
    ) -> CarbonPoolPlan:
        n_storage, n_period = dispatch.charge_mw.shape
        highest = float(supply.grid_factor_tco2_per_mwh.max())
        most_in, most_out = highest * dispatch.charge_mw, highest * dispatch.discharge_mw
        carries = self._terms.carries_over
        key = ("carbon pool", n_storage, n_period, self._period_h, carries)
        problem = self._world.shared(key, lambda: LocalProblem(pool_form(*key[1:])))
        signals: dict[str, Any] = {
            "emission_t_per_h": supply.emission_t_per_h,
            "wanted_t_per_h": wanted_t_per_h,
            "most_in_t_per_h": most_in,
            "most_out_t_per_h": most_out,
            "first_tco2": day.first_tco2,
            "end_tco2": day.end_tco2,
        }
        if carries:
            signals |= self._carrying(most_in, most_out, supply.emission_t_per_h, day)
        idle = self._idle_tco2(signals)
        signals |= {name: signals[name] - idle for name in ("first_tco2", "end_tco2")}
        solution = problem.solve(self._owner, **signals)
        inflow, outflow = _within(solution["inflow"], most_in), _within(solution["outflow"], most_out)
        inflow = inflow * _share_left(supply.emission_t_per_h, inflow.sum(axis=0))
        beyond = solution["more"] - solution["less"] if carries else np.zeros(n_storage)
        beyond = np.where(np.abs(beyond) > _NOTHING_TCO2, beyond, 0.0)
        # What the pool gains is closed to the last digit, by whichever flow is too large.
        gained = (day.end_tco2 + beyond - day.first_tco2) / self._period_h
        into, out = inflow.sum(axis=1), outflow.sum(axis=1)
        return CarbonPoolPlan(
            inflow * _share_left(out + gained, into)[:, None],
            outflow * _share_left(into - gained, out)[:, None],
            day.first_tco2,
        )

    def _idle_tco2(self, signals: Mapping[str, Array]) -> Array:
        """What no flow of the day can reach of pools so full that a solver's digits would go to it, tCO2."""
        reached = self._period_h * signals["most_out_t_per_h"].sum(axis=1)
        kept = signals["end_tco2"] - signals.get("most_less_tco2", 0.0)
        idle = np.minimum(signals["first_tco2"] - reached, kept)
        return np.where(idle > _FULL_TCO2, idle, 0.0)

    def _carrying(
        self, most_in_t_per_h: Array, most_out_t_per_h: Array, emission_t_per_h: Array, day: PoolDay
    ) -> dict[str, Any]:
        """How far the contents may end from their end, tCO2, and what that costs.

        No day leaves more than it could itself give back or take up: that is what can be known of what the
        next one can. The last day returns what has been left; the cost is an exact penalty, far above what a
        transfer is worth, so that something is left only if there is no way back.
        """
        if day.is_last:
            left = np.abs(day.first_tco2 - day.end_tco2)
            cost = _PENALTY_PER_T2_H / self._period_h
            return {"most_more_tco2": left, "most_less_tco2": left, "carry_cost": cost}
        total = most_in_t_per_h.sum(axis=0)
        possible = most_in_t_per_h * _share_left(emission_t_per_h, total)
        return {
            "most_more_tco2": most_out_t_per_h.sum(axis=1) * self._period_h,
            "most_less_tco2": np.minimum(day.end_tco2, possible.sum(axis=1) * self._period_h),
            "carry_cost": 0.0,
        }


def wanted_transfer(margin_per_mwh: Array, base_mw: Array, conditions: MarketConditions) -> Array:
    """Net flow of liability onto the loads that serves the leader's profit best, tCO2/h, shape (n_period,).

    Parameters
    ----------
    margin_per_mwh : ndarray, shape (n_period,)
        What one more MWh of load adds to the leader's objective.
    base_mw : ndarray, shape (n_period,)
        Load before any response.
    conditions : MarketConditions

    Notes
    -----
    For given loads C9 is indifferent to the pool, which keeps all carbon (at kappa = 1, or without credit);
    the pool acts through the answer of the followers. To first order a rise x_t of the factor raises the
    price by ``kappa lam x_t`` and moves ``P_t (x_t - mean x) kappa lam / b`` out of a period, where every MW
    of base load answers alike, the leader knowing no better, and the mean is over the base load, since
    followers keep their energy. With ``x_t P_t = y_t``, the transfer, what that earns is

        ``kappa lam / b sum_t (mean m - m_t) y_t``,   m the margin:

    liability belongs where the margin is low. Answers are bounded, so that a larger rise moves less and
    less; the gain is taken to fall evenly with the transfer, and to end where a margin that differs by
    the mean tariff has moved the factor of a mean load by the largest one that a pool may carry. The maximum
    of ``sum_t (mean m - m_t) y_t - (slope / 2) y_t^2`` is the transfer returned; under the limits of the
    pool it is the nearest one (`pool_problem`).

    Margins are those at the base loads and stay the same during a negotiation. Taken anew in each round
    they would jump between marginal units, and the price with them.
    """
    tariff = float(np.abs(conditions.tou_price_per_mwh).mean())
    if tariff <= 0.0 or base_mw.sum() <= 0.0:
        return np.zeros_like(base_mw)
    largest_t_per_h = float(conditions.grid_factor_tco2_per_mwh.max() * base_mw.mean())
    mean = float(margin_per_mwh @ base_mw / base_mw.sum())
    return largest_t_per_h * (mean - margin_per_mwh) / tariff


def _within(flow: Array, most: Array) -> Array:
    """Cut off what an interior point leaves beyond the limits."""
    return np.clip(flow, 0.0, most)


def _share_left(most: Array, sums: Array) -> Array:
    """The share, at most 1, of each sum that keeps it to its limit: the last digits of a balance."""
    return np.minimum(1.0, np.divide(most, sums, out=np.ones_like(sums), where=sums > 0.0))
