"""Overrides of the command line: `path.to.field=value`, laid over the cases of a scenario."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from gridarium.environment.errors import Fault, ScenarioError
from gridarium.experiments.reading.field_paths import Keys, places
from gridarium.experiments.reading.plain_yaml import Tree, parse_yaml
from gridarium.experiments.reading.scenario_files import OF_A_STUDY, REPLACE, anchored, merge

_MAX_DEPTH = 16
_NOWHERE = "must lead to a field of a case: `*` stands for every name that is there"


class FieldOverride(NamedTuple):
    """One `path.to.field=value` of the command line; a key `*` stands for every name that is there."""

    path: Keys
    value: object

    def __str__(self) -> str:
        return f"{'.'.join(self.path)}={'null' if self.value is None else self.value}"

    def leads_to(self, keys: Keys) -> bool:
        """Whether a field is in what the path names."""
        return len(self.path) <= len(keys) and all(
            own in ("*", key) for own, key in zip(self.path, keys, strict=False)
        )


def parse_overrides(settings: Sequence[str]) -> list[FieldOverride]:
    """Read overrides; values are YAML, file paths in them are relative to the working folder.

    Raises
    ------
    ScenarioError
        With every override that is no `path.to.field=value`.
    """
    faults: list[Fault] = []
    overrides = readable_overrides(settings, faults)
    if faults:
        raise ScenarioError("--set", faults)
    return overrides


def readable_overrides(settings: Sequence[str], faults: list[Fault]) -> list[FieldOverride]:
    """Read overrides, and add what is wrong with the others to the faults."""
    overrides = []
    for text in settings:
        path, equals, value = text.partition("=")
        keys = tuple(part.strip() for part in path.split("."))
        if not equals or not all(keys) or len(keys) > _MAX_DEPTH or keys[0] == "extends":
            faults.append(Fault("--set", text, "must be path.to.field=value, any field but extends"))
            continue
        try:
            overrides.append(FieldOverride(keys, parse_yaml(value, f"--set {text}")))
        except ScenarioError as error:
            faults += [Fault("--set", text, fault.allowed) for fault in error.faults]
    return overrides


def applied(tree: Tree, overrides: Sequence[FieldOverride]) -> Tree:
    """Return the tree with every override, none of which has a `*`, in place of what stood there.

    Null in place of a mapping takes it away, as in a file.
    """
    for override in overrides:
        tree = anchored(_laid(tree, override.path, override.value), Path.cwd())
    return tree


def overridden(
    trees: Mapping[str, Tree], overrides: Sequence[FieldOverride], faults: list[Fault]
) -> dict[str, Tree]:
    """Return the trees of all cases with every override in them; one that leads nowhere is a fault.

    What an override takes away, or names by a `*`, may be missing in a case, but not in all of them.
    """
    found = dict(trees)
    for one in overrides:
        by_case = {name: _fields(tree, one) for name, tree in found.items()}
        if found and not any(by_case.values()):
            faults.append(Fault("--set", str(one), _NOWHERE))
        for name, fields in by_case.items():
            found[name] = applied(found[name], fields)
    return found


def of_study(tree: Tree, overrides: Sequence[FieldOverride], faults: list[Fault]) -> Tree:
    """Return a study with the overrides of its own fields: of `main_cases`, and below `cases.NAME`.

    Null takes a case away; one that leads nowhere is a fault.
    """
    base = {key: value for key, value in tree.items() if key not in OF_A_STUDY}
    for one in overrides:
        cases = tree.get("cases")
        if one.path[0] != "cases" or len(one.path) == 1 or not isinstance(cases, dict):
            tree = applied(tree, [one])
            continue
        names = [name for name in cases if one.path[1] in (name, "*")]
        if len(one.path) == 2 and one.value is None:
            tree = _without(tree, names)
        elif "*" not in one.path:
            names, tree = [one.path[1]], applied(tree, [one])
        else:
            fields = [
                FieldOverride(("cases", name, *field.path), field.value)
                for name in names
                for field in _fields(merge(base, cases[name] or {}), FieldOverride(one.path[2:], one.value))
            ]
            names, tree = [field.path[1] for field in fields], applied(tree, fields)
        if not names:
            faults.append(Fault("--set", str(one), f"{_NOWHERE}; the cases are {', '.join(cases)}"))
    return tree


def _fields(tree: Tree, override: FieldOverride) -> list[FieldOverride]:
    """Return what an override means for a case: itself, or one override for each field it stands for."""
    path, value = override
    if "*" in path:
        return [FieldOverride(keys, value) for keys in places(tree, ".".join(path))]
    if value is None and len(path) > 1 and (inner := _at(tree, path[:-1])) is not None:
        # A unit that another case has is nothing to take away here.
        return [override] if path[-1] in inner or not _has_units(inner) else []
    return [override]


def _at(tree: object, path: Keys) -> Tree | None:
    for key in path:
        tree = tree.get(key) if isinstance(tree, dict) else None
    return tree if isinstance(tree, dict) else None


def _has_units(tree: Tree) -> bool:
    return bool(tree) and all(isinstance(value, dict) for value in tree.values())


def _without(tree: Tree, names: Sequence[str]) -> Tree:
    cases = {name: own for name, own in tree["cases"].items() if name not in names}
    main = tree.get("main_cases")
    if isinstance(main, list):
        main = [name for name in main if name not in names]
    return {**tree, "cases": cases} | ({"main_cases": main} if main else {})


def _laid(tree: Tree, path: Keys, value: object) -> Tree:
    head, *rest = path
    inner = tree.get(head)
    if not rest and value is None and isinstance(inner, dict):
        return {key: other for key, other in tree.items() if key != head}
    if not rest:
        return merge(tree, {head: {**value, REPLACE: True}} if isinstance(value, dict) else {head: value})
    if head == "network" and isinstance(inner, str):
        inner = {"source": inner}
    return {**tree, head: _laid(inner if isinstance(inner, dict) else {}, tuple(rest), value)}
