"""Names of buses by the file of a network, and the carbon factor of a head."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gridarium.experiments.evidence.world.place_certificates import heads, labels
from gridarium.experiments.scenario import load_scenario


def value_of(buses: list[str], to_bus: str, site: str, placed: str) -> float:
    """The reading of a feeder of five buses on which a turbine stands."""
    scenario = load_scenario("adcef-small", []).cases["adcef"]
    network = scenario.network.model_copy(update={"sites": {"turbine": site}})
    tables = {
        "buses": pd.DataFrame({"bus": buses}),
        "branches": pd.DataFrame({"from_bus": ["0"], "to_bus": [to_bus]}),
        "dispatch": pd.DataFrame({"agent": ["turbine"], "bus": [placed]}),
    }
    known: Any = SimpleNamespace(scenario=scenario.model_copy(update={"network": network}), tables=tables)
    (reading,) = labels(known)
    return reading.value


def test_buses_are_called_as_in_the_file() -> None:
    named = ["0", "1", "2", "3", "4"]
    assert value_of(named, "1", "3", "3") == 0.0
    assert value_of([*named, "5"], "1", "3", "3") == 1.0
    assert value_of(named, "1.0", "3", "3") == 1.0
    assert value_of(named, "1", "3", "2.97") == 1.0


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
        known: Any = SimpleNamespace(tables={"heads": table})
        (reading,) = heads(known)
        assert reading.value == pytest.approx(value, abs=1e-12)
