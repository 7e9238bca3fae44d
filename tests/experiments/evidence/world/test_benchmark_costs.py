"""What a day of perfect information costs is the sum of its parts."""

from __future__ import annotations

from gridarium.experiments.evidence.grid_evidence import evidence_of
from gridarium.experiments.evidence.tables import collect
from gridarium.experiments.evidence.world.benchmark_costs import cost_of_perfect_information
from gridarium.experiments.running.world_build import build
from gridarium.experiments.scenario import load_scenario


def test_a_cost_that_is_not_that_of_the_decisions_is_found() -> None:
    built = build(load_scenario("net-zero", ["horizon_h=4"]).cases["shared-storage"])
    while built.world.running:
        built.world.step()
    tables = collect("shared-storage", built.world, built.sections)
    (grid,) = built.world.grids
    (found,) = cost_of_perfect_information(evidence_of("shared-storage", grid, built.sections, tables))
    assert found.hard and found.value < 1e-9
    lower = tables["benchmarks"].assign(cost_money=0.999 * tables["benchmarks"]["cost_money"])
    altered = {**tables, "benchmarks": lower}
    (found,) = cost_of_perfect_information(evidence_of("shared-storage", grid, built.sections, altered))
    assert abs(found.value - 1e-3) < 1e-6
