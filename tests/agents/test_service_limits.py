"""Calls that a feeder does not carry, against its AC power flow as the meters show it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from communities import write_under_a_system

from gridarium.agents.feeder.dso import Dso
from gridarium.agents.feeder.service_limits import ServiceLimits
from gridarium.environment.arrays import Array
from gridarium.experiments.running.case_run import run_case
from gridarium.experiments.running.world_build import BuiltWorld, build
from gridarium.experiments.scenario import load_scenario

BUS = 4


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> BuiltWorld:
    """Return a world whose DSO has planned two hours, on long lines and with little import to spare."""
    path = write_under_a_system(tmp_path_factory.mktemp("limits"), horizon_h=2)
    quiet = ("grids.bulk.ties.calls_services=false", "grids.feeder.network.impedance_factor=6")
    (case,) = load_scenario(path, quiet).cases.values()
    built = build(case)
    built.world.step()
    return built


def _outside(built: BuiltWorld, step: int, drawn_mw: float) -> float:
    """How far the planned step leaves a limit when so much more is drawn at the bus, by its AC flow."""
    dso = built.one(Dso)
    shape, dispatch = dso.shape, dso.today.in_force
    p_mw, q_mvar = (
        values[:, step].copy() for values in ServiceLimits(dso._planner, BUS).injections(dso.today)
    )
    p_mw[BUS] -= drawn_mw
    flow = dso.grid.power_flow.solve(p_mw[None], q_mvar[None])
    if drawn_mw == 0.0:
        # The injections are those of the plan: its head, its voltages.
        net = dispatch.buy_mw - dispatch.sell_mw
        assert flow.p_slack_mw[0] == pytest.approx(net[step], abs=1e-4)
        assert flow.vm_pu[0] == pytest.approx(dispatch.voltage_pu[:, step], abs=1e-5)
    low, high = shape.voltage_band_pu
    most: Array = shape.loading_max * shape.feeder.i_max_pu
    return max(
        float((low - flow.vm_pu[0, 1:]).max()),
        float((flow.vm_pu[0, 1:] - high).max()),
        float((flow.i_pu[0] / most - 1.0).max()),
        float(flow.p_slack_mw[0]) - shape.import_limit_mw,
        -float(flow.p_slack_mw[0]) - shape.export_limit_mw,
    )


def test_what_is_carried_is_the_most_that_keeps_the_limits(planned: BuiltWorld) -> None:
    dso = planned.one(Dso)
    limits = ServiceLimits(dso._planner, BUS)
    for step in range(2):
        assert _outside(planned, step, 0.0) <= 1e-5
    for drawn in (6.0, 20.0, -8.0):
        shares = limits.shares(dso.today, np.array([0, 1]), np.full(2, drawn))
        assert np.all((shares > 0.0) & (shares < 1.0)), drawn
        for step, share in enumerate(shares.tolist()):
            assert _outside(planned, step, share * drawn) <= 2e-5
            assert _outside(planned, step, (share + 2e-3) * drawn) > 1e-5


def test_what_can_be_carried_is_not_touched(planned: BuiltWorld) -> None:
    dso = planned.one(Dso)
    limits = ServiceLimits(dso._planner, BUS)
    assert limits.shares(dso.today, np.array([0, 0, 1]), np.array([0.1, -0.1, 0.0])).tolist() == [1.0] * 3


def test_a_call_is_passed_on_as_far_as_the_feeder_carries_it(tmp_path: Path) -> None:
    path = write_under_a_system(tmp_path, horizon_h=2)
    weak = (
        "grids.feeder.network.impedance_factor=6",
        "grids.feeder.network.voltage_min_pu=0.97",
        "grids.feeder.provider.storage.p_max_mw=6",
        "grids.feeder.provider.storage.e_max_mwh=20",
        "grids.feeder.network.sites={esp: 4}",
    )
    (case,) = load_scenario(path, weak).cases.items()
    day = run_case(*case)
    rows = day.tables["relayed_services"]
    assert float(rows["withheld_mw"].max()) > 0.1
    assert float(rows["p_charge_mw"].max() + rows["p_discharge_mw"].max()) > 0.1
    hard = {one.name: one.passed for one in day.certificates if one.hard}
    assert {name for name, passed in hard.items() if not passed} == set()
    # A plan that counts with what is called is none for the loads alone; all others are held against them.
    assert {"bulk: planned power flow", "bulk: planned cost"} <= hard.keys()
    (band,) = (one for one in day.certificates if one.name == "feeder: voltage band")
    assert band.value <= 1e-4
