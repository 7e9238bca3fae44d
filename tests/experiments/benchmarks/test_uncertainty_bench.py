"""The benchmark of plans for scenarios: what it prints is what plans for scenarios must do."""

from __future__ import annotations

import pytest

from gridarium.experiments.benchmarks.uncertainty import bench_uncertainty


def test_each_plan_is_best_by_what_it_was_made_for_and_no_single_scenario_beats_the_robust_one() -> None:
    found = bench_uncertainty(scenarios=3, sets=2, fresh=3, scenario="adcef-small", case="tou-commanded")
    room = 1e-4 * found["mean_money_expected"]
    plans = ("forecast", "expected", "cvar", "min-max-regret")
    for kind, measure in (("expected", "mean"), ("cvar", "tail"), ("min-max-regret", "regret")):
        assert -1e-9 <= found[f"gap_{kind}"] <= 2e-4
        values = {plan: found[f"{measure}_money_{plan}"] for plan in plans}
        assert values[kind] <= min(values.values()) + room
    assert found["rho_repriced_money"] == pytest.approx(found["regret_money_min-max-regret"], abs=room)
    assert found["regret_money_min-max-regret"] <= found["single_regret_money"] + room
    assert found["value_of_stochastic_solution_money"] >= -room
    assert found["value_of_information_money"] >= -room
    for plan in plans:
        name = f"fresh_regret_money_{plan}"
        assert found[f"{name}_low"] <= found[name] <= found[f"{name}_high"]
        assert found[name] >= -room
