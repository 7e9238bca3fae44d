"""The feeder and its batched power flow against pandapower's own power flow, on published networks."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import fields
from typing import Any

import numpy as np
import pandapower as pp
import pandapower.networks as nw
import pytest

from gridarium.environment.network import Feeder
from gridarium.environment.network_reader import feeder_of, read_feeder
from gridarium.environment.power_flow import AcPowerFlow, PowerFlow

VOLTAGE_TOLERANCE_PU = 1e-7
FLOW_TOLERANCE_MVA = 1e-6


def case33bw() -> Any:
    return nw.case33bw()


def case33bw_with_charging() -> Any:
    net = nw.case33bw()
    net.line["c_nf_per_km"] = 300.0
    net.line["g_us_per_km"] = 2.0
    return net


def cigre_mv_open_switches() -> Any:
    return nw.create_cigre_network_mv()


def cigre_mv_tapped() -> Any:
    net = nw.create_cigre_network_mv()
    net.trafo["tap_side"] = "hv"
    net.trafo["tap_neutral"] = 0
    net.trafo["tap_step_percent"] = 1.25
    net.trafo["tap_pos"] = [-3, 2]
    net.trafo["tap_changer_type"] = "Ratio"
    net.trafo["pfe_kw"] = 30.0
    net.trafo["i0_percent"] = 0.2
    return net


def kerber_parallel_lines() -> Any:
    net = nw.create_kerber_landnetz_freileitung_1()
    net.line.loc[net.line.index[2], "parallel"] = 2
    net.line["c_nf_per_km"] = 210.0
    return net


def switch_with_impedance() -> Any:
    net = nw.simple_four_bus_system()
    bus = pp.create_bus(net, 0.4)
    pp.create_switch(net, 3, bus, et="b", z_ohm=0.01)
    pp.create_load(net, bus, 0.01, 0.002)
    pp.create_shunt(net, 2, q_mvar=-0.01, p_mw=0.001)
    pp.create_ward(net, 3, ps_mw=0.002, qs_mvar=0.001, pz_mw=0.003, qz_mvar=0.001)
    return net


def fed_from_the_low_voltage_side() -> Any:
    """A generator's step-up transformer, met from its low-voltage side, then a step-down one with a shift."""
    net = pp.create_empty_network(name="step-up", sn_mva=2.0)
    low, high, end, load = (pp.create_bus(net, kv) for kv in (0.4, 20.0, 20.0, 0.4))
    pp.create_ext_grid(net, low, vm_pu=1.03)
    rating = {"sn_mva": 0.63, "vn_hv_kv": 20.0, "vn_lv_kv": 0.42, "vk_percent": 6.0, "vkr_percent": 1.1}
    tap = {"tap_side": "hv", "tap_neutral": 0, "tap_step_percent": 2.5, "tap_changer_type": "Ratio"}
    iron = {"pfe_kw": 1.3, "i0_percent": 0.4, "shift_degree": 150.0}
    pp.create_transformer_from_parameters(net, high, low, **rating, **iron, **tap, tap_pos=2)
    pp.create_line_from_parameters(net, end, high, 5.0, 0.4, 0.35, 250.0, 0.2, g_us_per_km=1.0)
    pp.create_transformer_from_parameters(net, end, load, **rating, **iron, **tap, tap_pos=-1, parallel=2)
    pp.create_impedance(net, load, load2 := pp.create_bus(net, 0.4), 0.01, 0.02, sn_mva=1.0)
    pp.create_load(net, load, 0.2, 0.05)
    pp.create_load(net, load2, 0.1, 0.03, scaling=0.8)
    return net


def two_transformers_with_different_taps() -> Any:
    net = fed_from_the_low_voltage_side()
    net.trafo = net.trafo.loc[[0, 1, 1]].reset_index(drop=True)
    net.trafo.loc[2, "tap_pos"] = 1
    return net


def example_simple_without_a_held_voltage() -> Any:
    net = nw.example_simple()
    net.gen["in_service"] = False
    return net


