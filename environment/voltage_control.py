"""Devices that hold voltages: a tap changer at the substation, and compensators of reactive power."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gridarium.environment.arrays import Array, Index
from gridarium.environment.errors import Fault, NetworkError


@dataclass(frozen=True, slots=True)
class TapChanger:
    """An on-load tap changer of the transformer at the head of a feeder.

    Parameters
    ----------
    first, last : int
        Lowest and highest position; at position 0 the substation has the voltage of the feeder's data.
    step_pu : float
        Change of the ratio from one position to the next, relative to that at position 0.
    moves_per_day : int
        Most steps that it may go on a day, up and down together.
    initial : int
        Position before the first period.
    name : str

    Raises
    ------
    NetworkError
        If a value is out of its range.

    Notes
    -----
    A18: k = k0 + n dk with n whole. The transformer stands at the head, so that only the head's voltage
    v0 = (k V)^2 follows from the position.
    """

    first: int
    last: int
    step_pu: float
    moves_per_day: int
    initial: int = 0
    name: str = "tap_changer"

    def __post_init__(self) -> None:
        faults = []
        if not 0.0 < self.step_pu < math.inf:
            faults.append(Fault("step_pu", self.step_pu, "must be above 0 p.u."))
        elif 1.0 + self.first * self.step_pu <= 0.0:
            allowed = f"must leave a ratio above 0 at steps of {self.step_pu:g} p.u."
            faults.append(Fault("first", self.first, allowed))
        if not self.first <= self.initial <= self.last:
            allowed = f"must be in [first, last] = [{self.first}, {self.last}]"
            faults.append(Fault("initial", self.initial, allowed))
        if self.moves_per_day < 0:
            faults.append(Fault("moves_per_day", self.moves_per_day, "must be 0 or more"))
        if faults:
            raise NetworkError("tap changer", faults)

    @property
    def positions(self) -> Index:
        """All of them, from the lowest."""
        return np.arange(self.first, self.last + 1)

    def head_vm_pu(self, position: Index, rated_vm_pu: float) -> Array:
        """Voltage of the substation at positions, p.u., of their shape."""
        return np.asarray(rated_vm_pu * (1.0 + self.step_pu * position))

    def nearest(self, head_vm_pu: Array, rated_vm_pu: float) -> Index:
        """The positions nearest to voltages of the substation."""
        position = np.rint((head_vm_pu / rated_vm_pu - 1.0) / self.step_pu).astype(np.int64)
        return np.clip(position, self.first, self.last)

    def moves(self, position: Index, before: int) -> int:
        """Steps from the position before, through those of all periods, shape (n_period,)."""
        return int(np.abs(np.diff(position, prepend=before)).sum())


@dataclass(frozen=True, slots=True)
class Compensator:
    """A compensator that gives or draws reactive power, such as an SVC (A19).

    Parameters
    ----------
    name : str
    q_min_mvar, q_max_mvar : float
        Least and most that it gives, Mvar; negative where it draws.

    Raises
    ------
    NetworkError
        If the range is empty.
    """

    name: str
    q_min_mvar: float
    q_max_mvar: float

    def __post_init__(self) -> None:
        if not -math.inf < self.q_min_mvar < self.q_max_mvar < math.inf:
            allowed = f"must be finite and below q_max_mvar = {self.q_max_mvar:g} Mvar"
            raise NetworkError(f"compensator {self.name}", [Fault("q_min_mvar", self.q_min_mvar, allowed)])

    @property
    def s_max_mva(self) -> float:
        """Most that it draws or gives, MVA."""
        return max(abs(self.q_min_mvar), abs(self.q_max_mvar))
