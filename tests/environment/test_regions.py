"""Regions of feeders against connected components of a graph without the cut branches."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest

from gridarium.environment.errors import NetworkError
from gridarium.environment.network import Feeder
from gridarium.environment.network_reader import read_feeder
from gridarium.environment.power_flow import AcPowerFlow
from gridarium.environment.regions import congested_branches, region_of_bus


@pytest.fixture(scope="module")
def case33bw() -> Feeder:
    return read_feeder("case33bw")


def components(feeder: Feeder, cut: np.ndarray) -> set[frozenset[int]]:
    graph = nx.Graph()
    graph.add_nodes_from(range(feeder.n_bus))
    graph.add_edges_from(
        (int(parent), branch + 1) for branch, parent in enumerate(feeder.parent) if not cut[branch]
    )
    return {frozenset(part) for part in nx.connected_components(graph)}


def parts(region: np.ndarray) -> set[frozenset[int]]:
    return {frozenset(np.flatnonzero(region == number).tolist()) for number in set(region.tolist())}


def test_regions_are_connected_components_whatever_is_cut(case33bw: Feeder) -> None:
    rng = np.random.default_rng(17)
    for share in (0.0, 0.1, 0.3, 0.7, 1.0):
        for _ in range(20):
            cut = rng.random(case33bw.n_branch) < share
            region = region_of_bus(case33bw, cut)
            assert parts(region) == components(case33bw, cut)
            assert region[0] == 0
            assert region.max() == cut.sum()
            first = [int(np.argmax(region == number)) for number in range(cut.sum() + 1)]
            assert first == sorted(first)


def test_four_branches_beyond_their_rating_part_the_33_bus_feeder_in_five(case33bw: Feeder) -> None:
    """Heads of the three laterals and a section of the main line, rated below their flow at the peak."""
    weak = ("line 17", "line 21", "line 24", "line 5")
    rated = case33bw.rated(dict.fromkeys(weak, 0.2))
    peak = AcPowerFlow(rated).solve(
        np.stack([0.1 * -rated.p_load_mw, -rated.p_load_mw]),
        np.stack([0.1 * -rated.q_load_mvar, -rated.q_load_mvar]),
    )
    loading = peak.i_pu / rated.i_max_pu
    cut = congested_branches(rated, loading)
    assert {rated.branch_labels[i] for i in np.flatnonzero(cut)} == {
        "line 17",
        "line 21",
        "line 24",
        "line 5",
    }
    region = region_of_bus(rated, cut)
    assert len(set(region.tolist())) == 5
    assert parts(region) == components(rated, cut)
    assert not congested_branches(rated, loading[:1]).any()
    # Unrated branches carry the most, and are never congested.
    assert not congested_branches(case33bw, peak.i_pu / case33bw.i_max_pu).any()
    assert not congested_branches(case33bw, np.full((1, case33bw.n_branch), np.nan)).any()


def test_a_copper_plate_is_one_region() -> None:
    plate = Feeder.copper_plate()
    assert region_of_bus(plate, congested_branches(plate, np.zeros((24, 0)))).tolist() == [0]


def test_what_is_no_loading_is_refused(case33bw: Feeder) -> None:
    with pytest.raises(NetworkError, match=r"loading: got \(32,\).*\(n_period, 32\)"):
        congested_branches(case33bw, np.zeros(32))
    with pytest.raises(NetworkError, match=r"loading: got -0\.5"):
        congested_branches(case33bw, np.full((1, 32), -0.5))
    with pytest.raises(NetworkError, match="loading_limit"):
        congested_branches(case33bw, np.zeros((1, 32)), 0.0)
    with pytest.raises(NetworkError, match="32 truth values"):
        region_of_bus(case33bw, np.zeros(31, dtype=bool))