NETWORKS = {
    "cigre_lv": nw.create_cigre_network_lv,
    "kerber_freileitung": nw.create_kerber_landnetz_freileitung_1,
    "kerber_kabel": nw.create_kerber_landnetz_kabel_1,
    "kerber_vorstadt": nw.create_kerber_vorstadtnetz_kabel_1,
    "four_loads": nw.panda_four_load_branch,
    "dickert": nw.create_dickert_lv_network,
    "four_bus_with_sgens": nw.simple_four_bus_system,
    "example_simple": example_simple_without_a_held_voltage,
    "lv_schutterwald_part": nw.create_synthetic_voltage_control_lv_network,
    "ieee_european_lv": nw.ieee_european_lv_asymmetric,
} | {
    build.__name__: build
    for build in (
        case33bw,
        case33bw_with_charging,
        cigre_mv_open_switches,
        cigre_mv_tapped,
        kerber_parallel_lines,
        switch_with_impedance,
        fed_from_the_low_voltage_side,
        two_transformers_with_different_taps,
    )
}
SIMBENCH_CODES = ("1-LV-rural1--0-sw", "1-MV-rural--0-sw", "1-LV-urban6--0-no_sw")


def solved(feeder: Feeder) -> PowerFlow:
    return AcPowerFlow(feeder).solve(-feeder.p_load_mw[None, :], -feeder.q_load_mvar[None, :])


def run_without_units(net: Any) -> None:
    for unit in ("sgen", "asymmetric_sgen", "gen", "storage", "motor"):
        net[unit]["in_service"] = False
    pp.runpp(
        net,
        calculate_voltage_angles=True,
        voltage_depend_loads=False,
        tolerance_mva=1e-10,
        max_iteration=50,
        numba=False,
    )


def assert_same_state(feeder: Feeder, flow: PowerFlow, net: Any) -> None:
    reference = net.res_bus.dropna(subset="vm_pu")
    where = [feeder.index(int(label)) for label in reference.index]
    np.testing.assert_allclose(flow.vm_pu[0, where], reference.vm_pu, rtol=0, atol=VOLTAGE_TOLERANCE_PU)
    angles = np.deg2rad(flow.va_degree[0, where] - reference.va_degree.to_numpy())
    np.testing.assert_allclose(np.exp(1j * (angles - angles[where.index(0)])), 1.0, atol=VOLTAGE_TOLERANCE_PU)
    slack = net.res_ext_grid[net.ext_grid.in_service]
    assert flow.p_slack_mw[0] == pytest.approx(slack.p_mw.sum(), abs=FLOW_TOLERANCE_MVA)
    assert flow.q_slack_mvar[0] == pytest.approx(slack.q_mvar.sum(), abs=FLOW_TOLERANCE_MVA)
    loss_mw = flow.p_slack_mw[0] - feeder.p_load_mw.sum() - flow.shunt_load_mw[0]
    by_voltage_mw = (
        net.res_shunt.p_mw.sum() + net.res_ward.p_mw.sum() - net.ward.ps_mw[net.ward.in_service].sum()
    )
    assert flow.shunt_load_mw[0] == pytest.approx(by_voltage_mw, abs=FLOW_TOLERANCE_MVA)
    assert flow.loss_mw[0] == pytest.approx(loss_mw, abs=FLOW_TOLERANCE_MVA)


def assert_same_line_flows(feeder: Feeder, flow: PowerFlow, net: Any) -> None:
    """Compare both ends of every line; pandapower's values include the shunts, which are taken off here."""
    for branch, name in enumerate(feeder.branch_labels):
        if not name.startswith("line") or "+" in name:
            continue
        line, result = net.line.loc[int(name[5:])], net.res_line.loc[int(name[5:])]
        ends = feeder.index(int(line.from_bus)), feeder.index(int(line.to_bus))
        kv = flow.vm_pu[0, list(ends)] * net.bus.vn_kv[[line.from_bus, line.to_bus]].to_numpy()
        half_siemens = line.g_us_per_km * 1e-6 + 2j * np.pi * net.f_hz * line.c_nf_per_km * 1e-9
        shunt_mva = kv**2 * np.conj(half_siemens * line.length_km * line.parallel / 2)
        entering_mva = np.array(
            [result.p_from_mw + 1j * result.q_from_mvar, result.p_to_mw + 1j * result.q_to_mvar]
        )
        series_mva = entering_mva - shunt_mva
        ours_mva = np.array(
            [
                flow.p_from_mw[0, branch] + 1j * flow.q_from_mvar[0, branch],
                -flow.p_to_mw[0, branch] - 1j * flow.q_to_mvar[0, branch],
            ]
        )
        if ends[0] > ends[1]:
            ours_mva = ours_mva[::-1]
        np.testing.assert_allclose(ours_mva, series_mva, rtol=0, atol=FLOW_TOLERANCE_MVA, err_msg=name)


