"""What a day would emit without the renewable surplus that its operator takes up: the cause of a credit."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gridarium.agents.feeder.commitment import UnitCommitter
from gridarium.agents.feeder.dispatch import Dispatch, DispatchDay
from gridarium.environment.arrays import Array
from gridarium.market.supply import Supply

_ROUNDING_MW = 1e-6


@dataclass(frozen=True)
class AbsorbedSurplus:
    """The same day twice, at base loads: with all renewables, and with those that need no operator.

    Parameters
    ----------
    taken_mw : ndarray, shape (n_period,)
        What base loads, storages left to themselves and losses can take of the renewables.
    absorbed_mw : ndarray, shape (n_period,)
        What the operator's plan at base loads takes beyond that.
    day : DispatchDay
        The counterfactual one: renewables end at `taken_mw`.
    dispatch : Dispatch
        Of that day; where nothing is absorbed, the plan itself.
    emission_t_per_h : ndarray, shape (n_period,)
        Of that day, tCO2/h.
    avoided_t_per_h : ndarray, shape (n_period,)
        Emission that absorbing avoids on the day, never negative, shared among the periods, tCO2/h.
    """

    taken_mw: Array
    absorbed_mw: Array
    day: DispatchDay
    dispatch: Dispatch
    emission_t_per_h: Array
    avoided_t_per_h: Array

    def beyond_mw(self, supply: Supply, dispatch: Dispatch) -> Array:
        """Renewable power that another plan of the day takes beyond `taken_mw`, MW, shape (n_period,)."""
        return _beyond(supply, dispatch, self.taken_mw)


def absorbed_surplus(
    committer: UnitCommitter, day: DispatchDay, base: Dispatch, unmanaged_charge_mw: Array
) -> AbsorbedSurplus:
    """Find what absorbing the surplus of a day avoids.

    Parameters
    ----------
    committer : UnitCommitter
        For the units that run without the surplus.
    day : DispatchDay
        At base loads.
    base : Dispatch
        Of that day.
    unmanaged_charge_mw : ndarray, shape (n_period,)
        What storages would charge if nobody managed them.

    Raises
    ------
    InfeasibleError
        If the base loads cannot be supplied without the surplus.

    Notes
    -----
    C4 pays for a surplus whether or not anything comes of it. The paper's principle is that what would have
    been emitted without the absorbed surplus is credited: renewables are limited to what base loads and
    unmanaged storages take (and the losses of serving them), units are committed and the dispatch is solved
    anew, and the difference of emission over the day is the credit. What is curtailed emits the same in both
    days and earns nothing. Nor does load that is raised into the surplus: what this saves is in the emission
    that loads answer for. The difference is one of the day, for a storage moves energy on: it is shared by
    the absorbed energy of each period at the grid's factor. As an amount that the rounds do not change,
    spread over the load of its period, it leaves the factor a continuous function of the loads.
    """
    dispatcher = committer.dispatcher
    supply = dispatcher.supply(base, day.conditions)
    load = day.load_p_mw.sum(axis=0)
    charge, discharge = base.charge_mw.sum(axis=0), base.discharge_mw.sum(axis=0)
    loss = supply.total_mw + discharge - charge - base.sell_mw - load
    available = day.available_mw.sum(axis=0)
    taken = np.minimum(available, load + unmanaged_charge_mw + np.maximum(0.0, loss))
    absorbed = _beyond(supply, base, taken)
    nothing = np.zeros_like(load)
    if not absorbed.any():
        return AbsorbedSurplus(taken, absorbed, day, base, supply.emission_t_per_h, nothing)
    share = np.divide(taken, available, out=np.ones_like(taken), where=available > 0.0)
    without = replace(day, available_mw=day.available_mw * share)
    other = committer.review(without, None)
    if other is not None:
        without = replace(without, commitment=other.best)
    dispatch = dispatcher.solve(without)
    emission = dispatcher.supply(dispatch, day.conditions).emission_t_per_h
    avoided = max(0.0, float((emission - supply.emission_t_per_h).sum()))
    worth = absorbed * supply.grid_factor_tco2_per_mwh
    weight = worth if worth.any() else absorbed
    return AbsorbedSurplus(taken, absorbed, without, dispatch, emission, avoided * weight / weight.sum())


def _beyond(supply: Supply, dispatch: Dispatch, taken_mw: Array) -> Array:
    beyond = supply.renewable_mw - dispatch.sell_mw - taken_mw
    return np.where(beyond > _ROUNDING_MW, beyond, 0.0)
