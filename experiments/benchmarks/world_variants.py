"""Whether the nested negotiations of a day come to rest in random variants of one world, at every level."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, NamedTuple
from unittest.mock import patch

import numpy as np

from gridarium.agents.distribution.distribution_operator import DistributionOperator
from gridarium.agents.feeder.dso import Dso
from gridarium.agents.transmission.ties import Ties
from gridarium.agents.transmission.ties_negotiation import TiesNegotiation
from gridarium.environment.arrays import Array
from gridarium.environment.errors import GridariumError
from gridarium.experiments.benchmarks.random_runs import play_all
from gridarium.experiments.benchmarks.world_instances import WorldDraw, draw_world, variant_of
from gridarium.experiments.case_run import problems_of
from gridarium.experiments.plain_yaml import Tree
from gridarium.experiments.scenario import check_case
from gridarium.experiments.world_build import BuiltWorld, build
from gridarium.market.stackelberg import NegotiationRules, Round

WorldEnding = Literal["converged", "cycle", "open", "refused"]
ENDINGS: tuple[WorldEnding, ...] = ("converged", "cycle", "open", "refused")
"""At rest at every level; at rest but where some go round; some level is neither; not to be planned."""
TOLERANCE = 1e-3
"""Of the outer rounds, relative."""
MOST_ROUNDS = 100
"""Of the outer negotiation, however often units were committed anew within it."""
CONTROL_ROUNDS = 60
"""Of prices alone, without damping."""
COUNT, WORKERS, CONTROLS = 100, 2, 2
LONGEST_PERIOD = 12
"""Outer rounds of a turn, at most."""


class LevelEnd(NamedTuple):
    """How a negotiation of the day ended.

    Parameters
    ----------
    leader : str
    rounds : int
        In all.
    ended : str
        Why the last negotiation ended; "converged" at rest.
    residual : float
        Distance from rest at the end, by the leader's tolerance: at most 1 at rest.
    at_limit : int
        Negotiations of the day that ended before rest.
    """

    leader: str
    rounds: int
    ended: str
    residual: float
    at_limit: int

    @property
    def told(self) -> str:
        """In words."""
        return f"{self.leader} {self.ended} after {self.rounds} rounds, {self.residual:.3g} of its tolerance"


@dataclass(frozen=True)
class WorldOutcome:
    """How the day before delivery of a variant went.

    Parameters
    ----------
    drawn : WorldDraw
    ending : str
        One of `ENDINGS`.
    detail : str
        Each level that is not at rest, with its residual.
    rounds : int
        Of the outer negotiation; 0 where it was refused.
    on_the_way : int
        Negotiations below the outer one that ended before rest.
    period : int
        Outer rounds after which loads and prices come back; 0 where they do not.
    size : float
        How far outer prices differ on the way round, relative to the largest; nan without a cycle.
    messages : int
    cpu_s : float
        Of the process.
    solver_share : float
        Of the time that passes, in solvers.
    """

    drawn: WorldDraw
    ending: WorldEnding
    detail: str
    rounds: int = 0
    on_the_way: int = 0
    period: int = 0
    size: float = float("nan")
    messages: int = 0
    cpu_s: float = 0.0
    solver_share: float = 0.0


def bench_world_variants(
    count: int = COUNT, first: int = 1, workers: int = WORKERS, controls: int = CONTROLS
) -> dict[str, float]:
    """Negotiate a day in random variants of a world, and in some of them by prices alone.

    The seed and the drawn fields of each that does not come to rest are told.

    Parameters
    ----------
    count, first : int
        How many seeds, and the first of them.
    workers : int
        Processes.
    controls : int
        Variants, of these the first ones, that are played by prices alone too, without feeders that have
        virtual power plants; at most all.

    Returns
    -------
    dict of str to float
        Numbers of `summarise`, and those of the control as `control_...`.
    """
    seeds = range(first, first + count)
    outcomes = play_all(play_variant, seeds, workers, "converged")
    alone = play_all(partial(play_variant, prices_alone=True), seeds[:controls], workers, "cycle")
    return summarise(outcomes) | {f"control_{name}": value for name, value in of_control(alone).items()}


def summarise(outcomes: Sequence[WorldOutcome]) -> dict[str, float]:
    """Share of each ending; rounds of those at rest; messages, CPU time and the solvers' share of it."""
    found = Counter(one.ending for one in outcomes)
    rounds = [one.rounds for one in outcomes if one.ending == "converged"]
    cpu_s = [one.cpu_s for one in outcomes]
    return {
        "variants": float(len(outcomes)),
        **{f"{ending}_share": found[ending] / len(outcomes) for ending in ENDINGS},
        "median_rounds": float(np.median(rounds)) if rounds else float("nan"),
        "most_rounds": float(max(rounds, default=0)),
        "inner_not_at_rest_on_the_way": float(sum(one.on_the_way for one in outcomes)),
        "median_messages": float(np.median([one.messages for one in outcomes])),
        "median_cpu_s": float(np.median(cpu_s)),
        "longest_cpu_s": max(cpu_s),
        "solver_share": float(np.mean([one.solver_share for one in outcomes])),
    }


