"""Certificates of what loads draw at each bus, by the network's file and by meters: MW, and Mvar."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd

from gridarium.environment.arrays import Array, Flags
from gridarium.environment.horizon import Horizon
from gridarium.environment.network import Feeder
from gridarium.experiments.evidence.grid_evidence import GridEvidence, rows_of
from gridarium.experiments.parts.consumers import CONSUMERS
from gridarium.experiments.parts.members import member_names
from gridarium.experiments.parts.part import GridBuild
from gridarium.experiments.parts.price_regions import PRICE_REGIONS, regions_of
from gridarium.experiments.parts.regions import REGIONS
from gridarium.experiments.reading.profiles import profiles_of
from gridarium.experiments.results.records import Reading

_ROUNDING = 1e-6
_OTHERWISE = ("head", "storage", "storage_provider", "standby_storage", "grid_below")
"""Kinds that draw no load: what they take has a column of its own, or enters at the head."""

Shares = tuple[Array, Array]
"""What is drawn at each bus of a MW that a load draws in all: MW and Mvar, shape (n_bus,) each."""


def buses(known: GridEvidence) -> Iterator[Reading]:
    """Loads and reactive power at each bus of a feeder, by shares of the file's loads and by branch flows."""
    told, branches = known.tables.get("buses"), known.tables.get("branches")
    if told is None or branches is None:
        return
    drawn_mw, drawn_mvar, off_mvar = _drawn(known)
    apart = np.abs(drawn_mw - _by_bus(known, told, "p_load_mw")).max()
    yield Reading(
        "loads at buses", float(apart), _ROUNDING, "MW", True,
        "largest difference of the load at a bus, and the meters of all who draw there, spread as the loads "
        "of the network's file are",
    )  # fmt: skip
    entering = _entering_mvar(known, told, branches) + _fed_in_mvar(known)
    yield Reading(
        "reactive power at buses", max(off_mvar, float(np.abs(entering - drawn_mvar).max())), _ROUNDING,
        "Mvar", True,
        "largest difference of the reactive power that comes to a bus through branches, shunts and from what "
        "stands there, and what its loads draw by their meters and the ratios of the network's file",
    )  # fmt: skip


def _drawn(known: GridEvidence) -> tuple[Array, Array, float]:
    """MW and Mvar that loads draw, shape (n_period, n_bus) each, and how far off their own Mvar are told."""
    feeder, n_period = known.grid.feeder, known.world.n_period
    drawn_mw, drawn_mvar = np.zeros((2, n_period, feeder.n_bus))
    off, by_agent = 0.0, load_shares(known)
    rows = known.tables["dispatch"]
    for agent, own in rows[~rows["kind"].isin(_OTHERWISE)].groupby("agent"):
        period, power = own["period"].to_numpy(dtype=int), own["p_demand_mw"].to_numpy(dtype=float)
        p_share, q_share = by_agent.get(str(agent)) or _at_one(feeder, str(own["bus"].iloc[0]))
        drawn_mw[period] += np.outer(power, p_share)
        drawn_mvar[period] += np.outer(power, q_share)
        told = own["q_mvar"].to_numpy(dtype=float)
        if own["kind"].iloc[0] == "consumer":
            off = max(off, float(np.abs(told + power * q_share.sum()).max()))
    return drawn_mw, drawn_mvar, off


def _at_one(feeder: Feeder, bus: str) -> Shares:
    """All of it at one bus, without reactive power."""
    share = np.array([str(label) == bus for label in feeder.bus_labels], dtype=float)
    return share, 0.0 * share


