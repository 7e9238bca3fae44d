"""Random variants of one world: what is drawn, how levels are judged, and what a turn of prices is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gridarium.environment.errors import InputError
from gridarium.experiments.benchmarks.catalogue import run_benchmark
from gridarium.experiments.benchmarks.outcome_file import OutcomeFile
from gridarium.experiments.benchmarks.world_instances import WorldDraw, draw_world, variant_of
from gridarium.experiments.benchmarks.world_rounds import Turn
from gridarium.experiments.benchmarks.world_variants import (
    LevelEnd,
    WorldOutcome,
    bench_world_variants,
    ending_of,
    judged,
    summarise,
    tree_of,
)


def small(drawn: WorldDraw, prices_alone: bool = False) -> Any:
    """A variant with one feeder of model B alone, for six hours."""
    tree: Any = variant_of(drawn, prices_alone)
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
    # As many feeders as the system is large for: one does not move it.
    tree["grids"]["b"]["replicas"] = 160
    outcome = judged(draw_world(2), tree)
    assert outcome.ending == "open"
    assert outcome.detail.startswith("bulk/ties round limit after")


REST = LevelEnd("a/dso", 9, "converged", 0.5, 0)
OPEN = LevelEnd("a/dso", 60, "round limit", 40.0, 1)
TURN = Turn(2, 0.3, {"a/dso": 0.1})


@pytest.mark.parametrize(
    ("levels", "turn", "ending"),
    [
        ([REST, REST], None, "converged"),
        ([REST._replace(rounds=101), REST], None, "open"),
        ([REST._replace(residual=1.5), REST], None, "open"),
        ([REST, OPEN], None, "open"),
        ([OPEN._replace(ended="cycle"), REST], None, "open"),
        ([OPEN, REST], TURN, "cycle"),
        ([OPEN, OPEN], TURN, "cycle"),
    ],
)
def test_a_day_is_judged_by_all_of_its_levels(levels: list[LevelEnd], turn: Turn | None, ending: str) -> None:
    assert ending_of(levels, turn) == ending


def test_prices_alone_go_round_at_full_steps_to_their_limit() -> None:
    tree = {**small(draw_world(4), prices_alone=True), "horizon_h": 12}
    tree["grids"]["bulk"]["ties"]["rounds"] |= {"damping": 1.0, "patience": 14, "round_limit": 14}
    # As many feeders as the system is large for, with plants that jump with the price.
    tree["grids"]["b"]["replicas"] = 160
    tree["grids"]["b"]["vpps"]["vpp"]["planner"] = "greedy"
    outcome = judged(draw_world(4), tree)
    assert (outcome.ending, outcome.rounds, outcome.period) == ("cycle", 14, 4)
    assert outcome.residual > 100.0 and outcome.load_size > 0.1
    assert "loads by b/operator" in outcome.detail


def test_numbers_of_all_outcomes() -> None:
    one = WorldOutcome(draw_world(1), "converged", "", 30, 0.5, 2, messages=10, cpu_s=2.0, solver_share=0.5)
    round_ = replace(one, ending="cycle", period=2, price_size=0.3, load_size=0.1)
    outcomes = [one, replace(one, rounds=50), round_, replace(one, ending="open", residual=7.0)]
    found = summarise(outcomes)
    assert (found["converged_share"], found["median_rounds_at_rest"], found["most_rounds"]) == (
        0.5,
        40.0,
        50.0,
    )
    assert (found["solver_share"], found["inner_not_at_rest_on_the_way"]) == (0.5, 8.0)
    assert (found["cycle_share"], found["shortest_period"], found["least_cycle_load_size"]) == (
        0.25,
        2.0,
        0.1,
    )
    assert (found["open_share"], found["largest_open_residual"]) == (0.25, 7.0)


def test_controls_have_plants_that_follow_a_rule_or_none() -> None:
    trees: Any = [tree_of(1, played) for played in ("exchange", "prices", "prices-without-plants")]
    assert [set(tree["grids"]) for tree in trees[1:]] == [{"bulk", "c", "a", "b"}, {"bulk", "c", "a"}]
    assert "planner" not in trees[0]["grids"]["b"]["vpps"]["vpp"]
    assert trees[1]["grids"]["b"]["vpps"]["vpp"]["planner"] == "greedy"


def test_outcomes_are_kept_and_not_played_again(tmp_path: Path) -> None:
    file = tmp_path / "outcomes.jsonl"
    for seed in (4, 5):
        outcome = WorldOutcome(draw_world(seed), "converged", "", 30 + seed, messages=10, cpu_s=2.0)
        kept = OutcomeFile(file)
        kept.add("exchange", seed, tree_of(seed), outcome.plain())
    control = WorldOutcome(draw_world(4), "cycle", "goes round", 40, period=2, load_size=0.1)
    for played in ("prices", "prices-without-plants"):
        OutcomeFile(file).add(played, 4, tree_of(4, played), control.plain())
    with file.open("a") as text:
        text.write('{"group": "exchange", "seed": 6, "pri')
    found = bench_world_variants(2, 4, controls=1, resume=file)
    assert (found["variants"], found["median_rounds"]) == (2.0, 34.5)
    assert (found["control_cycle_share"], found["control_without_plants_shortest_period"]) == (1.0, 2.0)
    assert OutcomeFile(file).line("exchange", 4, tree_of(5)) is None
    file.write_text("no outcome\n")
    with pytest.raises(InputError, match="line 1"):
        OutcomeFile(file)


def test_only_benchmarks_that_resume_take_a_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="bus does not resume"):
        run_benchmark("bus", resume=tmp_path / "file")