def of_control(outcomes: Sequence[WorldOutcome]) -> dict[str, float]:
    """Share of each ending by prices alone, with the shortest and longest period and the least size."""
    found = Counter(one.ending for one in outcomes)
    round_ = [one for one in outcomes if one.ending == "cycle"]
    return {
        "variants": float(len(outcomes)),
        **{f"{ending}_share": found[ending] / len(outcomes) for ending in ENDINGS},
        "shortest_period": float(min((one.period for one in round_), default=0)),
        "longest_period": float(max((one.period for one in round_), default=0)),
        "least_size": float(min((one.size for one in round_), default=float("nan"))),
    }


def play_variant(seed: int, prices_alone: bool = False) -> WorldOutcome:
    """Negotiate the day of the variant of a seed; by prices alone without feeders that have plants."""
    drawn = draw_world(seed)
    tree: Any = variant_of(drawn, prices_alone)
    if prices_alone:
        # Plants that hear prices alone plan by mixed-integer programmes each round, for many minutes.
        tree["grids"] = {name: grid for name, grid in tree["grids"].items() if "vpps" not in grid}
        tree["grids"]["bulk"]["ties"]["rounds"] |= {"round_limit": CONTROL_ROUNDS, "damping": 1.0}
    return judged(drawn, tree)


def judged(drawn: WorldDraw, tree: Tree) -> WorldOutcome:
    """Negotiate the day before delivery of a world, and see how each level ended."""
    scenario, faults = check_case(tree)
    assert scenario is not None, faults
    started, begun = time.process_time(), time.perf_counter()
    built = build(scenario)
    try:
        with _posted_prices() as prices:
            built.world.step()
    except GridariumError as error:
        detail = f"{type(error).__name__}: {error}"
        return WorldOutcome(drawn, "refused", detail, cpu_s=time.process_time() - started)
    cpu_s, passed_s = time.process_time() - started, time.perf_counter() - begun
    levels = list(levels_of(built))
    outer = levels[0]
    period, size = cycle_of(prices)
    return WorldOutcome(
        drawn,
        ending_of(levels, period),
        "; ".join(level.told for level in levels if not _is_at_rest(level)),
        outer.rounds,
        sum(level.at_limit for level in levels[1:]),
        period,
        size if period else built.one(Ties).days[0].cycle_size,
        built.world.bus.sent,
        cpu_s,
        sum(problem.solver_s for problem in problems_of(built)) / passed_s,
    )


def levels_of(built: BuiltWorld) -> Iterator[LevelEnd]:
    """How each leader of the first day ended: the TIES, each DSO, each distribution operator."""
    for ties in built.of(Ties):
        yield _level(ties.name, ties.days[0].rounds, ties.rules)
    for dso in built.of(Dso):
        yield _level(dso.name, dso.days[0].rounds, dso.rules)
    for operator in built.of(DistributionOperator):
        yield _level(operator.name, operator.days[0].rounds, operator.rules)


def _level(leader: str, rounds: Sequence[Round[Any]], rules: NegotiationRules) -> LevelEnd:
    last, ends = rounds[-1], [one.ended for one in rounds if one.ended]
    # A closing round repeats how the negotiation ended.
    return LevelEnd(
        leader,
        len(rounds),
        last.ended,
        last.judgement.distance / rules.tolerance,
        sum(ended != "converged" for ended in ends),
    )


def _is_at_rest(level: LevelEnd) -> bool:
    return level.ended == "converged" and level.residual <= 1.0


def ending_of(levels: Sequence[LevelEnd], period: int) -> WorldEnding:
    """One of `ENDINGS`, of the levels of a day, the outer one first, and the period of its rounds.

    A cycle is certified: loads and prices were seen to come back, or a leader has found that it goes round.
    """
    outer, *inner = levels
    if all(map(_is_at_rest, levels)) and outer.rounds <= MOST_ROUNDS:
        return "converged"
    open_ = [level for level in inner if not _is_at_rest(level) and level.ended != "cycle"]
    goes_round = period > 0 or outer.ended == "cycle" or _is_at_rest(outer)
    return "cycle" if goes_round and not open_ and outer.rounds <= MOST_ROUNDS else "open"


@contextmanager
def _posted_prices() -> Iterator[list[Array]]:
    """Prices of energy of all outer rounds, as they are posted, money/MWh."""
    prices: list[Array] = []
    post = TiesNegotiation._post

    def posted(negotiation: Any, round_: int, what: Any) -> Any:
        prices.append(what.energy_per_mwh)
        return post(negotiation, round_, what)

    with patch.object(TiesNegotiation, "_post", posted):
        yield prices


def cycle_of(prices: Sequence[Array]) -> tuple[int, float]:
    """The shortest period with which prices come back at the end, and how far they differ on the way round.

    They come back where a whole turn, one step after the other, is that before it to `TOLERANCE` of the
    largest price; with rounds that rest, or do not come back, the period is 0 and the size nan.

    Parameters
    ----------
    prices : sequence of ndarray, shape (n_step,)
        Of each round.

    Examples
    --------
    >>> low, high = np.array([20.0, 30.0]), np.array([20.0, 60.0])
    >>> cycle_of([low, low, high, low, high])
    (2, 0.5)
    >>> cycle_of([high, low, low, low])
    (0, nan)
    """
    for period in range(2, min(LONGEST_PERIOD, len(prices) // 2) + 1):
        last, before = np.array(prices[-period:]), np.array(prices[-2 * period : -period])
        largest = max(float(np.abs(last).max()), 1e-9)
        size = float(np.ptp(last, axis=0).max()) / largest
        if np.abs(last - before).max() <= TOLERANCE * largest < size * largest:
            return period, size
    return 0, float("nan")
