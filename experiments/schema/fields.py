"""Field types of the scenario schema: bounded numbers, names, money, and sections that report every fault."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Any, NamedTuple, Self, TypeVar, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, GetCoreSchemaHandler, model_validator
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from gridarium.experiments.names.formatting import is_money
from gridarium.experiments.names.registry import entries, is_known
from gridarium.experiments.names.renamed import RENAMED_ENTRIES

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_CURRENCY = re.compile(r"[a-z]{3}")
_EARLIEST, _LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


def invalid(allowed: str) -> PydanticCustomError:
    """Return the error for a value outside what is allowed."""
    return PydanticCustomError("invalid", "{allowed}", {"allowed": allowed})


@dataclass(frozen=True, slots=True)
class Range:
    """A closed or half-open interval; a wrong type, a nan and a wrong value all get the same message.

    Parameters
    ----------
    low, high : float
        Bounds of the interval, in the unit that the field's name carries.
    above_low, below_high : bool
        Whether the bound itself is excluded.
    """

    low: float
    high: float
    above_low: bool = False
    below_high: bool = False

    def __str__(self) -> str:
        left, right = "(" if self.above_low else "[", ")" if self.below_high else "]"
        return f"{left}{self.low:g}, {self.high:g}{right}"

    def __contains__(self, value: float) -> bool:
        above = value > self.low if self.above_low else value >= self.low
        return above and (value < self.high if self.below_high else value <= self.high)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        check = self._whole_number if source is int else self._number
        return core_schema.no_info_plain_validator_function(check)

    def _number(self, value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or value not in self:
            raise invalid(f"must be a number in {self}")
        return float(value)

    def _whole_number(self, value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or value not in self:
            raise invalid(f"must be a whole number in {self}")
        return value


@dataclass(frozen=True, slots=True)
class Names:
    """Mark of a field that names something in the registry, or the dotted path of a user's own.

    Parameters
    ----------
    kind : str
        Kind of the registry, such as "tariffs".
    """

    kind: str


@dataclass(frozen=True, slots=True)
class Registered(Names):
    """Such a field that takes nothing else; an unknown name gets a message with the known ones."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self._known)

    def _known(self, value: object) -> str:
        if not isinstance(value, str) or not is_known(self.kind, value):
            if (now := RENAMED_ENTRIES.get(self.kind, {}).get(str(value))) is not None:
                raise invalid(f"is now called {now}")
            known = ", ".join(entries(self.kind))
            raise invalid(f"must be one of {known}, or a path package.module:Class")
        return value


def _check_name(value: object) -> object:
    if not isinstance(value, str) or not NAME.fullmatch(value):
        raise invalid("must be a name: a letter, then at most 63 letters, digits, '_' and '-'")
    return value


def _check_scoped(value: object) -> object:
    if isinstance(value, str) and value.count("/") == 1:
        for part in value.split("/"):
            _check_name(part)
        return value
    return _check_name(value)


def _check_metric(value: object) -> object:
    if isinstance(value, str) and value.count(".") == 1:
        for part in value.split("."):
            _check_name(part)
        return value
    return _check_name(value)


def _check_currency(value: object) -> object:
    if not isinstance(value, str) or not _CURRENCY.fullmatch(value):
        raise invalid("must be the code of a currency (ISO 4217) in lower case, such as cny or usd")
    return value


def _check_text(value: object) -> object:
    if not isinstance(value, str) or len(value) > 4000:
        raise invalid("must be text of at most 4000 characters")
    return value


def _check_source(value: object) -> object:
    if not isinstance(value, str) or not value.strip() or not value.isprintable() or len(value) > 1000:
        raise invalid("must be a name or a path, one printable line of at most 1000 characters")
    return value


def _check_bus_label(value: object) -> int | str:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**9:
        return value
    if isinstance(value, str) and 0 < len(value) <= 64 and value.isprintable():
        return value
    raise invalid("must be a bus label of the network: a whole number or text")


def _check_time(value: object) -> datetime:
    allowed = "must be a time with a time zone such as 2026-01-15T00:00:00+08:00, from 1900 to 2199"
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError as error:
            raise invalid(allowed) from error
    if not isinstance(value, datetime) or value.tzinfo is None or not _EARLIEST <= value < _LATEST:
        raise invalid(allowed)
    return value


