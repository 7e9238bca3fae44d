"""What two cases of a scenario differ in: the fields, and how to say it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from gridarium.experiments.names.formatting import number

_NAMES = frozenset({"title", "description", "papers"})
"""What a case says of itself, and nothing that lives in its world."""
_MOST = 4
_NONE: tuple[object, ...] = (None, {}, [], "")


class Difference(NamedTuple):
    """A field in which two cases differ.

    Parameters
    ----------
    path : tuple of str
        Where it stands in the resolved scenario.
    before, after : object
        Its value in the first and in the other case; None where it is left out.
    """

    path: tuple[str, ...]
    before: Any
    after: Any

    @property
    def place(self) -> str:
        """Its path as it stands in a file or an override."""
        return ".".join(self.path)

    def __str__(self) -> str:
        return f"{self.place} {_value(self.before)} → {_value(self.after)}"


def differences(first: Mapping[str, Any], other: Mapping[str, Any]) -> list[Difference]:
    """Return the fields in which two resolved cases differ, in the order in which they stand.

    A section that only one of them has is one difference.

    >>> first, other = {"dso": {"storage": "pooled"}, "lines": {"a": 1}}, {"dso": {"storage": "own"}}
    >>> [str(each) for each in differences(first, other)]
    ['dso.storage pooled → own', 'lines given → none']
    """
    return [each for each in _differences(first, other, ()) if each.path[0] not in _NAMES]


def _differences(first: Any, other: Any, path: tuple[str, ...]) -> Iterator[Difference]:
    if isinstance(first, Mapping) and isinstance(other, Mapping) and first and other:
        for key in dict.fromkeys((*first, *other)):
            yield from _differences(first.get(key), other.get(key), (*path, str(key)))
    elif first != other and not (_is_none(first) and _is_none(other)):
        yield Difference(path, first, other)


def _is_none(value: Any) -> bool:
    return any(value == nothing for nothing in _NONE)


def _value(value: Any) -> str:
    """A value in few letters: a section only as given."""
    if _is_none(value):
        return "none"
    if isinstance(value, Mapping):
        return "given"
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]" if len(value) <= _MOST else f"{len(value)} values"
    return number(value).lower() if isinstance(value, bool) else number(value)


def listed(found: Sequence[Difference], most: int = 4) -> str:
    """Return the differences in one line, of many the first ones and how many more there are."""
    shown = "; ".join(map(str, found[:most]))
    return f"{shown}; {len(found) - most} more" if len(found) > most else shown
