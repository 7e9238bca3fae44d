"""Parameters declared by a class that is no behaviour."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from gridarium.environment.errors import ScenarioError
from gridarium.environment.parameters import Parameterised, allowed_values, count, number, word


@dataclass(frozen=True)
class Patient(Parameterised):
    patience: float = number(0.9, 0, 1)
    deadline: int | None = count(None, 1, 1000)
    mood: str = word("calm", "cross")


def test_a_parameter_without_a_default_value_may_be_left_out_or_given() -> None:
    assert Patient().deadline is None
    assert Patient(deadline=3).deadline == 3
    assert Patient() == Patient(0.9)
    told = {name: str(allowed) for name, allowed in allowed_values(Patient).items()}
    assert told == {
        "patience": "a number in [0, 1]",
        "deadline": "a whole number in [1, 1000] or null",
        "mood": "one of calm, cross",
    }


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(ScenarioError, match="parameters of Patient") as caught:
        Patient(patience=None, deadline=0, mood="odd")  # type: ignore[arg-type]
    assert [str(fault) for fault in caught.value.faults] == [
        "patience: got None; must be a number in [0, 1]",
        "deadline: got 0; must be a whole number in [1, 1000] or null",
        "mood: got 'odd'; must be one of calm, cross",
    ]
    assert Patient(mood="cross").mood == "cross"
