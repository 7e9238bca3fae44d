"""Run one case: build its world, step it to the end, measure, certify."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from gridarium.agents.optimisation import LocalProblem
from gridarium.environment.collector import rare_collections
from gridarium.experiments.evidence.certificates import certify
from gridarium.experiments.evidence.guarded import STRICT, Steps
from gridarium.experiments.evidence.metrics import summarise
from gridarium.experiments.evidence.tables import collect
from gridarium.experiments.results.records import Certificate, Progress
from gridarium.experiments.running.case_outcome import CaseOutcome
from gridarium.experiments.running.culprit import culprit_named
from gridarium.experiments.running.rounds_observed import RoundsObserved
from gridarium.experiments.running.world_build import BuiltWorld, build
from gridarium.experiments.schema.scenario import Scenario

_NOISE = 1e-6


def run_case(name: str, scenario: Scenario, progress: Progress | None = None) -> CaseOutcome:
    """Run one case from build to certificates.

    Parameters
    ----------
    name : str
    scenario : Scenario
    progress : callable, optional
        Called with the share of its periods that is done, and what it negotiates.

    Raises
    ------
    GridariumError
        From the network, an agent's problem, the negotiation or code that the scenario names; names agent and
        period.
    """
    with culprit_named(scenario):
        built = build(scenario)
        built.world.bus.record = True
        _play(built, progress)
    steps = Steps()
    tables, metrics, certificates = _read_off(name, scenario, built, steps)
    return CaseOutcome(
        tables,
        metrics,
        certificates,
        effort_of(built),
        {name: ledger.heads._asdict() for name, ledger in built.world.ledgers.items()},
        tuple(steps.broken),
    )


def measure_case(
    name: str, scenario: Scenario, steps: Steps = STRICT
) -> tuple[dict[str, float], list[Certificate]]:
    """Run one case for its metrics and certificates, without a log of messages and what is slow and soft.

    Parameters
    ----------
    name : str
    scenario : Scenario
    steps : Steps, optional
        Takes what is read off the case, step by step.

    Raises
    ------
    GridariumError
        From the network, an agent's problem, the negotiation or code that the scenario names; names agent and
        period.
    """
    with culprit_named(scenario):
        built = build(scenario)
        _play(built)
    _, metrics, certificates = _read_off(name, scenario, built, steps, quick=True)
    return metrics, certificates


def _read_off(
    name: str, scenario: Scenario, built: BuiltWorld, steps: Steps, quick: bool = False
) -> tuple[Mapping[str, pd.DataFrame], dict[str, float], list[Certificate]]:
    """Tables, metrics and certificates of a finished world."""
    world = built.world
    with rare_collections():
        tables = collect(name, world, built.sections, steps)
        metrics = summarise(tables, [grid.name for grid in world.grids], world.period_h, steps)
        currency = scenario.currency_code
        certificates = certify(name, world, built.sections, tables, currency, quick=quick, steps=steps)
    return tables, _without_noise(metrics), certificates


def _without_noise(metrics: Mapping[str, float]) -> dict[str, float]:
    """Metrics in which what is below a millionth of its unit counts as 0: solvers leave such rests."""
    return {name: value if abs(value) >= _NOISE else 0.0 for name, value in metrics.items()}


def _play(built: BuiltWorld, progress: Progress | None = None) -> None:
    """Step a world to its end."""
    world = built.world
    if progress:
        RoundsObserved(built, lambda doing: progress(world.periods_done / world.n_period, doing))
    with rare_collections():
        while world.running:
            world.step()
            if progress:
                progress(world.periods_done / world.n_period, "")


def problems_of(built: BuiltWorld) -> list[LocalProblem]:
    """The compiled problems that the agents of a world share."""
    # Some share the compiled problem itself, some what asks it.
    shared = built.world.shared_things
    found = (
        thing if isinstance(thing, LocalProblem) else getattr(thing, "problem", None) for thing in shared
    )
    return [problem for problem in found if isinstance(problem, LocalProblem)]


def effort_of(built: BuiltWorld) -> dict[str, float]:
    """What the run of a case took so far: solver time and solves of all agents, messages."""
    problems = problems_of(built)
    return {
        "solver_s": sum(problem.solver_s for problem in problems),
        "solves": sum(problem.solves for problem in problems),
        "cone_refinements": sum(problem.refinements for problem in problems),
        "messages": built.world.bus.sent,
    }
