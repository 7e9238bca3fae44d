"""Read a feeder from any pandapower network that is a tree, by pandapower's own per-unit model."""

from __future__ import annotations

import copy
import json
import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gridarium.environment.arrays import Array, Index
from gridarium.environment.errors import Fault, NetworkError
from gridarium.environment.network import Feeder, tree_layout
from gridarium.environment.network_rows import UNITS, Label
from gridarium.environment.network_tables import (
    CASE33BW,
    Topology,
    check_network,
    is_simbench_code,
    network_file,
    read_topology,
    topology_of,
)
from gridarium.environment.network_units import by_profile

if TYPE_CHECKING:
    from numpy.typing import NDArray

    ComplexArray = NDArray[np.complex128]

_BUS_COLUMNS = ("bus", "from_bus", "to_bus", "hv_bus", "lv_bus")
_CONVERSION_ERRORS = (
    ArithmeticError,
    AttributeError,
    ImportError,
    LookupError,
    NotImplementedError,
    TypeError,
    UserWarning,
    ValueError,
)
# Test cases write 99999 kA where a line has no rating; no distribution line carries 1000 kA.
_UNLIMITED_KA = 1e3


def read_feeder(source: str | Path) -> Feeder:
    """Read a feeder.

    Parameters
    ----------
    source : str or Path
        "case33bw" (labels are the IEEE numbers 1 to 33), a pandapower JSON file or a SimBench code
        (labels are pandapower's bus indices).

    Raises
    ------
    NetworkError
        If the network is no tree or cannot be read; carries all faults.
    """
    topology = topology_of_source(source)
    if is_simbench_code(source) and not topology.faults:
        return _convert(simbench_network(str(source)), str(source), topology)
    if topology.faults:
        raise NetworkError(str(source), topology.faults)
    import pandapower

    with quietly(str(source)):
        net = pandapower.from_json(str(network_file(source)))
    feeder = _convert(net, Path(source).stem, topology)
    if source != CASE33BW:
        return feeder
    # pandapower has drawn this case at random; the usual picture is the tree.
    x, y = tree_layout(feeder.parent)
    return replace(feeder, x=x, y=y)


def topology_of_source(source: str | Path) -> Topology:
    """Read the topology of a file or of a SimBench code; what cannot be read becomes a fault.

    Parameters
    ----------
    source : str or Path
        As for `read_feeder`.
    """
    return _simbench_topology(str(source)) if is_simbench_code(source) else read_topology(source)


def feeder_of(net: Any, labels: Mapping[int, Label] | None = None) -> Feeder:
    """Convert a pandapower network, which stays as it is.

    Parameters
    ----------
    net : pandapowerNet
        A network whose branches in service form one tree.
    labels : mapping, optional
        The user's label of each bus; pandapower's bus indices by default.

    Raises
    ------
    NetworkError
        If the network is no tree or has elements that a feeder cannot have; carries all faults.
    """
    name = str(net.name or "network")
    buses = [int(bus) for bus in net.bus.index]
    with quietly(name):
        topology = topology_of(_rows(net), {**{bus: bus for bus in buses}, **(labels or {})})
    if topology.faults:
        raise NetworkError(name, topology.faults)
    return _convert(net, name, topology)


@contextmanager
def quietly(source: str) -> Iterator[None]:
    """Keep library warnings and log lines from the user; turn a library's failure into a NetworkError."""
    loggers = [logging.getLogger(name) for name in ("pandapower", "simbench")]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.CRITICAL)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except _CONVERSION_ERRORS as error:
        allowed = f"pandapower must be able to convert the network ({error!r:.200})"
        raise NetworkError(source, [Fault("network", source, allowed)]) from error
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


@lru_cache(maxsize=4)
def _simbench_topology(code: str) -> Topology:
    faults = check_network(code, {})
    if faults:
        return Topology({}, {}, (), (), tuple(replace(fault, place="") for fault in faults))
    net = simbench_network(code)
    with quietly(code):
        return topology_of(_rows(net), {int(bus): int(bus) for bus in net.bus.index})


