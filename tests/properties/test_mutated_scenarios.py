"""Any mutated scenario file is valid or raises ScenarioError: no other exception, no warning."""

import copy
import math
import os
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gridarium.environment.errors import ScenarioError
from gridarium.experiments.reading.plain_yaml import dump_yaml
from gridarium.experiments.reading.scenario_files import shipped_path
from gridarium.experiments.scenario import Study, load_scenario

EXAMPLES = int(os.environ.get("GRIDARIUM_MUTATIONS", "300"))
TEXT = shipped_path("adcef").read_text(encoding="utf-8")
TREE = yaml.safe_load(TEXT)

junk = st.one_of(
    st.sampled_from(
        [
            None,
            True,
            False,
            math.nan,
            math.inf,
            -math.inf,
            0,
            -1,
            1e-300,
            1e308,
            10**40,
            -(10**400),
            0.5,
            33,
            34,
        ]
    ),
    st.sampled_from(
        ["", " ", "yes", "12:30", "1e3", "0x10", "case33bw", "/dev/null", "x\x00y", "a.json", "."]
    ),
    st.sampled_from(
        ["exact", "os:path", "nothing.here:At", "adcef-high-res", "pv_mw", "Ω", "$x$", "x" * 5000]
    ),
    st.sampled_from(
        ["1-LV-rural1--0-sw", "../../etc/passwd", "~", "storage_7", "tou", "2026-02-30T00:00:00Z"]
    ),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6) | st.integers(), inner)
        ),
        max_leaves=6,
    ),
)
names = st.sampled_from(
    [
        "papers",
        "cases",
        "extends",
        "seed",
        "storages",
        "battery",
        "behaviour",
        "p_max_mw",
        "sites",
        "e_max_mw",
        "x.y",
    ]
) | st.text(max_size=8)


def paths_of(tree: object, path: tuple = ()) -> list[tuple]:
    """Every path into a tree of mappings and lists but the root's."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    return [found for key, value in items for found in ((*path, key), *paths_of(value, (*path, key)))]


def at(tree: object, path: tuple) -> object:
    for key in path:
        tree = tree[key]
    return tree


@st.composite
def mutated_trees(draw: st.DrawFn) -> dict:
    tree = copy.deepcopy(TREE)
    for _ in range(draw(st.integers(1, 4))):
        path = draw(st.sampled_from(paths_of(tree) or [("dso",)]))
        parent, key = at(tree, path[:-1]), path[-1]
        value = parent.get(key) if isinstance(parent, dict) else parent[key]
        match draw(
            st.sampled_from(["replace", "delete", "rename", "add", "negate", "scale", "text", "wrap", "move"])
        ):
            case "replace":
                parent[key] = draw(junk)
            case "delete":
                del parent[key]
            case "rename" if isinstance(parent, dict):
                parent[draw(names)] = parent.pop(key)
            case "add" if isinstance(value, dict):
                value[draw(names)] = draw(junk)
            case "negate" if isinstance(value, int | float):
                parent[key] = -value
            case "scale" if isinstance(value, int | float) and abs(value) < 1e15:
                parent[key] = value * draw(st.sampled_from([0, 1e-9, 0.5, 2, 1000, 1e9, 1e300]))
            case "text":
                parent[key] = str(value)
            case "wrap":
                parent[key] = draw(st.sampled_from([[value], {"x": value}, [value, value], {"exact": value}]))
            case "move":
                other = draw(st.sampled_from(paths_of(TREE)))
                parent[key] = copy.deepcopy(at(TREE, other))
    return tree


def load(path: Path, content: bytes) -> Study | ScenarioError:
    path.write_bytes(content)
    try:
        return load_scenario(path)
    except ScenarioError as error:
        assert error.faults
        assert all(fault.place and fault.allowed and str(fault) for fault in error.faults)
        return error


@pytest.mark.filterwarnings("error")
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(tree=mutated_trees())
def test_mutated_tree(tmp_path: Path, tree: dict) -> None:
    text = yaml.safe_dump(tree, allow_unicode=True, sort_keys=False)
    outcome = load(tmp_path / "mutated.yaml", text.encode("utf-8", "surrogatepass"))
    if isinstance(outcome, Study):
        again = load(tmp_path / "resolved.yaml", dump_yaml(outcome.resolved()).encode())
        assert isinstance(again, Study)
        assert again.resolved() == outcome.resolved()


@pytest.mark.filterwarnings("error")
@settings(max_examples=max(EXAMPLES // 4, 10), deadline=None, suppress_health_check=list(HealthCheck))
@given(
    start=st.integers(0, len(TEXT)),
    length=st.integers(0, 200),
    insert=st.sampled_from(
        ["", "- ", ": ", "{", "]", "'", "&a ", "*a", "!!python/name:os.system ", "\t", "<<: *a\n"]
    )
    | st.text(max_size=10),
)
def test_mutated_text(tmp_path: Path, start: int, length: int, insert: str) -> None:
    text = TEXT[:start] + insert + TEXT[start + length :]
    load(tmp_path / "mutated.yaml", text.encode("utf-8", "surrogatepass"))


@pytest.mark.filterwarnings("error")
@settings(max_examples=max(EXAMPLES // 4, 10), deadline=None, suppress_health_check=list(HealthCheck))
@given(content=st.binary(max_size=200))
def test_any_bytes(tmp_path: Path, content: bytes) -> None:
    assert isinstance(load(tmp_path / "bytes.yaml", content), ScenarioError)


@pytest.mark.filterwarnings("error")
@settings(max_examples=max(EXAMPLES // 4, 10), deadline=None, suppress_health_check=list(HealthCheck))
@given(
    path=st.lists(names, min_size=1, max_size=4).map(".".join)
    | st.sampled_from([".".join(map(str, path)) for path in paths_of(TREE)]),
    value=st.text(max_size=12)
    | st.sampled_from(["1", "-1", "null", "{a: 1}", "[1]", "nan", ".nan", "1e999", "{"]),
)
def test_any_override(path: str, value: str) -> None:
    try:
        load_scenario("adcef", [f"{path}={value}"])
    except ScenarioError as error:
        assert error.faults
