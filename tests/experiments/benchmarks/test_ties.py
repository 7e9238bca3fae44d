"""The benchmark of a TIES: both sides of a ratio are measured, and split regions are the load they were."""

from __future__ import annotations

import pytest

from gridarium.agents.region.region import Region
from gridarium.experiments.benchmarks.ties import bench_ties, split_tree
from gridarium.experiments.running.world_build import build
from gridarium.experiments.scenario import check_case


def test_all_is_measured() -> None:
    measured = bench_ties(regions=(3,), repeats=1, scenario="ries-small")
    assert {"dispatch_to_conic", "whole_to_parts", "coalition_ms", "shapley_16_ms", "cpu_s_3"} <= set(
        measured
    )
    assert all(value > 0.0 for value in measured.values())


def test_more_regions_are_the_same_load() -> None:
    loads = []
    for count in (3, 12):
        scenario, faults = check_case(split_tree(count))
        assert scenario is not None and not faults
        regions = build(scenario).of(Region)
        assert len(regions) == count
        loads.append(sum(float(region.day(0).demand.base_mw.sum()) for region in regions))
    assert loads[0] == pytest.approx(loads[1])
