"""The leader under C7 against SCIP's proven optimum of the single-level problem."""

from __future__ import annotations

import pytest

pytest.importorskip("pyscipopt")

from gridarium.agents.leader.tied_optimum import tied_optimum
from gridarium.agents.leader.tied_sequence import TiedSequence
from gridarium.environment.random_streams import RandomStreams
from gridarium.experiments.benchmarks.tied_instances import tied_instance
from gridarium.experiments.benchmarks.tied_reference import TiedReference


@pytest.mark.parametrize("seed", [0, 2, 5])
def test_three_periods(seed: int) -> None:
    problem = tied_instance(seed, 3)
    found = tied_optimum(problem, RandomStreams(seed).stream("tied starts"))
    proven, bound, price = TiedReference(problem).solve()
    sales = problem.sales()
    assert bound - proven <= 1e-5 * sales
    assert found.best.profit_money <= bound + 1e-6 * sales
    lead = bound - found.formula.tied_money
    assert lead > 0.002 * sales
    assert found.best.profit_money - found.formula.tied_money >= 0.9 * lead
    # SCIP's own price is worth as much by our plan as by its own.
    answer = TiedSequence(problem).value(price)
    assert answer is not None
    assert answer.merit_money == pytest.approx(proven, abs=1e-5 * sales)
