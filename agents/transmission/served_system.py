"""A bulk system with services that feeders below offer within a day: storages, and pools of prosumers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Any

import numpy as np
import pyomo.environ as pyo

from gridarium.agents.optimisation import LocalProblem
from gridarium.agents.problems.storage import throughput
from gridarium.agents.solving.standard_form import StandardForm, compile_model
from gridarium.agents.transmission.bulk_families import RUNNING_SIGNALS, SIGNALS, declare_dispatch
from gridarium.agents.transmission.bulk_system import BulkForecast, BulkPlan, BulkState, BulkSystem
from gridarium.agents.transmission.merit_order import BulkShape, MeritOrder
from gridarium.environment.arrays import Array
from gridarium.market.feeder_services import FeederServices


@dataclass(frozen=True)
class ServedSystem(BulkSystem):
    """A bulk system whose last storages and last renewables are services of feeders.

    - `of`: a system with the services of feeders
    - `forecast`, `state`, `resting`: what is known of the system alone with that of the services

    Parameters
    ----------
    compensation_per_mwh : tuple of float
        Of each storage that can be called, for each MWh in or out inside (E24).
    pools : tuple of str
        Feeders whose prosumers can be called: what these trade replaces supply (E27).
    pool_fee_per_mwh : float
        Paid on what they trade (E26).
    """

    compensation_per_mwh: tuple[float, ...] = ()
    pools: tuple[str, ...] = ()
    pool_fee_per_mwh: float = 0.0

    @classmethod
    def of(
        cls, system: BulkSystem, services: Mapping[str, FeederServices], pool_fee_per_mwh: float
    ) -> ServedSystem:
        """A system with the services of feeders, by the names of these."""
        stores = [(one.storage, one.compensation_per_mwh) for one in services.values() if one.storage]
        pools = tuple(name for name, one in services.items() if one.has_desk)
        own = {field.name: getattr(system, field.name) for field in fields(BulkSystem)}
        own |= {
            "storages": (*system.storages, *(storage for storage, _ in stores)),
            "wear_cost_per_mwh": (*system.wear_cost_per_mwh, *(0.0 for _ in stores)),
            "renewables": (*system.renewables, *pools),
        }
        return cls(**own, compensation_per_mwh=tuple(c for _, c in stores), pools=pools,
                   pool_fee_per_mwh=pool_fee_per_mwh)  # fmt: skip

    def reserve_mw(self, load_mw: Array, available_mw: Array) -> Array:
        """Spinning reserve as without services: prosumers who trade ask for none."""
        return super().reserve_mw(load_mw, available_mw[: self.n_plant])

    @property
    def n_plant(self) -> int:
        """Renewable plants of its own."""
        return len(self.renewables) - len(self.pools)

    def forecast(self, own: BulkForecast, expected_mw: Array) -> BulkForecast:
        """What is expected of a day, with what prosumers would trade, shape (n_pool, n_period)."""
        return replace(own, available_mw=np.concatenate([own.available_mw, expected_mw]))

    def state(self, own: BulkState, e_mwh: Array) -> BulkState:
        """Where the system stands, with what is in the storages that can be called, shape (n_called,)."""
        return replace(own, e_mwh=np.concatenate([own.e_mwh, e_mwh]))

    def resting(self, own: BulkPlan) -> BulkPlan:
        """A plan of the system alone, with storages that can be called at rest."""
        called = self.storages[len(self.storages) - len(self.compensation_per_mwh) :]
        nothing = np.zeros((len(called), own.charge_mw.shape[1]))
        inside = nothing + np.array([[one.soc_initial * one.e_max_mwh] for one in called]).reshape(-1, 1)
        return replace(
            own,
            charge_mw=np.concatenate([own.charge_mw, nothing]),
            discharge_mw=np.concatenate([own.discharge_mw, nothing]),
            e_mwh=np.concatenate([own.e_mwh, inside]),
        )


def build_served_model(shape: BulkShape) -> Any:
    """The dispatch at given commitment with services of feeders: convex and quadratic.

    Notes
    -----
    As `build_merit_order_model`, with compensation for wear of storages that are called (E24), and the fee on
    what prosumers trade (E26), which takes the place of supply in the balance (E27).
    """
    m, system = pyo.ConcreteModel(name="merit order with services"), shape.system
    assert isinstance(system, ServedSystem)
    cost = declare_dispatch(m, system, shape.n_period, shape.period_h)
    called = system.storages[len(system.storages) - len(system.compensation_per_mwh) :]

    def hourly(t: int) -> Any:
        wear = sum(
            price * throughput(one.efficiencies, m.charge_mw[one.name, t], m.discharge_mw[one.name, t])
            for one, price in zip(called, system.compensation_per_mwh, strict=True)
        )
        return wear + system.pool_fee_per_mwh * sum(m.renewable_mw[pool, t] for pool in system.pools)

    m.cost_money = pyo.Objective(expr=cost + shape.period_h * sum(hourly(t) for t in m.period))
    return m


@lru_cache(maxsize=16)
def served_form(shape: BulkShape) -> StandardForm:
    """The compiled dispatch of a shape; pure numbers, so shared by all worlds."""
    return compile_model(build_served_model(shape), (*SIGNALS, *RUNNING_SIGNALS))


class ServedOrder(MeritOrder):
    """The compiled dispatch on one bus of a system with services; its plans have rows for these, too.

    Parameters
    ----------
    shape : BulkShape
        Of a `ServedSystem`.
    """

    def __init__(self, shape: BulkShape) -> None:
        self.shape = shape
        self.problem = LocalProblem(served_form(shape))
