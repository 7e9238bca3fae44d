from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pytest

from gridarium.environment.alteration import Alteration, numeric_fields
from gridarium.environment.arrays import Array, Flags, series
from gridarium.environment.errors import Fault, InputError


@dataclass(frozen=True, slots=True)
class Bid:
    hour: int
    price_per_mwh: float
    load_mw: Array
    on: Flags
    who: str
    final: bool = False
    limit_mw: Array | None = None
    least_mw: float | None = None

    def __post_init__(self) -> None:
        if self.price_per_mwh < 0.0:
            raise InputError("bid", [Fault("price_per_mwh", self.price_per_mwh, "must not be below 0")])


BID = Bid(3, 50.0, series([1.0, 2.0]), np.array([True, False]), "a")


def test_numbers_and_series_can_be_altered() -> None:
    assert numeric_fields(Bid) == ("hour", "price_per_mwh", "load_mw", "limit_mw", "least_mw")
    assert numeric_fields(tuple) == ()


def test_a_field_is_scaled_and_shifted_and_nothing_else_changes() -> None:
    altered = Alteration("load_mw", 2.0, -0.5).of(BID)
    np.testing.assert_array_equal(altered.load_mw, [1.5, 3.5])
    assert not altered.load_mw.flags.writeable
    assert (altered.hour, altered.price_per_mwh, altered.who) == (3, 50.0, "a")
    assert Alteration("price_per_mwh", 0.5).of(BID).price_per_mwh == 25.0
    hour = Alteration("hour", 1.4).of(BID).hour
    assert (hour, type(hour)) == (4, int)
    np.testing.assert_array_equal(BID.load_mw, [1.0, 2.0])


def test_what_is_not_told_cannot_be_altered_and_what_is_impossible_is_an_error() -> None:
    assert Alteration("limit_mw", 2.0).of(BID) is BID
    with pytest.raises(InputError, match="price_per_mwh"):
        Alteration("price_per_mwh", -1.0).of(BID)


class Ask(NamedTuple):
    turn: int
    price_per_mwh: float
    who: str = "b"


def test_named_tuples_are_records_too() -> None:
    assert numeric_fields(Ask) == ("turn", "price_per_mwh")
    assert Alteration("price_per_mwh", 1.5).of(Ask(1, 40.0)) == Ask(1, 60.0)
