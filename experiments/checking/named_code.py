"""Code from outside gridarium that a scenario names: what it is, whether it can be imported and used."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from gridarium.environment.errors import Fault, ScenarioError
from gridarium.experiments.checking.grid_tree import GridEntry
from gridarium.experiments.names.registry import entries, is_shipped, load
from gridarium.experiments.schema.behaviours import Behaviour
from gridarium.experiments.schema.fields import Names, Section
from gridarium.experiments.schema.scenario import Scenario


class NamedCode(NamedTuple):
    """Something from outside gridarium that a field of a scenario names.

    Parameters
    ----------
    place : str
        Dotted path of the field.
    kind, name : str
        Of the registry.
    params : mapping
        That it is given by name, where the field says so.
    """

    place: str
    kind: str
    name: str
    params: Mapping[str, Any]

    @property
    def target(self) -> str:
        """Where it lives, `package.module:Class`."""
        known = entries(self.kind)
        return known[self.name].target if self.name in known else self.name


def named_code(case: Scenario) -> list[NamedCode]:
    """Everything from outside gridarium that a case names, in the order of its file."""
    papers = (NamedCode(f"papers.{place}", "papers", name, {}) for place, name in enumerate(case.papers))
    return [one for one in (*papers, *_within(case, "")) if not is_shipped(one.kind, one.name)]


def code_faults(case: Scenario) -> Iterator[Fault]:
    """Import what a case names, and yield what cannot be imported or is not what its field asks for."""
    for one in named_code(case):
        try:
            found = load(one.kind, one.name)
        except ScenarioError as error:
            yield from (Fault(one.place, one.name, fault.allowed) for fault in error.faults)
            continue
        if one.kind == "behaviours" and callable(found):
            yield from _unbound(one, found)


def check_code(source: str, cases: Mapping[str, Scenario]) -> None:
    """Import what cases name before any of them runs.

    Raises
    ------
    ScenarioError
        With everything that cannot be imported, or is not what its field asks for.
    """
    found = {name: list(code_faults(case)) for name, case in cases.items()}
    first, *others = found.values()
    shared = [fault for fault in first if all(fault in faults for faults in others)]
    own = [
        Fault(f"cases.{name}.{fault.place}", fault.value, fault.allowed)
        for name, faults in found.items()
        for fault in faults
        if fault not in shared
    ]
    if shared or own:
        raise ScenarioError(source, [*shared, *own])


def _unbound(one: NamedCode, constructor: Any) -> Iterator[Fault]:
    """Yield parameters that a constructor does not take, or lacks."""
    try:
        inspect.signature(constructor).bind(**one.params)
    except TypeError as error:
        yield Fault(one.place, dict(one.params), f"must be parameters that {one.name} takes: {error}")
    except ValueError:
        # Some constructors that are no Python have no signature; they say themselves what they take.
        return


def _within(value: object, place: str) -> Iterator[NamedCode]:
    """Yield what is named anywhere within a value of a scenario."""
    if isinstance(value, Behaviour):
        yield NamedCode(place, "behaviours", value.name, value.params)
    elif isinstance(value, GridEntry):
        yield from _within(value.scenario, place)
    elif isinstance(value, Section):
        for name, field in type(value).model_fields.items():
            inner, path = getattr(value, name), f"{place}.{name}" if place else name
            kind = next((mark.kind for mark in field.metadata if isinstance(mark, Names)), None)
            if kind is not None and isinstance(inner, str):
                yield NamedCode(path, kind, inner, {})
            else:
                yield from _within(inner, path)
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _within(inner, f"{place}.{name}")
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            yield from _within(inner, f"{place}.{number}")
