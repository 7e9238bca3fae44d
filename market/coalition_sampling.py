"""Shapley values of games with hundreds of players, estimated from random orders of joining."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gridarium.environment.arrays import Array, Flags, Index
from gridarium.environment.errors import Fault, InputError
from gridarium.market.coalition_orders import AntitheticOrders, OrderDesign
from gridarium.market.mean_intervals import mean_intervals

_LEAST_UNITS = 50
"""Units of orders before an interval is trusted."""
_MOST_ASKED = 2**16
"""Coalitions asked at a time."""
_ROUNDING = 1e-13
"""Of values, as a share of the largest."""

CoalitionValues = Callable[[Flags], Array]
"""Takes coalitions as rows of flags, shape (n_coalition, n_player); returns values, shape (n_coalition,)."""


@dataclass(frozen=True, slots=True, eq=False)
class SampledShapley:
    """Estimated Shapley values with what is known about their error.

    Parameters
    ----------
    mean : ndarray, shape (n_player,)
        Estimates in the unit of v; they sum to v(N).
    low, high : ndarray, shape (n_player,)
        Bounds of each player's interval, in the unit of v. They hold for one player at a time.
    n_unit : int
        Independent units of orders.
    n_evaluation : int
        Coalitions that were asked.
    reached : bool
        Whether every half-width is at most what was asked for; True where none was.
    """

    mean: Array
    low: Array
    high: Array
    n_unit: int
    n_evaluation: int
    reached: bool

    @property
    def half_width(self) -> Array:
        """Distance from the estimate to the further bound, in the unit of v, shape (n_player,)."""
        return np.maximum(self.high - self.mean, self.mean - self.low)


def sample_shapley(
    n_player: int,
    value: CoalitionValues,
    random: np.random.Generator,
    *,
    most_evaluations: int,
    half_width: float | None = None,
    orders: OrderDesign | None = None,
    confidence: float = 0.95,
) -> SampledShapley:
    """Estimate Shapley values by what players add in random orders.

    Parameters
    ----------
    n_player : int
        Number of players, at least 1.
    value : callable
        v of many coalitions at once, see `CoalitionValues`; 0 for the empty one.
    random : Generator
        Where the orders come from.
    most_evaluations : int
        Most coalitions that are asked, enough for 50 units of orders; an order asks n_player - 1.
    half_width : float, optional
        Stop as soon as the intervals of all players reach no further than this from their estimates, in
        the unit of v; by default all evaluations are used.
    orders : OrderDesign, optional
        How orders are drawn; `AntitheticOrders` by default.
    confidence : float
        Probability that an interval holds its value, in (0, 1).

    Returns
    -------
    SampledShapley

    Raises
    ------
    InputError
        If a number is outside its range, if v is not one finite number a coalition, or if the empty
        coalition is worth something.

    Notes
    -----
    D19: ``phi_i`` is the mean of ``v(S + i) - v(S)`` over orders, S being who comes before. Orders of a
    unit depend on each other, so an interval is one of the mean over units, see `mean_intervals`.

    Examples
    --------
    >>> def runway(coalitions):  # of the length that the largest member needs, 0 to 199
    ...     return -(coalitions * np.arange(200.0)).max(axis=1)
    >>> found = sample_shapley(200, runway, np.random.default_rng(1), most_evaluations=40_000)
    >>> bool(found.low[1] <= -1 / 199 <= found.high[1]), found.n_evaluation
    (True, 39802)
    """
    design = AntitheticOrders() if orders is None else orders
    _check(n_player, most_evaluations, half_width, confidence, design)
    sampler = _Sampler(n_player, value, random, design)
    # A game of one player asks nothing on the way.
    asked = sampler.asked_per_unit
    most_units = (most_evaluations - 2) // asked if asked else _LEAST_UNITS
    units = sampler.draw(most_units if half_width is None else _LEAST_UNITS)
    while True:
        found = _estimate(sampler, units, confidence, half_width)
        if half_width is None or found.reached or len(units) == most_units:
            return found
        # Few looks: each is another chance for an interval to look narrower than it is.
        growth = min(max((float(found.half_width.max()) / half_width) ** 2, 1.2), 4.0)
        wanted = min(math.ceil(growth * len(units)), most_units)
        units = np.concatenate([units, sampler.draw(wanted - len(units))])


def _estimate(sampler: _Sampler, units: Array, confidence: float, half_width: float | None) -> SampledShapley:
    mean = units.mean(axis=0)
    low, high = mean_intervals(units, confidence, _ROUNDING * sampler.largest)
    widest = max(float((high - mean).max()), float((mean - low).max()))
    reached = half_width is None or widest <= half_width
    return SampledShapley(mean, low, high, len(units), sampler.n_evaluation, reached)


class _Sampler:
    """Draws units of orders and asks for the values of the coalitions on their way."""

    def __init__(
        self, n_player: int, value: CoalitionValues, random: np.random.Generator, design: OrderDesign
    ) -> None:
        self._n_player, self._value, self._random, self._design = n_player, value, random, design
        self.n_evaluation, self.largest = 0, 0.0
        self.asked_per_unit = design.orders_per_unit(n_player) * (n_player - 1)
        nobody, everybody = self._ask(np.arange(2)[:, None] * np.ones(n_player) > 0.0)
        if nobody != 0.0:
            allowed = "must be 0: subtract what is earned without any player from all values"
            raise InputError("sampled Shapley value", [Fault("v()", float(nobody), allowed)])
        self._total = everybody

    def draw(self, n_unit: int) -> Array:
        """What each player adds on average within each of so many new units, shape (n_unit, n_player)."""
        at_a_time = max(_MOST_ASKED // max(self.asked_per_unit, 1), 1)
        counts = [min(at_a_time, n_unit - done) for done in range(0, n_unit, at_a_time)]
        return np.concatenate([self._unit_means(count) for count in counts])

    def _unit_means(self, n_unit: int) -> Array:
        orders = self._design.draw(self._random, n_unit, self._n_player)
        added = self._added(orders.reshape(-1, self._n_player))
        return np.asarray(added.reshape(orders.shape).mean(axis=1))

    def _added(self, orders: Index) -> Array:
        """What each player adds in each order, shape (n_order, n_player)."""
        place = np.argsort(orders, axis=1)
        present = place[:, None, :] <= np.arange(self._n_player - 1)[:, None]
        path = np.zeros((len(orders), self._n_player + 1))
        path[:, 1:-1] = self._ask(present.reshape(-1, self._n_player)).reshape(len(orders), -1)
        path[:, -1] = self._total
        return np.asarray(np.take_along_axis(np.diff(path, axis=1), place, axis=1))

    def _ask(self, coalitions: Flags) -> Array:
        if not len(coalitions):
            return np.zeros(0)
        values: Array = np.asarray(self._value(coalitions), dtype=np.float64)
        if values.shape != (len(coalitions),):
            allowed = f"must be one value for each of {len(coalitions)} coalitions"
            raise InputError("sampled Shapley value", [Fault("value", values.shape, allowed)])
        wrong = np.flatnonzero(~np.isfinite(values))
        if wrong.size:
            members = np.flatnonzero(coalitions[wrong[0]]).tolist()
            fault = Fault(
                f"v({', '.join(map(str, members))})", float(values[wrong[0]]), "must be a finite number"
            )
            raise InputError("sampled Shapley value", [fault])
        self.n_evaluation += len(coalitions)
        self.largest = max(self.largest, float(np.abs(values).max()))
        return values


def _check(
    n_player: int, most_evaluations: int, half_width: float | None, confidence: float, design: OrderDesign
) -> None:
    """Raise an InputError that names all numbers outside their range."""
    faults = []
    if n_player < 1:
        faults.append(Fault("n_player", n_player, "must be an integer in [1, inf)"))
    else:
        least = 2 + _LEAST_UNITS * design.orders_per_unit(n_player) * (n_player - 1)
        if most_evaluations < least:
            allowed = (
                f"must be at least {least}: {_LEAST_UNITS} units of {design.orders_per_unit(n_player)} "
                f"orders, each of {n_player - 1} coalitions"
            )
            faults.append(Fault("most_evaluations", most_evaluations, allowed))
    if half_width is not None and not half_width > 0.0:
        faults.append(Fault("half_width", half_width, "must be in (0, inf), in the unit of v"))
    if not 0.0 < confidence < 1.0:
        faults.append(Fault("confidence", confidence, "must be in (0, 1)"))
    if faults:
        raise InputError("sampled Shapley value", faults)
