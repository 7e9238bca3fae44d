"""What values in a scenario may be instead, as its schema says: numbers, choices, flags, null."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from gridarium.environment.parameters import OneOf, YesOrNo
from gridarium.experiments.checking.grid_tree import GridPlace, StackedScenario, entries_of
from gridarium.experiments.names.registry import entries
from gridarium.experiments.reading.field_paths import Keys
from gridarium.experiments.reading.plain_yaml import Tree
from gridarium.experiments.schema.behaviours import Behaviour
from gridarium.experiments.schema.fields import Range, Registered, Section
from gridarium.experiments.schema.scenario import Scenario

FIXED = frozenset({"title", "description", "papers", "seed", "start", "period_h", "step_h", "horizon_h"})
"""Fields that say what a run is called, when it is and how long; they are left as they are."""


class Number(NamedTuple):
    """A number within a range.

    Parameters
    ----------
    range : Range
    is_whole : bool
    """

    range: Range
    is_whole: bool


class Null(NamedTuple):
    """Nothing: what is optional is left out."""


class Fresh(NamedTuple):
    """A section that is not there, with all its defaults."""


class Behaviours(NamedTuple):
    """A list of elements of bounded rationality."""


Allowed = Number | OneOf | YesOrNo | Null | Fresh | Behaviours


class MutableField(NamedTuple):
    """A field of a scenario whose value may be another one.

    Parameters
    ----------
    keys : tuple of str
        The way to it in the tree of the case.
    value : object
        What stands there.
    allowed : tuple
        What may stand there; between sections more may be asked for.
    """

    keys: Keys
    value: object
    allowed: tuple[Allowed, ...]


def mutable_fields(case: Scenario, tree: Tree) -> list[MutableField]:
    """Every field of a case that may have another value, those of parts of other packages among them.

    Parameters
    ----------
    case : Scenario
    tree : dict
        The same with every default: what has no effect in the case is not in it.
    """
    found = list(_of_section(case, ()))
    if isinstance(case, StackedScenario):
        for name, entry in entries_of(case).items():
            at = ("grids", name)
            found += [*_of_section(entry.place, at), *_of_section(entry.scenario, at)]
    return [one for one in found if _is_in(tree, one.keys)]


def _is_in(tree: object, keys: Keys) -> bool:
    for key in keys:
        if isinstance(tree, dict) and key in tree:
            tree = tree[key]
        elif isinstance(tree, list) and key.isdecimal() and int(key) < len(tree):
            tree = tree[int(key)]
        else:
            return False
    return True


def _of_section(section: Section, keys: Keys) -> Iterator[MutableField]:
    is_whole_run = isinstance(section, Scenario | GridPlace)
    for name, field in type(section).model_fields.items():
        if not (is_whole_run and name in FIXED):
            value = getattr(section, name)
            yield from _of_value(field.annotation, field.metadata, value, (*keys, name))


def _of_value(annotation: Any, marks: Sequence[Any], value: Any, keys: Keys) -> Iterator[MutableField]:
    options = list(_options(annotation, marks))
    is_optional = any(one is NoneType for one, _ in options)
    null: tuple[Allowed, ...] = (Null(),) if is_optional and value is not None else ()
    inner = list(_inside(options, value, keys))
    if inner:
        yield from inner
        if null:
            yield MutableField(keys, value, null)
        return
    allowed = tuple(one for kind, more in options if (one := _allowed(kind, more)) is not None)
    if value is not None and isinstance(value, Section | dict):
        allowed = ()
    if allowed or null:
        yield MutableField(keys, value, (*allowed, *null))


def _inside(options: Sequence[tuple[Any, Sequence[Any]]], value: Any, keys: Keys) -> Iterator[MutableField]:
    """What is inside a section, or inside the members of a mapping or a list."""
    if isinstance(value, Section):
        yield from _of_section(value, keys)
    for kind, _ in options:
        if get_origin(kind) is dict and isinstance(value, dict):
            for name, one in value.items():
                yield from _of_value(get_args(kind)[1], (), one, (*keys, str(name)))
        if get_origin(kind) is list and isinstance(value, list) and get_args(kind)[0] is not Behaviour:
            for place, one in enumerate(value):
                yield from _of_value(get_args(kind)[0], (), one, (*keys, str(place)))


def _options(annotation: Any, marks: Sequence[Any]) -> Iterator[tuple[Any, Sequence[Any]]]:
    """Each type that a value may have, with its marks."""
    if get_origin(annotation) is Annotated:
        inner, *more = get_args(annotation)
        yield from _options(inner, (*marks, *more))
    elif get_origin(annotation) in (Union, UnionType):
        for one in get_args(annotation):
            yield from _options(one, marks)
    else:
        yield annotation, marks


def _allowed(kind: Any, marks: Sequence[Any]) -> Allowed | None:
    """What a value of a type may be; None for names, texts, times and members of mappings."""
    within = next((mark for mark in marks if isinstance(mark, Range)), None)
    registered = next((mark for mark in marks if isinstance(mark, Registered)), None)
    if kind is bool:
        return YesOrNo()
    if kind in (int, float) and within is not None:
        return Number(within, kind is int)
    if get_origin(kind) is Literal:
        return OneOf(tuple(map(str, get_args(kind))))
    if registered is not None:
        return OneOf(tuple(entries(registered.kind)))
    if get_origin(kind) is list and get_args(kind)[0] is Behaviour:
        return Behaviours()
    if isinstance(kind, type) and get_origin(kind) is None and issubclass(kind, Section):
        return Fresh()
    return None
