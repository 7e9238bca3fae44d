"""Scenario files: finding and reading them, `extends`, merging, overrides."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NoReturn

from gridarium.environment.errors import Fault, ScenarioError
from gridarium.environment.network_tables import is_simbench_code
from gridarium.experiments.reading.plain_yaml import Tree, parse_yaml

_HERE = Path(__file__).parents[1]
_MAX_BYTES = 1_000_000
REPLACE = "_replace_"
"""Key of a mapping that does not merge with what it is laid over."""


@dataclass(frozen=True, slots=True)
class ScenarioFile:
    """A file with everything it extends merged in; `cases` is still inside the tree."""

    source: str
    name: str
    tree: Tree


OF_A_STUDY = ("cases", "main_cases")
"""Fields of a file that are none of a single case."""


def without_cases(tree: Tree) -> Tree:
    """Return what all cases of a file have in common."""
    return {key: value for key, value in tree.items() if key not in OF_A_STUDY}


def shipped_path(name: str) -> Path:
    """Return the path that a shipped scenario of this name has."""
    return _HERE / "scenarios" / f"{name}.yaml"


def shipped_names(studies: bool = False) -> tuple[str, ...]:
    """Return the names of the shipped scenarios, or of the studies beside them, sorted."""
    paths = (_HERE / "scenarios").glob("*.yaml")
    return tuple(sorted(path.stem for path in paths if _is_study(path) is studies))


@lru_cache(maxsize=64)
def _is_study(path: Path) -> bool:
    return any(line.startswith("study:") for line in path.read_text(encoding="utf-8").splitlines())


def shipped_profiles() -> tuple[str, ...]:
    """Return the names of the shipped profile sets, sorted."""
    return tuple(sorted(path.stem for path in (_HERE / "data").glob("*.csv")))


@lru_cache(maxsize=1)
def shipped_networks() -> tuple[str, ...]:
    """Return the names of the shipped networks, sorted."""
    return tuple(sorted(path.stem for path in (_HERE / "data").glob("*.json")))


def measured_file(name: str) -> Path:
    """Path of a shipped record of measurements that a run cannot repeat."""
    return _HERE / "data" / "measured" / f"{name}.csv"


def profile_path(profiles: str) -> Path:
    """Return the CSV file of a profile set: a shipped name, or else a path."""
    return _HERE / "data" / f"{profiles}.csv" if profiles in shipped_profiles() else Path(profiles)


def read_scenario_file(source: str | Path) -> ScenarioFile:
    """Read a shipped scenario or a file, with what it extends.

    Raises
    ------
    ScenarioError
        If there is no such file, it cannot be read, or what it extends leads back to itself.
    """
    path = _path_of(source, Path.cwd())
    tree = _read_chain(path, ())
    if "study" in tree:
        _fail(path, "study", tree["study"], "is no field of a scenario: `gridarium sweep` runs studies")
    return ScenarioFile(path.stem if _is_shipped(path) else str(source), path.stem, tree)


def _path_of(source: str | Path, folder: Path) -> Path:
    if isinstance(source, str) and source in (*shipped_names(), *shipped_names(studies=True)):
        return shipped_path(source)
    return Path(os.path.abspath(folder / source))


def _read_chain(path: Path, extended_by: tuple[Path, ...]) -> Tree:
    """Read a file and what it extends; `extended_by` is the chain that led to it, nearest last."""
    if path in extended_by:
        _fail(path, "extends", str(path), "must not lead back to itself")
    tree = _shipped_layer(path.stem) if _is_shipped(path) else _read_layer(path, extended_by)
    if "extends" not in tree:
        return _laid_over({}, tree)
    base = tree["extends"]
    if not isinstance(base, str) or not base:
        _fail(path, "extends", base, "must be a shipped scenario or the path of a file")
    own = {key: value for key, value in tree.items() if key != "extends"}
    inherited = _read_chain(_path_of(base, path.parent), (*extended_by, path))
    if "cases" in own:
        inherited = without_cases(inherited)
    return _laid_over(inherited, own)


def _laid_over(base: Tree, own: Tree) -> Tree:
    """Return a base with a file laid over it; what its cases replace is known when they are laid, too."""
    common = {key: value for key, value in own.items() if key != "cases"}
    return merge(base, common) | {key: own[key] for key in own.keys() - common.keys()}


def _is_shipped(path: Path) -> bool:
    return path.parent == _HERE / "scenarios" and path.stem in shipped_names()


@lru_cache(maxsize=64)
def _shipped_layer(name: str) -> Tree:
    return _read_layer(shipped_path(name), ())


def _read_layer(path: Path, extended_by: tuple[Path, ...]) -> Tree:
    """Read one file by itself."""
    try:
        tree = read_mapping(path)
    except (OSError, ValueError) as error:
        allowed = f"must be one of {', '.join(shipped_names())}, or the path of a YAML file ({error})"
        if extended_by:
            _fail(extended_by[-1], "extends", str(path), allowed)
        _fail(path, "file", str(path), allowed)
    return anchored(tree, path.parent)


def read_mapping(path: Path) -> Tree:
    """Read one YAML file of fields.

    Raises
    ------
    OSError, ValueError
        If there is no such file, or it is far too large for one.
    ScenarioError
        If it is no plain YAML, or no mapping.
    """
    content = _bytes_of(path)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        _fail(path, "file", f"byte {error.start}", "must be UTF-8 text")
    tree = parse_yaml(text, str(path))
    if not isinstance(tree, dict):
        _fail(path, "file", tree, "must be a mapping of fields to values")
    return tree


def _bytes_of(path: Path) -> bytes:
    if not path.is_file():
        raise ValueError("no such file")
    with path.open("rb") as file:
        content = file.read(_MAX_BYTES + 1)
    if len(content) > _MAX_BYTES:
        raise ValueError(f"more than {_MAX_BYTES} bytes")
    return content


def _fail(path: Path, place: str, value: object, allowed: str) -> NoReturn:
    raise ScenarioError(str(path), [Fault(place, value, allowed)])


def anchored(tree: Tree, folder: Path) -> Tree:
    """Return the tree with the paths in it absolute, so that it means the same wherever it is written.

    A relative path starts at `folder`, whatever its suffix; names of what is shipped stay names, but for
    those of shipped networks, which are read from a file of the package.
    """

    def profiles(name: str) -> str:
        is_name = not name.strip() or name in shipped_profiles()
        return name if is_name else os.path.abspath(folder / name)

    return with_files(tree, profiles, lambda source: _network_path(source, folder) or source)


def anchored_value(keys: Sequence[str], value: object, folder: Path) -> Any:
    """Return the value of a field, named by the keys that lead to it, with file paths in it absolute."""
    tree: Any = value
    for key in reversed(keys):
        tree = {key: tree}
    tree = anchored(tree, folder)
    for key in keys:
        tree = tree[key]
    return tree


def with_files(tree: Tree, profiles: Callable[[str], str], network: Callable[[str], str]) -> Tree:
    """Return a scenario, or what is laid over one, with other names or paths of profiles and networks."""
    fixed = dict(tree)
    if isinstance(tree.get("profiles"), str):
        fixed["profiles"] = profiles(tree["profiles"])
    section = tree.get("network")
    if isinstance(section, str):
        fixed["network"] = network(section)
    elif isinstance(section, dict) and isinstance(section.get("source"), str):
        fixed["network"] = {**section, "source": network(section["source"])}
    for key in ("cases", "grids"):
        inner = tree.get(key)
        if isinstance(inner, dict):
            fixed[key] = {
                name: with_files(own, profiles, network) if isinstance(own, dict) else own
                for name, own in inner.items()
            }
    return fixed


def named(tree: Tree) -> Tree:
    """Return a scenario in which files of the package go by their names."""

    def network(source: str) -> str:
        path = Path(source)
        return path.stem if path.parent == _HERE / "data" and path.stem in shipped_networks() else source

    return with_files(tree, lambda name: name, network)


def _network_path(source: str, folder: Path) -> str | None:
    """Return where the file of a network is, None for one that has a name and no file."""
    if is_simbench_code(source):
        return None
    if source in shipped_networks():
        return str(_HERE / "data" / f"{source}.json")
    is_path = Path(source).suffix or os.sep in source or (folder / source).is_file()
    return os.path.abspath(folder / source) if is_path and source.strip() else None


def merge(base: Tree, over: Tree) -> Tree:
    """Return the base with another tree laid over it.

    Mappings merge; anything else replaces. Null in place of a mapping takes it away, so that a case can do
    without a unit of its base, and a mapping with ``_replace_: true`` takes the place of that of the base.

    >>> merge({"sites": {"pv": 3}, "seed": 1}, {"sites": {"wind": 4}})
    {'sites': {'pv': 3, 'wind': 4}, 'seed': 1}
    >>> merge({"sites": {"pv": 3}, "seed": 1}, {"sites": {"_replace_": True, "wind": 4}})
    {'sites': {'wind': 4}, 'seed': 1}
    """
    merged = dict(base)
    for key, value in over.items():
        old = base.get(key)
        if key == "network" and isinstance(old, str):
            old = {"source": old}
        if isinstance(value, dict):
            replaces = value.get(REPLACE) is True
            own = {name: inner for name, inner in value.items() if name != REPLACE} if replaces else value
            merged[key] = merge(old if isinstance(old, dict) and not replaces else {}, own)
        elif isinstance(old, dict) and value is None:
            del merged[key]
        else:
            merged[key] = value
    return merged
