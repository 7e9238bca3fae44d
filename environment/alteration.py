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
    """A field of a frozen dataclass that becomes ``factor * value + offset``.

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
        changed = self.factor * np.asarray(value, dtype=np.float64) + self.offset
        if isinstance(value, np.ndarray):
            return replace(payload, **{self.field: series(changed)})
        number = round(float(changed)) if isinstance(value, int) else float(changed)
        return replace(payload, **{self.field: number})


def numeric_fields(kind: type) -> tuple[str, ...]:
    """Fields of a dataclass that are numbers or arrays of them, or None."""
    if not is_dataclass(kind):
        return ()
    hints = typing.get_type_hints(kind)
    return tuple(field.name for field in fields(kind) if field.init and _is_numeric(hints[field.name]))


def _is_numeric(hint: Any) -> bool:
    if isinstance(hint, types.UnionType):
        return all(_is_numeric(part) for part in typing.get_args(hint) if part is not types.NoneType)
    if typing.get_origin(hint) is np.ndarray:
        return bool(np.dtype(typing.get_args(typing.get_args(hint)[1])[0]).kind == "f")
    return hint in (int, float)
