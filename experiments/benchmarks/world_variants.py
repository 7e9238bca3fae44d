"""Whether the nested negotiations of a day come to rest in random variants of one world, at every level."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from gridarium.agents.distribution.distribution_operator import DistributionOperator
from gridarium.agents.feeder.dso import Dso
from gridarium.agents.letters import LetterWriter
from gridarium.agents.transmission.ties import Ties
from gridarium.environment.errors import GridariumError
from gridarium.experiments.benchmarks.outcome_file import KeptGroup, OutcomeFile
from gridarium.experiments.benchmarks.random_runs import play_all
from gridarium.experiments.benchmarks.world_instances import WorldDraw, draw_world, variant_of
from gridarium.experiments.benchmarks.world_rounds import Turn, heard_rounds, turn_of
from gridarium.experiments.reading.plain_yaml import Tree
from gridarium.experiments.running.case_run import problems_of
from gridarium.experiments.running.world_build import BuiltWorld, build
from gridarium.experiments.scenario import check_case
from gridarium.market.stackelberg import NegotiationRules, Round

WorldEnding = Literal["converged", "cycle", "open", "refused"]
ENDINGS: tuple[WorldEnding, ...] = ("converged", "cycle", "open", "refused")
"""At rest at every level; outer rounds that were seen to come back; neither; not to be planned."""
MOST_ROUNDS = 100
"""Of the outer negotiation, however often units were committed anew within it."""
CONTROL_ROUNDS = 24
"""Of prices alone, in each negotiation, whether there is progress or not."""
COUNT, WORKERS, CONTROLS = 100, 2, 10
Played = Literal["exchange", "prices", "prices-without-plants"]
"""Rounds of a variant: its own; of prices alone; these without the feeders that have virtual power plants."""
_PREFIXES: dict[Played, str] = {
    "exchange": "",
    "prices": "control_",
    "prices-without-plants": "control_without_plants_",
}


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
    def is_at_rest(self) -> bool:
        """Whether its last negotiation is."""
        return self.ended == "converged" and self.residual <= 1.0

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
        Each level that is not at rest, with its residual; the turn in which outer rounds go, if they do.
    rounds : int
        Of the outer negotiation; 0 where it was refused.
    residual : float
        Of the level that is furthest from rest, by its tolerance.
    on_the_way : int
        Negotiations below the outer one that ended before rest.
    period : int
        Outer rounds after which loads and prices come back; 0 where they do not.
    price_size, load_size : float
        How far outer prices, and loads of a feeder, differ on the way round, relative to the largest; nan
        without a cycle.
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
    residual: float = float("nan")
    on_the_way: int = 0
    period: int = 0
    price_size: float = float("nan")
    load_size: float = float("nan")
    messages: int = 0
    cpu_s: float = 0.0
    solver_share: float = 0.0

    def plain(self) -> dict[str, Any]:
        """All but what was drawn."""
        told: dict[str, Any] = asdict(self)
        return {name: value for name, value in told.items() if name != "drawn"}


def bench_world_variants(
    count: int = COUNT,
    first: int = 1,
    workers: int = WORKERS,
    controls: int = CONTROLS,
    *,
    resume: Path | None = None,
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
        Variants, from the first seed on, that are played by prices alone, too, with and without plants.
    resume : Path, optional
        Where outcomes are kept, each as soon as it is there; those found there are not played again.

    Returns
    -------
    dict of str to float
        Numbers of `summarise`, and those of the controls as `control_...` and `control_without_plants_...`.
    """
    file = None if resume is None else OutcomeFile(resume)
    found: dict[str, float] = {}
    for played, prefix in _PREFIXES.items():
        number, wanted = (count, "converged") if played == "exchange" else (controls, "cycle")
        kept = None if file is None else _kept(file, played)
        play = partial(play_variant, played=played)
        outcomes = play_all(play, range(first, first + number), workers, wanted, kept)
        found |= {f"{prefix}{name}": value for name, value in summarise(outcomes).items()}
    return found


def _kept(file: OutcomeFile, played: Played) -> KeptGroup[WorldOutcome]:
    return KeptGroup(
        file,
        played,
        partial(tree_of, played=played),
        WorldOutcome.plain,
        lambda seed, told: WorldOutcome(drawn=draw_world(seed), **told),
    )


def summarise(outcomes: Sequence[WorldOutcome]) -> dict[str, float]:
    """Share of each ending; rounds of all and of those at rest; turns; what the others miss; effort."""
    found = Counter(one.ending for one in outcomes)
    at_rest, turning, open_ = (
        [one for one in outcomes if one.ending == ending] for ending in ("converged", "cycle", "open")
    )
    cpu_s = [one.cpu_s for one in outcomes]
    return {
        "variants": float(len(outcomes)),
        **{f"{ending}_share": found[ending] / len(outcomes) for ending in ENDINGS},
        "median_rounds": _median([one.rounds for one in outcomes]),
        "median_rounds_at_rest": _median([one.rounds for one in at_rest]),
        "most_rounds": float(max(one.rounds for one in outcomes)),
        "inner_not_at_rest_on_the_way": float(sum(one.on_the_way for one in outcomes)),
        "shortest_period": float(min((one.period for one in turning), default=0)),
        "longest_period": float(max((one.period for one in turning), default=0)),
        "median_cycle_price_size": _median([one.price_size for one in turning]),
        "median_cycle_load_size": _median([one.load_size for one in turning]),
        "least_cycle_load_size": float(min((one.load_size for one in turning), default=float("nan"))),
        "median_open_residual": _median([one.residual for one in open_]),
        "largest_open_residual": float(max((one.residual for one in open_), default=float("nan"))),
        "median_messages": _median([one.messages for one in outcomes]),
        "median_cpu_s": _median(cpu_s),
        "longest_cpu_s": max(cpu_s),
        "solver_share": float(np.mean([one.solver_share for one in outcomes])),
    }


