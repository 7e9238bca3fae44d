"""Messages between agents cannot be changed on their way."""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
from collections import Counter

import numpy as np
import pytest

from gridarium.environment.arrays import series
from gridarium.market import messages
from gridarium.market.messages.tariffs import LoadPlan

MODULES = [
    importlib.import_module(module.name)
    for module in pkgutil.iter_modules(messages.__path__, f"{messages.__name__}.")
]
MESSAGES = [
    kind
    for module in MODULES
    for kind in vars(module).values()
    if isinstance(kind, type) and kind.__module__ == module.__name__
]


def test_there_is_one_message_of_each_name() -> None:
    assert len(MODULES) == 12
    names = Counter(kind.__name__ for kind in MESSAGES)
    assert names.most_common(1)[0][1] == 1


def test_series_is_a_read_only_copy() -> None:
    source = np.array([1.0, 2.0])
    made = series(source)
    source[0] = 9.0
    assert made.tolist() == [1.0, 2.0]
    with pytest.raises(ValueError, match="read-only"):
        made[0] = 0.0
    assert series([1, 2]).dtype == np.float64


@pytest.mark.parametrize("kind", MESSAGES, ids=lambda kind: kind.__name__)
def test_messages_are_frozen_and_closed(kind: type) -> None:
    if dataclasses.is_dataclass(kind):
        assert kind.__dataclass_params__.frozen  # type: ignore[attr-defined]
        assert "__dict__" not in dir(kind)
    else:
        assert issubclass(kind, tuple)


def test_fields_cannot_be_set() -> None:
    plan = LoadPlan(series([1.0]))
    with pytest.raises(dataclasses.FrozenInstanceError):
        plan.load_mw = series([2.0])  # type: ignore[misc]
