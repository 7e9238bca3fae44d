"""Power of a run: what stands on each grid against its flows, and these against the laws of circuits."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from gridarium.environment.arrays import Array
from gridarium.environment.network import Feeder
from gridarium.experiments.results.result import Result
from gridarium.experiments.verification.checks import Check
from gridarium.experiments.verification.network_model import feeder_of
from gridarium.experiments.verification.run_tables import GridTables, Worst, grids, numbers, wide

_SAME = 1e-7
"""Of powers, relative to the largest of their grid or to 1 MW; of voltages, p.u."""
_OUTSIDE = ("head", "grid_below", "shunt")
"""Kinds of rows of dispatch that are no agents of the grid."""


def power(run: Result, case: str) -> Iterator[Check]:
    """Energy and power balances, and the AC power flow, of each grid of a case.

    Notes
    -----
    Any state that keeps Kirchhoff's laws on the network of the scenario is its AC power flow: the current of
    each branch follows from the voltages at its ends, powers from voltage and current, and at each bus all
    powers sum to what stands there. None of it takes the code that has solved the flow.
    """
    energy, at_buses, flow = (Worst(_SAME, "of the largest power") for _ in range(3))
    head = Worst(1e-6, "p.u.")
    for grid in grids(run, case):
        feeder = feeder_of(grid.section)
        _energy(grid, feeder, energy)
        _at_buses(grid, at_buses)
        if feeder is not None and "branches" in grid.tables and len(grid.tables["branches"]):
            _flow(grid, feeder, flow)
            _head_voltage(grid, feeder, head)
        elif len(grid.tables["buses"]) == grid.n_period:
            _one_bus(grid, flow)
    yield from energy.checks(case, "energy balance", "supply against demand and losses in each period")
    yield from at_buses.checks(case, "power at buses", "what agents feed in and draw against the buses")
    yield from flow.checks(case, "AC power flow", "Kirchhoff's laws at each bus and branch")
    yield from head.checks(case, "head voltage", "voltage of the substation against the network and its taps")


def _scale(grid: GridTables) -> float:
    dispatch = grid.rows("dispatch")
    return max(1.0, float(np.nanmax(numbers(dispatch, "p_supply_mw"), initial=0.0)))


def _period(grid: GridTables, period: int) -> str:
    return f"{grid.place}period {period}"


def _energy(grid: GridTables, feeder: Feeder | None, worst: Worst) -> None:
    dispatch = grid.rows("dispatch")
    net = grid.series(dispatch, "p_supply_mw") - grid.series(dispatch, "p_demand_mw")
    if len(branches := grid.rows("branches")):
        net = net - grid.series(branches, "p_from_mw") + grid.series(branches, "p_to_mw")
    if feeder is not None:
        vm_pu = wide(grid.tables["buses"], "vm_pu", grid.n_period)
        lost = (feeder.g_bus_pu - feeder.g_load_pu) * feeder.base_mva
        net = net - lost @ vm_pu**2
    worst.add(net, partial(_period, grid), _scale(grid))


def _at_buses(grid: GridTables, worst: Worst) -> None:
    """What stands in dispatch against what stands in buses, in each period."""
    dispatch, buses = grid.rows("dispatch"), grid.tables["buses"]
    own = dispatch[~dispatch["kind"].isin(_OUTSIDE)]
    below = dispatch[dispatch["kind"] == "grid_below"]
    fed = grid.series(own, "p_supply_mw") - grid.series(buses, "p_source_mw")
    drawn = grid.series(buses, "p_load_mw") + grid.series(buses, "p_charge_mw")
    taken = grid.series(own, "p_demand_mw") - drawn
    passed = grid.series(below, "p_demand_mw") - grid.series(below, "p_supply_mw")
    stacked = np.array([fed, taken, passed - grid.series(buses, "p_below_mw")])
    names = ("fed in", "drawn", "passed on")
    worst.add(stacked, lambda what, period: f"{grid.place}{names[what]}, period {period}", _scale(grid))
    labels = buses["bus"].to_numpy(dtype=object)[:: grid.n_period]
    source = wide(buses, "p_source_mw", grid.n_period)
    placed = own[own["bus"].isin(labels)]
    at = placed["bus"].map({label: number for number, label in enumerate(labels)}).to_numpy(dtype=int)
    cell = at * grid.n_period + placed["period"].to_numpy(dtype=int)
    supplied = np.bincount(cell, weights=numbers(placed, "p_supply_mw"), minlength=source.size)
    # Where all that feeds in stands at a bus of its own.
    if not numbers(own[~own["bus"].isin(labels)], "p_supply_mw").any():
        worst.add(
            supplied.reshape(source.shape) - source,
            lambda bus, period: f"{grid.place}bus {labels[bus]}, period {period}",
            _scale(grid),
        )


def _head_mw(grid: GridTables, column: str = "p") -> Array:
    head = grid.rows("dispatch", kind="head")
    if column == "q":
        return grid.series(head, "q_mvar")
    return grid.series(head, "p_supply_mw") - grid.series(head, "p_demand_mw")


def _net_mw(grid: GridTables) -> Array:
    """What is fed in at each bus beside the head, MW, shape (n_bus, n_period)."""
    fed, load, charge, below = (
        wide(grid.tables["buses"], name, grid.n_period)
        for name in ("p_source_mw", "p_load_mw", "p_charge_mw", "p_below_mw")
    )
    return fed - load - charge - below


def _one_bus(grid: GridTables, worst: Worst) -> None:
    worst.add(_net_mw(grid)[0] + _head_mw(grid), partial(_period, grid), _scale(grid))
    # Nothing lies between it and what holds its voltage.
    worst.add(numbers(grid.tables["buses"], "vm_pu") - 1.0, partial(_period, grid))


def _flow(grid: GridTables, feeder: Feeder, worst: Worst) -> None:
    """Currents and powers of branches from voltages, and the sum of powers at each bus."""
    n_period, buses, branches = grid.n_period, grid.tables["buses"], grid.tables["branches"]
    vm_pu = wide(buses, "vm_pu", n_period)
    v_pu = vm_pu * np.exp(1j * np.deg2rad(wide(buses, "va_degree", n_period)))
    turns = feeder.ratio * np.exp(1j * np.deg2rad(feeder.shift_degree))
    behind, child = v_pu[feeder.parent] / turns[:, None], v_pu[1:]
    current = (behind - child) / (feeder.r_pu + 1j * feeder.x_pu)[:, None]
    names = branches["branch"].to_numpy(dtype=object)[::n_period]

    def at_branch(branch: int, period: int) -> str:
        return f"{grid.place}branch {names[branch]}, period {period}"

    scale = _scale(grid)
    sent, received = (end * current.conj() * feeder.base_mva for end in (behind, child))
    told = {name: wide(branches, name, n_period) for name in _FLOWS}
    for name, found in zip(_FLOWS, (sent.real, sent.imag, received.real, received.imag), strict=True):
        worst.add(found - told[name], at_branch, scale)
    worst.add((np.abs(current) - wide(branches, "i_pu", n_period)) * feeder.base_mva, at_branch, scale)
    rated = np.isfinite(feeder.i_max_pu)
    shares = np.where(rated[:, None], np.abs(current) / feeder.i_max_pu[:, None], 0.0)
    told_shares = np.nan_to_num(wide(branches, "loading", n_period))
    worst.add(shares - told_shares, at_branch, max(1.0, float(shares.max(initial=0.0))))
    labels = buses["bus"].to_numpy(dtype=object)[::n_period]
    left = _net_mw(grid) - (feeder.g_bus_pu * feeder.base_mva)[:, None] * vm_pu**2
    left[0] += _head_mw(grid)
    np.subtract.at(left, feeder.parent, told["p_from_mw"])
    left[1:] += told["p_to_mw"]
    worst.add(left, lambda bus, period: f"{grid.place}bus {labels[bus]}, period {period}", scale)
    _reactive(grid, feeder, told, vm_pu, worst)


_FLOWS = ("p_from_mw", "q_from_mvar", "p_to_mw", "q_to_mvar")


def _reactive(grid: GridTables, feeder: Feeder, told: dict[str, Array], vm_pu: Array, worst: Worst) -> None:
    """Reactive power of all that stands on the grid against what branches and shunts take."""
    dispatch = grid.rows("dispatch")
    if dispatch["q_mvar"].isna().any():
        return
    taken = (told["q_from_mvar"] - told["q_to_mvar"]).sum(axis=0)
    taken = taken - (feeder.b_bus_pu * feeder.base_mva) @ vm_pu**2
    worst.add(grid.series(dispatch, "q_mvar") - taken, partial(_period, grid), _scale(grid))


def _head_voltage(grid: GridTables, feeder: Feeder, worst: Worst) -> None:
    vm_pu, taps = wide(grid.tables["buses"], "vm_pu", grid.n_period)[0], grid.section.get("tap_changer")
    meant = np.full(grid.n_period, feeder.slack_vm_pu)
    if taps:
        position = grid.series(grid.rows("taps", kind="tap_changer"), "position")
        meant = feeder.slack_vm_pu * (1.0 + taps["step_pu"] * position)
    worst.add(vm_pu - meant, partial(_period, grid))
