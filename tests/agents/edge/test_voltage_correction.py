"""Corrections of voltage against a search on a grid of changes, and on AC power flow."""

from __future__ import annotations

from functools import lru_cache
from itertools import product

import numpy as np
import pytest

from gridarium.agents.edge.voltage_correction import FastUnit, least_change
from gridarium.environment.arrays import Array
from gridarium.environment.errors import SolveError
from gridarium.environment.network import Feeder
from gridarium.environment.network_reader import read_feeder
from gridarium.environment.power_flow import AcPowerFlow
from gridarium.environment.power_flow_slopes import PowerFlowSlopes

BAND = (0.95, 1.05)
STEPS = 17


def outside(vm_pu: Array) -> Array:
    """Sum over buses, of shape (..., n_bus)."""
    return np.maximum(0.0, np.maximum(BAND[0] - vm_pu, vm_pu - BAND[1])).sum(axis=-1)


def changes_of(unit: FastUnit) -> list[tuple[float, float]]:
    """All changes on a grid that a unit can make."""
    reactive = np.linspace(-unit.s_max_mva, unit.s_max_mva, STEPS)
    return [
        (p - unit.p_mw, q - unit.q_mvar)
        for p, q in product(np.linspace(unit.p_min_mw, unit.p_max_mw, STEPS), reactive)
        if np.hypot(p, q) <= unit.s_max_mva * np.cos(np.pi / 32)
    ]


@pytest.mark.parametrize("seed", range(4))
def test_no_change_on_a_grid_leaves_the_band_less_or_takes_less_power(seed: int) -> None:
    draws = np.random.default_rng(seed)
    units = [FastUnit(0.1, 0.0, -0.4, 0.4, 0.5), FastUnit(-0.2, 0.1, -0.3, 0.2, 0.3)]
    per_mw, per_mvar = draws.uniform(0.01, 0.05, (2, 3, 2))
    vm_pu = 1.05 + draws.uniform(-0.02, 0.03, 3)
    found = least_change(vm_pu, per_mw, per_mvar, units, BAND)

    tried = np.array([(*one, *other) for one, other in product(*map(changes_of, units))])
    p_mw, q_mvar = tried[:, [0, 2]], tried[:, [1, 3]]
    left = outside(vm_pu + p_mw @ per_mw.T + q_mvar @ per_mvar.T)
    assert found.missed_pu <= left.min() + 1e-6
    assert found.missed_pu == pytest.approx(outside(vm_pu + per_mw @ found.p_mw + per_mvar @ found.q_mvar))
    as_good = left <= found.missed_pu + 1e-9
    active = np.abs(p_mw).sum(axis=1)
    assert np.abs(found.p_mw).sum() <= active[as_good].min(initial=np.inf) + 1e-6
    as_good &= active <= np.abs(found.p_mw).sum() + 1e-9
    assert np.abs(found.q_mvar).sum() <= np.abs(q_mvar[as_good]).sum(axis=1).min(initial=np.inf) + 1e-6


def test_reactive_power_goes_first_and_active_power_does_the_rest() -> None:
    unit, per_mw, per_mvar = FastUnit(0.0, 0.0, -1.0, 1.0, 0.5), np.array([[0.04]]), np.array([[0.02]])
    small = least_change(np.array([1.055]), per_mw, per_mvar, [unit], BAND)
    assert small.q_mvar == pytest.approx([-0.25], rel=1e-4)
    assert small.p_mw == pytest.approx([0.0], abs=1e-9)
    large = least_change(np.array([1.065]), per_mw, per_mvar, [unit], BAND)
    assert large.missed_pu == pytest.approx(0.0, abs=1e-6)
    assert np.hypot(large.p_mw, large.q_mvar) <= 0.5
    # The least active power with which a polygon of 32 sides lets both reach 0.015 p.u.
    angle = np.linspace(0.0, 2.0 * np.pi, 200_001)
    p, q = 0.5 * np.cos(np.pi / 32) * np.array([np.cos(angle), np.sin(angle)])
    assert -large.p_mw[0] <= -p[0.04 * p + 0.02 * q <= -0.015].max() + 1e-6
    assert large.p_mw[0] < -0.1
    hopeless = least_change(np.array([1.2]), per_mw, per_mvar, [unit], BAND)
    assert hopeless.missed_pu == pytest.approx(0.15 - 0.5 * np.hypot(0.04, 0.02), rel=1e-2)


