"""What a dispatch leaves to the relaxation of its cones: the AC power flow of its feeder."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gridarium.agents.feeder.dispatch_problem import DispatchShape, Renewable
from gridarium.agents.feeder.head_terms import head_decisions
from gridarium.agents.feeder.storage_directions import best_directions
from gridarium.agents.feeder.voltage_terms import HEAD_SIGNALS
from gridarium.agents.solving.standard_form import Block, Multipliers, Numbers, StandardForm
from gridarium.environment.arrays import Array
from gridarium.environment.power_flow import AcPowerFlow
from gridarium.environment.storage import StorageRatings
from gridarium.environment.thermal_unit import ThermalUnit
from gridarium.environment.voltage_control import Compensator

_TILT = 0.1
"""Price of reactive power where a start is sought, times the dearest price."""


class AcPhysics:
    """Completes a dispatch by AC power flow.

    Parameters
    ----------
    shape : DispatchShape
    form : StandardForm
        Its compiled problem.
    """

    def __init__(self, shape: DispatchShape, form: StandardForm) -> None:
        self._shape, self._form = shape, form
        self._flow = AcPowerFlow(shape.feeder)
        sites, n_bus = dict(shape.sites), shape.feeder.n_bus
        kinds: dict[str, tuple[ThermalUnit | Renewable | StorageRatings | Compensator, ...]] = {
            "turbine": shape.turbines,
            "renewable": shape.renewables,
            "storage": shape.storages,
        }
        if shape.compensators:
            kinds["compensator"] = shape.compensators
        self._at = {
            kind: np.array([sites[unit.name] for unit in units], dtype=np.int64)
            for kind, units in kinds.items()
        }
        rating_mva = np.zeros(n_bus)
        for unit in (unit for units in kinds.values() for unit in units):
            rating_mva[sites[unit.name]] += unit.s_max_mva
        self._rating_mva = rating_mva

    def tightened(self, numbers: Numbers, signals: Array) -> Numbers:
        """No branch carries more than all that stands behind it can draw, or inject, at the lowest voltage.

        Notes
        -----
        Currents add up along a tree (Kirchhoff), and a bus of S MVA draws at most S / v.
        """
        feeder, (low, high) = self._shape.feeder, self._shape.voltage_band_pu
        load_mva = np.hypot(self._signal(signals, "load_p_mw"), self._signal(signals, "load_q_mvar"))
        shunt_mva = np.hypot(feeder.g_bus_pu, feeder.b_bus_pu) * feeder.base_mva
        most = (load_mva + self._rating_mva[:, None]) / low + (shunt_mva * high)[:, None]
        for branch in reversed(range(feeder.n_branch)):
            most[feeder.parent[branch]] += most[branch + 1] / feeder.ratio[branch]
        upper, block = numbers.upper.copy(), self._form.decisions["current_squared"]
        place = slice(block.start, block.stop)
        upper[place] = np.minimum(upper[place], (most[1:] ** 2).ravel())
        return numbers._replace(upper=upper)

    def completed(self, x: Array, signals: Array) -> Array:
        """Flows, voltages and what passes the head, of the AC power flow at the injections of x (A13).

        Raises
        ------
        PowerFlowError
            If it has no solution.
        """
        p_mw, q_mvar = -self._signal(signals, "load_p_mw"), -self._signal(signals, "load_q_mvar")
        for kind, at in self._at.items():
            np.add.at(q_mvar, at, self._values(x, f"q_{kind}_mvar"))
            if kind == "storage":
                power = self._values(x, "p_discharge_mw") - self._values(x, "p_charge_mw")
            elif kind == "compensator":
                continue
            else:
                power = self._values(x, f"p_{kind}_mw")
            np.add.at(p_mw, at, power)
        self._take_for_capture(p_mw, x, signals)
        head_squared = self._head_squared(x, signals)
        flow = self._flow.solve(p_mw.T, q_mvar.T, None if head_squared is None else np.sqrt(head_squared))
        buy, sell = np.maximum(flow.p_slack_mw, 0.0), np.maximum(-flow.p_slack_mw, 0.0)
        head = self._shape.head
        told = {name: self._signal(signals, name) for name in head.signals}
        exact = x.copy()
        for name, value in (
            ("p_branch_mw", flow.p_from_mw),
            ("q_branch_mvar", flow.q_from_mvar),
            ("current_squared", (flow.i_pu * self._shape.feeder.base_mva) ** 2),
            ("voltage_squared", flow.vm_pu**2),
            ("q_grid_mvar", flow.q_slack_mvar),
            ("p_buy_mw", buy),
            ("p_sell_mw", sell),
        ):
            block = self._form.decisions[name]
            exact[block.start : block.stop] = value.T.ravel()
        decided = head_decisions(head, buy, sell, told)
        if head_squared is not None:
            decided["head_squared"] = head_squared
        for name, value in decided.items():
            block = self._form.decisions[name]
            exact[block.start : block.stop] = value.ravel()
        return exact

    def _take_for_capture(self, p_mw: Array, x: Array, signals: Array) -> None:
        """Take off at their buses what capture plants use of what turbines make (E1, E2)."""
        captures = self._shape.captures
        for at, unit, on in zip(
            self._at["turbine"], self._shape.turbines, self._signal(signals, "on"), strict=True
        ):
            if unit.capture is not None:
                regenerated = self._values(x, "regenerated_tco2_per_h")[captures.index(unit.name)]
                p_mw[at] -= unit.capture.energy_mwh_per_tco2 * regenerated + unit.capture.fixed_mw * on

    def _head_squared(self, x: Array, signals: Array) -> Array | None:
        """Squared voltage of the head within what signals allow; None where it is the feeder's own."""
        if self._shape.tap_changer is None:
            return None
        least, most = (self._signal(signals, name) for name in HEAD_SIGNALS)
        return np.clip(self._values(x, "head_squared"), least, most)

    def better_switches(
        self, x: Array, signals: Array, numbers: Numbers, multipliers: Multipliers
    ) -> NDArray[np.int8]:
        """Whether each storage would better charge, at the nodal prices of x; -1 where it would rest."""
        shape, own = self._shape, numbers.cost
        worth = self._form.sensitivity(x, signals, multipliers)
        price = self._cut(worth, self._form.signals["load_p_mw"])[self._at["storage"]]
        costs = [
            price + sign * self._cut(own, self._form.decisions[name])
            for name, sign in (("p_charge_mw", 1.0), ("p_discharge_mw", -1.0))
        ]
        initial = self._signal(signals, "initial_mwh")
        return np.concatenate(
            [
                best_directions(unit, float(initial[place]), costs[0][place], costs[1][place], shape.period_h)
                for place, unit in enumerate(shape.storages)
            ]
        )

    def starts(self, still: Array, numbers: Numbers) -> tuple[Array, ...]:
        """All units draw as much reactive power as they may, or give as much: burning may be needed."""
        drawing, giving = still.copy(), still.copy()
        for kind in self._at:
            block = self._form.decisions[f"q_{kind}_mvar"]
            at = slice(block.start, block.stop)
            drawing[at], giving[at] = numbers.lower[at], numbers.upper[at]
        return drawing, giving

    def tilts(self, numbers: Numbers) -> tuple[Array, ...]:
        """Reactive power to the head made dear, or cheap.

        Energy is burnt best by reactive power that goes one way, up to the highest or the lowest voltage.
        """
        tilt, block = np.zeros_like(numbers.cost), self._form.decisions["q_grid_mvar"]
        tilt[block.start : block.stop] = _TILT * np.abs(numbers.cost).max()
        return tilt, -tilt

    def blended(self, points: tuple[Array, ...], numbers: Numbers) -> Array:
        """The cheapest of the points in each period; storages may have to make up for the seams."""
        period = np.concatenate(
            [np.arange(block.stop - block.start) % self._shape.n_period for block in self._blocks]
        )
        costs = [np.bincount(period, weights=numbers.cost * x) for x in points]
        cheapest = np.argmin(costs, axis=0)[period]
        return np.asarray(np.choose(cheapest, points))

    @property
    def _blocks(self) -> list[Block]:
        """Of all decisions, in their order; the period is the last index of each."""
        return sorted(self._form.decisions.values(), key=lambda block: block.start)

    def _signal(self, signals: Array, name: str) -> Array:
        return self._cut(signals, self._form.signals[name])

    def _values(self, x: Array, name: str) -> Array:
        return self._cut(x, self._form.decisions[name])

    @staticmethod
    def _cut(values: Array, block: Block) -> Array:
        return values[block.start : block.stop].reshape(block.shape)
