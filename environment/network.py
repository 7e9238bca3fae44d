"""Radial feeder in per unit: a tree of buses and branches, as optimisation and physics use it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property

import numpy as np

from gridarium.environment.arrays import Array, Index
from gridarium.environment.errors import Fault, NetworkError
from gridarium.environment.network_faults import shortened
from gridarium.environment.network_rows import Label
from gridarium.environment.network_units import ProfiledLoads


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
        Nominal loads, taken as constant power; negative where they feed in.
    slack_vm_pu : float
        Voltage that the substation holds, p.u.
    x, y : ndarray, shape (n_bus,)
        Coordinates for maps; depth and leaf order where the network has none.
    g_load_pu : ndarray, shape (n_bus,) or (1,)
        Part of the shunt conductance that is a load, of wards and shunts, and no loss, p.u.; none by default.
    fused_labels : tuple of (label, int)
        Further labels of buses that closed switches make one bus, with the index of that bus.
    profiled_loads : tuple of ProfiledLoads
        Parts of the loads that follow a series by its name in the network's file.
    """

    name: str
    base_mva: float
    bus_labels: tuple[Label, ...]
    base_kv: Array
    parent: Index
    branch_labels: tuple[str, ...]
    r_pu: Array
    x_pu: Array
    ratio: Array
    shift_degree: Array
    g_bus_pu: Array
    b_bus_pu: Array
    i_max_pu: Array
    p_load_mw: Array
    q_load_mvar: Array
    slack_vm_pu: float
    x: Array
    y: Array
    g_load_pu: Array = field(default_factory=lambda: np.zeros(1))
    fused_labels: tuple[tuple[Label, int], ...] = ()
    profiled_loads: tuple[ProfiledLoads, ...] = ()

    def __post_init__(self) -> None:
        for one in fields(self):
            value = getattr(self, one.name)
            if isinstance(value, np.ndarray):
                value.setflags(write=False)

    @classmethod
    def copper_plate(cls, name: str = "copper plate", base_kv: float = 110.0) -> Feeder:
        """A single bus: whatever is not balanced on it passes through the substation.

        Parameters
        ----------
        name : str, optional
        base_kv : float, optional
            Voltage of the bus, kV; it limits nothing.
        """
        none, zero = np.zeros(0), np.zeros(1)
        return cls(
            name=name,
            base_mva=100.0,
            bus_labels=(name,),
            base_kv=np.array([base_kv]),
            parent=np.zeros(0, dtype=np.int64),
            branch_labels=(),
            r_pu=none,
            x_pu=none,
            ratio=none,
            shift_degree=none,
            g_bus_pu=zero,
            b_bus_pu=zero,
            i_max_pu=none,
            p_load_mw=zero,
            q_load_mvar=zero,
            slack_vm_pu=1.0,
            x=zero,
            y=zero,
        )

    @property
    def n_bus(self) -> int:
        """Number of buses."""
        return len(self.bus_labels)

    @property
    def n_branch(self) -> int:
        """Number of branches, one less than buses."""
        return len(self.parent)

    @cached_property
    def depth(self) -> Index:
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

    def loads_by(self, profile: str) -> ProfiledLoads:
        """Give the loads that follow a series of this name.

        Raises
        ------
        NetworkError
            If none does.
        """
        found = {one.profile: one for one in self.profiled_loads}
        if profile not in found:
            allowed = (
                f"must be a profile of loads of {self.name}: {shortened(tuple(found)) or 'it names none'}"
            )
            raise NetworkError(self.name, [Fault("load", profile, allowed)])
        return found[profile]

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
            g_load_pu=self.g_load_pu / impedance_factor,
            p_load_mw=self.p_load_mw * load_factor,
            q_load_mvar=self.q_load_mvar * load_factor,
            profiled_loads=tuple(one.scaled(load_factor) for one in self.profiled_loads),
        )

    def rated(self, ratings_mva: Mapping[str, float]) -> Feeder:
        """Make a feeder of which some branches have other ratings.

        Parameters
        ----------
        ratings_mva : mapping of str to float
            By branch label, MVA at base voltage.

        Raises
        ------
        NetworkError
            If no branch has a label.
        """
        place = {label: branch for branch, label in enumerate(self.branch_labels)}
        allowed = f"must be a branch of {self.name}: {shortened(self.branch_labels)}"
        unknown = [Fault("branch_ratings_mva", label, allowed) for label in ratings_mva if label not in place]
        if unknown:
            raise NetworkError(self.name, unknown)
        i_max_pu = self.i_max_pu.copy()
        for label, rating_mva in ratings_mva.items():
            i_max_pu[place[label]] = rating_mva / self.base_mva
        return replace(self, i_max_pu=i_max_pu)

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


def tree_layout(parent: Index) -> tuple[Array, Array]:
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
