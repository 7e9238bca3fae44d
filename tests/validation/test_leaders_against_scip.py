"""The leader's MILP against SCIP, which proves the optimum of the same problem in another formulation."""

from __future__ import annotations

import pytest

from gridarium.agents.leader.full_information import full_information_optimum
from gridarium.experiments.benchmarks.bilevel_reference import FORMULATIONS, solve_reference
from gridarium.experiments.benchmarks.leader_instances import random_instance

pytest.importorskip("pyscipopt")


@pytest.mark.parametrize("seed", [5, 9, 17])
def test_formulations_agree_with_the_milp(seed: int) -> None:
    problem = random_instance(seed)
    found = full_information_optimum(problem)
    for formulation in FORMULATIONS:
        answer = solve_reference(problem, formulation)
        assert answer.status == "optimal"
        assert answer.profit_money == pytest.approx(answer.modelled_money, rel=1e-6)
        assert answer.bound_money == pytest.approx(found.profit_money, rel=3e-4)
        assert found.profit_money <= answer.bound_money * (1.0 + 1e-5)
        assert answer.modelled_money <= found.bound_money * (1.0 + 1e-5)


def test_starts_from_a_given_price() -> None:
    problem = random_instance(17)
    answer = solve_reference(problem, "big-m", start=problem.reference_price_per_mwh)
    assert answer.modelled_money >= problem.profit(problem.reference_price_per_mwh)
    assert answer.gap == pytest.approx(0.0, abs=1e-6)
