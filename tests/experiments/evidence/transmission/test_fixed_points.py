"""Fixed points from many starts, and the slope at one, on maps whose answers are known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridarium.agents.region.region_day import RegionDay
from gridarium.agents.region.region_demand import Flexibility, RegionDemand
from gridarium.environment.arrays import Array
from gridarium.environment.clock import Clock
from gridarium.environment.grids import Grid
from gridarium.environment.network import Feeder
from gridarium.environment.world import World
from gridarium.experiments.evidence.transmission.fixed_points import (
    from_many_starts,
    random_loads,
    spectral_radius,
)

REST: Array = np.array([[40.0, 60.0, 80.0], [20.0, 30.0, 50.0]])


def around_rest(matrix: Array) -> object:
    return lambda load: REST + (matrix @ (load - REST).ravel()).reshape(REST.shape)


def with_eigenvalues(random: np.random.Generator, blocks: list[Array]) -> Array:
    """A matrix that is not symmetric, with given blocks on its diagonal."""
    n = sum(len(block) for block in blocks)
    inner, at = np.zeros((n, n)), 0
    for block in blocks:
        inner[at : at + len(block), at : at + len(block)] = block
        at += len(block)
    basis = np.eye(n) + 0.3 * random.standard_normal((n, n))
    return basis @ inner @ np.linalg.inv(basis)


def turning(modulus: float, angle: float) -> Array:
    c, s = modulus * np.cos(angle), modulus * np.sin(angle)
    return np.array([[c, -s], [s, c]])


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    modulus=st.floats(0.2, 1.5),
    kind=st.sampled_from(["real", "negative", "opposite", "complex"]),
)
def test_the_largest_eigenvalue_is_found_whatever_its_sign(seed: int, modulus: float, kind: str) -> None:
    random = np.random.default_rng(seed)
    first = {
        "real": np.array([[modulus]]),
        "negative": np.array([[-modulus]]),
        "opposite": np.diag([modulus, -modulus]),
        "complex": turning(modulus, random.uniform(0.3, 2.8)),
    }[kind]
    rest = [np.array([[value]]) for value in modulus * random.uniform(-0.6, 0.6, 6 - len(first))]
    matrix = with_eigenvalues(random, [first, *rest])
    assert np.abs(np.linalg.eigvals(matrix)).max() == pytest.approx(modulus)
    found = spectral_radius(around_rest(matrix), REST, random)  # type: ignore[arg-type]
    assert found == pytest.approx(modulus, rel=0.02)


def test_a_map_that_forgets_where_it_was_has_no_slope() -> None:
    assert spectral_radius(lambda load: REST, REST, np.random.default_rng(0)) == 0.0


def test_contraction_comes_to_one_point_at_its_rate() -> None:
    random = np.random.default_rng(1)
    matrix = with_eigenvalues(random, [np.array([[-0.5]]), np.array([[0.3]]), *[np.array([[0.1]])] * 4])
    starts = [REST + random.uniform(-20.0, 20.0, REST.shape) for _ in range(5)]
    found = from_many_starts(around_rest(matrix), starts, tolerance=1e-8)  # type: ignore[arg-type]
    assert found.at_rest.all() and found.spread < 1e-7
    assert found.points_mw[3] == pytest.approx(REST, abs=1e-5)
    assert found.rounds.min() >= 20 and found.rounds.max() <= 32
    # Damping d makes 1 - d + d z of each z: at 0.5 the largest is 0.65 instead.
    slower = from_many_starts(around_rest(matrix), starts, damping=0.5, tolerance=1e-8)  # type: ignore[arg-type]
    assert slower.at_rest.all() and slower.rounds.min() > found.rounds.max()


def test_two_fixed_points_are_told_from_one() -> None:
    # Each load goes to 10 or to 90, whichever is nearer.
    found = from_many_starts(
        lambda load: load + 0.5 * (np.where(load < 50.0, 10.0, 90.0) - load),
        [np.full((1, 2), 20.0), np.full((1, 2), 80.0), np.array([[20.0, 80.0]])],
    )
    assert found.at_rest.all()
    assert found.spread == pytest.approx(80.0 / 90.0, abs=1e-3)


def test_a_cycle_is_no_fixed_point() -> None:
    found = from_many_starts(
        lambda load: 100.0 - load, [np.full((1, 2), 20.0), np.full((1, 2), 50.0)], round_limit=7
    )
    assert found.at_rest.tolist() == [False, True]
    assert found.rounds.tolist() == [7, 1]
    assert np.isnan(found.spread)


def test_random_loads_are_ones_that_followers_could_come_to() -> None:
    clock = Clock(pd.Timestamp("2026-06-15", tz="Asia/Shanghai"), 3600.0)
    world = World(Grid(Feeder.copper_plate(), np.zeros(4)), clock, 4, 0.0, 1)
    base = np.array([50.0, 60.0, 70.0, 80.0])
    own = Flexibility(0.2, 0.0, 30.0, 0.5)
    days = [RegionDay(world, f"r{i}", RegionDemand(base, own), 80.0, 0.0, 1.0) for i in range(2)]
    loads = random_loads(days, 100.0, np.random.default_rng(0), 6)
    assert [load.shape for load in loads] == [(2, 4)] * 6
    whole = np.array(loads)
    assert (whole >= 0.8 * base - 1e-6).all() and (whole <= base + 1e-6).all()
    assert np.ptp(whole, axis=0).min() > 5.0