def test_any_voltages_and_units_have_an_answer_that_leaves_the_band_no_more() -> None:
    draws, feeder = np.random.default_rng(8), feeder_33()
    nominal = AcPowerFlow(feeder).solve(-feeder.p_load_mw[None], -feeder.q_load_mvar[None])
    slopes = PowerFlowSlopes(feeder, nominal)
    for _ in range(80):
        ratings = draws.uniform(0.1, 1.0, draws.integers(1, 7))
        units = []
        for s_max in ratings:
            p = 0.9 * draws.uniform(-s_max, s_max)
            q = draws.choice([0.0, 1.0]) * draws.uniform(-1.0, 1.0) * np.sqrt(s_max**2 - p**2)
            low, high = np.clip(p + np.array([-1.0, 1.0]) * draws.choice([0.0, 0.5]), -s_max, s_max)
            units.append(FastUnit(float(p), float(q), float(low), float(high), float(s_max)))
        rises = slopes.rise_per_fed_in(draws.integers(1, 33, len(units)).tolist(), 0)
        vm_pu = 1.0 + draws.uniform(-0.06, 0.06) + 0.004 * np.cumsum(draws.normal(size=33))
        found = least_change(vm_pu, *rises, units, BAND)
        assert found.missed_pu <= outside(vm_pu) + 1e-6
        then = [
            (one.p_mw + p, one.q_mvar + q) for one, p, q in zip(units, found.p_mw, found.q_mvar, strict=True)
        ]
        assert np.all(np.hypot(*np.array(then).T) <= 1.006 * ratings)


def test_voltages_in_the_band_and_no_unit_ask_for_nothing() -> None:
    unit, slope = FastUnit(0.0, 0.0, -1.0, 1.0, 1.0), np.array([[0.03], [0.02]])
    within = least_change(np.array([1.0, 1.05]), slope, slope, [unit], BAND)
    assert within.p_mw == within.q_mvar == [0.0]
    alone = least_change(np.array([1.06, 0.94]), np.zeros((2, 0)), np.zeros((2, 0)), [], BAND)
    assert alone.missed_pu == pytest.approx(0.02)
    with pytest.raises(SolveError, match=r"p_mw of a unit must be in \[-1.0, 1.0\] MW, got 2.0 MW"):
        least_change(np.array([1.06, 1.0]), slope, slope, [FastUnit(2.0, 0.0, -1.0, 1.0, 2.0)], BAND)


@lru_cache
def feeder_33() -> Feeder:
    return read_feeder("case33bw")


@pytest.mark.parametrize(("surplus_mw", "load"), [(1.3, 0.2), (0.0, 0.75), (1.9, 0.6)])
def test_ac_power_flow_agrees_with_sensitivities_of_another_state(surplus_mw: float, load: float) -> None:
    """Out of the band without, within it after two looks; sensitivities are those at nominal loads."""
    feeder = feeder_33()
    power_flow, buses = AcPowerFlow(feeder), [feeder.index(17), feeder.index(32), feeder.index(24)]
    nominal = power_flow.solve(-feeder.p_load_mw[None], -feeder.q_load_mvar[None])
    per_mw, per_mvar = PowerFlowSlopes(feeder, nominal).rise_per_fed_in(buses, 0)
    p_mw, q_mvar = -load * feeder.p_load_mw, -load * feeder.q_load_mvar
    p_mw[feeder.index(16)] += surplus_mw
    units = [FastUnit(0.0, 0.0, -0.8, 0.8, 1.0)] * 3
    kept = (BAND[0] + 5e-4, BAND[1] - 5e-4)
    vm_pu = power_flow.solve(p_mw[None], q_mvar[None]).vm_pu[0]
    assert outside(vm_pu) > 0.005
    p_change, q_change = np.zeros(3), np.zeros(3)
    for _ in range(3):
        without = vm_pu - per_mw @ p_change - per_mvar @ q_change
        found = least_change(without, per_mw, per_mvar, units, kept)
        p_change, q_change = found.p_mw, found.q_mvar
        with_p, with_q = p_mw.copy(), q_mvar.copy()
        with_p[buses] += p_change
        with_q[buses] += q_change
        vm_pu = power_flow.solve(with_p[None], with_q[None]).vm_pu[0]
    assert outside(vm_pu) == 0.0
    assert np.all(np.hypot(p_change, q_change) <= 1.0 + 1e-9)
