"""Behaviours refuse parameters outside their ranges, by name, and cannot be changed afterwards."""

from __future__ import annotations

import dataclasses
import math
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridarium.agents.bounded.action import DropOut, Override, PartialCompliance
from gridarium.agents.bounded.choice import Habit, LossAversion, QuantalChoice, Satisficing
from gridarium.agents.bounded.common import Bounded
from gridarium.agents.bounded.evolution import EvolutionStrategy
from gridarium.agents.bounded.faulty import Byzantine, Inexact
from gridarium.agents.bounded.leader import LearnedSlope, SatisficingLeader, StickyPrice
from gridarium.agents.bounded.learning import Exp3, RothErev
from gridarium.agents.bounded.perception import Inattention, Noise, Stale
from gridarium.environment.errors import GridariumError, ScenarioError
from gridarium.environment.parameters import (
    Allowed,
    OneOf,
    ParameterRange,
    YesOrNo,
    allowed_values,
    parameter_faults,
)

ALL: list[type[Bounded]] = [
    Noise, Stale, Inattention, QuantalChoice, Satisficing, Habit, LossAversion, RothErev, Exp3,
    PartialCompliance, Override, DropOut, StickyPrice, SatisficingLeader, LearnedSlope, EvolutionStrategy,
    Inexact, Byzantine,
]  # fmt: skip
PARAMETERS = [(kind, name) for kind in ALL for name in allowed_values(kind)]


def outside(allowed: Allowed) -> st.SearchStrategy[Any]:
    """Values that a parameter must refuse."""
    wrong: st.SearchStrategy[Any] = st.one_of(st.text(max_size=3), st.just(math.nan), st.just([1]))
    if not (isinstance(allowed, ParameterRange) and allowed.optional):
        wrong |= st.none()
    if isinstance(allowed, YesOrNo):
        return wrong | st.integers() | st.floats()
    if isinstance(allowed, OneOf):
        return wrong | st.integers() | st.sampled_from([each.upper() for each in allowed.words])
    beyond = st.floats(max_value=allowed.low, exclude_max=True) | st.floats(
        min_value=allowed.high, exclude_min=True
    )
    return wrong | beyond | st.booleans() | (st.just(allowed.low + 0.5) if allowed.whole else st.nothing())


@pytest.mark.parametrize(("kind", "name"), PARAMETERS, ids=lambda value: getattr(value, "__name__", value))
@given(data=st.data())
def test_a_value_outside_its_range_is_refused_by_name(kind: type[Bounded], name: str, data: Any) -> None:
    value = data.draw(outside(allowed_values(kind)[name]))
    with pytest.raises(ScenarioError) as caught:
        kind(**{name: value})
    (fault,) = caught.value.faults
    assert fault.place == name
    assert fault.value is value
    assert fault.allowed == f"must be {allowed_values(kind)[name]}"
    assert isinstance(caught.value, GridariumError)
    assert kind.__name__ in str(caught.value)


@pytest.mark.parametrize("kind", ALL)
def test_both_ends_of_a_range_are_allowed(kind: type[Bounded]) -> None:
    for name, allowed in allowed_values(kind).items():
        ends: tuple[object, ...] = (False, True)
        if isinstance(allowed, ParameterRange):
            ends = (allowed.low, allowed.high, *([None] if allowed.optional else []))
        elif isinstance(allowed, OneOf):
            ends = allowed.words
        for value in ends:
            assert getattr(kind(**{name: value}), name) == value


def test_all_faults_are_found_at_once_without_an_instance() -> None:
    found = list(parameter_faults(Noise, {"price_scale_per_mwh": -1, "redraw": 1, "colour": 2}))
    assert [fault.place for fault in found] == ["price_scale_per_mwh", "redraw", "colour"]
    assert str(found[0]) == "price_scale_per_mwh: got -1; must be a number in [0, 10000]"
    assert "known are price_scale_per_mwh, " in str(found[2])


def test_parameters_are_frozen_and_memories_are_not_shared() -> None:
    one, other = Stale(rounds=2), Stale(rounds=2)
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.rounds = 3  # type: ignore[misc]
    one.heard.append((0.0, None))
    assert other.heard == []
    assert one != other


def test_parameters_are_checked_without_loading_a_solver() -> None:
    modules = sorted({kind.__module__ for kind in ALL})
    heavy = ("highspy", "pyomo", "piqp", "scipy", "mesa", "simpy", "pandas")
    code = f"import sys, {', '.join(modules)}; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
