"""What can be changed in a message by somebody who knows its type and nothing of what it means."""

from __future__ import annotations

import types
import typing
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

import numpy as np

from gridarium.environment.arrays import series


@dataclass(frozen=True, slots=True)
class Alteration:
    """A field of a frozen dataclass or NamedTuple that becomes ``factor * value + offset``.

    Parameters
    ----------
    field : str
        A number or an array of numbers; whole numbers stay whole.
    factor : float
    offset : float
        In the field's unit.
    """

    field: str
    factor: float = 1.0
    offset: float = 0.0

    def of(self, payload: Any) -> Any:
        """Return the payload with its field changed, or as it is where the field is None.

        Raises
        ------
        GridariumError
            If the type of message allows no such value.
        """
        value = getattr(payload, self.field)
        if value is None:
            return payload
        changed: Any = self.factor * np.asarray(value, dtype=np.float64) + self.offset
        if isinstance(value, np.ndarray):
            changed = series(changed)
        else:
            changed = round(float(changed)) if isinstance(value, int) else float(changed)
        rewrite = replace if is_dataclass(payload) else type(payload)._replace
        return rewrite(payload, **{self.field: changed})


def is_record(kind: type) -> bool:
    """Whether a type is a dataclass or a NamedTuple."""
    return is_dataclass(kind) or (issubclass(kind, tuple) and hasattr(kind, "_fields"))


def numeric_fields(kind: type) -> tuple[str, ...]:
    """Fields of a dataclass or NamedTuple that are numbers or arrays of them, or None."""
    if not is_record(kind):
        return ()
    hints = typing.get_type_hints(kind)
    names = [field.name for field in fields(kind) if field.init] if is_dataclass(kind) else list(hints)
    return tuple(name for name in names if _is_numeric(hints[name]))


def _is_numeric(hint: Any) -> bool:
    if isinstance(hint, types.UnionType):
        return all(_is_numeric(part) for part in typing.get_args(hint) if part is not types.NoneType)
    if typing.get_origin(hint) is np.ndarray:
        return bool(np.dtype(typing.get_args(typing.get_args(hint)[1])[0]).kind == "f")
    return hint in (int, float)
