"""Many feeders under one system: what another feeder costs."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from gridarium.experiments.reading.plain_yaml import Tree
from gridarium.experiments.reading.scenario_files import read_scenario_file
from gridarium.experiments.running.case_run import run_case
from gridarium.experiments.scenario import check_case

N_FEEDERS = (5, 10, 20, 40)
HORIZON_H = 8


def bench_stack() -> dict[str, float]:
    """Run the system of the scenario three-levels with ever more copies of its village under it.

    Returns
    -------
    dict of str to float
        `cpu_s_N`: process CPU time of a world with N feeders, tables and certificates included;
        `exponent`: slope of log time against log feeders over all sizes; `steepest_exponent`: the largest
        slope between two neighbouring sizes.
    """
    run_case("warm", _stack(1))
    times = [_cpu_s(count) for count in N_FEEDERS]
    log_count, log_cpu = np.log(N_FEEDERS), np.log(times)
    return {
        **{f"cpu_s_{count}": cpu for count, cpu in zip(N_FEEDERS, times, strict=True)},
        "exponent": float(np.polyfit(log_count, log_cpu, 1)[0]),
        "steepest_exponent": float((np.diff(log_cpu) / np.diff(log_count)).max()),
    }


def _cpu_s(count: int) -> float:
    scenario = _stack(count)
    started = time.process_time()
    run_case(f"{count} feeders", scenario)
    return time.process_time() - started


def stacked_tree(count: int, horizon_h: int = HORIZON_H) -> Tree:
    """A system with a number of equal small feeders under it, as the tree of a scenario file."""
    tree: Any = read_scenario_file("three-levels").tree
    bulk, village = dict(tree["grids"]["bulk"]), dict(tree["grids"]["village"])
    bulk["operator"] = {**bulk["operator"], "benchmark_nodes": 0}
    feeder = {key: value for key, value in village.items() if key != "at"} | {"under": "bulk"}
    feeders = {f"feeder_{number:02d}": feeder for number in range(1, count + 1)}
    return {**tree, "horizon_h": horizon_h, "grids": {"bulk": bulk, **feeders}}


def _stack(count: int) -> Any:
    scenario, faults = check_case(stacked_tree(count))
    assert not faults, faults
    return scenario
