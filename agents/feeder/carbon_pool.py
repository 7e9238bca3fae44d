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

    def allocate(self, dispatch: Dispatch, supply: Supply, load_mw: Array, quota: float) -> CarbonPoolPlan:
        """Flows for one dispatch; `quota`, tCO2/MWh, values the energy that a managed pool starts with."""
        if self._rule == "strict":
            return self._strict(dispatch, supply)
        if self._rule == "managed":
            return self._managed(dispatch, supply, load_mw, quota)
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

    def _managed(self, dispatch: Dispatch, supply: Supply, load_mw: Array, quota: float) -> CarbonPoolPlan:
        n_storage, n_period = dispatch.charge_mw.shape
        highest = float(supply.grid_factor_tco2_per_mwh.max())
        most_in, most_out = highest * dispatch.charge_mw, highest * dispatch.discharge_mw
        first = np.array([unit.soc_initial * unit.e_max_mwh * quota for unit in self._storages])
        key = ("carbon pool", n_storage, n_period, self._period_h)
        problem = self._world.shared(key, lambda: LocalProblem(pool_form(*key[1:])))
        solution = problem.solve(
            self._owner,
            emission_t_per_h=supply.emission_t_per_h,
            target_t_per_h=system_factor(supply) * load_mw,
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


def _within(flow: Array, most: Array) -> Array:
    """Cut off what an interior point leaves beyond the limits."""
    return np.clip(flow, 0.0, most)


def _share_left(most: Array, sums: Array) -> Array:
    """The share, at most 1, of each sum that keeps it to its limit: the last digits of a balance."""
    return np.minimum(1.0, np.divide(most, sums, out=np.ones_like(sums), where=sums > 0.0))