class _Label:
    """Bus labels keep their type: the number 7 and the text "7" are different buses."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(_check_bus_label)


@dataclass(frozen=True, slots=True)
class Money:
    """Mark of the fields that `in_currency` converts.

    Parameters
    ----------
    by_name : bool
        Whether the field is a mapping in which only those numbers are money whose names say so.
    """

    by_name: bool = False


Name = Annotated[str, BeforeValidator(_check_name)]
ScopedName = Annotated[str, BeforeValidator(_check_scoped)]
"""Name of an agent: its own, or GRID/NAME in a world of several grids."""
MetricName = Annotated[str, BeforeValidator(_check_metric)]
"""Name of a metric: its own, or GRID.NAME in a world of several grids."""
Currency = Annotated[str, BeforeValidator(_check_currency)]
Text = Annotated[str, BeforeValidator(_check_text)]
Source = Annotated[str, BeforeValidator(_check_source)]
BusLabel = Annotated[int | str, _Label()]
ZonedTime = Annotated[datetime, BeforeValidator(_check_time)]
Flag = Annotated[bool, Field(strict=True)]
Share = Annotated[float, Range(0, 1)]
PositiveShare = Annotated[float, Range(0, 1, above_low=True)]
Probability = Annotated[float, Range(0, 1, below_high=True)]
Amount = Annotated[float, Range(0, 1e6)]
PositiveAmount = Annotated[float, Range(0, 1e6, above_low=True)]
Duration = Annotated[float, Range(0, 1e7)]
ExchangeRate = Annotated[float, Range(0, 1e9, above_low=True)]
MoneyAmount = Annotated[Amount, Money()]
PositiveMoney = Annotated[PositiveAmount, Money()]


class Conflict(NamedTuple):
    """A field that is fine by itself and wrong beside another one of its section."""

    field: str
    value: object
    allowed: str


class Section(BaseModel):
    """A frozen part of a scenario that knows no fields but its own."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    def conflicts(self) -> Iterator[Conflict]:
        """Yield what is wrong between the fields of this section."""
        return iter(())

    @model_validator(mode="before")
    @classmethod
    def _with_defaults(cls, value: object) -> object:
        """Leave out the fields that are null and may not be: null is the default then."""
        if not isinstance(value, dict) or None not in value.values():
            return value
        nullable = _nullable(cls)
        return {name: inner for name, inner in value.items() if inner is not None or nullable.get(name, True)}

    @model_validator(mode="after")
    def _without_conflicts(self) -> Self:
        found = list(self.conflicts())
        if found:
            raise PydanticCustomError("conflict", "fields contradict each other", {"conflicts": found})
        return self


@lru_cache(maxsize=256)
def _nullable(section: type[Section]) -> dict[str, bool]:
    """Whether each field of a section may be null."""
    return {name: _may_be_null(field.annotation) for name, field in section.model_fields.items()}


def _may_be_null(annotation: object) -> bool:
    return annotation in (Any, None, object) or type(None) in get_args(annotation)


AnySection = TypeVar("AnySection", bound=Section)


def money_mark(field: FieldInfo) -> Money | None:
    """Return the mark of a field whose numbers are money, None for any other field."""
    beside = (*field.metadata, *_parts_of(field.annotation))
    return next((mark for mark in beside if isinstance(mark, Money)), None)


def _parts_of(annotation: object) -> Iterator[object]:
    """Yield what `Price | None`, `list[Price]` or `dict[Name, Price]` is made of, with its marks."""
    for part in get_args(annotation):
        yield part
        yield from _parts_of(part)


def in_currency(section: AnySection, rate: float) -> AnySection:
    """Return a section with its money, and that of the sections inside it, in another currency.

    Defaults are converted like the rest: a section has all of its money in one currency. Bounds are not
    checked again, as they hold in the section's own.

    Parameters
    ----------
    section : Section
    rate : float
        Units of the other currency for one unit of the section's, above 0.
    """
    fields = type(section).model_fields
    money = {name: _converted(getattr(section, name), money_mark(fields[name]), rate) for name in fields}
    return section.model_copy(update=money)


def _converted(value: Any, mark: Money | None, rate: float) -> Any:
    if isinstance(value, Section):
        return in_currency(value, rate)
    if isinstance(value, list):
        return [_converted(inner, mark, rate) for inner in value]
    if isinstance(value, dict):
        if mark is not None and mark.by_name:
            return {
                name: _parameter(inner, rate) if is_money(name) else inner for name, inner in value.items()
            }
        return {name: _converted(inner, mark, rate) for name, inner in value.items()}
    if mark is None or isinstance(value, bool) or not isinstance(value, int | float):
        return value
    return value * rate


def _parameter(value: Any, rate: float) -> Any:
    """Return a parameter that is money: a number, or a distribution, which is scaled as a whole."""
    if not isinstance(value, dict):
        return _converted(value, Money(), rate)
    args = value.get("args") or {}
    place = {"loc": args.get("loc", 0.0) * rate, "scale": args.get("scale", 1.0) * rate}
    return {**value, "args": {**args, **place}}
