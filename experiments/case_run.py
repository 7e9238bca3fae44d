"""Run one case: build its world, step it to the end, measure, certify."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from gridarium.agents.optimisation import LocalProblem
from gridarium.environment.collector import rare_collections
from gridarium.experiments.models import MODELS, Built
from gridarium.experiments.records import Certificate, Progress
from gridarium.experiments.scenario_schema import Scenario

_NOISE = 1e-6


@dataclass(frozen=True)
class CaseOutcome:
    """What one finished case leaves."""

    tables: Mapping[str, pd.DataFrame]
    summary: Mapping[str, float]
    certificates: Sequence[Certificate]
    effort: Mapping[str, float]
    left_out: tuple[str, ...] = ()


def run_case(name: str, scenario: Scenario, progress: Progress | None = None) -> CaseOutcome:
    """Run one case from build to certificates.

    Raises
    ------
    GridariumError
        From the network, an agent's problem or the negotiation; names agent and period.
    """
    model = MODELS[scenario.model]
    built = model.build(scenario)
    built.world.bus.record = True
    _play(built, lambda share: progress(share, name) if progress else None)
    tables = model.tables_of(name, built)
    return CaseOutcome(
        tables,
        _without_noise(model.summarise(tables, built.world.period_h)),
        model.certify(name, scenario, built, tables),
        effort_of(built),
        tuple(dict.fromkeys(item for grid in built.world.grids for item in grid.feeder.left_out)),
    )


def measure_case(name: str, scenario: Scenario) -> tuple[dict[str, float], list[Certificate]]:
    """Run one case for its metrics and certificates alone: no message log, no table that they do not need.

    Raises
    ------
    GridariumError
        From the network, an agent's problem or the negotiation; names agent and period.
    """
    model = MODELS[scenario.model]
    built = model.build(scenario)
    _play(built)
    tables = model.tables_of(name, built, model.measured)
    metrics = _without_noise(model.summarise(tables, built.world.period_h))
    return metrics, model.certify(name, scenario, built, tables)


def _without_noise(metrics: Mapping[str, float]) -> dict[str, float]:
    """Metrics in which what is below a millionth of its unit counts as 0: solvers leave such rests."""
    return {name: value if abs(value) >= _NOISE else 0.0 for name, value in metrics.items()}


def _play(built: Built, progress: Callable[[float], None] | None = None) -> None:
    """Step a world to its end."""
    world = built.world
    with rare_collections():
        while world.running:
            world.step()
            if progress:
                progress(world.periods_done / world.n_period)


def effort_of(built: Built) -> dict[str, float]:
    """What the run of a case took so far: solver time and solves of all agents, messages."""
    shared = built.world.shared_things
    # Some share the compiled problem itself, some what asks it.
    found = (
        thing if isinstance(thing, LocalProblem) else getattr(thing, "problem", None) for thing in shared
    )
    problems = [problem for problem in found if isinstance(problem, LocalProblem)]
    return {
        "solver_s": sum(problem.solver_s for problem in problems),
        "solves": sum(problem.solves for problem in problems),
        "cone_repairs": sum(problem.repairs for problem in problems),
        "messages": built.world.bus.sent,
    }
