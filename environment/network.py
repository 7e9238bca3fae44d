"""Radial feeder in per unit, read from any pandapower network that is a tree."""

from __future__ import annotations

import copy
import json
import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gridarium.environment.errors import Fault, NetworkError
from gridarium.environment.network_tables import (
    Label,
    Topology,
    check_network,
    is_simbench_code,
    network_file,
    read_topology,
    shortened,
    topology_of,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]
    ComplexArray = NDArray[np.complex128]

_UNITS = ("sgen", "asymmetric_sgen", "gen", "storage", "motor")
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


@dataclass(frozen=True, eq=False)
class Feeder:
    """A radial feeder: buses in breadth-first order from the substation, branch i feeds bus i + 1.

    Parameters
    ----------
    name : str
        Name of the network.
    base_mva : float
        Base power of all per-unit values, MVA.
    bus_labels : tuple of int or str
        The user's names of the buses; bus 0 is the substation.
    base_kv : ndarray, shape (n_bus,)
        Base voltage, line to line, kV.
    parent : ndarray of int, shape (n_branch,)
        Bus at the substation's side of each branch.
    branch_labels : tuple of str
        Element of the network that each branch stands for, e.g. ``line 3``; parallel ones joined by ``+``.
    r_pu, x_pu : ndarray, shape (n_branch,)
        Series impedance, p.u. on the child's side of the ideal transformer.
    ratio : ndarray, shape (n_branch,)
        Ideal transformer at the parent's end: v_behind = v_parent / ratio; 1 on plain lines.
    shift_degree : ndarray, shape (n_branch,)
        Phase shift of the ideal transformer: the voltage behind it lags by this angle, degree.
    g_bus_pu, b_bus_pu : ndarray, shape (n_bus,)
        Shunt admittance (half the line charging, iron losses, shunts): a bus consumes g v^2 and produces
        b v^2 of reactive power, p.u.
    i_max_pu : ndarray, shape (n_branch,)
        Rating of the series current on the child's base, p.u.; inf where unlimited. Transformers: rated
        power at base voltage.
    p_load_mw, q_load_mvar : ndarray, shape (n_bus,)
        Nominal loads, taken as constant power.
    slack_vm_pu : float
        Voltage that the substation holds, p.u.
    x, y : ndarray, shape (n_bus,)
        Coordinates for maps; depth and leaf order where the network has none.
    fused_labels : tuple of (label, int)
        Further labels of buses that closed switches make one bus, with the index of that bus.
    left_out : tuple of str
        What the network holds but the feeder does not: its generators, storages and motors.
    """

    name: str
    base_mva: float
    bus_labels: tuple[Label, ...]
    base_kv: FloatArray
    parent: IntArray
    branch_labels: tuple[str, ...]
    r_pu: FloatArray
    x_pu: FloatArray
    ratio: FloatArray
    shift_degree: FloatArray
    g_bus_pu: FloatArray
    b_bus_pu: FloatArray
    i_max_pu: FloatArray
    p_load_mw: FloatArray
    q_load_mvar: FloatArray
    slack_vm_pu: float
    x: FloatArray
    y: FloatArray
    fused_labels: tuple[tuple[Label, int], ...] = ()
    left_out: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray):
                value.setflags(write=False)

    @classmethod
    def read(cls, source: str | Path) -> Feeder:
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
        if is_simbench_code(source):
            return cls.from_pandapower(_simbench_network(str(source)))
        topology = read_topology(source)
        if topology.faults:
            raise NetworkError(str(source), topology.faults)
        import pandapower

        with _quietly(str(source)):
            net = pandapower.from_json(str(network_file(source)))
        return _convert(net, Path(source).stem, topology)

    @classmethod
    def from_pandapower(cls, net: Any, labels: Mapping[int, Label] | None = None) -> Feeder:
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
        with _quietly(name):
            topology = topology_of(_rows(net), {**{bus: bus for bus in buses}, **(labels or {})})
        if topology.faults:
            raise NetworkError(name, topology.faults)
        return _convert(net, name, topology)

    @property
    def n_bus(self) -> int:
        """Number of buses."""
        return len(self.bus_labels)

    @property
    def n_branch(self) -> int:
        """Number of branches, one less than buses."""
        return len(self.parent)

    @cached_property
    def depth(self) -> IntArray:
        """Branches between the substation and each bus, shape (n_bus,)."""
        depth = np.zeros(self.n_bus, dtype=np.int64)
        for branch, parent in enumerate(self.parent):
            depth[branch + 1] = depth[parent] + 1
        return depth

    @cached_property
    def _index(self) -> dict[Label, int]:
        return {**dict(self.fused_labels), **{label: bus for bus, label in enumerate(self.bus_labels)}}

    def index(self, label: Label) -> int:
        """Give the index of the bus with this label.

        Raises
        ------
        NetworkError
            If no bus has it.
        """
        if label not in self._index:
            allowed = f"must be a bus of {self.name}: {shortened(tuple(self._index))}"
            raise NetworkError(self.name, [Fault("bus", label, allowed)])
        return self._index[label]

    def path(self, bus: int) -> tuple[int, ...]:
        """Give the branches from the substation to a bus, in this order."""
        branches: list[int] = []
        while bus > 0:
            branches.append(bus - 1)
            bus = int(self.parent[bus - 1])
        return tuple(reversed(branches))

    def scaled(self, load_factor: float = 1.0, impedance_factor: float = 1.0) -> Feeder:
        """Make a feeder with other loads and other conductors.

        Parameters
        ----------
        load_factor : float
            Factor of the loads.
        impedance_factor : float
            Factor of all impedances, series and shunt; admittances and ratings are divided by it, as if
            that many feeders were in series (or its inverse in parallel).

        Raises
        ------
        NetworkError
            If a factor is not above 0.
        """
        factors = {"load_factor": load_factor, "impedance_factor": impedance_factor}
        wrong = {name: factor for name, factor in factors.items() if not 0.0 < factor < np.inf}
        if wrong:
            faults = [Fault(name, factor, "must be finite and above 0") for name, factor in wrong.items()]
            raise NetworkError(self.name, faults)
        return replace(
            self,
            r_pu=self.r_pu * impedance_factor,
            x_pu=self.x_pu * impedance_factor,
            g_bus_pu=self.g_bus_pu / impedance_factor,
            b_bus_pu=self.b_bus_pu / impedance_factor,
            i_max_pu=self.i_max_pu / impedance_factor,
            p_load_mw=self.p_load_mw * load_factor,
            q_load_mvar=self.q_load_mvar * load_factor,
        )

    def scaled_to(self, peak_load_mw: float) -> Feeder:
        """Make a feeder whose active loads sum to `peak_load_mw`, with the same voltage profile.

        Raises
        ------
        NetworkError
            If the feeder's loads do not sum to a power above 0, or the new peak is not above 0.
        """
        total_mw = float(self.p_load_mw.sum())
        if not total_mw > 0.0:
            fault = Fault(
                "p_load_mw", total_mw, "the loads must sum to more than 0 MW to be scaled to a peak"
            )
            raise NetworkError(self.name, [fault])
        factor = peak_load_mw / total_mw
        if not 0.0 < factor < np.inf:
            fault = Fault("peak_load_mw", peak_load_mw, "must be finite and above 0 MW")
            raise NetworkError(self.name, [fault])
        return self.scaled(factor, 1.0 / factor)


