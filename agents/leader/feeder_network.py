"""A leader's own feeder as the network that carries its plans: losses and voltages as tangents."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np

from gridarium.agents.feeder.accounts import DayAhead
from gridarium.agents.feeder.dispatch import Dispatch
from gridarium.agents.feeder.price_setting import Bench
from gridarium.agents.feeder.set_points import PointFlow, SetPoints
from gridarium.agents.leader.tied_network import NetworkState
from gridarium.agents.leader.tied_supply import BarrierPlace, NetworkTangent, TiedPlan, TiedSupply
from gridarium.environment.arrays import Array
from gridarium.environment.errors import PowerFlowError, SolveError

NEAR_LIMIT_PU = 2e-3
"""Distance of a voltage from its limit from which on a plan must know the limit."""

BEYOND_PU = 1e-6
"""What a voltage or a current may exceed its limit by."""


class _Named(Protocol):
    @property
    def name(self) -> str: ...


class FeederNetwork:
    """A leader's own feeder as the `Network` that carries its plans.

    Parameters
    ----------
    bench : Bench
    names : sequence of str
        Of the followers.
    supply : TiedSupply
    """

    def __init__(self, bench: Bench, names: Sequence[str], supply: TiedSupply) -> None:
        self._bench, self._names, self._supply = bench, names, supply
        self._carried_last: Dispatch | None = None

    def carry(self, plan: TiedPlan, loads_mw: Array) -> NetworkState | None:
        """What becomes of a plan for loads of shape (n_follower, n_period); None without supply."""
        trial = self._bench.try_out(self._by_name(loads_mw), set_points(plan))
        if trial is None:
            return None
        self._carried_last = trial.dispatch
        carried = self._carried(plan, trial.dispatch, loads_mw.sum(axis=0))
        flow = self._bench.flow(self._by_name(loads_mw), set_points(carried), trial.dispatch)
        barriers = dict(self._barriers(flow, carried))
        return NetworkState(carried, self._losses(flow, carried), barriers, float(trial.missed_mw.max()))

    def flow(self, plan: TiedPlan, loads_mw: Array) -> NetworkState | None:
        """The power flow of a plan with reactive power as it was carried last; None where there is none.

        Raises
        ------
        SolveError
            If nothing was carried before.
        """
        if self._carried_last is None:
            raise SolveError("leader: a plan must have been carried before there are power flows")
        try:
            flow = self._bench.flow(self._by_name(loads_mw), set_points(plan), self._carried_last)
        except PowerFlowError:
            return None
        into, out = np.maximum(flow.net_mw, 0.0), np.maximum(-flow.net_mw, 0.0)
        flowing = replace(plan, load_mw=loads_mw.sum(axis=0), buy_mw=into, sell_mw=out)
        flowing = replace(flowing, emission_t_per_h=self._emission_t_per_h(flowing))
        barriers = dict(self._barriers(flow, flowing))
        return NetworkState(flowing, self._losses(flow, flowing), barriers, 0.0, self._is_kept(flow))

    def least_cost(self, plan: DayAhead) -> TiedPlan:
        """A plan of least cost, at the tariff."""
        empty = np.zeros_like(plan.dispatch.charge_mw)
        price = plan.situation.conditions.tou_price_per_mwh
        flat = np.zeros_like(price)
        units = (plan.dispatch.turbine_mw, plan.dispatch.renewable_mw)
        start = TiedPlan(price, flat, flat, flat, *units, empty, empty, empty, empty, flat)
        return self._carried(start, plan.dispatch, plan.situation.load_mw)

    def _by_name(self, loads_mw: Array) -> dict[str, Array]:
        return dict(zip(self._names, loads_mw, strict=True))

    def _carried(self, plan: TiedPlan, dispatch: Dispatch, load_mw: Array) -> TiedPlan:
        carried = replace(
            plan,
            load_mw=load_mw,
            buy_mw=dispatch.buy_mw,
            sell_mw=dispatch.sell_mw,
            turbine_mw=dispatch.turbine_mw,
            renewable_mw=dispatch.renewable_mw,
            charge_mw=dispatch.charge_mw,
            discharge_mw=dispatch.discharge_mw,
        )
        return replace(carried, emission_t_per_h=self._emission_t_per_h(carried))

    def _emission_t_per_h(self, plan: TiedPlan) -> Array:
        rates = np.array([unit.emission_tco2_per_mwh for unit in self._supply.turbines])
        return np.asarray(self._supply.grid_factor_tco2_per_mwh * plan.buy_mw + rates @ plan.turbine_mw)

    def _losses(self, flow: PointFlow, plan: TiedPlan) -> NetworkTangent:
        """Losses near a plan as the network carries it."""
        slopes = self._tangent(np.zeros_like(plan.load_mw), flow.slopes.lost_per_drawn(), flow)
        return replace(slopes, constant=plan.surplus_mw - slopes.moved(plan))

    def _is_kept(self, flow: PointFlow) -> bool:
        """Whether voltages and currents keep their limits (C11)."""
        shape = self._bench.shape
        low, high = shape.voltage_band_pu
        excess = [
            (low - flow.vm_pu[:, 1:]).max(initial=-1.0),
            (flow.vm_pu[:, 1:] - high).max(initial=-1.0),
            (flow.i_pu - shape.loading_max * shape.feeder.i_max_pu).max(initial=-1.0),
        ]
        return bool(max(excess) <= BEYOND_PU)

    def _barriers(self, flow: PointFlow, plan: TiedPlan) -> Iterator[tuple[BarrierPlace, NetworkTangent]]:
        """Limits of the squared voltages that are near them, as tangents."""
        low, high = self._bench.shape.voltage_band_pu
        periods = np.arange(len(plan.load_mw))
        for sign, limit in ((1.0, low), (-1.0, high)):
            room_pu = sign * (flow.vm_pu - limit)
            room_pu[:, 0] = np.inf
            for t, bus in np.argwhere(room_pu <= NEAR_LIMIT_PU):
                falls = sign * np.outer(flow.slopes.fall_per_drawn(int(bus), int(t)), periods == t)
                barrier = self._tangent(np.zeros(()), falls, flow)
                # A plan that is carried stays allowed, whatever the rounding.
                room = max(sign * (flow.vm_pu[t, bus] ** 2 - limit**2), BEYOND_PU)
                constant = np.asarray(-barrier.moved(plan).sum() - room)
                yield BarrierPlace(int(bus), int(t), sign > 0.0), replace(barrier, constant=constant)

    def _tangent(self, constant: Array, per_drawn: Array, flow: PointFlow) -> NetworkTangent:
        """What changes by so much per MW drawn at each bus, shape (n_bus, n_period)."""
        load = flow.load_p_mw
        total = load.sum(axis=0)
        shares = np.divide(load, total, out=np.zeros_like(load), where=total > 0.0)
        at = dict(self._bench.shape.sites)
        shape = self._bench.shape

        def fed_in(units: Sequence[_Named]) -> Array:
            rows = [-per_drawn[at[unit.name]] for unit in units]
            return np.array(rows).reshape(len(rows), len(total))

        return NetworkTangent(
            constant,
            (shares * per_drawn).sum(axis=0),
            fed_in(shape.turbines),
            fed_in(shape.renewables),
            fed_in(shape.storages),
        )


def set_points(plan: TiedPlan) -> SetPoints:
    """What units are to do by a plan."""
    return SetPoints(plan.turbine_mw, plan.renewable_mw, plan.discharge_mw - plan.charge_mw)
