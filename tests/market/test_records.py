"""Messages between agents cannot be changed on their way."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from gridarium.environment.arrays import series
from gridarium.market import records
from gridarium.market.records import LoadPlan

RECORDS = [
    kind for kind in vars(records).values() if isinstance(kind, type) and kind.__module__ == records.__name__
]


def test_series_is_a_read_only_copy() -> None:
    source = np.array([1.0, 2.0])
    made = series(source)
    source[0] = 9.0
    assert made.tolist() == [1.0, 2.0]
    with pytest.raises(ValueError, match="read-only"):
        made[0] = 0.0
    assert series([1, 2]).dtype == np.float64


@pytest.mark.parametrize("kind", RECORDS, ids=lambda kind: kind.__name__)
def test_records_are_frozen_and_closed(kind: type) -> None:
    assert dataclasses.is_dataclass(kind)
    assert kind.__dataclass_params__.frozen  # type: ignore[attr-defined]
    assert "__dict__" not in dir(kind)


def test_fields_cannot_be_set() -> None:
    plan = LoadPlan(1, series([1.0]))
    with pytest.raises(dataclasses.FrozenInstanceError):
        plan.round = 2  # type: ignore[misc]
