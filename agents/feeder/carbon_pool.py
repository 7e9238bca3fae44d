"""How the DSO fills and empties the virtual carbon pools of its storages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

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


@dataclass(frozen=True)
class CarbonPoolPlan:
    """Liability in and out of each pool; tCO2/h, shape (n_storage, n_period), and first contents, tCO2."""

    inflow_t_per_h: Array
    outflow_t_per_h: Array
    first_tco2: Array


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
    """

    def __init__(
        self,
        world: Commons,
        owner: str,
        storages: tuple[StorageRatings, ...],
        rule: Literal["strict", "managed"] | None,
        period_h: float,
    ) -> None:
        self._world, self._owner, self._storages, self._period_h = world, owner, storages, period_h
        self._rule = rule if storages else None

    def allocate(
        self, dispatch: Dispatch, supply: Supply, quota: float, wanted_t_per_h: Array
    ) -> CarbonPoolPlan:
        """Flows for one dispatch.

        Parameters
        ----------
        dispatch : Dispatch
        supply : Supply
        quota : float
            Values the energy that a managed pool starts with, tCO2/MWh.
        wanted_t_per_h : ndarray, shape (n_period,)
            Net flow out of all pools that a managed one aims at, as `wanted_transfer` gives it.
        """
        if self._rule == "strict":
            return self._strict(dispatch, supply)
        if self._rule == "managed":
            return self._managed(dispatch, supply, quota, wanted_t_per_h)
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
        self, dispatch: Dispatch, supply: Supply, quota: float, wanted_t_per_h: Array
    ) -> CarbonPoolPlan:
        n_storage, n_period = dispatch.charge_mw.shape
        highest = float(supply.grid_factor_tco2_per_mwh.max())
        most_in, most_out = highest * dispatch.charge_mw, highest * dispatch.discharge_mw
        first = np.array([unit.soc_initial * unit.e_max_mwh * quota for unit in self._storages])
        key = ("carbon pool", n_storage, n_period, self._period_h)
        problem = self._world.shared(key, lambda: LocalProblem(pool_form(*key[1:])))
        solution = problem.solve(
            self._owner,
            emission_t_per_h=supply.emission_t_per_h,
            wanted_t_per_h=wanted_t_per_h,
            most_in_t_per_h=most_in,
            most_out_t_per_h=most_out,
            first_tco2=first,
        )
        inflow, outflow = _within(solution["inflow"], most_in), _within(solution["outflow"], most_out)
        inflow = inflow * _share_left(supply.emission_t_per_h, inflow.sum(axis=0))
        into, out = inflow.sum(axis=1), outflow.sum(axis=1)
        return CarbonPoolPlan(
            inflow * _share_left(out, into)[:, None], outflow * _share_left(into, out)[:, None], first
        )


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
