"""Radial feeders of realistic size and impedance: parts of the IEEE 33-bus feeder, and drawn ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gridarium.environment.arrays import Array

if TYPE_CHECKING:
    from numpy.random import Generator

LEVELS_KV = (10.0, 12.66, 20.0)
R_OHM_PER_KM = (0.15, 0.6)
X_OHM_PER_KM = (0.1, 0.4)
"""Cables and overhead lines of medium voltage."""
RATING_KA = (0.25, 0.5)
LENGTH_KM = (0.2, 1.5)
LOAD_MW = (0.03, 0.3)
POWER_FACTOR = (0.85, 0.98)
VOLTAGE_DROP = (0.015, 0.08)
"""Drop of voltage to the far end at peak load without any unit, p.u.; lengths are scaled to it."""
ON_THE_MAIN_LINE = 0.7


def part_of_case33bw(random: Generator, n_bus: int) -> Any:
    """A connected part of the IEEE 33-bus feeder with its substation, as a pandapower network.

    Parameters
    ----------
    random : numpy.random.Generator
    n_bus : int
        From 2 to 33.
    """
    from pandapower.networks import case33bw
    from pandapower.toolbox import select_subnet

    whole = case33bw()
    lines = whole.line[whole.line["in_service"]]
    pairs = [(int(line.from_bus), int(line.to_bus)) for line in lines.itertuples()]
    chosen = {int(whole.ext_grid["bus"].iloc[0])}
    while len(chosen) < n_bus:
        edge = sorted({bus for pair in pairs if len(chosen & set(pair)) == 1 for bus in set(pair) - chosen})
        chosen.add(int(random.choice(edge)))
    part = select_subnet(whole, sorted(chosen), include_results=False)
    part.line = part.line[part.line["in_service"]]
    return part


def drawn_feeder(random: Generator, n_bus: int) -> Any:
    """A tree of lines with a main line and laterals, loaded at every bus, as a pandapower network.

    Parameters
    ----------
    random : numpy.random.Generator
    n_bus : int
        At least 2.
    """
    import pandapower

    level_kv = float(random.choice(LEVELS_KV))
    parent = np.array([_parent(random, bus) for bus in range(1, n_bus)])
    r, x, length, rating = (
        random.uniform(low, high, n_bus - 1)
        for low, high in (R_OHM_PER_KM, X_OHM_PER_KM, LENGTH_KM, RATING_KA)
    )
    load_mw = random.uniform(*LOAD_MW, n_bus - 1)
    load_mvar = load_mw * np.tan(np.arccos(random.uniform(*POWER_FACTOR, n_bus - 1)))
    drop = _voltage_drop(parent, r * length, x * length, load_mw, load_mvar, level_kv)
    length = length * float(random.uniform(*VOLTAGE_DROP)) / drop
    net = pandapower.create_empty_network()
    for _ in range(n_bus):
        pandapower.create_bus(net, vn_kv=level_kv)
    pandapower.create_ext_grid(net, 0)
    for branch in range(n_bus - 1):
        pandapower.create_line_from_parameters(
            net, int(parent[branch]), branch + 1, length[branch], r[branch], x[branch], 0.0, rating[branch]
        )
        pandapower.create_load(net, branch + 1, load_mw[branch], load_mvar[branch])
    return net


def _parent(random: Generator, bus: int) -> int:
    """Mostly the bus before it, else any earlier one but the substation, which has one outlet."""
    if bus == 1 or random.random() < ON_THE_MAIN_LINE:
        return bus - 1
    return int(random.integers(1, bus))


def _voltage_drop(
    parent: Array, r_ohm: Array, x_ohm: Array, load_mw: Array, load_mvar: Array, level_kv: float
) -> float:
    """Largest drop along the tree without losses, p.u.: ``(r P + x Q) / V^2`` of each branch on the way."""
    below_mw, below_mvar = load_mw.copy(), load_mvar.copy()
    for branch in range(len(parent) - 1, 0, -1):
        above = int(parent[branch]) - 1
        if above >= 0:
            below_mw[above] += below_mw[branch]
            below_mvar[above] += below_mvar[branch]
    own = (r_ohm * below_mw + x_ohm * below_mvar) / level_kv**2
    drop = np.zeros(len(parent) + 1)
    for branch, above in enumerate(parent):
        drop[branch + 1] = drop[int(above)] + own[branch]
    return float(drop.max())
