"""Names of buses by the file of a network, and the carbon factor of a head."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gridarium.environment.network import tree_layout
from gridarium.experiments.evidence.world.place_certificates import (
    _laid_out,
    _off_places,
    heads,
    labels,
)
from gridarium.experiments.scenario import load_scenario


def value_of(buses: list[str], to_bus: str, site: str, placed: str) -> float:
    """The reading of a feeder of five buses on which a turbine stands."""
    scenario = load_scenario("adcef-small", []).cases["adcef"]
    network = scenario.network.model_copy(update={"sites": {"turbine": site}})
    tables = {
        "buses": pd.DataFrame({"bus": buses, "x": 0.0, "y": 0.0}),
        "branches": pd.DataFrame(
            {
                "branch": buses[1:],
                "from_bus": "0",
                "to_bus": [*buses[1:-1], buses[-1] if to_bus == "1" else to_bus],
            }
        ),
        "dispatch": pd.DataFrame({"agent": ["turbine"], "bus": [placed]}),
    }
    known: Any = SimpleNamespace(scenario=scenario.model_copy(update={"network": network}), tables=tables)
    return next(iter(labels(known))).value


def test_buses_are_called_as_in_the_file() -> None:
    named = ["0", "1", "2", "3", "4"]
    assert value_of(named, "1", "3", "3") == 0.0
    assert value_of([*named, "5"], "1", "3", "3") == 1.0
    assert value_of(named, "1.0", "3", "3") == 1.0
    assert value_of(named, "1", "3", "2.97") == 1.0


def test_buses_lie_by_depth_and_in_the_middle_of_their_ends() -> None:
    ways = [["0", "1"], ["0", "2"], ["1", "3"], ["1", "4"], ["2", "5"], ["4", "6"]]
    parent = np.array([0, 0, 1, 1, 2, 4])
    places = _laid_out("0", ways)
    x, y = tree_layout(parent)
    assert [places[str(bus)] for bus in range(7)] == [list(at) for at in zip(x, y, strict=True)]
    buses = pd.DataFrame({"bus": [str(bus) for bus in range(7)], "x": x, "y": y})
    branches = pd.DataFrame(ways, columns=["from_bus", "to_bus"]).assign(branch=range(6))
    assert _off_places(buses, branches, {}) == 0.0
    assert _off_places(buses.assign(y=y * 0.9), branches, {}) > 0.1
    file = {str(bus): [float(bus), 1.0] for bus in range(7)}
    assert _off_places(buses.assign(x=np.arange(7.0), y=1.0), branches, file) == 0.0
    assert _off_places(buses, branches, file) > 0.1


def test_a_factor_at_the_head_is_carbon_over_power() -> None:
    power, carbon = np.array([2.0, 0.0, -1.0]), np.array([1.0, 0.0, -0.4])
    for factor, value in (
        ([0.5, np.nan, 0.4], 0.0),
        ([0.5, np.nan, 0.3], 0.1),
        ([0.5, 0.2, 0.4], 1.0),
        ([np.nan, np.nan, 0.4], 1.0),
    ):
        table = pd.DataFrame(
            {"p_metered_mw": power, "carbon_t_per_h": carbon, "factor_metered_tco2_per_mwh": factor}
        )
        known: Any = SimpleNamespace(tables={"heads": table}, of=lambda kind: ())
        (reading,) = heads(known)
        assert reading.value == pytest.approx(value, abs=1e-12)
