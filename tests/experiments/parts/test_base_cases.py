"""Runs on networks of one's own have the power flow that pandapower has on the untouched file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandapower as pp
import pytest

from gridarium.environment.errors import ScenarioError
from gridarium.experiments import load_scenario, run
from gridarium.experiments.benchmarks.base_case_networks import (
    line_of_six,
    negative_load_bus,
    reactive_only_bus,
    ward,
)
from gridarium.experiments.results.result import Result
from own_networks import own_scenario, saved, solved_by_pandapower

VOLTAGE_PU, POWER_MVA = 1e-7, 1e-6


def own_units() -> Any:
    """Plants with and without active power, storages that discharge and charge, and a motor."""
    net = line_of_six()
    pp.create_sgen(net, 2, 0.7, 0.2, scaling=0.5, type="PV")
    pp.create_sgen(net, 3, 0.0, 0.6)
    pp.create_storage(net, 4, -0.3, 1.0, q_mvar=0.1)
    pp.create_storage(net, 5, 0.2, 1.0)
    pp.create_motor(net, 1, 0.1, 0.9, efficiency_percent=95.0)
    return net


def labels_without_order() -> Any:
    return line_of_six(labels=(10, 5, 2_000_000_000, 7, 1, 2))


def negative_labels() -> Any:
    return line_of_six(labels=(10, -5, 3, 7, 11, 99))


def float_labels() -> Any:
    net = line_of_six()
    net.bus.index = net.bus.index.astype(float)
    return net


NETWORKS: tuple[Callable[[], Any], ...] = (
    reactive_only_bus,
    negative_load_bus,
    ward,
    own_units,
    labels_without_order,
    negative_labels,
    float_labels,
)


def base_case(folder: Path, net: Any, **network: Any) -> Result:
    saved(net, folder / "NET.JSON")
    return run(load_scenario(own_scenario(folder, "NET.JSON", 2, **network)))


@pytest.mark.parametrize("build", NETWORKS, ids=lambda build: build.__name__)
def test_a_run_has_the_power_flow_of_the_untouched_file(tmp_path: Path, build: Callable[[], Any]) -> None:
    result, net = base_case(tmp_path, build()), solved_by_pandapower(_with_plain_labels(build()))
    assert [one.name for one in result.certificates if not one.passed] == []
    buses, dispatch = (
        result.table("buses").query("period == 1"),
        result.table("dispatch").query("period == 1"),
    )
    np.testing.assert_allclose(buses["vm_pu"], net.res_bus.vm_pu, rtol=0, atol=VOLTAGE_PU)
    (head,) = dispatch.query("kind == 'head'").to_dict("records")
    assert head["p_supply_mw"] == pytest.approx(net.res_ext_grid.p_mw.sum(), abs=POWER_MVA)
    assert head["q_mvar"] == pytest.approx(net.res_ext_grid.q_mvar.sum(), abs=POWER_MVA)
    lost = result.summary["base"]["loss_mwh"] / 2
    assert lost == pytest.approx(net.res_line.pl_mw.sum(), abs=POWER_MVA)


def _with_plain_labels(net: Any) -> Any:
    """The same network with buses from 0 on: pandapower takes no others, or much memory for them."""
    place = {label: number for number, label in enumerate(net.bus.index)}
    for table in ("line", "load", "ext_grid"):
        for column in {"bus", "from_bus", "to_bus"} & set(net[table].columns):
            net[table][column] = [place[bus] for bus in net[table][column]]
    net.bus.index = range(len(place))
    return net


def test_values_of_the_cases_that_had_lost_reactive_power(tmp_path: Path) -> None:
    """What pandapower 3.5 gives for two of the networks above."""
    for build, expected in (
        (reactive_only_bus, (4.0756, 2.2486, 0.9711)),
        (negative_load_bus, (3.2331, 1.1968, 0.9841)),
    ):
        net = solved_by_pandapower(build())
        found = (net.res_ext_grid.p_mw[0], net.res_ext_grid.q_mvar[0], net.res_bus.vm_pu.min())
        assert found == pytest.approx(expected, abs=6e-5)


def test_a_profile_scales_own_loads_and_own_generators_keep_their_power(tmp_path: Path) -> None:
    net = own_units()
    path = own_scenario(tmp_path, saved(net, tmp_path / "net.json"), 2)
    halved = (tmp_path / "profile.csv").read_text().replace("00:00+08:00,1.0", "00:00+08:00,8.0")
    (tmp_path / "profile.csv").write_text(halved.replace("T01:00:00+08:00,8.0", "T01:00:00+08:00,4.0"))
    result = run(load_scenario(path))
    head = result.table("dispatch").query("kind == 'head'")
    # Whatever the file counts as a load is scaled: also a plant without active power, and a charging storage.
    net.load[["p_mw", "q_mvar"]] *= 0.5
    net.sgen.loc[1, "q_mvar"] *= 0.5
    net.storage.loc[1, "p_mw"] *= 0.5
    net.motor["pn_mech_mw"] *= 0.5
    solved_by_pandapower(net)
    found = head[["p_supply_mw", "q_mvar"]].to_numpy()[1]
    assert found == pytest.approx(net.res_ext_grid[["p_mw", "q_mvar"]].to_numpy()[0], abs=POWER_MVA)


def test_what_the_file_brings_is_in_the_resolved_scenario(tmp_path: Path) -> None:
    net = own_units()
    net.bus["min_vm_pu"], net.bus["max_vm_pu"] = 0.9, [1.1, 1.1, 1.08, 1.1, 1.1, 1.1]
    path = own_scenario(
        tmp_path, saved(net, tmp_path / "net.json"), 2, voltage_min_pu=None, voltage_max_pu=None
    )
    tree = load_scenario(path).resolved()
    assert tree["renewables"]["sgen_0"] | {"error_bound": 0.0} == tree["renewables"]["sgen_0"]
    assert {name: one["p_mw"] for name, one in tree["renewables"].items()} == {
        "sgen_0": 0.35,
        "storage_0": 0.3,
    }
    assert tree["renewables"]["sgen_0"]["mvar_per_mw"] == pytest.approx(0.2 / 0.7)
    network = tree["network"]
    assert network["sites"] == {"sgen_0": 2, "storage_0": 4}
    assert (network["voltage_min_pu"], network["voltage_max_pu"]) == (0.9, 1.08)
    without = load_scenario(path, ["network.own_generators=false"]).resolved()
    assert without["renewables"] == {}


def test_units_that_the_scenario_places_nowhere_are_told_where_they_stand(tmp_path: Path) -> None:
    tree = load_scenario("adcef", ["network=case33bw"]).resolved()
    assert set(tree["network"]["sites"]) == {
        "gas_turbine_12", "gas_turbine_25", "storage_7", "storage_14", "storage_24", "pv", "wind",
    }  # fmt: skip
    assert "peak_load_mw" not in tree["network"] or tree["network"]["peak_load_mw"] is None


FAULTS: dict[str, tuple[Callable[[Any], object], str]] = {
    "line-20-to-10-kv": (
        lambda net: net.bus.__setitem__("vn_kv", [20.0, 20.0, 20.0, 10.0, 20.0, 20.0]),
        "line 2: got '20 and 10 kV'; buses 2 and 3, which it connects, must have one rated voltage",
    ),
    "two-setpoints-at-slack": (
        lambda net: pp.create_ext_grid(net, 0, 0.97),
        "ext_grid 0 and 1: got '1 and 0.97 p.u.'; vm_pu must be the same at one bus",
    ),
    "switch-impedance-nan": (
        lambda net: pp.create_switch(net, 5, 4, "b", z_ohm=np.nan),
        "switch 0: got None; z_ohm must be a number",
    ),
    "load-q-nan": (
        lambda net: net.load.loc.__setitem__((1, "q_mvar"), np.nan),
        "load 1: got None; q_mvar must be a number",
    ),
    "load-scaling-nan": (
        lambda net: net.load.loc.__setitem__((3, "scaling"), np.nan),
        "load 3: got None; scaling must be a number",
    ),
    "constant-impedance-loads": (
        lambda net: net.load.loc.__setitem__((4, "const_z_p_percent"), 100.0),
        "load 4: got 100.0; const_z_p_percent must be 0: consumers draw the same power at any voltage",
    ),
    "gen": (
        lambda net: pp.create_gen(net, 3, 0.4),
        "gen 0: got 'vm_pu 1.0'; must be no generator that holds a voltage but an sgen",
    ),
    "bus of a half": (
        lambda net: net.load.__setitem__("bus", [1.0, 2.5, 3.0, 4.0, 5.0]),
        "load 1: got 2.5; bus must be the index of a row of another table, a whole number",
    ),
    "bus twice": (
        lambda net: setattr(net.bus, "index", [0, 1, 2, 3, 4, 4]),
        "bus 4: got 4; index must be there only once",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_faults_of_a_file_are_found_before_anything_runs(tmp_path: Path, name: str) -> None:
    change, message = FAULTS[name]
    net = line_of_six()
    change(net)
    with pytest.raises(ScenarioError) as caught:
        load_scenario(own_scenario(tmp_path, saved(net, tmp_path / "net.json")))
    assert f"network.source, {message}" in str(caught.value)


def test_one_agent_at_each_bus_needs_a_load_at_each(tmp_path: Path) -> None:
    path = own_scenario(tmp_path, saved(reactive_only_bus(), tmp_path / "net.json"), 2)
    with pytest.raises(Exception, match=r"bus 3: got '0 MW, 1.5 Mvar'; must be above 0 at each bus"):
        run(load_scenario(path, ["consumers.all.placement=each-bus"]))
