"""The benchmark of an active feeder measures both sides, and HiGHS finds no better positions."""

from __future__ import annotations

import numpy as np
import pytest

from gridarium.agents.feeder.tap_search import GAP, TapSearch
from gridarium.experiments.benchmarks.active_network import bench_active_network
from gridarium.experiments.benchmarks.active_network_instances import (
    active_day,
    active_shape,
    fresh_dispatcher,
    short_shape,
)
from gridarium.experiments.benchmarks.one_hot_taps import one_hot_form, solve_one_hot


def test_all_is_measured() -> None:
    measured = bench_active_network(days=1, horizon=3, hours=2)
    assert measured["largest_gap"] <= 2e-4
    assert measured["largest_ac_cost_error"] <= 1e-4 and measured["largest_ac_voltage_error_pu"] <= 1e-4
    assert measured["whole_to_fixed"] > 1.0 and measured["one_hot_cpu_s"] > 0.0
    assert measured["median_saving"] > 0.0
    assert abs(measured["one_hot_difference"]) <= 2.0 * GAP


@pytest.mark.parametrize("first", [6, 17])
def test_highs_finds_no_better_positions(first: int) -> None:
    """Also where the first position is far from the best ones, and moves are short."""
    shape = short_shape(3, moves=2)
    search, day = TapSearch(fresh_dispatcher(shape)), active_day(shape, first=first)
    found = search.review(day, before=-1)
    other = solve_one_hot(search, one_hot_form(shape, search.usable, -1), day, -1)
    assert shape.tap_changer is not None and found is not None
    assert shape.tap_changer.moves(other.position, -1) <= 2
    dispatch = search.dispatcher.attempt(search.at(day, other.position))
    assert dispatch is not None
    scale = abs(dispatch.cost_money)
    assert found.dispatch.cost_money <= dispatch.cost_money + GAP * scale
    # Both bounds are below what any positions cost, and that of HiGHS is the higher one.
    assert found.bound_money <= other.cost_money + 2e-5 * scale
    assert other.cost_money <= dispatch.cost_money + 2e-5 * scale


def test_the_day_is_that_of_the_scenario() -> None:
    shape = active_shape()
    day = active_day(shape)
    assert day.load_p_mw.sum(axis=0).max() == pytest.approx(8.2)
    assert int(np.argmax(day.load_p_mw.sum(axis=0))) == 19
    assert shape.feeder.n_bus == 33 and shape.tap_changer is not None
    assert {name for name, _ in shape.sites} >= {"svc_33", "pv_22", "pv_30", "wind_20"}
    assert day.available_mw.shape == (len(shape.renewables), 24)
