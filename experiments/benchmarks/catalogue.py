"""The benchmarks of `gridarium bench` by name; each is imported when it runs."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

from gridarium.environment.errors import Fault, InputError


class Benchmark(NamedTuple):
    """Where a benchmark lives and what it compares; its settings are whole numbers from 1.

    One that `resumes` keeps the outcome of each instance in a file, and goes on from there.
    """

    module: str
    function: str
    description: str
    settings: tuple[str, ...] = ()
    resumes: bool = False


BENCHMARKS: dict[str, Benchmark] = {
    "active-network": Benchmark(
        "gridarium.experiments.benchmarks.active_network",
        "bench_active_network",
        "a feeder's day at the best taps against a fixed tap, and HiGHS",
        ("days", "horizon", "hours"),
    ),
    "admm": Benchmark(
        "gridarium.experiments.benchmarks.admm",
        "bench_admm",
        "ADMM against the best centralised solver, by agents and by arithmetic alone",
        ("days", "most", "committed", "repeats"),
    ),
    "agent-solve": Benchmark(
        "gridarium.experiments.benchmarks.agent_solve",
        "bench_agent_solve",
        "a follower's decision against Pyomo",
    ),
    "alterations": Benchmark(
        "gridarium.experiments.benchmarks.alterations",
        "bench_alterations",
        "single bytes of a run folder altered, and whether verify names the file of each",
        ("count", "first"),
        resumes=True,
    ),
    "base-cases": Benchmark(
        "gridarium.experiments.benchmarks.base_cases",
        "bench_base_cases",
        "published networks run as they are, against pandapower's power flow of the untouched files",
        ("count", "first", "workers"),
        resumes=True,
    ),
    "bus": Benchmark(
        "gridarium.experiments.benchmarks.bus",
        "bench_bus",
        "a message against bare SimPy events, a secured one and a secured day against plain ones",
    ),
    "coalition": Benchmark(
        "gridarium.experiments.benchmarks.coalition",
        "bench_coalition",
        "shares in pools of 3 to 1,000 owners: exact, over sub-pools, sampled",
        ("sub_pool_count", "evaluations"),
    ),
    "dispatch": Benchmark(
        "gridarium.experiments.benchmarks.dispatch",
        "bench_dispatch",
        "the leader's problem against a conic solver",
    ),
    "game": Benchmark("gridarium.experiments.benchmarks.game", "bench_game", "a whole negotiation"),
    "leaders": Benchmark(
        "gridarium.experiments.benchmarks.leaders",
        "bench_leaders",
        "leaders against a proven bound, and SCIP",
    ),
    "mutations": Benchmark(
        "gridarium.experiments.benchmarks.mutations",
        "bench_mutations",
        "whether small scenarios with other valid values run with all that must hold, or say why not",
        ("count", "first", "workers", "seed", "horizon_h"),
        resumes=True,
    ),
    "pools": Benchmark(
        "gridarium.experiments.benchmarks.pools",
        "bench_pools",
        "whether systems with pools of prosumers end with all that must hold",
        ("count", "first", "most_prosumers", "workers"),
    ),
    "published-networks": Benchmark(
        "gridarium.experiments.benchmarks.robustness",
        "bench_published",
        "whether negotiations come to rest on published networks at their own loads",
        ("count", "first", "most_buses", "workers"),
        resumes=True,
    ),
    "robustness": Benchmark(
        "gridarium.experiments.benchmarks.robustness",
        "bench_robustness",
        "whether negotiations come to rest",
        ("count", "first", "most_buses", "workers"),
    ),
    "security": Benchmark(
        "gridarium.experiments.benchmarks.security",
        "bench_security",
        "sealing, opening and shaking hands, against the bare cipher",
    ),
    "ties": Benchmark(
        "gridarium.experiments.benchmarks.ties",
        "bench_ties",
        "a TIES: its dispatch against a conic solver, Shapley values, more regions",
    ),
    "stack": Benchmark("gridarium.experiments.benchmarks.stack", "bench_stack", "what another feeder costs"),
    "p2p": Benchmark(
        "gridarium.experiments.benchmarks.p2p",
        "bench_p2p",
        "trade among prosumers, its rules against the best matching",
        ("quarters", "repeats"),
    ),
    "uncertainty": Benchmark(
        "gridarium.experiments.benchmarks.uncertainty",
        "bench_uncertainty",
        "plans for scenarios against the plan for the forecast, in sample and on fresh scenarios",
        ("scenarios", "sets", "fresh"),
    ),
    "vpp": Benchmark(
        "gridarium.experiments.benchmarks.vpp",
        "bench_vpp",
        "dispatch with green labels: three methods' proven gaps, 5 to 500 regions",
        ("most",),
    ),
    "world": Benchmark(
        "gridarium.experiments.benchmarks.world",
        "bench_world",
        "an outer round of nested negotiations and its memory, from 3 to 48 feeders; Shapley values apart",
        ("most",),
    ),
    "world-variants": Benchmark(
        "gridarium.experiments.benchmarks.world_variants",
        "bench_world_variants",
        "whether nested negotiations come to rest in random variants of one world; by prices alone, too",
        ("count", "first", "workers", "controls"),
        resumes=True,
    ),
}


def run_benchmark(name: str, settings: Sequence[str] = (), resume: Path | None = None) -> dict[str, float]:
    """Run one benchmark.

    Parameters
    ----------
    name : str
    settings : sequence of str
        `name=number`, for what the benchmark lets be set.
    resume : Path, optional
        Where a benchmark that resumes keeps its outcomes, and finds those of a run that was broken off.

    Returns
    -------
    dict
        Measured numbers; names carry units, ratios have none.

    Raises
    ------
    InputError
        If there is no benchmark of this name, it has no such setting, or it does not resume.
    """
    if name not in BENCHMARKS:
        raise InputError("bench", [Fault("NAME", name, f"must be one of {', '.join(BENCHMARKS)}")])
    benchmark = BENCHMARKS[name]
    values: dict[str, Any] = dict(_values(name, benchmark.settings, settings))
    if resume is not None:
        if not benchmark.resumes:
            able = ", ".join(one for one, other in BENCHMARKS.items() if other.resumes)
            raise InputError("bench", [Fault("--resume", str(resume), f"{name} does not resume; {able} can")])
        values["resume"] = resume
    function = getattr(importlib.import_module(benchmark.module), benchmark.function)
    return cast("Callable[..., dict[str, float]]", function)(**values)


def _values(name: str, known: Sequence[str], settings: Sequence[str]) -> dict[str, int]:
    values: dict[str, int] = {}
    faults = []
    for setting in settings:
        key, _, value = setting.partition("=")
        if key not in known:
            allowed = f"must be one of {', '.join(known)}" if known else f"{name} has no settings"
            faults.append(Fault("--set", setting, allowed))
        elif not value.isdecimal() or int(value) < 1:
            faults.append(Fault("--set", setting, f"must be {key}=NUMBER, a whole number from 1"))
        else:
            values[key] = int(value)
    if faults:
        raise InputError("bench", faults)
    return values
