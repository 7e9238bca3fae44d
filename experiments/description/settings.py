"""What a scenario says of a grid, part by part: fields with their values, and the rules that they name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from gridarium.experiments.checking.grid_tree import GridEntry, entries_of
from gridarium.experiments.description.docstrings import doc_of
from gridarium.experiments.description.subject import Subject
from gridarium.experiments.names.formatting import number, split_unit
from gridarium.experiments.names.registry import entries, load
from gridarium.experiments.parts.part import Part
from gridarium.experiments.schema.fields import Registered, Section

_MOST = 6
"""Values of members of a group that are written out."""


class Rule(NamedTuple):
    """A rule under which agents meet, or decide.

    Parameters
    ----------
    field : str
        Where the scenario names it.
    name : str
        As it is named.
    meaning : str
        One line.
    target : object
        What the name stands for.
    """

    field: str
    name: str
    meaning: str
    target: object


class Setting(NamedTuple):
    """A field of a section, with its value in each member of a group.

    Parameters
    ----------
    field : str
        Its path within the section.
    values : tuple of object
        One; of a group of alike members one for each.
    """

    field: str
    values: tuple[Any, ...]

    @property
    def unit(self) -> str:
        """What its name says."""
        return split_unit(self.field.rpartition(".")[2])[1]

    @property
    def said(self) -> str:
        """All values in one cell: one where all are alike, many numbers as a range."""
        different = list(dict.fromkeys(map(_text, self.values)))
        if len(different) == 1:
            return different[0]
        numbers = [
            each for each in self.values if isinstance(each, int | float) and not isinstance(each, bool)
        ]
        if len(self.values) > _MOST and len(numbers) == len(self.values):
            return f"{number(min(numbers))} to {number(max(numbers))}"
        shown = different if len(self.values) > _MOST else [*map(_text, self.values)]
        return " / ".join(shown[:_MOST]) + (" …" if len(shown) > _MOST else "")


def _text(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        shown = ", ".join(map(_text, value[:_MOST]))
        return f"{shown} … ({len(value)})" if len(value) > _MOST else shown
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_text(inner)}" for name, inner in value.items())
    if isinstance(value, str) and Path(value).is_absolute():
        return Path(value).name
    return number(value)


def parts_of(entry: GridEntry) -> Iterator[tuple[Part[Any], list[str], list[Setting]]]:
    """Yield the parts that a grid has, with the names of their members and what is said of them."""
    tree = entry.tree
    for part in entry.scenario.parts:
        said = tree.get(part.field)
        if not part.is_given(entry.scenario) or said in (None, {}, []):
            continue
        members = part.of(entry.scenario)
        is_group = isinstance(members, Mapping) and all(isinstance(one, Section) for one in members.values())
        if not isinstance(said, Mapping):
            yield part, [], [Setting(part.field, (said,))]
        elif is_group:
            yield part, list(said), _side_by_side([dict(_flat(one, "")) for one in said.values()])
        else:
            yield part, [], [Setting(path, (value,)) for path, value in _flat(said, "")]


def _side_by_side(members: Sequence[Mapping[str, Any]]) -> list[Setting]:
    paths = dict.fromkeys(path for one in members for path in one)
    return [Setting(path, tuple(one.get(path) for one in members)) for path in paths]


def _flat(tree: Mapping[str, Any], path: str) -> Iterator[tuple[str, Any]]:
    """Yield every field that is not empty by its path."""
    for key, value in tree.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{path}{key}.")
        elif value not in (None, {}, []):
            yield f"{path}{key}", value


def rules_of(subject: Subject) -> list[Rule]:
    """Rules that the sections of all grids name, each once, of which agents are made."""
    found: dict[Rule, None] = {}
    for entry in entries_of(subject.scenario).values():
        for part in entry.scenario.parts:
            if part.is_given(entry.scenario) and part.hangs_on(entry.scenario):
                found |= dict.fromkeys(_rules(part.of(entry.scenario), part.field))
    used = {each for kind in subject.kinds for each in kind.classes}
    return [rule for rule in found if rule.target in used or not isinstance(rule.target, type)]


def _rules(value: Any, path: str) -> Iterator[Rule]:
    if isinstance(value, Mapping):
        for inner in value.values():
            yield from _rules(inner, f"{path}.*")
    if not isinstance(value, Section):
        return
    for name, field in type(value).model_fields.items():
        inner = getattr(value, name)
        mark = next((one for one in field.metadata if isinstance(one, Registered)), None)
        if mark is not None and inner is not None:
            target, known = load(mark.kind, inner), entries(mark.kind).get(inner)
            yield Rule(
                f"{path}.{name}", inner, known.description if known else doc_of(target).summary, target
            )
        else:
            yield from _rules(inner, f"{path}.{name}")
