"""The feeder object: its order, names, layout, scaling and what it refuses."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandapower as pp
import pandapower.networks as nw
import pytest

from gridarium.environment.errors import NetworkError
from gridarium.environment.network import Feeder, tree_layout
from gridarium.environment.network_reader import feeder_of, read_feeder


@pytest.fixture(scope="module")
def case33bw() -> Feeder:
    return read_feeder("case33bw")


def fork() -> Any:
    """Make a network of four buses, numbered against the direction of supply: 9 feeds 4, 4 feeds 2 and 7."""
    net = pp.create_empty_network(name="fork", sn_mva=2.0)
    for index in (2, 4, 7, 9):
        pp.create_bus(net, 10.0, index=index)
    pp.create_ext_grid(net, 9, vm_pu=1.02)
    for near, far in ((4, 9), (2, 4), (4, 7)):
        pp.create_line_from_parameters(net, near, far, 2.0, 0.5, 0.25, 0.0, 0.1)
    pp.create_load(net, 2, 0.3, 0.1)
    pp.create_load(net, 7, 0.2, 0.1, scaling=0.5)
    return net


def test_case33bw(case33bw: Feeder) -> None:
    assert (case33bw.n_bus, case33bw.n_branch) == (33, 32)
    assert case33bw.p_load_mw.sum() == pytest.approx(3.715)
    assert case33bw.q_load_mvar.sum() == pytest.approx(2.3)
    assert np.isinf(case33bw.i_max_pu).all()
    assert case33bw.bus_labels[0] == 1
    assert [case33bw.bus_labels[branch + 1] for branch in case33bw.path(case33bw.index(22))] == [
        2,
        19,
        20,
        21,
        22,
    ]
    assert case33bw.depth[case33bw.index(18)] == 17


def test_buses_are_in_breadth_first_order_with_per_unit_values() -> None:
    """Base (10 kV)^2 / 2 MVA = 50 ohm: r = 1 ohm = 0.02 p.u.; rating 0.1 kA = 1.732 MVA = 0.866 p.u."""
    feeder = feeder_of(fork())
    assert feeder.bus_labels == (9, 4, 2, 7)
    assert feeder.branch_labels == ("line 0", "line 1", "line 2")
    np.testing.assert_array_equal(feeder.parent, [0, 1, 1])
    np.testing.assert_allclose(feeder.r_pu, 0.02)
    np.testing.assert_allclose(feeder.x_pu, 0.01)
    np.testing.assert_allclose(feeder.i_max_pu, np.sqrt(3.0) / 2.0)
    np.testing.assert_allclose(feeder.p_load_mw, [0, 0, 0.3, 0.1])
    assert feeder.slack_vm_pu == 1.02


def test_layout_is_made_where_coordinates_are_missing() -> None:
    net = fork()
    feeder = feeder_of(net)
    np.testing.assert_array_equal(feeder.x, [0, 1, 2, 2])
    np.testing.assert_array_equal(feeder.y, [0.5, 0.5, 0, 1])
    for place, bus in enumerate(net.bus.index):
        net.bus.loc[bus, "geo"] = f'{{"type": "Point", "coordinates": [{place}, {-place}]}}'
    feeder = feeder_of(net)
    np.testing.assert_array_equal(feeder.x, [3, 1, 0, 2])
    np.testing.assert_array_equal(feeder.y, [-3, -1, 0, -2])


def test_layout_puts_no_two_buses_on_one_point() -> None:
    rng = np.random.default_rng(7)
    parent = np.sort(rng.integers(0, np.arange(1, 60)))
    points = set(zip(*tree_layout(parent), strict=True))
    assert len(points) == 60


def test_labels_of_fused_buses_all_work() -> None:
    net = fork()
    twin = pp.create_bus(net, 10.0)
    pp.create_switch(net, 7, twin, et="b")
    feeder = feeder_of(net, labels={7: "farm", twin: "barn"})
    assert feeder.index("farm") == feeder.index("barn") == 3
    assert feeder.bus_labels == (9, 4, 2, "farm")


def test_unknown_label_names_the_allowed_ones() -> None:
    with pytest.raises(NetworkError, match="bus: got 3; must be a bus of fork: 9, 4, 2, 7"):
        feeder_of(fork()).index(3)


def test_units_that_draw_are_loads_those_that_feed_in_are_none_and_the_network_stays_as_it_is() -> None:
    net = fork()
    pp.create_sgen(net, 2, 1.0)
    pp.create_sgen(net, 4, 0.0, -0.1, scaling=0.5)
    pp.create_storage(net, 2, 0.2, 1.0, q_mvar=0.05)
    pp.create_storage(net, 7, -0.2, 1.0)
    feeder = feeder_of(net)
    np.testing.assert_allclose(feeder.p_load_mw, [0, 0, 0.5, 0.1])
    np.testing.assert_allclose(feeder.q_load_mvar, [0, 0.05, 0.15, 0.05])
    assert net.sgen.in_service.all()
    assert "max_loading_percent" not in net.line or net.line.max_loading_percent.isna().all()


def test_parallel_lines_join_and_the_weaker_one_limits() -> None:
    """Impedances z and z/2 carry 1/3 and 2/3; the second one's 0.06 kA limits the pair to 0.09 kA."""
    net = fork()
    pp.create_line_from_parameters(net, 7, 4, 1.0, 0.5, 0.25, 0.0, 0.06)
    feeder = feeder_of(net)
    assert feeder.branch_labels[2] == "line 2 + line 3"
    assert feeder.r_pu[2] == pytest.approx(0.02 / 3)
    assert feeder.i_max_pu[2] == pytest.approx(0.09 * np.sqrt(3.0) * 10.0 / 2.0)


