"""A feeder is held against its file, by pandapower's power flow of the file."""

from __future__ import annotations

import os
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandapower
import pytest

from gridarium.environment.network import Feeder
from gridarium.experiments.benchmarks.base_case_networks import NETWORKS, line_of_six, saved_network
from gridarium.experiments.evidence.world.network_file import network_of_file
from gridarium.experiments.parts.network import NETWORK, Network, build_feeder
from gridarium.experiments.results.records import Reading
from gridarium.experiments.scenario import load_scenario

SCALED: dict[str, Any] = {
    "as it is": {},
    "another peak": {"peak_load_mw": 2.0},
    "other conductors": {"peak_load_mw": 5.0, "impedance_factor": 0.5},
    "another voltage": {"slack_voltage_pu": 1.03},
    "another rating": {"branch_ratings_mva": {"line 3": 2.0}},
}
WRONG: dict[str, Callable[[Feeder], Feeder]] = {
    "a resistance": lambda feeder: replace(feeder, r_pu=_one(feeder.r_pu)),
    "a reactance": lambda feeder: replace(feeder, x_pu=_one(feeder.x_pu)),
    "a load": lambda feeder: replace(feeder, p_load_mw=_one(feeder.p_load_mw)),
    "a reactive load": lambda feeder: replace(feeder, q_load_mvar=_one(feeder.q_load_mvar)),
    "a shunt": lambda feeder: replace(feeder, b_bus_pu=_one(feeder.b_bus_pu)),
    "a ratio": lambda feeder: replace(feeder, ratio=_one(feeder.ratio)),
    "a rating": lambda feeder: replace(feeder, i_max_pu=_one(feeder.i_max_pu)),
    "the voltage of the head": lambda feeder: replace(feeder, slack_vm_pu=0.999 * feeder.slack_vm_pu),
}


def _one(values: Any) -> Any:
    """One entry that is not nothing, a hundredth less."""
    changed = np.array(values, dtype=float)
    place = np.flatnonzero((changed != 0.0) & np.isfinite(changed))[-1]
    changed[place] *= 0.99
    return changed


def judged(network: Network, change: Callable[[Feeder], Feeder] = lambda feeder: feeder) -> Reading:
    section = load_scenario("adcef-small").cases["adcef"].model_copy(update={"network": network})
    assert NETWORK.of(section) is network
    feeder = change(build_feeder(network))
    known: Any = SimpleNamespace(scenario=section, grid=SimpleNamespace(feeder=feeder))
    (reading,) = network_of_file(known)
    return reading


@pytest.mark.parametrize("how", SCALED)
def test_a_feeder_is_its_file_however_it_was_scaled(how: str) -> None:
    network = Network(source="case33bw", voltage_min_pu=0.5, voltage_max_pu=1.5, **SCALED[how])
    assert judged(network).value < 1e-9
    for name in ("a resistance", "a load"):
        assert judged(network, WRONG[name]).value > 1e-6, name


@pytest.fixture(scope="module", params=["create_cigre_network_mv", "a ward"])
def saved(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    assert request.param in NETWORKS
    source, _ = saved_network(request.param, tmp_path_factory.mktemp("network"))
    return str(source)


def test_what_is_wrong_anywhere_is_seen(saved: str) -> None:
    network = Network(source=saved, voltage_min_pu=0.5, voltage_max_pu=1.5)
    assert judged(network).value < 1e-9
    feeder = build_feeder(network)
    for name, change in WRONG.items():
        if name == "a shunt" and not feeder.b_bus_pu.any():
            continue
        assert judged(network, change).value > 1e-7, name


def test_a_file_that_was_changed_meanwhile_is_seen(tmp_path: Path) -> None:
    """The feeder is the one that was read; the file is the one of now."""
    source, _ = saved_network("a ward", tmp_path)
    network = Network(source=source, voltage_min_pu=0.5, voltage_max_pu=1.5)
    feeder = build_feeder(network)
    saved_network("simple_four_bus_system", tmp_path)
    os.utime(source, ns=(1, 1))
    assert judged(network, lambda _: feeder).value == np.inf


def test_memory_goes_with_the_number_of_buses_and_not_with_their_labels(tmp_path: Path) -> None:
    path = tmp_path / "network.json"
    pandapower.to_json(line_of_six(labels=(3, 20_000_000, 7, 1, 12, 5)), str(path))
    network = Network(source=str(path), voltage_min_pu=0.5, voltage_max_pu=1.5)
    feeder = build_feeder(network)
    tracemalloc.start()
    try:
        assert judged(network, lambda _: feeder).value < 1e-9
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 50e6
