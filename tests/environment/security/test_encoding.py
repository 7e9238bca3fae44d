from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gridarium.environment.errors import MessageError
from gridarium.environment.security.encoding import Encoder, decoded
from gridarium.environment.security.session import ReplayGuard
from secured_wire import endpoints, message, shaken


class Point(NamedTuple):
    at: float
    name: str = "p"


@dataclass(frozen=True, slots=True)
class Nested:
    points: tuple[Point, ...]
    by_name: Mapping[str, np.ndarray[Any, Any]]


@dataclass(frozen=True)
class Single:
    value: object


@dataclass(frozen=True, slots=True)
class Empty:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    value: int
    doubled: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "doubled", 2 * self.value)


def _returned(payload: object) -> Any:
    told = decoded(Encoder().encoded(message("a", "b", payload, 1.5)), "a", "b", 2.5)
    assert told[:5] == ("a", "b", type(payload).__name__, 1.5, 2.5) and told[6:] == (None, False)
    return told.payload


@pytest.mark.parametrize(
    "payload", [(), None, Empty(), Single(1.5), Named(value=2), Point(1.0), frozenset("ab")]
)
def test_payloads_come_back_equal(payload: object) -> None:
    returned = _returned(payload)
    assert returned == payload and type(returned) is type(payload)


def test_what_is_within_comes_back_too() -> None:
    inner = Nested((Point(1.0), Point(np.inf, "q")), MappingProxyType({"x": np.arange(3.0)}))
    returned = _returned(Single(inner)).value
    assert returned.points == inner.points and isinstance(returned.by_name, MappingProxyType)
    np.testing.assert_array_equal(returned.by_name["x"], inner.by_name["x"])


ARRAYS = hnp.arrays(
    st.sampled_from([np.float64, np.float32, np.int64, np.bool_, np.complex128, "U5", "M8[s]"]),
    hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
)


@given(ARRAYS, st.booleans(), st.booleans())
@settings(max_examples=150, deadline=None)
def test_arrays_come_back_bit_for_bit_in_their_order_and_read_only(
    array: np.ndarray[Any, Any], transposed: bool, every_other: bool
) -> None:
    sent = array.T if transposed else array
    sent = sent[::2] if every_other and sent.ndim else sent
    returned = _returned(Single(sent)).value
    assert returned.dtype == sent.dtype and returned.shape == sent.shape
    assert returned.tobytes() == sent.tobytes() and not returned.flags.writeable
    assert returned.flags.fnc == sent.flags.fnc


@pytest.mark.parametrize("value", [lambda: 1, np.array([{}]), np.zeros(2, "f8,i4"), (one for one in ())])
def test_a_payload_without_bytes_is_a_fault_that_uses_no_number(value: object) -> None:
    _, ends = endpoints("ab")
    shaken(ends["a"], ends["b"])
    with pytest.raises(MessageError, match="message Single from a to b: payload must have bytes"):
        ends["a"].seal(message("a", "b", Single(value)), 0.0)
    [sealed] = ends["a"].seal(message("a", "b"), 0.0)
    assert sealed.counter == 1


@given(st.lists(st.integers(0, 60), max_size=120))
def test_the_guard_knows_what_has_been_here_in_any_order(numbers: list[int]) -> None:
    guard, seen = ReplayGuard(), set[int]()
    for number in numbers:
        assert guard.is_new(number) == (number not in seen)
        seen.add(number)