@lru_cache(maxsize=1)
def simbench_network(code: str) -> Any:
    """The network of a SimBench code with its profiles; the last one is kept, and stays as it is."""
    import simbench

    with quietly(code):
        net = simbench.get_simbench_net(code)
    net.name = code
    return net


def _rows(net: Any) -> dict[str, list[dict[str, Any]]]:
    import pandas as pd

    tables = {name: table for name, table in net.items() if isinstance(table, pd.DataFrame)}
    return {
        name: [{"index": i, **dict(zip(table.columns, row, strict=True))} for i, *row in table.itertuples()]
        for name, table in tables.items()
        if not name.startswith(("res_", "_"))
    }


def _convert(net: Any, name: str, topology: Topology) -> Feeder:
    """Build the feeder from pandapower's own per-unit branch model."""
    from pandapower.pypower.idx_bus import BASE_KV, BS, GS, PD, QD

    bare = _without_units(net)
    with quietly(name):
        place = _renumbered(bare)
        ppc = _per_unit(bare)
    row_of = {bus: int(bare["_pd2ppc_lookups"]["bus"][at]) for bus, at in place.items()}
    row = np.array([row_of[bus] for bus in topology.order])
    bus, base_mva = ppc["bus"][row].real, float(ppc["baseMVA"])
    position = np.full(len(ppc["bus"]), -1)
    position[row] = np.arange(len(row))
    parent = np.array(topology.parent, dtype=np.int64)
    branches = _branches(bare, ppc, position, parent, name)
    shunt_pu = branches.shunt_pu + (bus[:, GS] + 1j * bus[:, BS]) / base_mva
    load_mva = bus[:, PD] + 1j * bus[:, QD]
    bus_of = {one: int(position[row_of[one]]) for one in topology.lead}
    for unit in topology.units:
        if not unit.generates:
            load_mva[bus_of[unit.bus]] -= unit.p_mw + 1j * unit.q_mvar
    x, y = _coordinates(net, topology)
    return Feeder(
        name=name,
        base_mva=base_mva,
        bus_labels=tuple(topology.labels[lead] for lead in topology.order),
        base_kv=bus[:, BASE_KV],
        parent=parent,
        branch_labels=branches.labels,
        r_pu=branches.z_pu.real,
        x_pu=branches.z_pu.imag,
        ratio=branches.ratio,
        shift_degree=branches.shift_degree,
        g_bus_pu=shunt_pu.real,
        b_bus_pu=shunt_pu.imag,
        i_max_pu=branches.i_max_pu,
        g_load_pu=bus[:, GS] / base_mva,
        p_load_mw=load_mva.real,
        q_load_mvar=load_mva.imag,
        slack_vm_pu=topology.slack_vm_pu or 1.0,
        x=x,
        y=y,
        fused_labels=tuple((topology.labels[i], bus_of[i]) for i, lead in topology.lead.items() if i != lead),
        profiled_loads=by_profile(topology.loads, bus_of, len(row)),
    )


def _without_units(net: Any) -> Any:
    """Copy a network without its generators, storages, results and time series."""
    from pandapower import create_empty_network

    bare = create_empty_network()
    # Results and the profiles of SimBench are large and play no part in the model.
    kept = (key for key in net if not key.startswith(("_", "res_")) and key != "profiles")
    bare.update({key: copy.deepcopy(net[key]) for key in kept})
    for unit in UNITS:
        if unit in bare:
            bare[unit]["in_service"] = False
    for branch in ("line", "trafo"):
        # pandapower takes 100 MVA for the rating of a branch whose limit is not given.
        table = bare[branch]
        given = table["max_loading_percent"].fillna(100.0) if "max_loading_percent" in table else 100.0
        table["max_loading_percent"] = given
    return bare


