"""ADMM against the best centralised solver: rounds, gaps, faults, chosen units, and CPU time by size."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar, get_args

import numpy as np

from gridarium.agents.behaviour import Behaviour, Decider
from gridarium.agents.region.region import Region
from gridarium.agents.transmission.bulk_families import drawn_signals
from gridarium.agents.transmission.social_optimum import SocialPlanner
from gridarium.agents.transmission.ties import Ties
from gridarium.experiments.benchmarks.admm_commitments import joint_optimum, play_commitments
from gridarium.experiments.benchmarks.admm_instances import (
    HARD,
    AdmmDay,
    Kind,
    draw_day,
    exchange_world,
)
from gridarium.experiments.benchmarks.admm_play import AdmmPlay, Faults, Played
from gridarium.market.admm_variants import VariantName
from gridarium.market.coalition import TabulatedGame, membership, shapley

T = TypeVar("T")
SIZES = (3, 6, 12, 24, 48, 96, 192)
STARTS = (0.1, 0.3, 1.0, 3.0, 10.0)
N_DAYS, N_COMMITTED, N_REPEATS = 20, 5, 5
_FAULT_SIZE, _COMMITTED_SIZE, _TRIES = 24, 3, 8
_SHAPLEY_SIZES = (3, 6, 9, 12)

FAULTS: dict[str, Faults] = {
    "delay_0_to_2": Faults(delays=(0, 1, 2)),
    "delay_2": Faults(delays=(2,)),
    "loss_10_percent": Faults(loss=0.1),
    "half_at_random": Faults(rule="random"),
    "half_by_priority": Faults(rule="priority"),
    "half_in_turn": Faults(rule="round-robin"),
    "all_together": Faults(delays=(0, 1, 2), loss=0.1, rule="random"),
}


def bench_admm(
    days: int = N_DAYS, most: int = max(SIZES), committed: int = N_COMMITTED, repeats: int = N_REPEATS
) -> dict[str, float]:
    """Measure exchange ADMM on random days of a copper plate.

    Parameters
    ----------
    days : int
        Random days of each kind.
    most : int
        Largest number of regional systems.
    committed : int
        Days on which units are chosen while the rounds run.
    repeats : int
        Of each time.

    Returns
    -------
    dict of str to float
        `rounds_...`: median over the days, and `worst_...`, from penalties 0.1 to 10 times the default, of
        each variant, on hard days and under faults (there also `ratio_...` to rounds in step); `gap_...`:
        what is missed at most, % of what responses save at most, by a dual bound; `commitment_...`: the best
        of the commitments that were tried against the joint programme, %; `..._ms_N`, `ratio_..._N` and
        `exponent_...`: process CPU time with N regional systems of the rounds by arithmetic alone, by agents
        on the bus, and of the centralised problem, built once and warm; `messages_N` of the agents.
    """
    sizes = [size for size in SIZES if size <= most]
    found: dict[str, float] = {}
    for part in (
        _rounds_by_size(sizes, days),
        _rounds_by_variant(days),
        _rounds_of_hard_days(days),
        _rounds_with_faults(days),
        _commitments(committed),
        _times(sizes, repeats),
        _shapley_times(repeats),
    ):
        found |= dict(part)
    return found


Measured = Iterator[tuple[str, float]]


def _summary(name: str, rounds: Sequence[float]) -> Measured:
    yield f"rounds_{name}", float(np.median(rounds))
    yield f"worst_{name}", float(max(rounds))


def _rounds_by_size(sizes: Sequence[int], days: int) -> Measured:
    """Rounds of the default variant from every start, and its gap from the default one."""
    gaps = []
    for size in sizes:
        plays = [AdmmPlay(draw_day(seed, size)) for seed in range(days)]
        for start in STARTS:
            played = [play.play(penalty=start) for play in plays]
            yield from _summary(f"anderson_{size}_from_{start:g}", [one.rounds for one in played])
            if start == 1.0:
                gaps += [play.gap_percent(one) for play, one in zip(plays, played, strict=True)]
    yield "gap_percent", float(np.median(gaps))
    yield "gap_worst_percent", max(gaps)


def _rounds_by_variant(days: int) -> Measured:
    """Rounds of the other variants from the default penalty, and from a tenth and ten times of it."""
    for size in (SIZES[0], _FAULT_SIZE):
        plays = [AdmmPlay(draw_day(seed, size)) for seed in range(days)]
        for variant in get_args(VariantName):
            for start in (0.1, 1.0, 10.0) if variant != "anderson" else ():
                played = [play.play(variant, start) for play in plays]
                yield from _summary(f"{variant}_{size}_from_{start:g}", [one.rounds for one in played])
                if start == 1.0:
                    gaps = [play.gap_percent(one) for play, one in zip(plays, played, strict=True)]
                    yield f"gap_{variant}_{size}_percent", float(np.median(gaps))


def _rounds_of_hard_days(days: int) -> Measured:
    """Rounds and gaps of the default variant where costs are hard to agree on."""
    kinds: tuple[Kind, ...] = (*HARD, "committed")
    for kind in kinds:
        plays = [AdmmPlay(draw_day(seed, _FAULT_SIZE, kind)) for seed in range(days)]
        played = [play.play() for play in plays]
        name = kind.replace(" ", "_")
        yield from _summary(name, [one.rounds for one in played])
        gaps = [play.gap_percent(one) for play, one in zip(plays, played, strict=True)]
        yield f"gap_worst_{name}_percent", max(gaps)


def _rounds_with_faults(days: int) -> Measured:
    """Asynchronous rounds against those in step of the default variant, on the same days."""
    for size in (SIZES[0], _FAULT_SIZE):
        plays = [AdmmPlay(draw_day(seed, size)) for seed in range(days)]
        in_step = [play.play() for play in plays]
        for name, faults in FAULTS.items():
            played = [play.play_with(faults, seed) for seed, play in enumerate(plays)]
            yield from _summary(f"{name}_{size}", [one.rounds for one in played])
            yield f"ratio_{name}_{size}", _ratio(played, in_step, "rounds")
            yield f"solves_ratio_{name}_{size}", _ratio(played, in_step, "solves")
            yield f"unsettled_{name}_{size}", float(sum(not one.converged for one in played))


def _ratio(some: Sequence[Played], others: Sequence[Played], what: str) -> float:
    """Of medians."""
    first, second = ([float(getattr(one, what)) for one in each] for each in (some, others))
    return float(np.median(first) / np.median(second))


def _commitments(days: int) -> Measured:
    """Units chosen while the rounds run, against the joint programme."""
    first, best, seconds, rounds, joint_s, slack = [], [], [], [], [], []
    for seed in range(days):
        day = draw_day(seed, _COMMITTED_SIZE, "committed")
        tried, joint = play_commitments(day, _TRIES), joint_optimum(day)
        least = min(joint.cost_money, float(tried.costs_money.min()))
        first.append(100.0 * (tried.costs_money[0] / least - 1.0))
        best.append(100.0 * (tried.costs_money.min() / least - 1.0))
        slack.append(100.0 * (least / joint.bound_money - 1.0))
        seconds.append(tried.cpu_s)
        joint_s.append(joint.cpu_s)
        rounds.append(tried.rounds)
    yield "commitment_first_worst_percent", max(first)
    yield "commitment_best_percent", float(np.median(best))
    yield "commitment_best_worst_percent", max(best)
    yield "commitment_bound_worst_percent", max(slack)
    yield "commitment_cpu_s", float(np.median(seconds))
    yield "commitment_cpu_worst_s", max(seconds)
    yield "commitment_joint_cpu_s", float(np.median(joint_s))
    yield "commitment_rounds", float(np.median(rounds))


def _times(sizes: Sequence[int], repeats: int) -> Measured:
    """Process CPU time of a negotiation by size, three ways, and how it grows."""
    alone, agents, central = [], [], []
    for size in sizes:
        days = [draw_day(seed, size) for seed in range(repeats)]
        times = [_both_ms(day) for day in days]
        ratios = [second / first for first, second in times]
        alone.append(statistics.median(first for first, _ in times))
        central.append(statistics.median(second for _, second in times))
        spent_ms, messages = _agents_ms(size)
        agents.append(spent_ms)
        yield f"arithmetic_ms_{size}", alone[-1]
        yield f"central_ms_{size}", central[-1]
        yield f"agents_ms_{size}", spent_ms
        yield f"messages_{size}", messages
        yield f"ratio_central_to_arithmetic_{size}", statistics.median(ratios)
        yield f"ratio_central_to_agents_{size}", central[-1] / spent_ms
    if len(sizes) > 1:
        for name, values in (("arithmetic", alone), ("agents", agents), ("central", central)):
            yield f"exponent_{name}", float(np.polyfit(np.log(sizes), np.log(values), 1)[0])


def _both_ms(day: AdmmDay) -> tuple[float, float]:
    """The rounds by arithmetic alone, and the centralised problem, both built and warm, ms."""
    play = AdmmPlay(day)
    planner = SocialPlanner.of(day.bulk, day.days)
    nothing = day.forecast.with_load(np.zeros(day.bulk.n_period))
    base = drawn_signals(day.bulk.system, nothing, day.on, day.state, day.bulk.period_h)
    signals = base | planner.region_signals(day.days)
    play.play()
    planner.problem.solve("bench", **signals)
    first = [_timed_ms(play.play)[1] for _ in range(3)]
    second = [_timed_ms(lambda: planner.problem.solve("bench", **signals))[1] for _ in range(3)]
    return statistics.median(first), statistics.median(second)


def _timed_ms(work: Callable[[], T]) -> tuple[T, float]:
    """What some work gives, and its process CPU time, ms."""
    started = time.process_time()
    given = work()
    return given, 1e3 * (time.process_time() - started)


class _Stopwatch(Behaviour):
    """Notes CPU time and messages each time that the leader hears the loads of a round."""

    def __init__(self) -> None:
        self.cpu_s: list[float] = []
        self.messages: list[int] = []

    def perceive(self, agent: Decider, signal: Any) -> Any:
        """Note, and perceive as ever."""
        self.cpu_s.append(time.process_time())
        self.messages.append(agent.world.bus.sent)
        return signal


def _agents_ms(size: int) -> tuple[float, float]:
    """CPU time, ms, and messages of the first negotiation of agents on the bus, all problems built.

    All rounds count like those after the first, in which live solvers are set up.
    """
    built = exchange_world(size)
    assert len(built.of(Region)) == size
    ties = built.one(Ties)
    ties.behaviour = watch = _Stopwatch()
    built.world.step()
    rounds = ties.days[0].lengths[0]
    share = rounds / (rounds - 1)
    spent_s = watch.cpu_s[rounds - 1] - watch.cpu_s[0]
    return 1e3 * share * spent_s, share * float(watch.messages[rounds - 1] - watch.messages[0])


def _shapley_times(repeats: int) -> Measured:
    """CPU time of exact Shapley values by size, with one dispatch for each coalition, and how it grows."""
    times = []
    for size in _SHAPLEY_SIZES:
        play = AdmmPlay(draw_day(0, size))
        plan = play.play().plan.net_mw
        times.append(statistics.median(_shapley_ms(play, plan, size) for _ in range(max(1, repeats // 5))))
        yield f"shapley_ms_{size}", times[-1]
    yield "exponent_shapley", float(np.polyfit(np.log(_SHAPLEY_SIZES), np.log(times), 1)[0])


def _shapley_ms(play: AdmmPlay, plan_mw: np.ndarray, size: int) -> float:
    day = play.day

    def work() -> None:
        values = [
            play.order.emission_tco2(
                "bench",
                day.forecast.with_load(np.where(row[:, None], plan_mw, day.base_mw).sum(axis=0)),
                day.on,
                day.state,
            )
            for row in membership(size) > 0.5
        ]
        names = tuple(f"r{number}" for number in range(size))
        shapley(TabulatedGame(names, values[0] - np.array(values)))

    return _timed_ms(work)[1]
