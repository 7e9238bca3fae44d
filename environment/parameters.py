"""Declared parameters: what each may be, told and checked without anything being built."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

from gridarium.environment.errors import Fault, ScenarioError


@dataclass(frozen=True, slots=True)
class ParameterRange:
    """Numbers from low to high, both included, in the unit that the parameter's name carries.

    Parameters
    ----------
    low, high : float
    whole : bool
        Whether only whole numbers are allowed.
    optional : bool
        Whether None is allowed as well: what it stands for is the parameter's to say.
    """

    low: float
    high: float
    whole: bool = False
    optional: bool = False

    def __contains__(self, value: object) -> bool:
        if value is None:
            return self.optional
        number = isinstance(value, int if self.whole else int | float) and not isinstance(value, bool)
        return number and self.low <= value <= self.high  # type: ignore[operator]

    def __str__(self) -> str:
        kind, none = "whole number" if self.whole else "number", " or null" if self.optional else ""
        return f"a {kind} in [{self.low:g}, {self.high:g}]{none}"


@dataclass(frozen=True, slots=True)
class YesOrNo:
    """True or false, and nothing that merely looks like it."""

    def __contains__(self, value: object) -> bool:
        return isinstance(value, bool)

    def __str__(self) -> str:
        return "true or false"


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of several words.

    Parameters
    ----------
    words : tuple of str
    """

    words: tuple[str, ...]

    def __contains__(self, value: object) -> bool:
        return isinstance(value, str) and value in self.words

    def __str__(self) -> str:
        return f"one of {', '.join(self.words)}"


Allowed = ParameterRange | YesOrNo | OneOf
"""What a declared parameter may be."""


def number(default: float | None, low: float, high: float) -> Any:
    """Declare a parameter that is a number in [low, high], or may be None if that is its default."""
    return field(default=default, metadata={"allowed": ParameterRange(low, high, optional=default is None)})


def count(default: int | None, low: int, high: int) -> Any:
    """Declare a parameter that is a whole number in [low, high], or may be None if that is its default."""
    allowed = ParameterRange(low, high, whole=True, optional=default is None)
    return field(default=default, metadata={"allowed": allowed})


def flag(default: bool = False) -> Any:
    """Declare a parameter that is true or false."""
    return field(default=default, metadata={"allowed": YesOrNo()})


def word(default: str, *others: str) -> Any:
    """Declare a parameter that is one of several words, the default first."""
    return field(default=default, metadata={"allowed": OneOf((default, *others))})


def allowed_values(kind: type) -> dict[str, Allowed]:
    """What each declared parameter of a class may be, by name; nothing for one that declares none."""
    declared = fields(kind) if is_dataclass(kind) else ()
    return {each.name: each.metadata["allowed"] for each in declared if "allowed" in each.metadata}


def parameter_faults(kind: type, values: Mapping[str, object]) -> Iterator[Fault]:
    """Yield parameters that a class does not declare, and values outside their ranges."""
    ranges = allowed_values(kind)
    for name, value in values.items():
        if name not in ranges:
            yield Fault(name, value, f"unknown parameter; known are {', '.join(ranges) or 'none'}")
        elif value not in ranges[name]:
            yield Fault(name, value, f"must be {ranges[name]}")


@dataclass(frozen=True, eq=False)
class Parameterised:
    """Something whose declared parameters are checked when it is made.

    Raises
    ------
    ScenarioError
        If a parameter is outside its range.
    """

    def __post_init__(self) -> None:
        values = {name: getattr(self, name) for name in allowed_values(type(self))}
        faults = list(parameter_faults(type(self), values))
        if faults:
            raise ScenarioError(f"parameters of {type(self).__name__}", faults)
