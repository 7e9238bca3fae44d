"""Messages as bytes and back: pickle, opened only after whoever sent them has been authenticated."""

from __future__ import annotations

import dataclasses
import io
import pickle
from collections.abc import Callable
from operator import attrgetter
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from gridarium.environment.errors import MessageError
from gridarium.environment.links import Envelope

_PROTOCOL = 5
Reduced = tuple[Any, ...]


def encoded(envelope: Envelope) -> bytes:
    """What a message says: topic, time of sending, payload, question; who sent it the session knows.

    Raises
    ------
    MessageError
        If the payload has no bytes: a function within it, say.

    Notes
    -----
    The bytes are pickle's, which can make whoever opens them run anything: they are opened under a session's
    key only, so that only members whom the authority has certified could. Arrays arrive read-only.
    """
    _, _, topic, sent_s, _, payload, question, answers = envelope
    stream = io.BytesIO()
    pickler = pickle.Pickler(stream, _PROTOCOL)
    pickler.dispatch_table = _REDUCERS
    try:
        pickler.dump((topic, sent_s, payload, question, answers))
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        place = f"message {topic} from {envelope.sender} to {envelope.recipient}"
        raise MessageError(f"{place}: payload must have bytes to be sealed, {error}") from error
    return stream.getvalue()


def decoded(data: bytes, sender: str, recipient: str, now_s: float) -> Envelope:
    """Undo `encoded`, for bytes of a sender who is authenticated; delivered now, clock time in s."""
    topic, sent_s, payload, question, answers = pickle.loads(data)
    return Envelope(sender, recipient, topic, sent_s, now_s, payload, question, answers)


class _Reducers(dict[type, Callable[[Any], Reduced]]):
    """How values of a type become bytes; found out once for each dataclass."""

    def __missing__(self, kind: type) -> Callable[[Any], Reduced]:
        if not dataclasses.is_dataclass(kind):
            raise KeyError(kind)
        fields = dataclasses.fields(kind)
        if not fields or not all(field.init and not field.kw_only for field in fields):
            raise KeyError(kind)
        # Built anew by their constructor, which also checks them; pickle's own way for slots is slower.
        values_of = attrgetter(*(field.name for field in fields))
        if len(fields) == 1:
            reducer = self[kind] = lambda value: (kind, (values_of(value),))
        else:
            reducer = self[kind] = lambda value: (kind, values_of(value))
        return reducer


def _reduced_array(array: NDArray[Any]) -> Reduced:
    if array.dtype.kind in "OV":
        raise TypeError(f"an array of {array.dtype} has no bytes that stand for its values")
    order: Literal["C", "F"] = "F" if array.flags.fnc else "C"
    return _array, (array.tobytes(order), array.dtype.str, array.shape, order)


def _array(data: bytes, dtype: str, shape: tuple[int, ...], order: Literal["C", "F"]) -> Any:
    return np.frombuffer(data, dtype).reshape(shape, order=order)


def _reduced_mapping(mapping: MappingProxyType[Any, Any]) -> Reduced:
    return _mapping, (dict(mapping),)


def _mapping(values: dict[Any, Any]) -> MappingProxyType[Any, Any]:
    return MappingProxyType(values)


_REDUCERS = _Reducers({np.ndarray: _reduced_array, MappingProxyType: _reduced_mapping})
