"""A price that climbs step by step: the lease fee of a line by its length, a carbon price by its excess."""

from __future__ import annotations

from dataclasses import dataclass
from typing import overload

import numpy as np

from gridarium.environment.arrays import Array
from gridarium.environment.errors import Fault, InputError


@dataclass(frozen=True, slots=True)
class LadderTariff:
    """Ladder of equally long steps whose price grows by the same amount on each step.

    Parameters
    ----------
    base : float
        Price on the first step, per unit of x, at least 0. For a leased line: money/(km MWh), so that the
        cost of a distance is a fee in money per MWh sent.
    interval : float
        Length of a step in units of x (km for a line), above 0.
    growth : float
        Rise of the price from step to step as a share of `base`, at least 0.
    steps : int
        Number of prices; the last step has no end.

    Raises
    ------
    InputError
        If a parameter is outside its range; with them the cost would not be convex.

    Notes
    -----
    E7. The five printed branches are steps 0 to 4. Below x = 0 the first price goes on (a credit).

    Examples
    --------
    >>> fee = LadderTariff(base=1.0, interval=50.0, growth=0.25)
    >>> [fee.cost(distance) for distance in (50, 100, 150, 200, 250)]
    [50.0, 112.5, 187.5, 275.0, 375.0]
    """

    base: float
    interval: float
    growth: float
    steps: int = 5

    def __post_init__(self) -> None:
        found: tuple[tuple[str, float, bool, str], ...] = (
            ("base", self.base, 0.0 <= self.base < float("inf"), "money per unit, in [0, inf)"),
            ("interval", self.interval, 0.0 < self.interval < float("inf"), "units of x, in (0, inf)"),
            ("growth", self.growth, 0.0 <= self.growth < float("inf"), "share of base, in [0, inf)"),
            ("steps", self.steps, self.steps >= 1, "an integer in [1, inf)"),
        )
        faults = [
            Fault(name, value, f"must be {allowed}") for name, value, right, allowed in found if not right
        ]
        if faults:
            raise InputError("ladder tariff", faults)

    @overload
    def cost(self, x: float) -> float: ...
    @overload
    def cost(self, x: Array) -> Array: ...
    def cost(self, x: float | Array) -> float | Array:
        """Cost of x units, in the money of `base`; a float for a float, an array for an array.

        Notes
        -----
        E7, ``l [(1 + k a)(D - k d) + d sum_{j<k} (1 + j a)]`` with ``k = min(floor(D / d), steps - 1)``;
        the sum is ``k + a k (k - 1) / 2``.
        """
        k = self._step(x)
        below = self.interval * (k + self.growth * k * (k - 1) / 2)
        return self.base * ((1 + k * self.growth) * (x - k * self.interval) + below)

    @overload
    def marginal(self, x: float) -> float: ...
    @overload
    def marginal(self, x: Array) -> Array: ...
    def marginal(self, x: float | Array) -> float | Array:
        """Price of the next unit after x, money per unit; where a step ends, that of the next step."""
        k = self._step(x)
        return self.base * (1 + k * self.growth)

    @overload
    def _step(self, x: float) -> int: ...
    @overload
    def _step(self, x: Array) -> Array: ...
    def _step(self, x: float | Array) -> int | Array:
        """Number of the step that x lies on, the first being 0."""
        if isinstance(x, np.ndarray):
            return np.clip(np.floor(x / self.interval), 0.0, self.steps - 1.0)
        return max(0, min(int(x / self.interval), self.steps - 1))

    def segments(self) -> list[tuple[float, float]]:
        """Start and price of each step, (x_from, slope); the slopes rise, so an LP needs no binaries.

        The cost of any x >= 0 is ``sum slope_k s_k`` with ``s_k <= interval`` on all steps but the last.
        """
        return [(k * self.interval, self.base * (1 + k * self.growth)) for k in range(self.steps)]
