"""Whether negotiations come to rest on random realistic scenarios, and how they end where they do not."""

from __future__ import annotations

import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np

from gridarium.agents.devices.renewable_plant import RenewablePlant
from gridarium.agents.feeder.consumer import Consumer
from gridarium.agents.feeder.dso import Dso
from gridarium.environment.errors import GridariumError, NetworkError
from gridarium.experiments.benchmarks.feasibility_search import FEASIBLE_PU, Demand, FeasibilitySearch
from gridarium.experiments.benchmarks.limited_runs import play_limited
from gridarium.experiments.benchmarks.outcome_file import KeptGroup, OutcomeFile
from gridarium.experiments.benchmarks.published_instances import MOST_BUSES as MOST_PUBLISHED
from gridarium.experiments.benchmarks.published_instances import draw_published, write_published
from gridarium.experiments.benchmarks.random_runs import play_all, warn_of
from gridarium.experiments.benchmarks.robustness_instances import MOST_BUSES, Draw, draw, write_scenario
from gridarium.experiments.parts.dso import DSO
from gridarium.experiments.parts.part import GridScenario
from gridarium.experiments.reading.plain_yaml import Tree
from gridarium.experiments.results.records import Certificate
from gridarium.experiments.running.case_run import measure_case
from gridarium.experiments.running.world_build import build
from gridarium.experiments.scenario import load_scenario

Ending = Literal["converged", "small_cycle", "unsettled", "uncertified", "refused", "traceback", "lost"]
ENDINGS: tuple[Ending, ...] = (
    "converged",
    "small_cycle",
    "unsettled",
    "uncertified",
    "refused",
    "traceback",
    "lost",
)
"""At rest; a cycle within its bars; neither; at rest or not, but a hard certificate of something else fails;
refused though it can be supplied; an error that is none of the project's; its process was ended, at the limit
of time where there is one."""
COUNT = 300
COUNT_PUBLISHED = 40
LIMIT_S = 300
"""Of processor time for a scenario on a published network, draws that cannot be supplied included."""
WORKERS = 2
MOST_ATTEMPTS = 10
_OF_PUBLISHED = ("attempt", "feeder", "n_bus")
_OF_REST = frozenset({"convergence", "cycle size", "cycle regret"})


@dataclass(frozen=True)
class Outcome:
    """How one scenario ended.

    Parameters
    ----------
    drawn : Draw
    ending : str
        One of `ENDINGS`.
    detail : str
        Why, where it did not converge.
    rounds : int
        Of its negotiation; 0 where it was not finished.
    cpu_s : float
        Of the process that ran it.
    """

    drawn: Draw
    ending: Ending
    detail: str
    rounds: int
    cpu_s: float


def bench_robustness(
    count: int = COUNT, first: int = 1, most_buses: int = MOST_BUSES, workers: int = WORKERS
) -> dict[str, float]:
    """Play random scenarios, and tell the seed and the drawn fields of each that does not converge.

    Parameters
    ----------
    count, first : int
        How many seeds, and the first of them.
    most_buses : int
        Of a feeder, from 5 to 33.
    workers : int
        Processes.

    Returns
    -------
    dict of str to float
        The share of each ending; scenarios drawn anew because nobody could supply them; mean and most rounds
        of those whose price negotiates (under the other tariffs it is posted once); mean and longest time, s.
    """
    played, seeds = partial(play, most_buses=most_buses), range(first, first + count)
    return summarise(play_all(played, seeds, workers, "converged"))


def bench_published(
    count: int = COUNT_PUBLISHED,
    first: int = 1,
    most_buses: int = MOST_PUBLISHED,
    workers: int = WORKERS,
    resume: Path | None = None,
) -> dict[str, float]:
    """Play random scenarios on published networks at their own loads, as `bench_robustness` does on others.

    Parameters
    ----------
    count, first : int
        How many seeds, and the first of them.
    most_buses : int
        Of a network.
    workers : int
        Processes.
    resume : Path, optional
        Where outcomes are kept, from which a run that was broken off goes on.

    Returns
    -------
    dict of str to float
        As of `bench_robustness`.
    """
    kept = None if resume is None else _kept(resume, most_buses)
    played, lost = (partial(one, most_buses=most_buses) for one in (play_published, _lost))
    outcomes = play_limited(played, lost, range(first, first + count), workers, LIMIT_S, kept)
    warn_of(outcomes, "converged")
    return summarise(outcomes)


def _kept(path: Path, most_buses: int) -> KeptGroup[Outcome]:
    """Outcomes on published networks, in a file."""

    def tree(seed: int) -> Tree:
        return {"most_buses": most_buses, **asdict(draw(seed))}

    def told(outcome: Outcome) -> Mapping[str, Any]:
        values = {name: value for name, value in asdict(outcome).items() if name != "drawn"}
        return {**values, **{name: getattr(outcome.drawn, name) for name in _OF_PUBLISHED}}

    def heard(seed: int, values: Mapping[str, Any]) -> Outcome:
        own = {name: value for name, value in values.items() if name not in _OF_PUBLISHED}
        drawn = replace(draw(seed, values["attempt"]), **{name: values[name] for name in _OF_PUBLISHED})
        return Outcome(drawn, **own)

    return KeptGroup(OutcomeFile(path), "published networks", tree, told, heard)


