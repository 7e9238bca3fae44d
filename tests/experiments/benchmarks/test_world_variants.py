"""Random variants of one world: what is drawn, how levels are judged, and what a turn of prices is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from gridarium.experiments.benchmarks import world
from gridarium.experiments.benchmarks.world_instances import WorldDraw, draw_world, variant_of
from gridarium.experiments.benchmarks.world_variants import (
    LevelEnd,
    WorldOutcome,
    cycle_of,
    ending_of,
    judged,
    of_control,
    summarise,
)


def small(drawn: WorldDraw) -> Any:
    """A variant with one feeder of model B alone, for six hours."""
    tree: Any = variant_of(drawn)
    grids = {name: tree["grids"][name] for name in ("bulk", "b")}
    return {**tree, "horizon_h": 6, "grids": grids}


def test_all_is_drawn_again_from_its_seed_and_comes_into_the_world() -> None:
    drawn = draw_world(3)
    assert drawn == draw_world(3) != draw_world(4)
    base, tree = variant_of(as_it_is(3)), variant_of(drawn)
    coal = [one["grids"]["bulk"]["thermal_units"]["coal"]["cost_linear_per_mwh"] for one in (base, tree)]
    assert coal[1] == pytest.approx(drawn.fuel["coal"] * coal[0])
    rounds = [one["grids"]["bulk"]["ties"]["rounds"] for one in (tree, variant_of(drawn, prices_alone=True))]
    assert [one["kind"] for one in rounds] == ["exchange", "prices"]


def as_it_is(seed: int) -> WorldDraw:
    """A draw that leaves the base alone."""
    drawn = draw_world(seed)
    fuel, emission, renewables, stored, response = (
        dict.fromkeys(values, 1.0)
        for values in (drawn.fuel, drawn.emission, drawn.renewables, drawn.stored, drawn.response)
    )
    return WorldDraw(seed, fuel, emission, renewables, stored, response)


def test_a_small_variant_comes_to_rest_at_every_level() -> None:
    outcome = judged(draw_world(2), small(draw_world(2)))
    assert (outcome.ending, outcome.detail) == ("converged", "")
    assert 1 < outcome.rounds <= 100
    assert outcome.messages > outcome.rounds
    assert 0.0 < outcome.solver_share < 1.0


def test_a_variant_that_is_cut_short_is_open_with_its_residual() -> None:
    tree = small(draw_world(2))
    tree["grids"]["bulk"]["ties"]["rounds"]["round_limit"] = 2
    outcome = judged(draw_world(2), tree)
    assert outcome.ending == "open"
    assert outcome.detail.startswith("bulk/ties round limit after")


REST = LevelEnd("a/dso", 9, "converged", 0.5, 0)
CYCLE = LevelEnd("a/dso", 9, "cycle", 40.0, 1)
OPEN = LevelEnd("a/dso", 60, "round limit", 40.0, 1)


@pytest.mark.parametrize(
    ("levels", "period", "ending"),
    [
        ([REST, REST], 0, "converged"),
        ([REST._replace(rounds=101), REST], 0, "open"),
        ([REST._replace(residual=1.5), REST], 0, "open"),
        ([REST, CYCLE], 0, "cycle"),
        ([REST, CYCLE, OPEN], 0, "open"),
        ([OPEN, REST], 4, "cycle"),
        ([OPEN, REST], 0, "open"),
        ([CYCLE, REST], 0, "cycle"),
    ],
)
def test_a_day_is_judged_by_all_of_its_levels(levels: list[LevelEnd], period: int, ending: str) -> None:
    assert ending_of(levels, period) == ending


def test_prices_that_wander_or_rest_do_not_go_round() -> None:
    wandering = [np.array([1.1**number, 1.0]) for number in range(20)]
    assert cycle_of(wandering)[0] == 0
    turn = [np.array([price, 50.0]) for price in (10.0, 20.0, 40.0)]
    period, size = cycle_of(wandering + 2 * turn)
    assert period == 3 and size == pytest.approx(0.6)
    assert cycle_of(wandering + turn)[0] == 0


def test_numbers_of_all_outcomes() -> None:
    one = WorldOutcome(draw_world(1), "converged", "", 30, 2, messages=10, cpu_s=2.0, solver_share=0.5)
    outcomes = [one, replace(one, rounds=50), replace(one, ending="cycle", period=2, size=0.3), one]
    found = summarise(outcomes)
    assert (found["converged_share"], found["median_rounds"], found["most_rounds"]) == (0.75, 30.0, 50.0)
    assert (found["solver_share"], found["inner_not_at_rest_on_the_way"]) == (0.5, 8.0)
    control = of_control(outcomes)
    assert (control["cycle_share"], control["shortest_period"], control["least_size"]) == (0.25, 2.0, 0.3)


def test_rounds_of_a_day_are_counted_and_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world, "world_of", lambda count, scheme: small(draw_world(2)))
    day = world.negotiate(1, "ladder")
    assert day.rounds > 1 and day.at_rest
    assert 0.0 < day.per_round_s < day.cpu_s
    assert day.messages > day.rounds
