"""Certificate of a feeder against the file that it comes from, by pandapower's own power flow of the file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gridarium.environment.arrays import Array
from gridarium.environment.errors import SolveError
from gridarium.environment.network_reader import quietly
from gridarium.environment.network_tables import CASE33BW, is_simbench_code
from gridarium.experiments.evidence.grid_evidence import GridEvidence
from gridarium.experiments.evidence.plans.radial_flow import radial_flow
from gridarium.experiments.parts.network import NETWORK, Network
from gridarium.experiments.results.records import Reading

if TYPE_CHECKING:
    from gridarium.environment.network import Feeder

_SAME = 1e-7
"""Two power flows of one network, p.u.; ratings and powers relative to themselves."""
_LOAD_SHARES = (1.0, 0.1, 0.01)
"""Of the loads of a file: the first at which it has a power flow is the one that is compared."""
_DRAWING = {"load": 1.0, "asymmetric_load": 1.0, "sgen": -1.0, "asymmetric_sgen": -1.0, "storage": 1.0}
"""Tables of what may draw power, and the sign that it has there where it does."""
_UNLIMITED_KA = 1e3
"""What stands in test cases for a line without a rating; no distribution line carries as much."""


@dataclass(frozen=True)
class FileState:
    """What a file says of a network, and its power flow with none of its generators.

    Parameters
    ----------
    share : float
        Of all loads, in the power flow.
    load_mw : float
        Of all loads together, at their full power.
    head_mw, head_mvar : float
        What comes in at that share.
    vm_pu : mapping of int to float
        By index of a bus in the file.
    ratings_mva : mapping of str to float
        By element, such as ``line 3``, at the rated voltage; inf without one.
    """

    share: float
    load_mw: float
    head_mw: float
    head_mvar: float
    vm_pu: Mapping[int, float]
    ratings_mva: Mapping[str, float]


def network_of_file(known: GridEvidence) -> Iterator[Reading]:
    """Whether the feeder of a grid is the network of its file, scaled as the scenario asks."""
    network = NETWORK.of(known.scenario)
    if not NETWORK.hangs_on(known.scenario) or network.is_copper_plate:
        return
    path = Path(network.source)
    stamp = path.stat().st_mtime_ns if path.is_file() else 0
    state = _state_of(network.source, stamp, network.slack_voltage_pu)
    yield Reading(
        "network of the file", _apart(known.grid.feeder, network, state), _SAME, "", True,
        "largest difference of a voltage, p.u., or of what passes the head, relative to the loads, of the "
        "feeder at its nominal loads, its scaling undone, by sweeps through the tree, and of its file by "
        "pandapower's own power flow; or of a rating of a branch, relative to it",
        f"at {state.share:.0%} of the loads" if state.share < 1.0 else "",
    )  # fmt: skip


def _apart(feeder: Feeder, network: Network, state: FileState) -> float:
    """How far a feeder is from the state of its file."""
    factor = 1.0 if network.peak_load_mw is None else network.peak_load_mw / state.load_mw
    # As if `factor` feeders stood beside each other, of conductors of another length.
    longer = network.impedance_factor / factor
    size = max(abs(state.load_mw), 1e-9)
    plain = replace(
        feeder,
        r_pu=feeder.r_pu / longer,
        x_pu=feeder.x_pu / longer,
        g_bus_pu=feeder.g_bus_pu * longer,
        b_bus_pu=feeder.b_bus_pu * longer,
    )
    p_mw, q_mvar = (state.share / factor * part[:, None] for part in (feeder.p_load_mw, feeder.q_load_mvar))
    flow = radial_flow(plain, -p_mw, -q_mvar, np.array([feeder.slack_vm_pu]))
    offset = 1 if network.source == CASE33BW else 0
    # A bus that its file has no more is anywhere.
    told = np.array([state.vm_pu.get(int(label) - offset, np.inf) for label in feeder.bus_labels])
    apart = [
        float(np.abs(np.sqrt(flow.voltage_squared[:, 0]) - told).max()),
        abs(float(flow.head_mw[0]) - state.head_mw) / size,
        abs(float(flow.head_mvar[0]) - state.head_mvar) / size,
        _ratings_apart(feeder, network, state, longer),
    ]
    return max(apart)


def _ratings_apart(feeder: Feeder, network: Network, state: FileState, longer: float) -> float:
    """Largest relative difference of a rating; of branches that are several in parallel none is told."""
    worst = 0.0
    for label, rating_pu in zip(feeder.branch_labels, feeder.i_max_pu, strict=True):
        stated = network.branch_ratings_mva.get(label)
        if stated is None and label not in state.ratings_mva:
            continue
        meant = state.ratings_mva[label] / longer if stated is None else stated
        rating = float(rating_pu) * feeder.base_mva
        if rating != meant:
            worst = max(worst, abs(rating / meant - 1.0) if np.isfinite(meant) else np.inf)
    return worst


@lru_cache(maxsize=8)
def _state_of(source: str, _stamp: int, slack_vm_pu: float | None) -> FileState:
    """The state of a file, or of a network that pandapower or SimBench ship."""
    with quietly(source):
        return _state(_net(source), slack_vm_pu)


def _state(net: Any, slack_vm_pu: float | None) -> FileState:
    from pandapower.toolbox import create_continuous_bus_index

    # The memory of a power flow goes with the largest number of a bus.
    create_continuous_bus_index(net, store_old_index=True)
    if slack_vm_pu is not None:
        net.ext_grid["vm_pu"] = slack_vm_pu
    for table in ("sgen", "asymmetric_sgen", "storage"):
        # What feeds in is no load: it is a unit of the scenario, or left out.
        net[table].loc[_DRAWING[table] * _power(net[table]) < 0.0, "in_service"] = False
    share = _solved(net)
    total = sum(sign * float(net[f"res_{table}"].p_mw.fillna(0.0).sum()) for table, sign in _DRAWING.items())
    return FileState(
        share,
        (total + share * float(net.ward.ps_mw[net.ward.in_service].sum())) / share,
        float(net.res_ext_grid.p_mw.sum()),
        float(net.res_ext_grid.q_mvar.sum()),
        {
            int(bus): float(vm_pu)
            for bus, vm_pu in net.res_bus.vm_pu.groupby(net.bus.old_index).first().items()
        },
        _ratings_mva(net),
    )


def _net(source: str) -> Any:
    """The network of a source as its own library reads it."""
    import pandapower

    if source == CASE33BW:
        from pandapower.networks import case33bw

        return case33bw()
    if is_simbench_code(source):
        import simbench

        return simbench.get_simbench_net(source)
    return pandapower.from_json(source)


def _power(table: Any) -> Array:
    """Active power of the rows of a table, MW."""
    phases = [name for name in ("p_mw", "p_a_mw", "p_b_mw", "p_c_mw") if name in table]
    return np.asarray(table[phases].sum(axis=1), dtype=float)


def _solved(net: Any) -> float:
    """Run the power flow of a network; by which share of its loads that was found."""
    import pandapower

    before = {table: net[table]["scaling"].copy() for table in _DRAWING}
    wards = net.ward[["ps_mw", "qs_mvar"]].copy()
    for share in _LOAD_SHARES:
        for table, scaling in before.items():
            net[table]["scaling"] = share * scaling
        net.ward[["ps_mw", "qs_mvar"]] = share * wards
        try:
            pandapower.runpp(net, init="dc", numba=False, tolerance_mva=1e-9, voltage_depend_loads=False)
        except pandapower.LoadflowNotConverged:
            continue
        return share
    raise SolveError(f"network {net.name}: no power flow at {_LOAD_SHARES[-1]:.0%} of its loads")


def _ratings_mva(net: Any) -> dict[str, float]:
    """Ratings of lines and transformers by the columns of their tables."""
    found = {}
    for index, row in net.line.iterrows():
        current_ka = row.max_i_ka * row.df * row.parallel
        volt_kv = float(net.bus.vn_kv[row.to_bus])
        limit = _limit(row) * current_ka
        found[f"line {index}"] = np.inf if not 0.0 < limit < _UNLIMITED_KA else np.sqrt(3.0) * limit * volt_kv
    for index, row in net.trafo.iterrows():
        found[f"trafo {index}"] = _limit(row) * row.sn_mva * row.df * row.parallel
    return found


def _limit(row: Any) -> float:
    """Share of its rating to which an element may be loaded, which few files state."""
    stated = row.get("max_loading_percent", 100.0)
    return 1.0 if np.isnan(stated) else float(stated) / 100.0
