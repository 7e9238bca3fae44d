"""The best that sellers and buyers on leased lines could do together: an upper bound by a linear problem."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from gridarium.environment.arrays import Array
from gridarium.environment.errors import Fault, InputError, SolveError
from gridarium.market.tangents import Index, Pieces, joined, tangents
from gridarium.market.utility import Utility

_NOTHING_MWH = 1e-12
"""Energy that is none: dividing by less than this overflows."""


@dataclass(frozen=True, slots=True)
class MatchingPool:
    """Sellers, buyers and the lines between them in one slot, or in many slots side by side.

    Parameters
    ----------
    supply_mwh : ndarray, shape (n_ep,)
        What each seller can send, MWh.
    utilities : sequence of Utility, length n_ip
        What delivered energy is worth to each buyer.
    demand_max_mwh : ndarray, shape (n_ip,)
        Most each buyer can take, MWh delivered.
    seller, buyer : ndarray of int, shape (n_line,)
        Which two a line joins.
    cost_per_mwh : ndarray, shape (n_line,)
        Fee plus reservation price for each MWh sent on the line, at least 0.
    line_mwh : ndarray, shape (n_line,)
        Most that can be sent on the line, MWh.
    loss : ndarray, shape (n_line,)
        Share of the sent energy that is lost, in [0, 1).
    slot : ndarray of int, shape (n_ip,), optional
        Slot of each buyer in stacked pools; all 0 by default.
    n_slot : int
        Number of slots, also those without buyers.
    """

    supply_mwh: Array
    utilities: Sequence[Utility]
    demand_max_mwh: Array
    seller: Index
    buyer: Index
    cost_per_mwh: Array
    line_mwh: Array
    loss: Array
    slot: Index | None = None
    n_slot: int = 1

    @classmethod
    def of_matrices(
        cls,
        costs_per_mwh: ArrayLike,
        supplies_mwh: ArrayLike,
        utilities: Sequence[Utility],
        demand_max_mwh: ArrayLike,
        line_mwh: ArrayLike = np.inf,
        loss: ArrayLike = 0.0,
    ) -> MatchingPool:
        """Pool of one slot from matrices of shape (n_ep, n_ip); a cost of inf is no line."""
        costs = np.asarray(costs_per_mwh, dtype=np.float64)
        seller, buyer = np.nonzero(np.isfinite(costs))
        lines = [
            np.broadcast_to(np.asarray(each, dtype=np.float64), costs.shape) for each in (line_mwh, loss)
        ]
        return cls(
            np.asarray(supplies_mwh, dtype=np.float64),
            utilities,
            np.asarray(demand_max_mwh, dtype=np.float64),
            seller,
            buyer,
            costs[seller, buyer],
            lines[0][seller, buyer],
            lines[1][seller, buyer],
        )


@dataclass(frozen=True, slots=True)
class Matching:
    """Upper bound of the welfare and the volumes that come near it.

    Parameters
    ----------
    welfare_money : float
        No matching has a larger sum of utilities minus costs.
    achieved_money : float
        Welfare of the volumes below, so the optimum is between both.
    sent_mwh : ndarray, shape (n_line,)
        Energy sent on each line of the pool.
    delivered_mwh : ndarray, shape (n_ip,)
        Energy each buyer receives.
    welfare_by_slot_money, achieved_by_slot_money : ndarray, shape (n_slot,)
        The same for each slot.
    """

    welfare_money: float
    achieved_money: float
    sent_mwh: Array
    delivered_mwh: Array
    welfare_by_slot_money: Array
    achieved_by_slot_money: Array

    @property
    def tangent_error_money(self) -> float:
        """How far the bound can be above the optimum, money: what the tangents exceed the utilities by."""
        return self.welfare_money - self.achieved_money


def matching_welfare(
    costs_per_mwh: ArrayLike,
    supplies_mwh: ArrayLike,
    utilities: Sequence[Utility],
    demand_max_mwh: ArrayLike,
    line_mwh: ArrayLike = np.inf,
    loss: ArrayLike = 0.0,
) -> Matching:
    """Upper bound of the welfare of one slot; arguments as in `MatchingPool.of_matrices`."""
    return pool_welfare(
        MatchingPool.of_matrices(costs_per_mwh, supplies_mwh, utilities, demand_max_mwh, line_mwh, loss)
    )


def stacked(pools: Sequence[MatchingPool]) -> MatchingPool:
    """Pools of many slots side by side as one: nothing joins them, so one solve serves all."""
    n_ep = np.cumsum([0, *(len(pool.supply_mwh) for pool in pools)])
    n_ip = np.cumsum([0, *(len(pool.utilities) for pool in pools)])
    return MatchingPool(
        np.concatenate([pool.supply_mwh for pool in pools]),
        [utility for pool in pools for utility in pool.utilities],
        np.concatenate([pool.demand_max_mwh for pool in pools]),
        np.concatenate([pool.seller + first for pool, first in zip(pools, n_ep, strict=False)]),
        np.concatenate([pool.buyer + first for pool, first in zip(pools, n_ip, strict=False)]),
        np.concatenate([pool.cost_per_mwh for pool in pools]),
        np.concatenate([pool.line_mwh for pool in pools]),
        np.concatenate([pool.loss for pool in pools]),
        np.repeat(np.arange(len(pools)), [len(pool.utilities) for pool in pools]),
        len(pools),
    )


def pool_welfare(
    pool: MatchingPool, n_tangent: int = 9, relative_error: float = 1e-4, max_rounds: int = 12
) -> Matching:
    """Upper bound of the sum of utilities minus costs over all matchings of a pool.

    Parameters
    ----------
    pool : MatchingPool
    n_tangent : int
        Tangents on each utility in the first round, at least 2.
    relative_error : float
        Rounds end when the tangents exceed the utilities by less than this share of the bound.
    max_rounds : int
        Most solves; the error that is left is in the answer.

    Returns
    -------
    Matching

    Raises
    ------
    InputError
        If a volume, cost or loss is outside its range.
    SolveError
        If the linear problem is not solved.

    Notes
    -----
    ``max sum_i W_i(d_i) - sum_l c_l x_l`` with ``d_i = sum_l (1 - loss_l) x_l <= d_max_i``,
    ``sum_l x_l <= supply_j``, ``0 <= x_l <= line_l``. W_i is the lowest of some tangents of V_i: as V_i
    is concave, W_i >= V_i and the optimum is an upper bound. Each round adds the tangents at the
    volumes found. W_i enters by its pieces, whose slopes fall, so that no binaries are needed.
    """
    _check(pool, n_tangent)
    limit = _reach(pool)
    # More tangents near 0, where a utility bends most.
    touched = [[reach * (k / (n_tangent - 1)) ** 2 for k in range(n_tangent)] for reach in limit.tolist()]
    envelopes = [tangents(*each) for each in zip(pool.utilities, touched, strict=True)]
    for _ in range(max(max_rounds, 1)):
        sent, bound = _solve(pool, joined(envelopes), limit)
        delivered = _sums(pool.buyer, (1.0 - pool.loss) * sent, len(limit))
        value = np.array(
            [utility.value(p) for utility, p in zip(pool.utilities, delivered.tolist(), strict=True)]
        )
        spent = _sums(pool.buyer, pool.cost_per_mwh * sent, len(limit))
        allowed = relative_error * abs(float(np.sum(bound - spent)))
        if np.sum(bound - value) <= allowed:
            break
        for buyer in np.flatnonzero(bound - value > 0.5 * allowed / len(limit)).tolist():
            touched[buyer].append(float(delivered[buyer]))
            envelopes[buyer] = tangents(pool.utilities[buyer], touched[buyer])
    slot = np.zeros(len(limit), dtype=np.intp) if pool.slot is None else pool.slot
    by_slot, achieved = _sums(slot, bound - spent, pool.n_slot), _sums(slot, value - spent, pool.n_slot)
    return Matching(float(by_slot.sum()), float(achieved.sum()), sent, delivered, by_slot, achieved)


def _sums(group: Index, values: Array, n_group: int) -> Array:
    """Sum of the values of each group."""
    return np.bincount(group, values, n_group).astype(np.float64)


def _check(pool: MatchingPool, n_tangent: int) -> None:
    """List everything in a pool that is outside its range."""
    rules: tuple[tuple[str, Array, float, str], ...] = (
        ("supply_mwh", pool.supply_mwh, np.inf, "MWh, in [0, inf]"),
        ("demand_max_mwh", pool.demand_max_mwh, np.finfo(float).max, "MWh, in [0, inf)"),
        ("cost_per_mwh", pool.cost_per_mwh, np.finfo(float).max, "money/MWh, in [0, inf)"),
        ("line_mwh", pool.line_mwh, np.inf, "MWh, in [0, inf]"),
        ("loss", pool.loss, np.nextafter(1.0, 0.0), "a share, in [0, 1)"),
    )
    faults = [
        Fault(f"{name}[{index}]", float(values[index]), f"must be {allowed}")
        for name, values, most, allowed in rules
        for index in np.flatnonzero(~((values >= 0.0) & (values <= most))).tolist()
    ]
    if n_tangent < 2:
        faults.append(Fault("n_tangent", n_tangent, "must be a number of tangents, 2 or more"))
    if faults:
        raise InputError("matching", faults)


def _reach(pool: MatchingPool) -> Array:
    """Most a buyer can receive in an optimal matching, MWh, shape (n_ip,)."""
    n_ip, kept = len(pool.utilities), 1.0 - pool.loss
    arrives = _sums(pool.buyer, kept * np.minimum(pool.line_mwh, pool.supply_mwh[pool.seller]), n_ip)
    cheapest = np.full(n_ip, np.inf)
    np.minimum.at(cheapest, pool.buyer, pool.cost_per_mwh / kept)
    # Beyond its demand at the cheapest line every MWh costs more than it is worth.
    wanted = [u.demand(cost) for u, cost in zip(pool.utilities, cheapest.tolist(), strict=True)]
    return np.minimum(np.minimum(arrives, pool.demand_max_mwh), wanted)


def _solve(pool: MatchingPool, pieces: Pieces, limit: Array) -> tuple[Array, Array]:
    """Energy sent on each line, MWh, and W of each buyer, money, in the best matching."""
    from scipy.optimize import linprog
    from scipy.sparse import csr_array

    n_line, n_piece, n_ip = len(pool.seller), len(pieces.slope), len(limit)
    # Tolerances of the solver are absolute: volumes are counted in the largest one.
    unit = float(limit.max(initial=0.0))
    if unit <= _NOTHING_MWH:
        return np.zeros(n_line), np.zeros(n_ip)
    columns = np.arange(n_line + n_piece)
    # The stubs of scipy do not know that linprog takes sparse matrices.
    sent: Any = csr_array(
        (np.ones(n_line), (pool.seller, columns[:n_line])), (len(pool.supply_mwh), len(columns))
    )
    received: Any = csr_array(
        (
            np.concatenate([pool.loss - 1.0, np.ones(n_piece)]),
            (np.concatenate([pool.buyer, pieces.buyer]), columns),
        ),
        (n_ip, len(columns)),
    )
    most = np.concatenate([np.minimum(pool.line_mwh, pool.supply_mwh[pool.seller]), pieces.width]) / unit
    answer: Any = linprog(
        np.concatenate([pool.cost_per_mwh, -pieces.slope]) * unit,
        sent,
        pool.supply_mwh / unit,
        received,
        np.zeros(n_ip),
        [(0.0, largest) for largest in most.tolist()],
        method="highs",
    )
    if answer.status != 0:
        raise SolveError(f"matching of {len(pool.supply_mwh)} sellers and {n_ip} buyers: {answer.message}")
    volumes = answer.x * unit
    return volumes[:n_line], _sums(pieces.buyer, pieces.slope * volumes[n_line:], n_ip)
