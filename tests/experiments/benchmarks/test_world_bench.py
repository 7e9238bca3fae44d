"""Worlds of ever more feeders: how they are made, counted and timed."""

from __future__ import annotations

from typing import Any

import pytest

from gridarium.experiments.benchmarks.world import negotiate, slope
from gridarium.experiments.benchmarks.world_instances import world_of


def test_feeders_are_single_of_all_kinds_in_turn_and_the_system_grows_with_them() -> None:
    small, large = (world_of(count) for count in (3, 6))
    grids: Any = large["grids"]
    assert list(grids) == ["bulk", "c_01", "a_02", "b_03", "c_04", "a_05", "b_06"]
    assert all(grid["replicas"] == 1 for name, grid in grids.items() if name != "bulk")
    before: Any = small["grids"]
    coal = [tree["bulk"]["thermal_units"]["coal"]["p_max_mw"] for tree in (before, grids)]
    assert coal[1] == pytest.approx(2.0 * coal[0])


def test_owners_share_what_the_pool_of_the_base_has() -> None:
    grids: Any = world_of(1, kinds=["a"], owners=5)["grids"]
    units = grids["a_01"]["storages"].values()
    assert len(units) == 5
    assert sum(unit["p_max_mw"] for unit in units) == pytest.approx(0.55)
    assert sum(unit["e_max_mwh"] for unit in units) == pytest.approx(0.8)


def test_rounds_of_a_day_are_counted_and_timed() -> None:
    tree: Any = world_of(1, kinds=["a"], owners=2)
    day = negotiate({**tree, "horizon_h": 12})
    assert day.rounds > 1 and day.at_rest
    assert 0.0 < day.per_round_s < day.cpu_s
    assert 0.0 < day.solver_share < 1.0
    assert day.messages > day.rounds and day.peak_mib > 0.0
    assert day.abatement_s > 0.0 and day.pools_s > 0.0


def test_the_slope_of_a_power_law_is_its_exponent() -> None:
    assert slope([3, 6, 12], [2.0 * n**1.5 for n in (3, 6, 12)]) == pytest.approx(1.5)