@pytest.mark.parametrize("name", NETWORKS)
def test_power_flow_equals_pandapower(name: str) -> None:
    net = NETWORKS[name]()
    feeder = feeder_of(net)
    flow = solved(feeder)
    run_without_units(net)
    assert_same_state(feeder, flow, net)
    assert_same_line_flows(feeder, flow, net)


def test_head_voltages_of_periods_equal_those_of_an_external_grid() -> None:
    net, heads = case33bw(), np.array([0.98, 1.0, 1.04])
    feeder = feeder_of(net)
    p_mw, q_mvar = (np.tile(-load, (3, 1)) for load in (feeder.p_load_mw, feeder.q_load_mvar))
    batch = AcPowerFlow(feeder).solve(p_mw, q_mvar, heads)
    for period, vm_pu in enumerate(heads):
        net.ext_grid["vm_pu"] = vm_pu
        run_without_units(net)
        one = PowerFlow(
            **{part.name: getattr(batch, part.name)[period : period + 1] for part in fields(PowerFlow)}
        )
        assert_same_state(feeder, one, net)
        assert_same_line_flows(feeder, one, net)


@pytest.mark.parametrize("code", SIMBENCH_CODES)
def test_power_flow_equals_pandapower_on_simbench(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    simbench = pytest.importorskip("simbench")
    # Cutting a network out of the data set takes long: once is enough.
    net = simbench.get_simbench_net(code)
    monkeypatch.setattr(simbench, "get_simbench_net", {code: deepcopy(net)}.__getitem__)
    feeder = read_feeder(code)
    flow = solved(feeder)
    run_without_units(net)
    assert_same_state(feeder, flow, net)
    assert_same_line_flows(feeder, flow, net)


def test_case33bw_has_the_published_losses_and_lowest_voltage() -> None:
    """M. Baran, F. Wu, 1989, doi:10.1109/61.25627: 202.68 kW, 0.91309 p.u. at bus 18."""
    feeder = read_feeder("case33bw")
    flow = solved(feeder)
    assert flow.loss_mw[0] * 1e3 == pytest.approx(202.68, abs=0.005)
    assert flow.vm_pu[0].argmin() == feeder.index(18)
    assert flow.vm_pu[0].min() == pytest.approx(0.91309, abs=5e-6)


@pytest.mark.parametrize(("load_factor", "impedance_factor"), [(1.3, 0.7), (0.4, 1.8)])
def test_scaled_feeder_equals_scaled_network(load_factor: float, impedance_factor: float) -> None:
    net = case33bw_with_charging()
    feeder = feeder_of(net).scaled(load_factor, impedance_factor)
    net.load[["p_mw", "q_mvar"]] *= load_factor
    net.line[["r_ohm_per_km", "x_ohm_per_km"]] *= impedance_factor
    net.line[["c_nf_per_km", "g_us_per_km"]] /= impedance_factor
    run_without_units(net)
    flow = solved(feeder)
    assert_same_state(feeder, flow, net)
    assert_same_line_flows(feeder, flow, net)


def test_scaled_to_a_peak_keeps_the_voltage_profile() -> None:
    feeder = feeder_of(fed_from_the_low_voltage_side())
    small = feeder.scaled_to(0.01)
    assert small.p_load_mw.sum() == pytest.approx(0.01, rel=1e-12)
    np.testing.assert_allclose(solved(small).vm_pu, solved(feeder).vm_pu, rtol=0, atol=1e-9)
    np.testing.assert_allclose(
        solved(small).i_pu / small.i_max_pu, solved(feeder).i_pu / feeder.i_max_pu, rtol=1e-7
    )
