"""Messages as text and back, every number to the last bit, so that a run folder can keep what was said."""

from __future__ import annotations

import json
import typing
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np


def text_of(message: Any) -> str:
    """Return a message, a dataclass, as JSON; arrays become lists, messages within it objects."""
    return json.dumps(_plain(message), separators=(",", ":"))


def message_of(kind: type, text: str) -> Any:
    """Return the message of a type that `text_of` has written.

    Examples
    --------
    >>> from gridarium.market.messages.forecasts import ForecastRequest
    >>> message_of(ForecastRequest, text_of(ForecastRequest(1)))
    ForecastRequest(day=1, scenarios=None)
    """
    return _made(kind, json.loads(text))


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


def _made(kind: type, told: dict[str, Any]) -> Any:
    hints = typing.get_type_hints(kind)
    return kind(**{name: _value(hints[name], value) for name, value in told.items()})


def _value(hint: Any, value: Any) -> Any:
    if isinstance(value, dict):
        inner = next(one for one in (hint, *typing.get_args(hint)) if is_dataclass(one))
        return _made(typing.cast("type", inner), value)
    if isinstance(value, list):
        array = np.array(value)
        array.flags.writeable = False
        return array
    return value
