"""Messages as bytes and back: pickle, opened only after whoever sent them has been authenticated."""

from __future__ import annotations

import dataclasses
import importlib
import io
import pickle
from collections.abc import Callable, Iterable
from operator import attrgetter
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gridarium.environment.errors import MessageError
from gridarium.environment.links import Envelope

_PROTOCOL = 5
_FAULTS = (pickle.PicklingError, AttributeError, TypeError, ValueError)
_Order = Literal["C", "F"]


class Encoder:
    """Turns messages into bytes, one after another.

    Notes
    -----
    The bytes are pickle's, which can make whoever opens them run anything: they are opened under a session's
    key only, so that only members whom the authority has certified could. The payload's type goes by its name
    and its arrays as plain bytes, which takes half the time that pickle takes for them. Arrays arrive
    read-only.
    """

    __slots__ = ("_pickler", "_stream")

    def __init__(self) -> None:
        self._begin()

    def encoded(self, envelope: Envelope) -> bytes:
        """What a message says: topic, time of sending, payload, question; who sent it the session knows.

        Raises
        ------
        MessageError
            If the payload has no bytes: a function within it, say.
        """
        _, _, topic, sent_s, _, payload, question, answers = envelope
        stream, pickler = self._stream, self._pickler
        stream.seek(0)
        pickler.clear_memo()
        try:
            name, fields = _FORMS[type(payload)]
            values, arrays = list(fields(payload)), []
            for index, value in enumerate(values):
                if type(value) is np.ndarray:
                    values[index], dtype, shape, order = _plain(value)
                    arrays.append((index, dtype, shape, order))
            pickler.dump((topic, sent_s, question, answers, name, values, arrays))
        except _FAULTS as error:
            self._begin()
            place = f"message {topic} from {envelope.sender} to {envelope.recipient}"
            raise MessageError(f"{place}: payload must have bytes to be sealed, {error}") from error
        stream.truncate()
        return stream.getvalue()

    def _begin(self) -> None:
        self._stream = io.BytesIO()
        self._pickler = pickle.Pickler(self._stream, _PROTOCOL)
        self._pickler.dispatch_table = _REDUCERS


def decoded(data: bytes, sender: str, recipient: str, now_s: float) -> Envelope:
    """Undo `Encoder.encoded` for a sender who is authenticated; delivered now, clock time in s."""
    topic, sent_s, question, answers, name, values, arrays = pickle.loads(data)
    for index, dtype, shape, order in arrays:
        values[index] = np.ndarray(shape, dtype, values[index], order=order)
    payload = _KINDS[name](*values) if name else values[0]
    return Envelope(sender, recipient, topic, sent_s, now_s, payload, question, answers)


class _Form(NamedTuple):
    """How payloads of a type are taken apart: its name, none where they go as they are, and its fields."""

    name: str
    fields: Callable[[Any], Iterable[Any]]


class _Forms(dict[type, _Form]):
    """Forms of types, found out once for each."""

    def __missing__(self, kind: type) -> _Form:
        fields = _fields_of(kind)
        name = f"{kind.__module__}:{kind.__qualname__}" if fields else ""
        if fields and _KINDS[name] is not kind:
            raise TypeError(f"{name} is another type by now")
        form = self[kind] = _Form(name, fields or (lambda payload: (payload,)))
        return form


class _Kinds(dict[str, type]):
    """Types by their names."""

    def __missing__(self, name: str) -> type:
        module, _, within = name.partition(":")
        kind: type = attrgetter(within)(importlib.import_module(module))
        self[name] = kind
        return kind


class _Reducers(dict[type, Callable[[Any], tuple[Any, ...]]]):
    """How values within a payload become bytes: dataclasses anew by their constructors, which check them."""

    def __missing__(self, kind: type) -> Callable[[Any], tuple[Any, ...]]:
        fields = _fields_of(kind) if dataclasses.is_dataclass(kind) else None
        if fields is None:
            raise KeyError(kind)
        reducer = self[kind] = lambda value: (kind, tuple(fields(value)))
        return reducer


def _fields_of(kind: type) -> Callable[[Any], Iterable[Any]] | None:
    """Return what takes apart a value of a type into what its constructor takes; None if nothing does."""
    if issubclass(kind, tuple) and hasattr(kind, "_fields"):
        return tuple
    if not dataclasses.is_dataclass(kind):
        return None
    fields = dataclasses.fields(kind)
    if not all(field.init and not field.kw_only for field in fields):
        return None
    names = [field.name for field in fields]
    if len(names) > 1:
        return attrgetter(*names)
    return lambda value: [getattr(value, name) for name in names]


def _plain(array: NDArray[Any]) -> tuple[bytes, str, tuple[int, ...], _Order]:
    if array.dtype.kind in "OV":
        raise TypeError(f"an array of {array.dtype} has no bytes that stand for its values")
    order: _Order = "F" if array.flags.fnc else "C"
    return array.tobytes(order), array.dtype.str, array.shape, order


def _array(data: bytes, dtype: str, shape: tuple[int, ...], order: _Order) -> NDArray[Any]:
    return np.ndarray(shape, dtype, data, order=order)


def _mapping(values: dict[Any, Any]) -> MappingProxyType[Any, Any]:
    return MappingProxyType(values)


_FORMS, _KINDS = _Forms(), _Kinds()
_REDUCERS = _Reducers(
    {
        np.ndarray: lambda array: (_array, _plain(array)),
        MappingProxyType: lambda mapping: (_mapping, (dict(mapping),)),
    }
)
