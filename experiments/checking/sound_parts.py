"""What is sound in a tree with faults, so that what is wrong elsewhere can be told at once."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from typing import Any, Generic, NamedTuple, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from gridarium.environment.errors import Fault
from gridarium.experiments.reading.field_paths import Keys
from gridarium.experiments.reading.plain_yaml import Tree
from gridarium.experiments.schema.faults import faults_of, sections_at
from gridarium.experiments.schema.fields import Section

SectionT = TypeVar("SectionT", bound=Section)

_ALIKE = 0.75
_RENAMED = "is now called "
_ROUNDS = 4
"""Faults between fields show when those of the fields are gone, and those of the whole after them."""


class SoundParts(NamedTuple, Generic[SectionT]):
    """A section without what was wrong in it.

    Parameters
    ----------
    section : Section
        With the default in place of each number, switch or unknown field that has a fault, and of each part
        that cannot do without.
    faults : list of Fault
    broken : set of str
        Fields of the section whose value is not what was meant: other checks make no sense of them.
    left_out : list of tuple of str
        Fields whose default stands in the section for a value with a fault.
    """

    section: SectionT
    faults: list[Fault]
    broken: set[str]
    left_out: list[Keys]

    def explains(self, fault: Fault) -> bool:
        """Whether what another check finds comes from a default in place of a value with a fault."""
        place = tuple(fault.place.split("."))
        return any(
            place[: len(keys)] == keys or re.search(rf"\b{re.escape(keys[-1])}\b", fault.allowed)
            for keys in self.left_out
        )


def sound_parts(schema: type[SectionT], tree: Tree) -> SoundParts[SectionT]:
    """Check a tree again and again without what is wrong in it, until nothing is."""
    faults: list[Fault] = []
    broken: set[str] = set()
    left_out: list[Keys] = []
    for _ in range(_ROUNDS):
        try:
            return SoundParts(schema.model_validate(tree), faults, broken, left_out)
        except ValidationError as error:
            gone = {".".join(keys) for keys in left_out} | {*map(_meant_place, faults)}
            told = {fault.place: fault.allowed for fault in faults_of(schema, error)}
            faults += [fault for fault in faults_of(schema, error) if fault.place not in gone]
            sound = tree
            for detail in error.errors(include_url=False):
                found = list(_wrong_fields(tree, detail))
                sound = _without(sound, found)
                left_out += found
                numbers = [_was_a_number(keys, detail, told.get(".".join(keys), "")) for keys in found]
                if not numbers or not all(numbers):
                    broken |= {*sections_at(detail)}
            tree = sound
    rest = {key: value for key, value in tree.items() if key not in broken}
    return SoundParts(schema.model_validate(rest), faults, broken, left_out)


def _wrong_fields(tree: Tree, detail: ErrorDetails) -> Iterator[Keys]:
    """Yield the fields of a tree that a fault is about, as far as they can be left out of it."""
    place = tuple(str(key) for key in detail["loc"])
    if detail["type"] == "missing":
        found = [place[:-1]]
    elif detail["type"] == "conflict":
        found = [(*place, field) for field, _, _ in detail["ctx"]["conflicts"]]
    else:
        found = [place]
    for keys in found:
        if led := _as_far_as_it_leads(tree, keys):
            yield led


def _as_far_as_it_leads(tree: Any, keys: Keys) -> Keys:
    for depth, key in enumerate(keys):
        if not isinstance(tree, dict) or key not in tree:
            return keys[:depth]
        tree = tree[key]
    return keys


def _without(tree: Tree, fields: Iterable[Keys]) -> Tree:
    for head, *rest in fields:
        if head not in tree:
            continue
        left = {key: value for key, value in tree.items() if key != head}
        inner = tree[head]
        tree = {**left, head: _without(inner, [tuple(rest)])} if rest and isinstance(inner, dict) else left
    return tree


def _meant_place(fault: Fault) -> str:
    """Return where a field with a fault stands, under the name that it has now."""
    name = fault.allowed.removeprefix(_RENAMED)
    return fault.place if name == fault.allowed else ".".join([*fault.place.split(".")[:-1], name])


def _was_a_number(keys: Keys, detail: ErrorDetails, told: str) -> bool:
    """Whether what was left out is a number, or a field that does not exist and was not misspelt."""
    place = tuple(str(key) for key in detail["loc"])
    match detail["type"]:
        case "missing":
            return False
        case "conflict":
            values = {(*place, field): value for field, value, _ in detail["ctx"]["conflicts"]}
            return isinstance(values.get(keys), int | float)
        case "extra_forbidden":
            return keys == place and not _is_misspelt(keys[-1], told)
    return keys == place and told.startswith(("must be a number", "must be a whole number"))


def _is_misspelt(name: str, told: str) -> bool:
    """Whether an unknown field is much like one that was meant, or an earlier name of it."""
    if told.startswith("unknown field; known are"):
        return False
    meant = told.removeprefix("unknown field; did you mean ").removesuffix("?")
    return difflib.SequenceMatcher(None, name, meant).ratio() > _ALIKE or not told.startswith("unknown")