def _median(values: Sequence[float]) -> float:
    return float(np.median(values)) if len(values) else float("nan")


def tree_of(seed: int, played: Played = "exchange") -> Tree:
    """The variant of a seed; by prices alone without damping, and with plants that plan by a rule.

    A plant that hears prices alone would search for the best plan, by mixed-integer programmes, in each
    round; in the control it charges and discharges by the percentiles of its price instead. As that answer
    jumps by itself, there is a control without any plant, too.
    """
    tree: Any = variant_of(draw_world(seed), prices_alone=played != "exchange")
    if played == "exchange":
        return dict(tree)
    tree["grids"]["bulk"]["ties"]["rounds"] |= {
        "round_limit": CONTROL_ROUNDS,
        "patience": CONTROL_ROUNDS,
        "damping": 1.0,
    }
    grids = tree["grids"]
    for name in [name for name, grid in grids.items() if "vpps" in grid]:
        if played == "prices-without-plants":
            del grids[name]
        else:
            grids[name]["vpps"] = {k: {**one, "planner": "greedy"} for k, one in grids[name]["vpps"].items()}
    return dict(tree)


def play_variant(seed: int, played: Played = "exchange") -> WorldOutcome:
    """Negotiate the day of the variant of a seed."""
    return judged(draw_world(seed), tree_of(seed, played))


def judged(drawn: WorldDraw, tree: Tree) -> WorldOutcome:
    """Negotiate the day before delivery of a world, and see how each level ended."""
    scenario, faults = check_case(tree)
    assert scenario is not None, faults
    started, begun = time.process_time(), time.perf_counter()
    built = build(scenario)
    try:
        built.world.step()
    except GridariumError as error:
        detail = f"{type(error).__name__}: {error}"
        return WorldOutcome(drawn, "refused", detail, cpu_s=time.process_time() - started)
    cpu_s, passed_s = time.process_time() - started, time.perf_counter() - begun
    levels, turn = list(levels_of(built)), outer_turn(built)
    told = [level.told for level in levels if not level.is_at_rest]
    return WorldOutcome(
        drawn,
        ending_of(levels, turn),
        "; ".join([*told, turn.told] if turn else told),
        levels[0].rounds,
        max(level.residual for level in levels),
        sum(level.at_limit for level in levels[1:]),
        turn.period if turn else 0,
        turn.price_size if turn else float("nan"),
        max(turn.load_sizes.values()) if turn else float("nan"),
        built.world.bus.sent,
        cpu_s,
        sum(problem.solver_s for problem in problems_of(built)) / passed_s,
    )


def levels_of(built: BuiltWorld) -> Iterator[LevelEnd]:
    """How each leader of the first day ended: the TIES, each DSO, each distribution operator."""
    for ties in built.of(Ties):
        yield level_of(ties.name, ties.days[0].rounds, ties.rules)
    for dso in built.of(Dso):
        yield level_of(dso.name, dso.days[0].rounds, dso.rules)
    for operator in built.of(DistributionOperator):
        yield level_of(operator.name, operator.days[0].rounds, operator.rules)


def outer_turn(built: BuiltWorld) -> Turn | None:
    """The turn in which the last negotiation of the first day ends."""
    day = built.one(Ties).days[0]
    last = day.rounds[-day.lengths[-1] :]
    feeders: list[LetterWriter] = [*built.of(Dso), *built.of(DistributionOperator)]
    heard = heard_rounds(feeders)
    return turn_of([heard[one.round] for one in last if one.round in heard], [one.name for one in feeders])


def level_of(leader: str, rounds: Sequence[Round[Any]], rules: NegotiationRules) -> LevelEnd:
    """How the rounds of a leader ended."""
    last, ends = rounds[-1], [one.ended for one in rounds if one.ended]
    # A closing round repeats how the negotiation ended.
    return LevelEnd(
        leader,
        len(rounds),
        last.ended,
        last.judgement.distance / rules.tolerance,
        sum(ended not in ("converged", "other units") for ended in ends),
    )


def ending_of(levels: Sequence[LevelEnd], turn: Turn | None) -> WorldEnding:
    """One of `ENDINGS`, of the levels of a day, the outer one first, and the turn of its rounds.

    Outer rounds that come back hold all levels in their turn; a level that is not at rest is open otherwise.
    """
    if all(level.is_at_rest for level in levels) and levels[0].rounds <= MOST_ROUNDS:
        return "converged"
    return "cycle" if turn is not None else "open"
