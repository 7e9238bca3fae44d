"""What a plan meets where loads come to the ends of their intervals, by AC power flow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from gridarium.agents.feeder.bus_loads import bus_loads
from gridarium.agents.feeder.dispatch import Dispatch, DispatchDay
from gridarium.agents.feeder.dispatch_problem import DispatchShape
from gridarium.environment.arrays import Array
from gridarium.environment.grids import Place
from gridarium.environment.power_flow import AcPowerFlow
from gridarium.environment.uncertainty import DemandIntervals


@dataclass(frozen=True)
class LoadKind:
    """Loads that state the same interval.

    Parameters
    ----------
    deviation_share : float
        By which each of them may come to differ, either way.
    p_mw, q_mvar : ndarray, shape (n_bus, n_step)
        Where they are drawn.
    """

    deviation_share: float
    p_mw: Array
    q_mvar: Array


def load_kinds(
    loads_mw: Mapping[str, Array],
    loads_mvar: Mapping[str, Array],
    deviation_share: Mapping[str, float],
    places: Mapping[str, Place],
    shape: DispatchShape,
) -> tuple[LoadKind, ...]:
    """Loads by the interval that each states, all by the names of those who draw them.

    Parameters
    ----------
    loads_mw, loads_mvar : mapping of str to ndarray, shape (n_step,)
        Reactive power is that of the place where nobody tells it.
    deviation_share : mapping of str to float
    places : mapping of str to Site or SpreadSite
    shape : DispatchShape
    """
    found = []
    for share in sorted(set(deviation_share.values())):
        same = {name: load for name, load in loads_mw.items() if deviation_share[name] == share}
        found.append(LoadKind(share, *bus_loads(same, loads_mvar, places, shape)))
    return tuple(found)


@dataclass(frozen=True)
class Corner:
    """A plan at one corner of demand, units as commanded; what is missing or left over passes the head.

    Parameters
    ----------
    name : str
        "highest", "lowest", or "dearest": within the budget, where nodal prices make it cost most.
    load_mw, net_mw : ndarray, shape (n_step,)
        All loads, and what passes the head.
    vm_min_pu, vm_max_pu : ndarray, shape (n_step,)
    outside_pu : float
        How far a voltage leaves the band at most; 0 where it keeps it.
    """

    name: str
    load_mw: Array
    net_mw: Array
    vm_min_pu: Array
    vm_max_pu: Array
    outside_pu: float


def demand_corners(
    shape: DispatchShape,
    day: DispatchDay,
    dispatch: Dispatch,
    kinds: tuple[LoadKind, ...],
    budget: float,
) -> tuple[Corner, ...]:
    """The corners of the intervals in which kinds of load lie (A22); none where all are sure of themselves.

    Parameters
    ----------
    shape : DispatchShape
    day : DispatchDay
        At the middle of the intervals.
    dispatch : Dispatch
        Of that day; its units stay as they are.
    kinds : tuple of LoadKind
    budget : float
        How many kinds may be at an end of their interval at once in the dearest corner.
    """
    if not any(kind.deviation_share for kind in kinds):
        return ()
    base = np.array([kind.p_mw.sum(axis=0) for kind in kinds])
    intervals = DemandIntervals(base, np.array([kind.deviation_share for kind in kinds]))
    money = np.array([(kind.p_mw * dispatch.price_per_mwh).sum(axis=0) for kind in kinds])
    price = np.divide(money, base, out=np.zeros_like(base), where=base > 0.0)
    flow = AcPowerFlow(shape.feeder)
    found = []
    for name, load_mw in (
        ("highest", intervals.highest_mw),
        ("lowest", intervals.lowest_mw),
        ("dearest", intervals.worst_mw(price, min(budget, len(price)))),
    ):
        part = np.divide(load_mw - base, base, out=np.zeros_like(base), where=base > 0.0)
        p_mw, q_mvar = -day.load_p_mw, -day.load_q_mvar
        for kind, share in zip(kinds, part, strict=True):
            # Reactive power goes with the active one.
            p_mw, q_mvar = p_mw - share * kind.p_mw, q_mvar - share * kind.q_mvar
        feed_in(shape, dispatch, p_mw, q_mvar)
        head = dispatch.voltage_pu[0] if shape.tap_changer else None
        state = flow.solve(p_mw.T, q_mvar.T, head)
        low, high = shape.voltage_band_pu
        vm = state.vm_pu[:, 1:]
        outside = max(0.0, float(np.maximum(low - vm, vm - high).max()))
        found.append(
            Corner(name, load_mw.sum(axis=0), state.p_slack_mw, vm.min(axis=1), vm.max(axis=1), outside)
        )
    return tuple(found)


def feed_in(shape: DispatchShape, dispatch: Dispatch, p_mw: Array, q_mvar: Array) -> None:
    """Add what units of a dispatch feed in to what is injected at the buses, shape (n_bus, n_step)."""
    sites = dict(shape.sites)
    names = [
        unit.name
        for units in (shape.turbines, shape.renewables, shape.storages, shape.compensators)
        for unit in units
    ]
    storage_mw = dispatch.discharge_mw - dispatch.charge_mw
    nothing_mw = np.zeros_like(dispatch.compensator_mvar)
    active = [*dispatch.turbine_mw, *dispatch.renewable_mw, *storage_mw, *nothing_mw]
    reactive = [
        *dispatch.turbine_mvar,
        *dispatch.renewable_mvar,
        *dispatch.storage_mvar,
        *dispatch.compensator_mvar,
    ]
    for name, fed_mw, fed_mvar in zip(names, active, reactive, strict=True):
        p_mw[sites[name]] += fed_mw
        q_mvar[sites[name]] += fed_mvar