def load_shares(known: GridEvidence) -> dict[str, Shares]:
    """How a MW of each load that is not one unit at a bus is spread over the buses, by name."""
    feeder, found = known.grid.feeder, dict[str, Shares]()
    consumers = rows_of(known.tables, "dispatch", "consumer").drop_duplicates("agent")
    groups = CONSUMERS.of(known.scenario)
    for name, bus in zip(consumers["agent"], consumers["bus"], strict=True):
        group = groups[name] if name in groups else groups[str(name).rpartition("-")[0]]
        if bus:
            p_share, _ = _at_one(feeder, str(bus))
            at = int(p_share.argmax())
            found[name] = p_share, p_share * feeder.q_load_mvar[at] / feeder.p_load_mw[at]
        elif group.load_profile is None:
            found[name] = _of_loads(feeder.p_load_mw, feeder.q_load_mvar, np.ones(feeder.n_bus, dtype=bool))
        else:
            own = next(one for one in feeder.profiled_loads if one.profile == group.load_profile)
            found[name] = _of_loads(own.p_load_mw, own.q_load_mvar, np.ones(feeder.n_bus, dtype=bool))
    for name, inside in buses_of_regions(known).items():
        found[name] = _of_loads(feeder.p_load_mw, feeder.q_load_mvar, inside)
    for kind, region in REGIONS.of(known.scenario).items():
        labels = {str(label) for label in region.buses or feeder.bus_labels}
        inside = np.array([str(label) in labels for label in feeder.bus_labels])
        p_share = _of_loads(feeder.p_load_mw, feeder.q_load_mvar, inside)[0]
        ratio = math.sqrt(1.0 / region.power_factor**2 - 1.0)
        found |= dict.fromkeys(member_names(kind, region.count), (p_share, ratio * p_share))
    return found


def _of_loads(p_mw: Array, q_mvar: Array, inside: Flags) -> Shares:
    """Shares of some nominal loads."""
    whole = float(p_mw[inside].sum())
    return np.where(inside, p_mw, 0.0) / whole, np.where(inside, q_mvar, 0.0) / whole


def buses_of_regions(known: GridEvidence) -> dict[str, Flags]:
    """Whether each bus is in a region, shape (n_bus,), by region; none where there are no such regions.

    Where branches between them are given, these are walked from the head, where the first region begins.
    """
    section, feeder = PRICE_REGIONS.of(known.scenario), known.grid.feeder
    if section is None:
        return {}
    if section.split == "found":
        horizon, profiles = Horizon.of(known.world, known.scenario.period_h), profiles_of(known.scenario)
        places = regions_of(GridBuild(known.scenario, known.grid, horizon, profiles))
        return {name: np.isin(np.arange(feeder.n_bus), place.buses) for name, place in places.items()}
    behind = {one.behind: name for name, one in section.regions.items()}
    of_bus = [behind[None]]
    for branch, above in enumerate(feeder.parent):
        of_bus.append(behind.get(feeder.branch_labels[branch], of_bus[above]))
    return {name: np.array([one == name for one in of_bus]) for name in section.regions}


def _by_bus(known: GridEvidence, table: pd.DataFrame, column: str) -> Array:
    """A column of numbers, shape (n_period, n_bus), buses as the feeder numbers them."""
    labels = [str(label) for label in known.grid.feeder.bus_labels]
    placed = table.assign(bus=table["bus"].astype(str)).pivot(index="period", columns="bus", values=column)
    return np.asarray(placed[labels].to_numpy(dtype=float))


def _entering_mvar(known: GridEvidence, told: pd.DataFrame, branches: pd.DataFrame) -> Array:
    """What branches bring to each bus less what they take, with shunts, Mvar, shape (n_period, n_bus)."""
    feeder = known.grid.feeder
    labels = {str(label): bus for bus, label in enumerate(feeder.bus_labels)}
    entering = feeder.b_bus_pu * feeder.base_mva * _by_bus(known, told, "vm_pu") ** 2
    period = branches["period"].to_numpy(dtype=int)
    for end, column, sign in (("to_bus", "q_to_mvar", 1.0), ("from_bus", "q_from_mvar", -1.0)):
        bus = branches[end].astype(str).map(labels).to_numpy(dtype=int)
        np.add.at(entering, (period, bus), sign * branches[column].to_numpy(dtype=float))
    return np.asarray(entering)


def _fed_in_mvar(known: GridEvidence) -> Array:
    """What all but loads feed in at each bus, Mvar, shape (n_period, n_bus)."""
    feeder, rows = known.grid.feeder, known.tables["dispatch"]
    labels = {str(label): bus for bus, label in enumerate(feeder.bus_labels)}
    fed = np.zeros((known.world.n_period, feeder.n_bus))
    own = rows[(rows["kind"] != "consumer") & rows["q_mvar"].notna()]
    place = own["period"].to_numpy(dtype=int), own["bus"].astype(str).map(labels).to_numpy(dtype=int)
    np.add.at(fed, place, own["q_mvar"].to_numpy(dtype=float))
    return fed