@contextmanager
def _quietly(source: str) -> Iterator[None]:
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


def _simbench_network(code: str) -> Any:
    faults = check_network(code, {})
    if faults:
        raise NetworkError(code, faults)
    import simbench

    with _quietly(code):
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

    bare, left_out = _without_units(net)
    with _quietly(name):
        ppc = _per_unit(bare)
    order = np.array(topology.order)
    row_of = bare["_pd2ppc_lookups"]["bus"]
    row = row_of[order]
    bus, base_mva = ppc["bus"][row].real, float(ppc["baseMVA"])
    position = np.full(len(ppc["bus"]), -1)
    position[row] = np.arange(len(order))
    parent = np.array(topology.parent, dtype=np.int64)
    branches = _branches(bare, ppc, position, parent, name)
    shunt_pu = branches.shunt_pu + (bus[:, GS] + 1j * bus[:, BS]) / base_mva
    at_root = net.ext_grid.in_service & net.ext_grid.bus.map(topology.lead).eq(topology.order[0])
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
        p_load_mw=bus[:, PD],
        q_load_mvar=bus[:, QD],
        slack_vm_pu=float(net.ext_grid.vm_pu[at_root].iloc[0]),
        x=x,
        y=y,
        fused_labels=tuple(
            (topology.labels[i], int(position[row_of[i]])) for i, lead in topology.lead.items() if i != lead
        ),
        left_out=left_out,
    )


