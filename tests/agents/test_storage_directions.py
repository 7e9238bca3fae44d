"""Directions of a storage against enumeration of all of them."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy.optimize import linprog

from gridarium.agents.feeder.storage_directions import best_directions
from gridarium.environment.arrays import Array
from gridarium.environment.storage import StorageRatings

UNIT = StorageRatings("s", 0.5, 1.0, 0.1, 0.9, 0.5, 0.92, 0.95, 0.5)


def cost_at(directions: Array, draw: Array, feed: Array, initial: float) -> float:
    """Cheapest day with each period's direction given, by linear programming; inf where there is none."""
    n = len(draw)
    charges = directions > 0
    gain = np.where(charges, UNIT.efficiency_charge, -1.0 / UNIT.efficiency_discharge)
    low, high = UNIT.band_mwh
    sums = np.tril(np.ones((n, n))) * gain
    found = linprog(
        np.where(charges, draw, -feed),
        A_ub=np.vstack([sums, -sums]),
        b_ub=np.concatenate([np.full(n, high - initial), np.full(n, initial - low)]),
        A_eq=gain[None, :],
        b_eq=[0.0],
        bounds=[(0.0, UNIT.p_max_mw)] * n,
    )
    return float(found.fun) if found.status == 0 else np.inf


@pytest.mark.parametrize("seed", range(8))
def test_directions_are_the_best_of_all(seed: int) -> None:
    random = np.random.default_rng(seed)
    price = random.uniform(-900.0, [-10.0, 600.0][seed % 2], 6)
    draw, feed = price + 1.0, price - 2.0
    best = min(cost_at(np.array(one), draw, feed, 0.45) for one in product([0, 1], repeat=6))
    directions = best_directions(UNIT, 0.45, draw, feed, 1.0)
    resting = np.flatnonzero(directions < 0)
    found = min(
        cost_at(np.where(np.isin(np.arange(6), chosen), 1, np.maximum(directions, 0)), draw, feed, 0.45)
        for chosen in ([], list(resting))
    )
    assert found <= best + 0.01 * np.abs(price).max() * UNIT.p_max_mw


def test_a_storage_without_a_band_rests() -> None:
    fixed = StorageRatings("s", 0.5, 1.0, 0.5, 0.5, 0.5, 0.92, 0.95, 0.5)
    assert (best_directions(fixed, 0.5, np.ones(3), np.ones(3), 1.0) == -1).all()
