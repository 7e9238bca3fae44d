"""The benchmarks of `gridarium bench` by name; each is imported when it runs."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import NamedTuple, cast

from gridarium.environment.errors import Fault, InputError


class Benchmark(NamedTuple):
    """Where a benchmark lives and what it compares."""

    module: str
    function: str
    description: str


BENCHMARKS: dict[str, Benchmark] = {
    "agent-solve": Benchmark(
        "gridarium.experiments.benchmarks.agent_solve",
        "bench_agent_solve",
        "a follower's decision against Pyomo",
    ),
    "bus": Benchmark(
        "gridarium.experiments.benchmarks.bus", "bench_bus", "a message against bare SimPy events"
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
    "stack": Benchmark("gridarium.experiments.benchmarks.stack", "bench_stack", "what another feeder costs"),
    "p2p": Benchmark("gridarium.experiments.benchmarks.p2p", "bench_p2p", "a day of trade among prosumers"),
}


def run_benchmark(name: str) -> dict[str, float]:
    """Run one benchmark.

    Returns
    -------
    dict
        Measured numbers; names carry units, ratios have none.

    Raises
    ------
    InputError
        If there is no benchmark of this name.
    """
    if name not in BENCHMARKS:
        raise InputError("bench", [Fault("NAME", name, f"must be one of {', '.join(BENCHMARKS)}")])
    benchmark = BENCHMARKS[name]
    function = getattr(importlib.import_module(benchmark.module), benchmark.function)
    return cast("Callable[[], dict[str, float]]", function)()
