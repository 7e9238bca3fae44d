"""AC power flow on feeders small enough for a formula, and its errors."""

from __future__ import annotations

import numpy as np
import pytest

from gridarium.environment.errors import PowerFlowError
from gridarium.environment.network import Feeder
from gridarium.environment.power_flow import AcPowerFlow


def two_bus(
    ratio: float = 1.0, shift_degree: float = 0.0, g_pu: float = 0.0, base_mva: float = 1.0
) -> Feeder:
    return Feeder(
        name="two buses",
        base_mva=base_mva,
        bus_labels=("substation", "village"),
        base_kv=np.array([20.0, 0.4]),
        parent=np.array([0]),
        branch_labels=("trafo 0",),
        r_pu=np.array([0.02]),
        x_pu=np.array([0.05]),
        ratio=np.array([ratio]),
        shift_degree=np.array([shift_degree]),
        g_bus_pu=np.array([0.0, g_pu]),
        b_bus_pu=np.zeros(2),
        i_max_pu=np.array([np.inf]),
        p_load_mw=np.array([0.0, 0.3]),
        q_load_mvar=np.array([0.0, 0.1]),
        slack_vm_pu=1.02,
        x=np.zeros(2),
        y=np.zeros(2),
    )


def receiving_voltage(v: float, r: float, x: float, p: float, q: float) -> float:
    """Solve the biquadratic for the voltage magnitude at the end of one impedance."""
    half = v**2 / 2 - (r * p + x * q)
    return float(np.sqrt(half + np.sqrt(half**2 - (r**2 + x**2) * (p**2 + q**2))))


@pytest.mark.parametrize("base_mva", [1.0, 100.0])
@pytest.mark.parametrize("shift_degree", [0.0, 150.0])
@pytest.mark.parametrize("ratio", [1.0, 1.05])
def test_two_buses_have_a_closed_form(ratio: float, shift_degree: float, base_mva: float) -> None:
    p_load, q_load = np.array([0.3, -0.4, 0.0]), np.array([0.1, 0.2, 0.0])
    injection = np.zeros((2, 3, 2))
    injection[0, :, 1], injection[1, :, 1] = -p_load * base_mva, -q_load * base_mva
    flow = AcPowerFlow(two_bus(ratio, shift_degree, base_mva=base_mva)).solve(*injection)
    expected = [
        receiving_voltage(1.02 / ratio, 0.02, 0.05, p, q) for p, q in zip(p_load, q_load, strict=True)
    ]
    np.testing.assert_allclose(flow.vm_pu[:, 1], expected, rtol=0, atol=1e-11)
    np.testing.assert_allclose(flow.p_to_mw[:, 0], p_load * base_mva, rtol=0, atol=1e-9 * base_mva)
    squared = (p_load**2 + q_load**2) / np.square(expected)
    np.testing.assert_allclose(flow.i_pu[:, 0] ** 2, squared, rtol=0, atol=1e-9)
    np.testing.assert_allclose(flow.loss_mw, 0.02 * squared * base_mva, rtol=0, atol=1e-9 * base_mva)
    np.testing.assert_allclose(flow.p_slack_mw, (p_load + 0.02 * squared) * base_mva, atol=1e-9 * base_mva)
    np.testing.assert_allclose(flow.q_slack_mvar, (q_load + 0.05 * squared) * base_mva, atol=1e-9 * base_mva)
    np.testing.assert_allclose(flow.va_degree[:, 0], 0.0, atol=1e-9)
    assert flow.va_degree[2, 1] == pytest.approx(-shift_degree, abs=1e-9)


def test_a_head_voltage_of_each_period_counts() -> None:
    heads = np.array([0.97, 1.02, 1.05])
    p_mw, q_mvar = np.tile([0.0, -0.3], (3, 1)), np.tile([0.0, -0.1], (3, 1))
    model = AcPowerFlow(two_bus())
    flow = model.solve(p_mw, q_mvar, heads)
    expected = [receiving_voltage(v, 0.02, 0.05, 0.3, 0.1) for v in heads]
    np.testing.assert_allclose(flow.vm_pu[:, 1], expected, rtol=0, atol=1e-11)
    plain = model.solve(p_mw, q_mvar)
    np.testing.assert_array_equal(plain.vm_pu, model.solve(p_mw, q_mvar, np.full(3, 1.02)).vm_pu)
    np.testing.assert_allclose(plain.vm_pu[:, 0], 1.02, rtol=0, atol=1e-12)


def test_shunt_conductance_is_a_loss() -> None:
    flow = AcPowerFlow(two_bus(g_pu=0.1)).solve(np.zeros((1, 2)), np.zeros((1, 2)))
    assert flow.p_to_mw[0, 0] == pytest.approx(0.1 * flow.vm_pu[0, 1] ** 2, abs=1e-10)
    assert flow.loss_mw[0] == pytest.approx(flow.p_slack_mw[0], abs=1e-10)


def test_injection_at_the_substation_replaces_its_own() -> None:
    model = AcPowerFlow(two_bus())
    p_mw = np.array([[0.0, -0.3], [0.2, -0.3]])
    flow = model.solve(p_mw, np.zeros((2, 2)))
    assert flow.p_slack_mw[0] - flow.p_slack_mw[1] == pytest.approx(0.2, abs=1e-10)
    np.testing.assert_allclose(flow.vm_pu[0], flow.vm_pu[1], rtol=0, atol=1e-12)


def test_periods_do_not_touch_each_other() -> None:
    rng = np.random.default_rng(3)
    p_mw, q_mvar = rng.uniform(-0.5, 0.5, (2, 24, 2))
    model = AcPowerFlow(two_bus())
    together = model.solve(p_mw, q_mvar).vm_pu
    alone = np.vstack([model.solve(p_mw[[t]], q_mvar[[t]]).vm_pu for t in range(24)])
    np.testing.assert_allclose(together, alone, rtol=0, atol=1e-11)


def test_periods_without_solution_are_named() -> None:
    p_mw = np.array([[0.0, -0.3], [0.0, -50.0], [0.0, -0.1], [0.0, -80.0]])
    model = AcPowerFlow(two_bus())
    named = r"power flow of two buses: no solution .* in periods 1 \(net load 50 MW\), 3 \(net load 80 MW\)"
    with pytest.raises(PowerFlowError, match=named):
        model.solve(p_mw, np.zeros((4, 2)))
    assert model.solve(p_mw[:1], np.zeros((1, 2))).vm_pu[0, 1] < 1.02


def test_wrong_shapes_and_values_are_named() -> None:
    model = AcPowerFlow(two_bus())
    with pytest.raises(PowerFlowError, match=r"q_injection_mvar must have shape .* = \(3, 2\), got \(1, 2\)"):
        model.solve(np.zeros((3, 2)), np.zeros((1, 2)))
    with pytest.raises(
        PowerFlowError, match=r"period 2, bus village: p_injection_mw must be finite, got nan"
    ):
        model.solve(np.array([[0, 0], [0, 0], [0, np.nan]]), np.zeros((3, 2)))
    with pytest.raises(PowerFlowError, match=r"head_vm_pu must have shape .* = \(2,\), got \(3,\)"):
        model.solve(np.zeros((2, 2)), np.zeros((2, 2)), np.ones(3))
    with pytest.raises(PowerFlowError, match=r"period 1: head_vm_pu must be finite and above 0 p.u., got 0"):
        model.solve(np.zeros((2, 2)), np.zeros((2, 2)), np.array([1.0, 0.0]))
