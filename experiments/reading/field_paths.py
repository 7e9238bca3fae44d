"""Fields in the tree of a scenario: those that a dotted path names, and the one in which cases differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gridarium.experiments.reading.plain_yaml import Tree

Keys = tuple[str, ...]


def places(tree: object, path: str) -> list[Keys]:
    """Return every field that a path names.

    Parameters
    ----------
    tree : dict
        A scenario with every default written out.
    path : str
        Keys with dots between them; a number counts in a list, `*` stands for every key or item.

    Returns
    -------
    list of tuple of str
        All that leads there must exist. The last key need not: a section with open
        names takes new ones, and the others refuse them when the scenario is checked.
    """
    return list(_places(tree, path.split(".")))


def _places(tree: object, keys: Sequence[str]) -> Iterator[Keys]:
    head, *rest = keys
    inner = _children(tree)
    if not rest and isinstance(tree, dict) and head != "*":
        yield (head,)
        return
    for key in inner if head == "*" else [head]:
        if key in inner:
            yield from ((key, *more) for more in (_places(inner[key], rest) if rest else [()]))


def _children(tree: object) -> dict[str, Any]:
    if isinstance(tree, list):
        return {str(position): value for position, value in enumerate(tree)}
    return tree if isinstance(tree, dict) else {}


def replaced(tree: Any, keys: Sequence[str], value: object) -> Any:
    """Return a tree with one field replaced; what does not lead there is shared with the old one."""
    if not keys:
        return value
    head, *rest = keys
    if isinstance(tree, list):
        position = int(head)
        return [*tree[:position], replaced(tree[position], rest, value), *tree[position + 1 :]]
    return {**tree, head: replaced(tree.get(head), rest, value)}


def laid_over(tree: Tree, settings: Tree) -> list[Keys]:
    """Return the fields that settings replace, add or take away where they are laid over a tree."""
    fields: list[Keys] = []
    for key, value in settings.items():
        old = tree.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            fields += [(key, *rest) for rest in laid_over(old, value)]
        else:
            fields.append((key,))
    return fields


def swept_parameter(scenario: Tree, cases: Mapping[str, object]) -> tuple[str, dict[str, float]] | None:
    """Return the one numeric field in which the cases of a study differ, and its value in each case.

    Fields of one name that move together, such as the rigidity of every consumer class, count as one.

    Parameters
    ----------
    scenario : dict
        A resolved study: `cases` holds what the cases do not share.
    cases : collection of str
        The cases that were run.
    """
    values: dict[str, float] = {}
    names: set[str] = set()
    for case, own in scenario.get("cases", {}).items():
        found = {name: value for name, value in _leaves(own) if name not in ("title", "description")}
        numbers = {value for _, value in _leaves(own) if isinstance(value, int | float)}
        names |= found.keys()
        if len(names) != 1 or len(numbers) != 1 or isinstance(next(iter(found.values())), bool):
            return None
        if case in cases:
            values[case] = float(numbers.pop())
    return (names.pop(), values) if len(set(values.values())) > 1 else None


def _leaves(tree: Tree) -> Iterator[tuple[str, object]]:
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from _leaves(value)
        else:
            yield name, value
