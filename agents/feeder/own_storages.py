"""Storages on a feeder whose owners schedule them, and how an operator moves them off what breaks a limit."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from gridarium.agents.feeder.ac_physics import AcPhysics
from gridarium.agents.feeder.dispatch import DispatchDay
from gridarium.agents.feeder.dispatch_problem import DispatchShape
from gridarium.agents.feeder.redispatch_problem import REDISPATCH_SIGNALS, build_redispatch_model
from gridarium.agents.optimisation import LocalProblem
from gridarium.agents.solving.standard_form import StandardForm, compile_model
from gridarium.agents.storage.schedules import earned_money
from gridarium.environment.arrays import Array
from gridarium.environment.commons import Commons
from gridarium.environment.storage import StorageRatings

CHANGE_PRICE_FACTOR = 10.0
"""Price of a MWh by which a schedule is changed, over the highest price of the day: nothing but a limit of
the grid is worth a change."""
LEAST_CHANGE_MWH = 1e-4
"""Changes of a storage over a day that are a solver's noise."""
_BAND_MARGIN_PU = 1e-5
"""How far a changed schedule keeps from the limits of voltage, so that later dispatches are feasible."""


@dataclass(frozen=True)
class OwnStorages:
    """Storages that are no part of an operator's dispatch.

    Parameters
    ----------
    units : tuple of StorageRatings
        Named as within the grid.
    sites : tuple of (str, int)
        Bus index of each.
    wear_cost_per_mwh : tuple of float
        Of each MWh that one discharges, which its owner bears.
    """

    units: tuple[StorageRatings, ...] = ()
    sites: tuple[tuple[str, int], ...] = ()
    wear_cost_per_mwh: tuple[float, ...] = ()

    def only(self, names: Collection[str]) -> OwnStorages:
        """Those of some names, in the order of all."""
        kept = [row for row, unit in enumerate(self.units) if unit.name in names]
        return OwnStorages(
            tuple(self.units[row] for row in kept),
            tuple(self.sites[row] for row in kept),
            tuple(self.wear_cost_per_mwh[row] for row in kept),
        )

    def at_buses(self, net_mw: Array, n_bus: int) -> Array:
        """What they draw at each bus, MW, shape (n_bus, n_step), of shape (n_storage, n_step)."""
        drawn = np.zeros((n_bus, net_mw.shape[1]))
        for row, (_, bus) in enumerate(self.sites):
            drawn[bus] += net_mw[row]
        return drawn

    def lost_money(self, price_per_mwh: Array, wanted_mw: Array, changed_mw: Array, step_h: float) -> Array:
        """What owners lose by other schedules than those they want, money per day, shape (n_storage,).

        Parameters
        ----------
        price_per_mwh : ndarray, shape (n_step,)
            At which they trade all energy.
        wanted_mw, changed_mw : ndarray, shape (n_storage, n_step)
            What storages draw; negative where they feed back.
        step_h : float
        """
        wear = np.array(self.wear_cost_per_mwh)
        wanted, changed = (
            earned_money(net_mw, price_per_mwh, wear, step_h) for net_mw in (wanted_mw, changed_mw)
        )
        return wanted - changed


@lru_cache(maxsize=8)
def redispatch_form(shape: DispatchShape) -> StandardForm:
    """The compiled redispatch of a shape."""
    return compile_model(build_redispatch_model(shape), (*REDISPATCH_SIGNALS, *shape.further_signals))


def redispatch_problem(shape: DispatchShape) -> LocalProblem:
    """A live redispatch of a shape; its plans satisfy the AC power flow."""
    form = redispatch_form(shape)
    return LocalProblem(form, AcPhysics(shape, form))


class Redispatch:
    """Changes owners' schedules as little as the limits of the grid ask for.

    Parameters
    ----------
    world : Commons
        Shares the compiled problem.
    owner : str
        The operator, named in errors.
    shape : DispatchShape
        Its own storages, if it has any, are not used.
    own : OwnStorages
        All storages that owners may schedule themselves.
    """

    def __init__(self, world: Commons, owner: str, shape: DispatchShape, own: OwnStorages) -> None:
        self._world, self._owner, self._own = world, owner, own
        low, high = shape.voltage_band_pu
        dispatched = {unit.name for unit in shape.storages}
        self._shape = replace(
            shape,
            storages=own.units,
            sites=(*(site for site in shape.sites if site[0] not in dispatched), *own.sites),
            wear_cost_per_mwh=tuple((unit.name, 0.0) for unit in own.units),
            voltage_band_pu=(low + _BAND_MARGIN_PU, high - _BAND_MARGIN_PU),
            opens_storages=False,
        )

    def changed(
        self, day: DispatchDay, own_mw: Array, initial_mwh: Array, scheduled: OwnStorages
    ) -> Array | None:
        """The schedules that are nearest to the owners' own and can be carried with all turbines on.

        Parameters
        ----------
        day : DispatchDay
            Without what these storages draw.
        own_mw : ndarray, shape (n_storage, n_step)
            What owners want to draw, MW; negative where they feed back.
        initial_mwh : ndarray, shape (n_storage,)
        scheduled : OwnStorages
            Those that their owners schedule on this day, in the order of the rows above. The others, being
            commanded, may help from rest.

        Returns
        -------
        ndarray or None
            Shape (n_storage, n_step), MW; None where no schedule of theirs lets the loads be supplied.
        """
        key = ("redispatch", self._shape)
        problem = self._world.shared(key, lambda: redispatch_problem(self._shape))
        # Nothing that the supplier asks beyond prices is worth a change of what owners want.
        shape, signals = self._shape, replace(day.at_prices_alone, openings=None).signals
        prices = np.abs([day.conditions.tou_price_per_mwh, signals["buy_price"]])
        asked = signals | {
            "on": np.ones((len(shape.turbines), shape.n_period)),
            "initial_mwh": self._of_all(initial_mwh, scheduled, day.initial_mwh),
            "own_mw": self._of_all(own_mw, scheduled, np.zeros((len(shape.storages), own_mw.shape[1]))),
            "change_price": CHANGE_PRICE_FACTOR * float(prices.max()),
        }
        solution = problem.attempt(self._owner, **asked)
        if solution is None:
            return None
        found, energy_mwh = own_mw.copy(), dict(zip(shape.storages, solution["energy_mwh"], strict=True))
        for row, unit in enumerate(scheduled.units):
            charge, discharge = unit.powers_mw(energy_mwh[unit], float(initial_mwh[row]), shape.period_h)
            net = charge - discharge
            if np.abs(net - own_mw[row]).sum() * shape.period_h > LEAST_CHANGE_MWH:
                found[row] = net
        return found

    def _of_all(self, values: Array, scheduled: OwnStorages, others: Array) -> Array:
        """Values of storages that are scheduled among all, beside those of the others."""
        if scheduled.units == self._own.units:
            return values
        found, rows = others.copy(), {unit: row for row, unit in enumerate(self._own.units)}
        found[[rows[unit] for unit in scheduled.units]] = values
        return found
