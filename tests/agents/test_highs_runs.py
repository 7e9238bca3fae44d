"""Runs of HiGHS: nodes end a search, a time limit ends it as failed, other users of HiGHS do not matter."""

from __future__ import annotations

from collections.abc import Callable

import highspy
import numpy as np
import pytest

from gridarium.agents.leader.anticipation import AnticipatingLeader
from gridarium.agents.leader.bilevel_problem import solve_relaxed
from gridarium.agents.leader.convex_sequence import sequential_convex_optimum
from gridarium.agents.leader.full_information import full_information_optimum
from gridarium.agents.leader.response_curve import response_curves
from gridarium.agents.solving import highs_solver
from gridarium.agents.system.commitment_problem import CommitmentProblem, CommitmentShape
from gridarium.agents.system.perfect_information import PerfectInformation
from gridarium.agents.system.power_system import PowerSystem, SystemForecast
from gridarium.environment.errors import SolverLimitError, TimeLimitError
from gridarium.experiments.benchmarks.leader_instances import random_instance

Day = Callable[..., SystemForecast]


@pytest.fixture
def no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(highs_solver, "TIME_LIMIT_S", 0.0)


@pytest.mark.usefixtures("no_time")
def test_a_leader_without_time_has_failed() -> None:
    problem = random_instance(3)
    with pytest.raises(TimeLimitError, match="leader: no answer was found within 0 s"):
        full_information_optimum(problem)
    with pytest.raises(TimeLimitError, match="leader: no answer was found within 0 s"):
        sequential_convex_optimum(problem)


def test_a_leader_that_learns_does_not_go_on_without_time(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = random_instance(3)
    leader = AnticipatingLeader(problem)
    while leader.probing or not leader.rounds:
        leader.observe(problem.loads(leader.propose()))
        if len(leader.rounds) == 7:
            monkeypatch.setattr(highs_solver, "TIME_LIMIT_S", 0.0)
            break
    with pytest.raises(TimeLimitError):
        leader.observe(problem.loads(leader.propose()))


@pytest.mark.usefixtures("no_time")
def test_a_system_without_time_names_the_agent(power_system: PowerSystem, make_day: Day) -> None:
    shape = CommitmentShape(power_system, 6)
    with pytest.raises(TimeLimitError, match="agent benchmark: no answer was found within 0 s"):
        PerfectInformation(shape).solve("benchmark", make_day(24))
    with pytest.raises(TimeLimitError, match=r"agent tso: its problem .*no answer was found within 0 s"):
        CommitmentProblem(shape).solve("tso", make_day(6))


def test_nodes_end_a_search_with_what_it_has(power_system: PowerSystem, make_day: Day) -> None:
    problem = random_instance(4, n_period=8, n_follower=2)
    curves, start = response_curves(problem), problem.reference_price_per_mwh
    few, many = (solve_relaxed(problem, curves, 0.0, nodes, start) for nodes in (1, 3))
    assert few.nodes <= 1
    assert np.isfinite(few.price_per_mwh).all()
    assert few.bound_money >= many.bound_money - 1e-3
    cut_off = PerfectInformation(CommitmentShape(power_system, 6), gap=0.0, node_limit=1)
    day = cut_off.solve("benchmark", make_day(24))
    assert day.bound_money <= day.cost_money
    assert issubclass(TimeLimitError, SolverLimitError)


def test_threads_that_others_started_do_not_matter(power_system: PowerSystem, make_day: Day) -> None:
    other = highspy.Highs()
    other.setOptionValue("output_flag", False)
    other.addCol(-1.0, 0.0, 2.5, 0, [], [])
    other.changeColIntegrality(0, highspy.HighsVarType.kInteger)
    highspy.Highs.resetGlobalScheduler(True)
    other.setOptionValue("threads", 2)
    other.run()
    day = PerfectInformation(CommitmentShape(power_system, 6)).solve("benchmark", make_day(24))
    assert day.is_proven
