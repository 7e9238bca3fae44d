"""The benchmark of dispatch with green labels: what its numbers must say of each other."""

from __future__ import annotations

import numpy as np

from gridarium.experiments.benchmarks.vpp import bench_vpp
from gridarium.experiments.benchmarks.vpp_instances import drawn_day


def test_methods_are_ordered_by_what_they_prove() -> None:
    measured = bench_vpp(sizes=(2, 4), drawn_seeds=(15,), grids=((25, 21), (49, 21)))
    plain, cut, share = (
        measured[f"{name}_gap_of_saving_percent"] for name in ("mccormick", "piecewise", "share")
    )
    assert 0.0 <= share < 1.0 < cut < plain
    assert measured["share_gap_percent"] < 0.05
    assert measured["mccormick_overstated_of_saving_percent"] > 5.0
    assert 0.0 <= measured["gap_percent_4"] <= measured["widest_gap_percent_4"] < 0.05
    assert measured["s_4"] > 0.0
    for pricing in ("uniform", "nodal"):
        assert 0.0 <= measured[f"drawn_widest_gap_percent_{pricing}"] < 0.05
        coarse, fine = (measured[f"grid_{n}_21_above_percent_{pricing}"] for n in (25, 49))
        assert -0.05 < fine < coarse < 0.5
    assert "exponent" in measured


def test_drawn_days_follow_their_seed() -> None:
    first, again, other = drawn_day(3), drawn_day(3), drawn_day(4)
    assert np.array_equal(first.region.load_mw, again.region.load_mw)
    assert not np.array_equal(first.region.load_mw, other.region.load_mw)
