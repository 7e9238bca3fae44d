"""Faults of networks and sites: each names its place and value, all at once, and nothing ever raises."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandapower as pp
import pandapower.networks as nw
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gridarium.environment.network_tables import check_network, network_file, read_topology

Saved = Callable[[Any], str]


@pytest.fixture
def saved(tmp_path: Path) -> Saved:
    def save(net: Any) -> str:
        pp.to_json(net, str(tmp_path / "net.json"))
        return str(tmp_path / "net.json")

    return save


def four_bus_line(n_bus: int = 4) -> Any:
    """Make a line of buses with a load at the end."""
    net = pp.create_empty_network(name="line")
    buses = [pp.create_bus(net, 10.0) for _ in range(n_bus)]
    pp.create_ext_grid(net, buses[0])
    for near, far in pairwise(buses):
        pp.create_line_from_parameters(net, near, far, 1.0, 0.3, 0.3, 10.0, 0.2)
    pp.create_load(net, buses[-1], 0.1)
    return net


def texts(source: str, sites: dict[str, object] | None = None) -> list[str]:
    return [str(fault) for fault in check_network(source, sites or {})]


def only_fault(source: str) -> str:
    found = texts(source)
    assert len(found) == 1, found
    return found[0]


def test_case33bw_is_a_tree_with_the_ieee_numbers() -> None:
    topology = read_topology("case33bw")
    assert topology.faults == ()
    assert sorted(topology.labels.values()) == list(range(1, 34))
    assert topology.order[0] == 0
    assert len(topology.order) == 33
    assert all(parent < child for child, parent in enumerate(topology.parent, start=1))


def test_pandapower_is_not_imported() -> None:
    code = (
        "import sys; from gridarium.environment.network_tables import check_network; "
        "assert check_network('case33bw', {}) == []; assert 'pandapower' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_sites_are_checked_one_by_one() -> None:
    sites = {"a": 33, "b": 34, "c": "7", "d": True, "e": 1.0, "f": None, "g": [1], "h": 0}
    found = texts("case33bw", sites)
    assert [text.split(":")[0] for text in found] == [f"network.sites.{unit}" for unit in "bcdefgh"]
    assert found[0] == "network.sites.b: got 34; must be a bus of case33bw: 1, 2, 3, 4, 5, 6, 7, ..., 33"


def test_fused_and_saved_buses_are_sites(saved: Saved) -> None:
    net = four_bus_line()
    pp.create_switch(net, 3, pp.create_bus(net, 10.0), et="b")
    assert texts(saved(net), {"a": 4, "b": 3}) == []


@pytest.mark.parametrize("source", ["nowhere.json", "", "case34", "\0", "x" * 5000, "."])
def test_missing_or_unreadable_file(source: str) -> None:
    assert only_fault(source).startswith("network.source: got ")


@pytest.mark.parametrize("source", [None, 7, ["case33bw"], {"source": "case33bw"}, b"case33bw", float("nan")])
def test_source_that_is_no_text(source: Any) -> None:
    assert "must be 'case33bw', a pandapower JSON file or a SimBench code" in only_fault(source)


@pytest.mark.parametrize(
    "content",
    [
        *("", "{", "[]", "{}", "null", "3", '"text"', "[" * 100_000, "\ud800"),
        '{"_class": "DataFrame", "_object": "{}"}',
        '{"_class": "pandapowerNet"}',
        '{"_class": "pandapowerNet", "_object": {}}',
        '{"_class": "pandapowerNet", "_object": {"bus": 3}}',
    ],
)
def test_garbage_file(tmp_path: Path, content: str) -> None:
    file = tmp_path / "garbage.json"
    file.write_bytes(content.encode("utf-8", "surrogatepass"))
    assert "must be a network saved by pandapower.to_json" in only_fault(str(file))


def test_changed_file_is_read_again(saved: Saved) -> None:
    net = four_bus_line()
    source = saved(net)
    assert texts(source) == []
    net.line.loc[0, "length_km"] = -1.5
    assert only_fault(saved(net)) == "network.source, line 0: got -1.5; length_km must be above 0"


def test_loop_is_named(saved: Saved) -> None:
    net = four_bus_line()
    pp.create_line_from_parameters(net, 1, 3, 1.0, 0.3, 0.3, 10.0, 0.2)
    text = only_fault(saved(net))
    assert text.startswith("network.source, loop: got [")
    assert sorted(json.loads(text.split("got ")[1].split(";")[0])) == [1, 2, 3]


def test_opened_loop_and_parallel_lines_are_accepted(saved: Saved) -> None:
    net = four_bus_line()
    tie = pp.create_line_from_parameters(net, 1, 3, 1.0, 0.3, 0.3, 10.0, 0.2)
    pp.create_switch(net, 1, tie, et="l", closed=False)
    pp.create_line_from_parameters(net, 0, 1, 2.0, 0.3, 0.3, 10.0, 0.2)
    assert texts(saved(net)) == []


def test_islands_are_named(saved: Saved) -> None:
    net = four_bus_line()
    pp.create_switch(net, 2, 2, et="l", closed=False)
    lonely = int(pp.create_bus(net, 10.0))
    pp.create_load(net, 1, 0.1)
    places = [([3], "with loads"), ([lonely], "without loads")]
    assert texts(saved(net)) == [
        f"network.source, bus: got {buses}; these buses ({loads}) must be supplied or out of service"
        for buses, loads in places
    ]
    net.bus.loc[[3, lonely], "in_service"] = False
    assert texts(saved(net)) == []


def test_external_grids(saved: Saved) -> None:
    net = four_bus_line()
    pp.create_ext_grid(net, 2)
    assert "ext_grid: got [0, 2]; exactly one bus" in only_fault(saved(net))
    net.ext_grid["in_service"] = False
    assert "ext_grid: got 'none'; exactly one external grid" in only_fault(saved(net))


def test_all_faults_at_once(saved: Saved) -> None:
    net = four_bus_line()
    net.line.loc[0, ["r_ohm_per_km", "x_ohm_per_km"]] = 0.0
    net.line.loc[1, "r_ohm_per_km"] = -0.3
    net.line.loc[2, "to_bus"] = 99
    net.load["in_service"] = False
    net.bus.loc[1, "vn_kv"] = float("nan")
    pp.create_transformer3w(net, 0, 1, 2, std_type="63/25/38 MVA 110/20/10 kV")
    pp.create_impedance(net, 2, 3, 0.1, 0.1, sn_mva=1.0, rtf_pu=0.2)
    found = "\n".join(texts(saved(net), {"unit": 17}))
    for expected in (
        "bus 1: got None; vn_kv must be above 0 kV",
        "line 0: got 0.0; r_ohm_per_km or x_ohm_per_km must be above 0",
        "line 1: got -0.3; r_ohm_per_km must be 0 or more",
        "line 2: got 99; to_bus must be in the table of buses",
        "trafo3w 0: got 'in service'; a feeder has only",
        "impedance 0: got 0.2; rtf_pu must equal rft_pu = 0.1",
        "load: got 'none'; needs at least one load",
        "network.sites.unit: got 17; must be a bus of",
    ):
        assert expected in found


def test_branch_that_starts_and_ends_at_one_bus(saved: Saved) -> None:
    net = four_bus_line()
    pp.create_switch(net, 1, 2, et="b")
    assert "line 1: got 1; must connect two buses" in only_fault(saved(net))


def test_tables_of_version_2_read_alike(tmp_path: Path) -> None:
    """Version 2 files have fewer columns and tables, some without a column that has a default."""
    content = json.loads(network_file("case33bw").read_text())
    tables = content["_object"]
    for name in ("bus_dc", "line_dc", "vsc", "svc", "ssc", "tcsc", "motor", "asymmetric_load"):
        tables.pop(name, None)
    inner = json.loads(tables["line"]["_object"])
    keep = [
        i for i, column in enumerate(inner["columns"]) if column not in ("parallel", "g_us_per_km", "geo")
    ]
    inner["columns"] = [inner["columns"][i] for i in keep]
    inner["data"] = [[values[i] for i in keep] for values in inner["data"]]
    tables["line"]["_object"] = inner
    file = tmp_path / "old.json"
    file.write_text(json.dumps(content))
    assert texts(str(file), {"unit": 0}) == []


def test_simbench_code_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "simbench" else found(name))
    assert "pip install gridarium[simbench]" in only_fault("1-LV-rural1--0-sw")


def test_simbench_code_that_does_not_exist() -> None:
    pytest.importorskip("simbench")
    assert texts("1-LV-rural1--0-sw") == []
    assert "got '1-LV-rural9--0-sw'; must be one of the 246 SimBench codes" in only_fault("1-LV-rural9--0-sw")


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        (nw.case4gs, "a feeder is a tree"),
        (nw.create_cigre_network_hv, "a feeder is a tree"),
        (nw.example_multivoltage, "trafo3w 0: got 'in service'"),
        (nw.mv_oberrhein, "ext_grid: got [58, 318]"),
    ],
)
def test_published_networks_that_are_no_feeders(
    saved: Saved, build: Callable[[], Any], expected: str
) -> None:
    assert expected in "\n".join(texts(saved(build())))


ODD = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3), st.just([]), st.just({"a": 1})
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_odd_value_in_a_file_raises(tmp_path: Path, data: st.DataObject) -> None:
    content = json.loads(network_file("case33bw").read_text())
    name = data.draw(st.sampled_from(["bus", "line", "load", "ext_grid"]))
    table = json.loads(content["_object"][name]["_object"])
    line = data.draw(st.integers(0, len(table["data"]) - 1))
    column = data.draw(st.integers(0, len(table["columns"]) - 1))
    table["data"][line][column] = data.draw(ODD)
    if data.draw(st.booleans()):
        table["index"][line] = data.draw(ODD)
    content["_object"][name]["_object"] = json.dumps(table)
    file = tmp_path / "odd.json"
    file.write_text(json.dumps(content))
    assert isinstance(check_network(str(file), {"unit": data.draw(ODD)}), list)
