"""How much a feeder carries at most, against the closed form of two buses, and what is confirmed by it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gridarium.environment.errors import PowerFlowError
from gridarium.environment.network_reader import read_feeder
from gridarium.environment.power_flow import AcPowerFlow
from gridarium.experiments.benchmarks.infeasibility import confirmed
from gridarium.experiments.benchmarks.loadability import most_carried

CASE33 = read_feeder("case33bw")
LOAD_MVA = -(CASE33.p_load_mw + 1j * CASE33.q_load_mvar)


@pytest.mark.parametrize("power_mw", [-2.0, 3.0])
@pytest.mark.parametrize(("ratio", "head_vm_pu"), [(1.0, 1.0), (1.05, 0.98)])
def test_two_buses_carry_what_their_closed_form_says(
    power_mw: float, ratio: float, head_vm_pu: float
) -> None:
    """v^2 + (2 r P - e) v + z^2 P^2 = 0 has a solution up to e = 2 r P + 2 z |P|, e what is behind."""
    r, x = 0.05, 0.4
    feeder = replace(
        CASE33,
        bus_labels=(1, 2),
        base_mva=10.0,
        base_kv=np.full(2, 10.0),
        parent=np.array([0]),
        r_pu=np.array([r]),
        x_pu=np.array([x]),
        ratio=np.array([ratio]),
        shift_degree=np.zeros(1),
        g_bus_pu=np.zeros(2),
        b_bus_pu=np.zeros(2),
        i_max_pu=np.full(1, np.inf),
        branch_labels=("line",),
    )
    load_pu = -power_mw / feeder.base_mva
    behind = (head_vm_pu / ratio) ** 2
    most = behind / (2.0 * r * load_pu + 2.0 * np.hypot(r, x) * abs(load_pu))
    found = most_carried(feeder, np.array([5.0, power_mw], dtype=complex), head_vm_pu)
    assert found == pytest.approx(most, rel=1e-6)


def test_no_power_flow_is_found_beyond_the_bound_and_one_is_up_to_it() -> None:
    most, flow = most_carried(CASE33, LOAD_MVA, 1.0), AcPowerFlow(CASE33)
    injection = 0.999 * most * LOAD_MVA[None]
    flow.solve(injection.real, injection.imag)
    beyond = 1.01 * most * LOAD_MVA[None]
    with pytest.raises(PowerFlowError) as caught:
        flow.solve(beyond.real, beyond.imag)
    is_so, word = confirmed(caught.value)
    assert is_so and "0.99 times" in word


def test_nothing_asked_is_carried_any_number_of_times() -> None:
    assert most_carried(CASE33, np.zeros(CASE33.n_bus, dtype=complex), 1.0) == np.inf


def test_what_can_be_carried_is_not_confirmed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Were our own power flow to fail where there is one, the bound would tell."""
    monkeypatch.setattr("gridarium.environment.power_flow._ITERATIONS", 1)
    with pytest.raises(PowerFlowError) as caught:
        AcPowerFlow(CASE33).solve(LOAD_MVA.real[None], LOAD_MVA.imag[None])
    assert confirmed(caught.value) == (False, "by Clarabel no period asks more than may be carried")