def test_parallel_transformers_of_different_phase_shift_are_refused() -> None:
    net = fork()
    low = pp.create_bus(net, 0.4)
    for shift in (150.0, 0.0):
        pp.create_transformer_from_parameters(
            net,
            7,
            low,
            0.4,
            10.0,
            0.4,
            vkr_percent=1,
            vk_percent=4,
            pfe_kw=0,
            i0_percent=0,
            shift_degree=shift,
        )
    with pytest.raises(
        NetworkError, match=r"'trafo 0 \+ trafo 1'; parallel branches must have the same phase"
    ):
        feeder_of(net)


def test_scaling(case33bw: Feeder) -> None:
    half = case33bw.scaled_to(case33bw.p_load_mw.sum() / 2)
    np.testing.assert_allclose(half.p_load_mw, case33bw.p_load_mw / 2)
    np.testing.assert_allclose(half.r_pu, case33bw.r_pu * 2)
    weak = feeder_of(fork()).scaled(impedance_factor=2.0)
    np.testing.assert_allclose(weak.i_max_pu, np.sqrt(3.0) / 4.0)
    np.testing.assert_allclose(weak.p_load_mw, [0, 0, 0.3, 0.1])


@pytest.mark.parametrize("factor", [0.0, -1.0, float("nan"), float("inf")])
def test_scaling_refuses_nonsense(case33bw: Feeder, factor: float) -> None:
    with pytest.raises(NetworkError, match=r"load_factor: got .*; must be finite and above 0"):
        case33bw.scaled(load_factor=factor)
    with pytest.raises(NetworkError, match=r"peak_load_mw: got .*; must be finite and above 0 MW"):
        case33bw.scaled_to(factor)


def test_ratings_of_some_branches(case33bw: Feeder) -> None:
    rated = case33bw.rated({"line 17": 1.2})
    assert rated.i_max_pu[case33bw.branch_labels.index("line 17")] * case33bw.base_mva == pytest.approx(1.2)
    assert np.isinf(np.delete(rated.i_max_pu, case33bw.branch_labels.index("line 17"))).all()
    with pytest.raises(NetworkError, match=r"branch_ratings_mva: got 'line 99'; must be a branch of"):
        case33bw.rated({"line 99": 1.0})


def test_all_faults_are_raised_together(tmp_path: Path) -> None:
    net = fork()
    net.line.loc[0, "length_km"] = -2.0
    pp.create_line_from_parameters(net, 2, 7, 1.0, 0.5, 0.25, 0.0, 0.1)
    file = tmp_path / "bad.json"
    pp.to_json(net, str(file))
    for read in (lambda: read_feeder(file), lambda: feeder_of(net)):
        with pytest.raises(NetworkError) as caught:
            read()
        assert [fault.place for fault in caught.value.faults] == ["line 0", "loop"]


def test_file_gives_the_same_feeder_as_the_network(tmp_path: Path) -> None:
    net = nw.create_cigre_network_mv()
    file = tmp_path / "cigre.json"
    pp.to_json(net, str(file))
    read, direct = read_feeder(str(file)), feeder_of(net)
    assert (read.name, read.bus_labels) == ("cigre", direct.bus_labels)
    np.testing.assert_allclose(read.b_bus_pu, direct.b_bus_pu, rtol=1e-12)


def test_network_that_the_library_cannot_convert(tmp_path: Path) -> None:
    net = fork()
    net.trafo = net.trafo.drop(columns="tap_side")
    net.line["df"] = "thick"
    with pytest.raises(NetworkError, match=r"fork: 1 fault\n.*pandapower must be able to convert"):
        feeder_of(net)


def test_unknown_simbench_code() -> None:
    pytest.importorskip("simbench")
    with pytest.raises(NetworkError, match="must be one of the 246 SimBench codes"):
        read_feeder("1-LV-rural9--0-sw")


def test_feeder_is_frozen_and_survives_pickling(case33bw: Feeder) -> None:
    with pytest.raises(ValueError, match="read-only"):
        case33bw.r_pu[0] = 1.0
    again = pickle.loads(pickle.dumps(case33bw))
    np.testing.assert_array_equal(again.r_pu, case33bw.r_pu)


def test_reading_is_silent() -> None:
    code = "from gridarium.environment.network_reader import read_feeder; read_feeder('case33bw')"
    done = subprocess.run([sys.executable, "-W", "default", "-c", code], capture_output=True, check=True)
    assert done.stdout == b""
    assert b"gridarium" not in done.stderr
    assert b"numba" not in done.stderr
