"""What behaviours with parameters share: declared ranges, checks without a solver, one memory per agent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, ClassVar

from gridarium.agents.behaviour import Behaviour
from gridarium.environment.errors import Fault, ScenarioError


@dataclass(frozen=True, slots=True)
class ParameterRange:
    """Numbers from low to high, both included, in the unit that the parameter's name carries."""

    low: float
    high: float
    whole: bool = False

    def __contains__(self, value: object) -> bool:
        number = isinstance(value, int if self.whole else int | float) and not isinstance(value, bool)
        return number and self.low <= value <= self.high  # type: ignore[operator]

    def __str__(self) -> str:
        return f"a {'whole ' if self.whole else ''}number in [{self.low:g}, {self.high:g}]"


@dataclass(frozen=True, slots=True)
class YesOrNo:
    """True or false, and nothing that merely looks like it."""

    def __contains__(self, value: object) -> bool:
        return isinstance(value, bool)

    def __str__(self) -> str:
        return "true or false"


def number(default: float, low: float, high: float) -> Any:
    """Declare a parameter that is a number in [low, high]."""
    return field(default=default, metadata={"allowed": ParameterRange(low, high)})


def count(default: int, low: int, high: int) -> Any:
    """Declare a parameter that is a whole number in [low, high]."""
    return field(default=default, metadata={"allowed": ParameterRange(low, high, whole=True)})


def flag(default: bool = False) -> Any:
    """Declare a parameter that is true or false."""
    return field(default=default, metadata={"allowed": YesOrNo()})


@dataclass(frozen=True, eq=False)
class Bounded(Behaviour):
    """A behaviour whose parameters are frozen and checked; its defaults are the exact agent.

    Fields that are no parameters are what an instance remembers of its agent, so that each agent needs
    one of its own.

    Raises
    ------
    ScenarioError
        If a parameter is outside its range.
    """

    roles: ClassVar[frozenset[str]] = frozenset({"follower"})

    def __post_init__(self) -> None:
        values = {name: getattr(self, name) for name in allowed_values(type(self))}
        faults = list(parameter_faults(type(self), values))
        if faults:
            raise ScenarioError(f"behaviour {type(self).__name__}", faults)


def allowed_values(kind: type) -> dict[str, ParameterRange | YesOrNo]:
    """What each declared parameter of a behaviour may be, by name; nothing for one that declares none."""
    declared = fields(kind) if is_dataclass(kind) else ()
    return {each.name: each.metadata["allowed"] for each in declared if "allowed" in each.metadata}


def parameter_faults(kind: type, values: Mapping[str, object]) -> Iterator[Fault]:
    """Yield parameters that a shipped behaviour does not have, and values outside their ranges."""
    ranges = allowed_values(kind)
    for name, value in values.items():
        if name not in ranges:
            yield Fault(name, value, f"unknown parameter; known are {', '.join(ranges) or 'none'}")
        elif value not in ranges[name]:
            yield Fault(name, value, f"must be {ranges[name]}")