def _renumbered(net: Any) -> dict[int, int]:
    """Number the buses of a copy from 0, and say how: the converter's memory goes with the largest number."""
    place = {int(bus): at for at, bus in enumerate(net.bus.index)}
    for table in net.values():
        for column in _BUS_COLUMNS if hasattr(table, "columns") else ():
            if column in table.columns:
                table[column] = np.array([place.get(int(bus), 0) for bus in table[column]], dtype=np.int64)
    ends = zip(net.switch.et, net.switch.element, strict=True)
    moved = [place.get(int(end), 0) if kind == "b" else int(end) for kind, end in ends]
    net.switch["element"] = np.array(moved, dtype=np.int64)
    net.bus.index = np.arange(len(place))
    return place


def _per_unit(net: Any) -> dict[str, Any]:
    """Run pandapower's converter: a case of what is in service, in per unit; lookups stay in the network."""
    from pandapower.converter.pypower.to_ppc import to_ppc

    ppc: dict[str, Any] = to_ppc(net, init="flat", voltage_depend_loads=False, mode="pf")
    return ppc


@dataclass(frozen=True, eq=False)
class _Branches:
    labels: tuple[str, ...]
    z_pu: ComplexArray
    ratio: Array
    shift_degree: Array
    shunt_pu: ComplexArray
    i_max_pu: Array


@dataclass(frozen=True, eq=False)
class _TwoPorts:
    """Admittance two-ports of branches, p.u.

    The currents into the ends are near v_near - forth v_far and far v_far - back v_near; `turns` is the
    complex ratio of the ideal transformer at the near end.
    """

    near: ComplexArray
    far: ComplexArray
    forth: ComplexArray
    back: ComplexArray
    turns: ComplexArray

    @classmethod
    def of(cls, ppc: Mapping[str, Any]) -> _TwoPorts:
        """Follow pandapower's pi model: admittances behind an ideal transformer at the from end."""
        from pandapower.pypower.idx_brch import BR_B, BR_R, BR_X, SHIFT, TAP

        rows = ppc["branch"]
        # What differs from the standard case, and conductances, are columns of their own, absent if all 0.
        z_from = rows[:, BR_R] + 1j * rows[:, BR_X]
        z_to = z_from + ppc.get("branch_r_asym", 0.0) + 1j * ppc.get("branch_x_asym", 0.0)
        series_from, series_to = 1.0 / z_from, 1.0 / z_to
        shunt_from = (ppc.get("branch_g", 0.0) + 1j * rows[:, BR_B]) / 2.0
        shunt_to = shunt_from + (ppc.get("branch_g_asym", 0.0) + 1j * ppc.get("branch_b_asym", 0.0)) / 2.0
        tap = np.where(rows[:, TAP] == 0.0, 1.0, rows[:, TAP])
        turns = tap * np.exp(1j * np.deg2rad(rows[:, SHIFT]))
        near = (series_from + shunt_from) / (turns * turns.conj())
        return cls(near, series_to + shunt_to, series_from / turns.conj(), series_to / turns, turns)

    def turned(self, where: NDArray[np.bool_]) -> _TwoPorts:
        """Swap near and far end of some branches; their ideal transformer moves to the other end."""
        return _TwoPorts(
            np.where(where, self.far, self.near),
            np.where(where, self.near, self.far),
            np.where(where, self.back, self.forth),
            np.where(where, self.forth, self.back),
            np.where(where, 1.0 / self.turns, self.turns),
        )

    def open_at_far_end(self) -> ComplexArray:
        """Give the admittance seen from the near end when the far end is open (Kron reduction)."""
        return self.near - self.forth * self.back / self.far

    def joined(self, used: NDArray[np.bool_], branch: Index, n_branch: int) -> list[ComplexArray]:
        """Add up near, far, forth and back of the used two-ports that belong to the same branch."""
        sums = [np.zeros(n_branch, dtype=np.complex128) for _ in range(4)]
        for total, values in zip(sums, (self.near, self.far, self.forth, self.back), strict=True):
            np.add.at(total, branch, values[used])
        return sums


