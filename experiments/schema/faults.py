"""What pydantic finds wrong with a file, said in the project's words."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from types import UnionType
from typing import Union, get_args, get_origin

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from gridarium.environment.errors import Fault
from gridarium.experiments.names.renamed import GONE, new_name
from gridarium.experiments.schema.fields import Section

NOTHING = type("_Nothing", (), {"__repr__": lambda self: "nothing"})()
"""Stands in a fault for a value that is missing."""


def faults_of(schema: type[Section], error: ValidationError) -> list[Fault]:
    """Return every fault that a schema found, each at its path in the file.

    A field that is given under its name of before is not missing as well.
    """
    details = error.errors(include_url=False)
    given = {_renamed(detail["loc"]) for detail in details if detail["type"] == "extra_forbidden"}
    return [
        fault
        for detail in details
        if detail["type"] != "missing" or detail["loc"] not in given
        for fault in _translated(schema, detail)
    ]


def sections_at(detail: ErrorDetails) -> list[str]:
    """Return the sections in which a fault is; one between fields of the whole scenario is in all of them."""
    if detail["loc"]:
        return [str(detail["loc"][0])]
    return [field for field, _, _ in detail["ctx"]["conflicts"]]


def _renamed(place: tuple[int | str, ...]) -> tuple[int | str | None, ...]:
    """Return the place of the field that one of before is called now."""
    return (*place[:-1], new_name(str(place[-1])))


def _translated(schema: type[Section], detail: ErrorDetails) -> Iterator[Fault]:
    """Say in the project's words what pydantic found."""
    keys = [str(key) or "''" for key in detail["loc"] if key != "[key]"]
    place = ".".join(keys)
    match detail["type"]:
        case "conflict":
            for field, value, allowed in detail["ctx"]["conflicts"]:
                yield Fault(".".join(filter(None, (place, field))), value, allowed)
        case "extra_forbidden":
            known = list(_section_at(schema, keys[:-1]).model_fields)
            if (new := new_name(keys[-1])) in known:
                yield Fault(place, detail["input"], f"is now called {new}")
                return
            if keys[-1] in GONE:
                yield Fault(place, detail["input"], GONE[keys[-1]])
                return
            close = difflib.get_close_matches(keys[-1], known, n=1)
            hint = f"did you mean {close[0]}?" if close else f"known are {', '.join(known)}"
            yield Fault(place, detail["input"], f"unknown field; {hint}")
        case "missing":
            field = _section_at(schema, keys[:-1]).model_fields[keys[-1]]
            yield Fault(place, NOTHING, f"must be given: {field.description}")
        case "model_type" | "dict_type":
            yield Fault(place, detail["input"], "must be a mapping of fields to values")
        case _:
            yield Fault(place, detail["input"], detail["msg"].replace("Input should", "must"))


def _section_at(schema: type[Section], keys: Sequence[str]) -> type[Section]:
    """Return the section that the keys lead to; names of units and list positions lead to their section."""
    for key in keys:
        if key in schema.model_fields:
            schema = _section_in(schema.model_fields[key].annotation) or schema
    return schema


def _section_in(annotation: object) -> type[Section] | None:
    """Return the section inside `Section`, `Section | None`, `dict[str, Section]` or `list[Section]`."""
    if isinstance(annotation, type) and get_origin(annotation) is None:
        return annotation if issubclass(annotation, Section) else None
    if get_origin(annotation) in (UnionType, Union, dict, list):
        return next(filter(None, map(_section_in, get_args(annotation))), None)
    return None