def _without_units(net: Any) -> tuple[Any, tuple[str, ...]]:
    """Copy a network without its units, results and time series, and say which units it had."""
    from pandapower import create_empty_network

    bare = create_empty_network()
    # Results and the profiles of SimBench are large and play no part in the model.
    kept = (key for key in net if not key.startswith(("_", "res_")) and key != "profiles")
    bare.update({key: copy.deepcopy(net[key]) for key in kept})
    left_out = []
    for unit in _UNITS:
        table = bare.get(unit)
        if table is not None and table.in_service.any():
            left_out.append(f"{unit}: {int(table.in_service.sum())}")
            table["in_service"] = False
    for branch in ("line", "trafo"):
        # pandapower takes 100 MVA for the rating of a branch whose limit is not given.
        table = bare[branch]
        given = table["max_loading_percent"].fillna(100.0) if "max_loading_percent" in table else 100.0
        table["max_loading_percent"] = given
    return bare, tuple(left_out)


def _per_unit(net: Any) -> dict[str, Any]:
    """Run pandapower's converter: a case of what is in service, in per unit; lookups stay in the network."""
    from pandapower.converter.pypower.to_ppc import to_ppc

    ppc: dict[str, Any] = to_ppc(net, init="flat", voltage_depend_loads=False, mode="pf")
    return ppc


@dataclass(frozen=True, eq=False)
class _Branches:
    labels: tuple[str, ...]
    z_pu: ComplexArray
    ratio: FloatArray
    shift_degree: FloatArray
    shunt_pu: ComplexArray
    i_max_pu: FloatArray


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

    def joined(self, used: NDArray[np.bool_], branch: IntArray, n_branch: int) -> list[ComplexArray]:
        """Add up near, far, forth and back of the used two-ports that belong to the same branch."""
        sums = [np.zeros(n_branch, dtype=np.complex128) for _ in range(4)]
        for total, values in zip(sums, (self.near, self.far, self.forth, self.back), strict=True):
            np.add.at(total, branch, values[used])
        return sums


def _branches(net: Any, ppc: Mapping[str, Any], position: IntArray, parent: IntArray, name: str) -> _Branches:
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


def _ratings_pu(rows: ComplexArray, elements: NDArray[np.str_], ppc: Mapping[str, Any]) -> FloatArray:
    """Give the rated currents of branches, p.u.; inf for impedances, switches and what has no real rating."""
    from pandapower.pypower.idx_brch import RATE_A, T_BUS
    from pandapower.pypower.idx_bus import BASE_KV

    rate_mva = rows[:, RATE_A].real
    base_kv = ppc["bus"][rows[:, T_BUS].real.astype(np.int64), BASE_KV].real
    limited = np.char.startswith(elements, "line") | np.char.startswith(elements, "trafo")
    limited &= (rate_mva > 0.0) & (rate_mva < _UNLIMITED_KA * np.sqrt(3.0) * base_kv)
    return np.where(limited, rate_mva / float(ppc["baseMVA"]), np.inf)


def _coordinates(net: Any, topology: Topology) -> tuple[FloatArray, FloatArray]:
    """Take the coordinates of the network's buses, or lay the tree out if any bus has none."""
    shapes = net.bus.get("geo", {})
    try:
        points = [json.loads(shapes[bus])["coordinates"][:2] for bus in topology.order]
        x, y = np.array(points, dtype=np.float64).T
    except (KeyError, TypeError, ValueError):
        return tree_layout(np.array(topology.parent, dtype=np.int64))
    return x, y


def tree_layout(parent: IntArray) -> tuple[FloatArray, FloatArray]:
    """Lay a tree out: x is the depth, y the middle of the leaves that a bus feeds.

    Parameters
    ----------
    parent : ndarray of int, shape (n_branch,)
        Parent of bus i + 1, in breadth-first order.

    Returns
    -------
    x, y : ndarray, shape (n_bus,)
        Coordinates; no two buses share both.
    """
    n_bus = len(parent) + 1
    is_leaf = np.ones(n_bus, dtype=bool)
    is_leaf[parent] = False
    leaves = is_leaf.astype(np.float64)
    for bus in range(n_bus - 1, 0, -1):
        leaves[parent[bus - 1]] += leaves[bus]
    depth, first_leaf, taken = np.zeros(n_bus), np.zeros(n_bus), np.zeros(n_bus)
    for bus, above in enumerate(parent, start=1):
        depth[bus] = depth[above] + 1.0
        first_leaf[bus] = first_leaf[above] + taken[above]
        taken[above] += leaves[bus]
    return depth, first_leaf + (leaves - 1.0) / 2.0