def _branches(net: Any, ppc: Mapping[str, Any], position: Index, parent: Index, name: str) -> _Branches:
    """Orient all branches away from the substation, join parallel ones, turn open-ended ones into shunts.

    Notes
    -----
    A two-port with the ideal transformer n at the parent's end and series admittance y has
    back = y / n and forth = y / conj(n). What its own admittances exceed y / |n|^2 and y by is a shunt
    at the parent and at the child; so nothing is approximated, whichever side a transformer is met from.
    """
    from pandapower.pypower.idx_brch import F_BUS, T_BUS

    rows = ppc["branch"]
    elements = _element_names(net, ppc["internal"]["branch_is"])
    ends = position[rows[:, [F_BUS, T_BUS]].real.astype(np.int64)]
    # Position -1 is the loose end of a branch that an open switch holds.
    through, loose = (ends >= 0).all(axis=1), (ends < 0).any(axis=1) & (ends >= 0).any(axis=1)
    ports = _TwoPorts.of(ppc).turned((ends[:, 0] > ends[:, 1]) != loose)
    shunt_pu = np.zeros(len(parent) + 1, dtype=np.complex128)
    np.add.at(shunt_pu, ends.max(axis=1)[loose], ports.open_at_far_end()[loose])
    branch = ends.max(axis=1)[through] - 1
    near, far, forth, back = ports.joined(through, branch, len(parent))
    labels = [" + ".join(elements[through][branch == i]) for i in range(len(parent))]
    turns = np.ones(len(parent), dtype=np.complex128)
    turns[branch] = ports.turns[through]
    series = back * turns
    uneven = ~np.isclose(series, forth * turns.conj(), rtol=1e-9, atol=0.0)
    if uneven.any():
        allowed = "parallel branches must have the same phase shift"
        raise NetworkError(name, [Fault("branch", labels[i], allowed) for i in np.flatnonzero(uneven)])
    np.add.at(shunt_pu, parent, near - series / np.abs(turns) ** 2)
    shunt_pu[1:] += far - series
    # Parallel branches share the current by their admittances; the first one at its rating limits all.
    rating = _ratings_pu(rows, elements, ppc) / np.abs(ports.back * ports.turns)
    tightest = np.full(len(parent), np.inf)
    np.minimum.at(tightest, branch, rating[through])
    return _Branches(
        labels=tuple(labels),
        z_pu=1.0 / series,
        ratio=np.abs(turns),
        shift_degree=np.rad2deg(np.angle(turns)),
        shunt_pu=shunt_pu,
        i_max_pu=tightest * np.abs(series),
    )


def _element_names(net: Any, in_case: NDArray[np.bool_]) -> NDArray[np.str_]:
    """Name the element behind each row of pandapower's branch matrix, e.g. ``line 3``."""
    names = np.full(len(in_case), "", dtype=object)
    for element, (start, stop) in net["_pd2ppc_lookups"]["branch"].items():
        table = net.switch[net["_impedance_bb_switches"]] if element == "switch" else net[element]
        names[start:stop] = [f"{element} {index}" for index in table.index]
    return names[in_case].astype(np.str_)


def _ratings_pu(rows: ComplexArray, elements: NDArray[np.str_], ppc: Mapping[str, Any]) -> Array:
    """Give the rated currents of branches, p.u.; inf for impedances, switches and what has no real rating."""
    from pandapower.pypower.idx_brch import RATE_A, T_BUS
    from pandapower.pypower.idx_bus import BASE_KV

    rate_mva = rows[:, RATE_A].real
    base_kv = ppc["bus"][rows[:, T_BUS].real.astype(np.int64), BASE_KV].real
    limited = np.char.startswith(elements, "line") | np.char.startswith(elements, "trafo")
    limited &= (rate_mva > 0.0) & (rate_mva < _UNLIMITED_KA * np.sqrt(3.0) * base_kv)
    return np.where(limited, rate_mva / float(ppc["baseMVA"]), np.inf)


def _coordinates(net: Any, topology: Topology) -> tuple[Array, Array]:
    """Take the coordinates of the network's buses, or lay the tree out if any bus has none."""
    shapes = net.bus.get("geo", {})
    try:
        points = [json.loads(shapes[bus])["coordinates"][:2] for bus in topology.order]
        x, y = np.array(points, dtype=np.float64).T
    except (KeyError, TypeError, ValueError):
        return tree_layout(np.array(topology.parent, dtype=np.int64))
    return x, y
