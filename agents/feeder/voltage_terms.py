"""What holds the voltage in a dispatch: the head's, by a tap changer, and compensators of reactive power."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyomo.environ as pyo

from gridarium.environment.arrays import Array, Index
from gridarium.environment.voltage_control import Compensator, TapChanger

HEAD_SIGNALS = ("least_head_squared", "most_head_squared")
"""Of a shape with a tap changer: between which squared voltages its head may be in each period, p.u."""
TRAVEL_SIGNALS = ("head_before_squared", "travel_squared")
"""Of its relaxation besides: the squared voltage before the first period, and the most it changes in all."""
_KEPT_FROM_ZERO = 0.5
"""Share of the least squared voltage that the head's stays above whatever the signals are."""
_HELD_PU = 1e-9
"""Width of a band of voltages that counts as one voltage, p.u."""


@dataclass(frozen=True)
class HeadBand:
    """Where the voltage of a substation may be in each period.

    Parameters
    ----------
    least_pu, most_pu : ndarray, shape (n_period,)
        Both the same where a position of the tap changer is held.
    before_pu : float
        Before the first period.
    travel_squared : float
        Most that the squared voltage may change in all, from the one before on, p.u. squared.
    """

    least_pu: Array
    most_pu: Array
    before_pu: float
    travel_squared: float

    @classmethod
    def at(cls, changer: TapChanger, position: Index, rated_vm_pu: float) -> HeadBand:
        """Held at positions of a tap changer, shape (n_period,)."""
        held = changer.head_vm_pu(position, rated_vm_pu)
        # Twice what it takes: an interior point needs room.
        travel = 2.0 * float(np.abs(np.diff(held**2)).sum() + held[0] ** 2)
        return cls(held, held, float(held[0]), travel)

    @classmethod
    def free(
        cls, changer: TapChanger, usable: Index, before: int, rated_vm_pu: float, n_period: int
    ) -> HeadBand:
        """Anywhere between usable positions, whole or not: a relaxation of all paths from a position on.

        The squared voltage changes in all by no more than the longest step between usable positions, and that
        to them, as many times as there are steps.
        """
        vm_pu = changer.head_vm_pu(usable, rated_vm_pu)
        start = changer.head_vm_pu(np.array([before]), rated_vm_pu)
        way = changer.head_vm_pu(np.arange(min(before, usable[0]), max(before, usable[-1]) + 1), rated_vm_pu)
        step = float(np.diff(way**2).max(initial=0.0))
        return cls(
            np.full(n_period, vm_pu[0]),
            np.full(n_period, vm_pu[-1]),
            float(start[0]),
            step * changer.moves_per_day,
        )

    @property
    def is_held(self) -> bool:
        """Whether nothing is left to choose."""
        return bool(np.all(self.most_pu - self.least_pu <= _HELD_PU))

    @property
    def signals(self) -> dict[str, Array]:
        """The signals of a shape with a tap changer."""
        return dict(zip(HEAD_SIGNALS, (self.least_pu**2, self.most_pu**2), strict=True))

    @property
    def travel_signals(self) -> dict[str, float]:
        """Those of its relaxation besides."""
        return dict(zip(TRAVEL_SIGNALS, (self.before_pu**2, self.travel_squared), strict=True))


def usable_positions(changer: TapChanger, rated_vm_pu: float, band_pu: tuple[float, float]) -> Index:
    """Positions at which the substation itself is in the band of voltages, from the lowest."""
    vm_pu, (low, high) = changer.head_vm_pu(changer.positions, rated_vm_pu), band_pu
    return changer.positions[(vm_pu >= low - _HELD_PU) & (vm_pu <= high + _HELD_PU)]


def head_bounds(
    band_pu: tuple[float, float], rated_vm_pu: float, has_taps: bool
) -> tuple[float, float | None]:
    """Fixed bounds of the head's squared voltage; with a tap changer signals bound what it is equal to."""
    return (_KEPT_FROM_ZERO * band_pu[0] ** 2, None) if has_taps else (rated_vm_pu**2, rated_vm_pu**2)


def declare_tap_changer(m: Any) -> None:
    """v_0 = (k V)^2 between what the signals allow: a position held, or any ratio of a range (A18)."""
    m.least_head_squared, m.most_head_squared = pyo.Var(m.period), pyo.Var(m.period)
    m.head_squared = pyo.Var(m.period)
    m.least_head = pyo.Constraint(m.period, rule=lambda m, t: m.head_squared[t] >= m.least_head_squared[t])
    m.most_head = pyo.Constraint(m.period, rule=lambda m, t: m.head_squared[t] <= m.most_head_squared[t])
    m.head_voltage = pyo.Constraint(m.period, rule=lambda m, t: m.voltage_squared[0, t] == m.head_squared[t])


def declare_travel(m: Any) -> None:
    """sum_t |v_0t - v_0t-1| <= travel: no more than a day's steps can change it."""
    m.head_before_squared, m.travel_squared = pyo.Var(), pyo.Var()
    m.head_up, m.head_down = (pyo.Var(m.period, bounds=(0, None)) for _ in range(2))

    def before(m: Any, t: int) -> Any:
        return m.head_squared[t - 1] if t else m.head_before_squared

    m.head_change = pyo.Constraint(
        m.period, rule=lambda m, t: m.head_squared[t] - before(m, t) == m.head_up[t] - m.head_down[t]
    )
    m.head_travel = pyo.Constraint(
        expr=sum(m.head_up[t] + m.head_down[t] for t in m.period) <= m.travel_squared
    )


def declare_compensators(m: Any, units: Sequence[Compensator]) -> None:
    """Qmin <= Q_svc <= Qmax (A19)."""
    limits = {unit.name: (unit.q_min_mvar, unit.q_max_mvar) for unit in units}
    m.compensator = pyo.Set(initialize=list(limits), ordered=True)
    m.q_compensator_mvar = pyo.Var(m.compensator, m.period, bounds=lambda m, c, t: limits[c])