def _lost(seed: int, how: str, most_buses: int) -> Outcome:
    return Outcome(draw_published(seed, 0, most_buses), "lost", how, 0, float(LIMIT_S))


def summarise(outcomes: Sequence[Outcome]) -> dict[str, float]:
    """Numbers of `bench_robustness`."""
    found = Counter(outcome.ending for outcome in outcomes)
    negotiated = [one for one in outcomes if one.drawn.tariff == "adcef" and one.rounds]
    rounds, cpu_s = [one.rounds for one in negotiated], [one.cpu_s for one in outcomes]
    return {
        "scenarios": float(len(outcomes)),
        **{f"{ending}_share": found[ending] / len(outcomes) for ending in ENDINGS},
        "drawn_anew": float(sum(one.drawn.attempt for one in outcomes)),
        "negotiated": float(len(negotiated)),
        "negotiated_converged_share": _mean([one.ending == "converged" for one in negotiated]),
        "mean_rounds": _mean(rounds),
        "most_rounds": float(max(rounds, default=0)),
        "mean_cpu_s": _mean(cpu_s),
        "longest_cpu_s": max(cpu_s),
    }


def _mean(values: Iterable[float]) -> float:
    every = list(values)
    return float(np.mean(every)) if every else float("nan")


def play(seed: int, most_buses: int = MOST_BUSES) -> Outcome:
    """Play the scenario of a seed, or the next of its draws that can be supplied."""
    return _first_supplied(partial(draw, seed, most_buses=most_buses), write_scenario)


def play_published(seed: int, most_buses: int = MOST_PUBLISHED) -> Outcome:
    """Play the scenario of a seed on a published network, or the next of its draws that can be supplied."""
    return _first_supplied(partial(draw_published, seed, most_buses=most_buses), write_published)


def _first_supplied(draw_attempt: Callable[[int], Draw], write: Callable[[Draw, Path], Path]) -> Outcome:
    for attempt in range(MOST_ATTEMPTS):
        drawn = draw_attempt(attempt)
        with tempfile.TemporaryDirectory() as folder:
            outcome = _play(drawn, write, Path(folder))
        if outcome is not None:
            return outcome
    return Outcome(drawn, "refused", f"no draw of {MOST_ATTEMPTS} can be supplied", 0, 0.0)


def _play(drawn: Draw, write: Callable[[Draw, Path], Path], folder: Path) -> Outcome | None:
    """How the scenario of a draw ends; None where nobody can supply it."""
    started = time.process_time()

    def ended(ending: Ending, detail: str, rounds: float = 0) -> Outcome:
        return Outcome(drawn, ending, detail, int(rounds), time.process_time() - started)

    try:
        scenario = only_case(write(drawn, folder))
        try:
            metrics, certificates = measure_case("robustness", scenario)
        except GridariumError as error:
            cannot = _cannot_be_supplied(scenario)
            return None if cannot else ended("refused", f"{type(error).__name__}: {error}")
    except Exception:  # noqa: BLE001 - what it is that nobody has foreseen is what is measured
        return ended("traceback", traceback.format_exc())
    return ended(*judged(certificates), metrics["rounds"])


def _cannot_be_supplied(scenario: GridScenario) -> bool:
    """Whether a search on AC power flow finds nothing either; no word on a network that is refused itself."""
    try:
        demand = demand_of(scenario)
    except NetworkError:
        return False
    return FeasibilitySearch(demand).least_excess() > FEASIBLE_PU


def only_case(path: Path) -> GridScenario:
    """The scenario of a file without cases."""
    (scenario,) = load_scenario(path).cases.values()
    assert isinstance(scenario, GridScenario)
    return scenario


def judged(certificates: Sequence[Certificate]) -> tuple[Ending, str]:
    """How a finished scenario has ended, and what its failed certificates tell."""
    failed = [one for one in certificates if not one.passed]
    detail = "; ".join(f"{one.name} {one.value:.3g} ({one.detail or one.unit})" for one in failed)
    if any(one.hard and one.name not in _OF_REST for one in failed):
        return "uncertified", detail
    of_rest = {one.name for one in failed} & _OF_REST
    if not of_rest:
        return "converged", detail
    has_cycle = any(one.name == "cycle size" for one in certificates)
    return ("small_cycle" if has_cycle and of_rest == {"convergence"} else "unsettled"), detail


def demand_of(scenario: GridScenario) -> Demand:
    """What is to be supplied where nobody answers the tariff, and with what: storages of owners too."""
    section = DSO.of(scenario)
    assert section is not None
    commanded = section.model_copy(update={"storage": "commanded"})
    built = build(scenario.model_copy(update={"dso": commanded}))
    shape = built.one(Dso).shape
    p_mw, q_mvar = np.zeros((2, shape.feeder.n_bus, shape.n_period))
    for consumer in built.of(Consumer):
        place, base_mw = consumer.place, consumer.loads_mw["base"]
        p_mw += np.outer(place.p_share, base_mw)
        q_mvar += np.outer(place.q_share, base_mw)
    plants = built.of(RenewablePlant)
    available = [plant.horizon.of_day(plant.forecast_mw, 0) for plant in plants]
    return Demand(shape, p_mw, q_mvar, np.array(available).reshape(len(plants), shape.n_period))
