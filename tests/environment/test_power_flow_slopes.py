"""Derivatives of a power flow against differences between power flows."""

from __future__ import annotations

import numpy as np
import pytest

from gridarium.environment.network import Feeder
from gridarium.environment.power_flow import AcPowerFlow
from gridarium.environment.power_flow_slopes import PowerFlowSlopes

STEP_MW = 1e-4


def feeder() -> Feeder:
    """Four buses in a tree; a transformer that turns the phase, and shunts."""
    return Feeder(
        name="four buses",
        base_mva=10.0,
        bus_labels=("substation", "a", "b", "c"),
        base_kv=np.array([20.0, 10.0, 10.0, 10.0]),
        parent=np.array([0, 1, 1]),
        branch_labels=("trafo 0", "line 0", "line 1"),
        r_pu=np.array([0.02, 0.1, 0.15]),
        x_pu=np.array([0.08, 0.1, 0.1]),
        ratio=np.array([1.02, 1.0, 1.0]),
        shift_degree=np.array([150.0, 0.0, 0.0]),
        g_bus_pu=np.array([0.0, 0.01, 0.0, 0.0]),
        b_bus_pu=np.array([0.0, 0.02, 0.0, 0.03]),
        i_max_pu=np.full(3, np.inf),
        p_load_mw=np.zeros(4),
        q_load_mvar=np.zeros(4),
        slack_vm_pu=1.03,
        x=np.zeros(4),
        y=np.zeros(4),
    )


@pytest.mark.parametrize("bus", [1, 2, 3])
def test_slopes_are_differences_between_power_flows(bus: int) -> None:
    network = feeder()
    drawn_mw = np.array([[0.0, 1.0, 2.0, 3.0], [0.5, 0.0, -4.0, 1.0]])
    drawn_mvar = np.array([[0.0, 0.5, 1.0, -1.0], [0.0, 0.0, 2.0, 0.5]])
    power_flow = AcPowerFlow(network)
    slopes = PowerFlowSlopes(network, power_flow.solve(-drawn_mw, -drawn_mvar))
    step = np.zeros(4)
    step[bus] = STEP_MW
    more, less = (power_flow.solve(-drawn_mw - sign * step, -drawn_mvar) for sign in (1.0, -1.0))
    lost = (more.loss_mw - less.loss_mw) / (2.0 * STEP_MW)
    assert slopes.lost_per_drawn()[bus] == pytest.approx(lost, abs=1e-7)
    fall = (less.vm_pu**2 - more.vm_pu**2) / (2.0 * STEP_MW)
    for period, at in np.ndindex(2, 4):
        assert slopes.fall_per_drawn(at, period)[bus] == pytest.approx(fall[period, at], abs=1e-7)


@pytest.mark.parametrize("bus", [0, 1, 2, 3])
def test_voltages_rise_as_differences_between_power_flows_say(bus: int) -> None:
    network = feeder()
    p_mw, q_mvar = -np.array([[0.0, 1.0, 2.0, 3.0]]), -np.array([[0.0, 0.5, 1.0, -1.0]])
    power_flow = AcPowerFlow(network)
    slopes = PowerFlowSlopes(network, power_flow.solve(p_mw, q_mvar))
    step, none = STEP_MW * np.eye(4)[bus], np.zeros(4)
    per_mw, per_mvar = slopes.rise_per_fed_in([3, bus], 0)
    for found, p_step, q_step in ((per_mw, step, none), (per_mvar, none, step)):
        more, less = (power_flow.solve(p_mw + s * p_step, q_mvar + s * q_step).vm_pu for s in (1.0, -1.0))
        assert found[:, 1] == pytest.approx((more - less)[0] / (2.0 * STEP_MW), abs=1e-8)


def test_what_is_drawn_at_the_substation_is_lost_nowhere() -> None:
    network = feeder()
    flow = AcPowerFlow(network).solve(-np.ones((1, 4)), np.zeros((1, 4)))
    assert PowerFlowSlopes(network, flow).lost_per_drawn()[0] == pytest.approx(0.0)
    copper = Feeder.copper_plate()
    flow = AcPowerFlow(copper).solve(np.array([[-2.0], [1.0]]), np.zeros((2, 1)))
    assert PowerFlowSlopes(copper, flow).lost_per_drawn() == pytest.approx(np.zeros((1, 2)))
