"""Feeders that the project knows nothing of: read from files and SimBench, run without a change of code."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandapower
import pandapower.networks as networks
import pytest
from pandapower.toolbox import reindex_buses

from gridarium.experiments import load_scenario, run
from gridarium.experiments.parts.network import build_feeder, place_units
from gridarium.experiments.results.result import Result
from small_cases import FREE_TO_RUN


def _village() -> Any:
    """Overhead lines behind a transformer, with bus numbers that neither start at 0 nor follow each other."""
    net = networks.create_kerber_landnetz_freileitung_1()
    reindex_buses(net, {bus: 1000 - 7 * bus for bus in net.bus.index})
    return net


FEEDERS: dict[str, Callable[[], Any]] = {
    "village": _village,
    # Three low-voltage feeders that leave the band of 5 % at their own nominal load.
    "cigre-lv": networks.create_cigre_network_lv,
    "four-loads": networks.four_loads_with_branches_out,
}

MORNING = "horizon_h=10"
AT_ITS_SIZE = "network.peak_load_mw=3.715"
"""The scenario has units for a feeder of this size."""


def _run(source: str, *overrides: str) -> Result:
    return run(load_scenario("adcef", [f"network={source}", *overrides]), cases=["adcef"])


def _file(folder: Path, name: str, net: Any) -> str:
    path = folder / f"{name}.json"
    pandapower.to_json(net, str(path))
    return str(path)


@pytest.mark.parametrize("name", FEEDERS)
def test_a_pandapower_file_runs_and_passes_every_certificate(tmp_path: Path, name: str) -> None:
    net = FEEDERS[name]()
    result = _run(_file(tmp_path, name, net), AT_ITS_SIZE, MORNING)
    assert [each.name for each in result.certificates if not each.passed] == []
    assert set(result.table("buses")["bus"]) <= {str(bus) for bus in net.bus.index}
    loaded = {str(bus) for bus in net.load.bus}
    units = result.table("dispatch").query("kind in ('gas_turbine', 'storage', 'renewable')")
    assert set(units["bus"]) <= loaded


def test_a_simbench_code_runs_and_passes_every_certificate() -> None:
    result = _run("1-LV-rural1--0-sw", AT_ITS_SIZE, "network.own_generators=false", *FREE_TO_RUN)
    assert [each.name for each in result.certificates if not each.passed] == []
    assert result.summary["adcef"]["peak_load_mw"] == pytest.approx(3.715, rel=0.05)
    assert result.table("buses")["vm_pu"].max() == pytest.approx(1.025, abs=0.005)


def test_voltages_of_an_unscaled_file_are_those_of_pandapower(tmp_path: Path) -> None:
    net = networks.create_cigre_network_mv()
    result = _run(_file(tmp_path, "cigre-mv", net), "network.loads=profile", MORNING)
    assert [each.name for each in result.certificates if not each.passed] == []
    buses, dispatch = result.table("buses"), result.table("dispatch")
    period = int(buses.groupby("period")["p_load_mw"].sum().idxmax())
    now = dispatch[dispatch["period"] == period]
    factor = now.loc[now["kind"] == "consumer", "p_demand_mw"].sum() / net.load.p_mw.sum()
    net.load[["p_mw", "q_mvar"]] *= factor
    for unit in now[~now["kind"].isin(("head", "consumer"))].itertuples():
        pandapower.create_sgen(net, int(unit.bus), unit.p_supply_mw - unit.p_demand_mw, unit.q_mvar)
    pandapower.runpp(net, numba=False, tolerance_mva=1e-10)
    here = buses[buses["period"] == period].set_index("bus")["vm_pu"]
    expected = net.res_bus.vm_pu.rename(index=str).reindex(here.index)
    np.testing.assert_allclose(here, expected, atol=1e-7)


def test_units_without_a_site_follow_the_load(tmp_path: Path) -> None:
    net = pandapower.create_empty_network()
    buses = [pandapower.create_bus(net, 20.0) for _ in range(5)]
    pandapower.create_ext_grid(net, buses[0])
    for near, far in itertools.pairwise(buses):
        pandapower.create_line(net, near, far, length_km=1.0, std_type="NA2XS2Y 1x240 RM/25 12/20 kV")
    for bus, p_mw in zip(buses[1:], (0.1, 3.0, 0.0, 0.1), strict=True):
        pandapower.create_load(net, bus, p_mw)
    scenario = load_scenario("adcef", [f"network={_file(tmp_path, 'line', net)}"]).cases["adcef"]
    feeder = build_feeder(scenario.network)
    # Nearly all load is at bus 2: so are the units, and none is at bus 3, which has none.
    assert {feeder.bus_labels[bus] for bus in place_units(feeder, scenario).values()} == {2}
