"""The sections of a scenario file that say who is boundedly rational, and how."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal, cast

from pydantic import Field, model_serializer, model_validator

from gridarium.agents.bounded.common import Bounded
from gridarium.environment.parameters import ParameterRange, allowed_values, parameter_faults
from gridarium.experiments.names.registry import is_known, is_shipped, load
from gridarium.experiments.names.renamed import new_name
from gridarium.experiments.schema.distribution import Distribution
from gridarium.experiments.schema.fields import Conflict, Money, Name, Section, Share, Source, invalid

Role = Literal["leader", "follower", "operator", "prosumer"]


class Behaviour(Section):
    """One element of bounded rationality: written `name` or `name: {parameter: value}` in the file."""

    name: Source
    """A registered behaviour, or the dotted path `package.module:Class` of a user's own."""
    params: Annotated[dict[Name, Any], Money(by_name=True)] = Field(default_factory=dict)
    """Its parameters: finite numbers, short texts, flags, or `{distribution: NAME, args: {...}}` of
    scipy.stats, from which every agent draws its own."""

    @model_validator(mode="before")
    @classmethod
    def _from_file(cls, value: object) -> object:
        match value:
            case str():
                return {"name": value}
            case dict() if len(value) == 1:
                ((name, params),) = value.items()
                return {"name": name, "params": {} if params is None else params}
        raise invalid("must be a behaviour's name, or that name with parameters: {name: {parameter: value}}")

    @model_serializer
    def _to_file(self) -> str | dict[str, dict[str, Any]]:
        return {self.name: dict(self.params)} if self.params else self.name

    def conflicts(self) -> Iterator[Conflict]:
        """Yield an unknown name, and parameters that do not fit."""
        if not is_known("behaviours", self.name):
            yield Conflict("", self.name, "must be a registered behaviour or a path package.module:Class")
        for name, value in self.params.items():
            distribution = distribution_of(value)
            for fault in distribution.faults(name, gridded=False) if distribution else ():
                place = fault.place.replace(".distribution.args", ".args").removesuffix(".name")
                yield Conflict(place, fault.value, fault.allowed)
        yield from self._misfits() if is_shipped("behaviours", self.name) else self._oddities()

    def _oddities(self) -> Iterator[Conflict]:
        """Yield parameters of a user's own behaviour that are no plain values."""
        for name, value in self.params.items():
            plain = isinstance(value, bool | str) or (isinstance(value, int | float) and math.isfinite(value))
            if not plain and distribution_of(value) is None:
                allowed = "must be a finite number, a text, a flag, or {distribution: NAME, args: {...}}"
                yield Conflict(name, value, allowed)

    def _misfits(self) -> Iterator[Conflict]:
        """Yield parameters that a shipped behaviour does not take; its module is light."""
        kind = cast("type", load("behaviours", self.name))
        for fault in parameter_faults(kind, self.params):
            if (new := new_name(fault.place)) in allowed_values(kind):
                yield Conflict(fault.place, fault.value, f"is now called {new}")
                continue
            drawn = fault.place in allowed_values(kind) and distribution_of(fault.value)
            if not drawn or not isinstance(allowed_values(kind)[fault.place], ParameterRange):
                yield Conflict(fault.place, fault.value, fault.allowed)
        for fault in kind.misfits(self.params) if issubclass(kind, Bounded) else ():
            yield Conflict(fault.place, fault.value, fault.allowed)

    @property
    def bounded(self) -> type[Bounded] | None:
        """What it is if it is a shipped one that is not exact by nature."""
        kind = load("behaviours", self.name) if is_shipped("behaviours", self.name) else None
        return kind if isinstance(kind, type) and issubclass(kind, Bounded) else None


def misplaced(behaviours: Sequence[Behaviour], role: Role) -> Iterator[Conflict]:
    """Yield behaviours that the role has no use for, and those that are the exact agent as they stand.

    A parameter that makes a behaviour depart from the exact agent must be named, if only at the value that
    does not: a study may begin there, but who names a behaviour alone would take it for one that acts.
    """
    article = "an" if role[0] in "aeiou" else "a"
    for place, item in enumerate(behaviours):
        kind, field = item.bounded, f"behaviour.{place}"
        if kind is None:
            continue
        if role not in kind.roles:
            yield Conflict(field, item.name, f"must be a behaviour for {article} {role}")
        elif not item.params.keys() & {*kind.departs_by}:
            ranges = allowed_values(kind)
            able = ", ".join(f"{name} ({ranges[name]})" for name in kind.departs_by)
            few = "" if len(kind.departs_by) == 1 else "at least one of "
            given = {item.name: dict(item.params)} if item.params else item.name
            yield Conflict(field, given, f"is the exact agent as it stands; must be given {few}{able}")


class Mixture(Section):
    """A part of a class that behaves in its own way."""

    share: Share
    """Share of the agents of the class, rounded to whole agents."""
    behaviour: list[Behaviour] = Field(default_factory=list)
    """Elements of bounded rationality, in the order they act; empty is exact."""


def mixed_up(behaviours: Sequence[Behaviour], mixture: Sequence[Mixture], role: Role) -> Iterator[Conflict]:
    """Yield behaviours in a class that its role has no use for, and a mixture of more than everybody."""
    yield from misplaced(behaviours, role)
    for place, part in enumerate(mixture):
        for field, value, allowed in misplaced(part.behaviour, role):
            yield Conflict(f"mixture.{place}.{field}", value, allowed)
    if (total := sum(part.share for part in mixture)) > 1.0 + 1e-9:
        yield Conflict("mixture", total, "shares must sum to at most 1")


def distribution_of(value: object) -> Distribution | None:
    """The distribution that a parameter is written as; None if it is a plain value."""
    if not isinstance(value, Mapping) or not {"distribution"} <= value.keys() <= {"distribution", "args"}:
        return None
    args = value.get("args") or {}
    return Distribution(value["distribution"], args) if isinstance(args, Mapping) else None
