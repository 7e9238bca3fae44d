"""Dotted paths into the tree of a scenario: finding the fields they name, and replacing those."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

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
