"""Scores, classes and sub-pools by hand, and the utilisation index of schedules with known answers."""

from __future__ import annotations

import numpy as np
import pytest

from gridarium.environment.storage import StorageRatings
from gridarium.market.messages.storage_pools import Registration
from gridarium.market.storage_pooling import ClassRules, StorageClass, sub_pools, utilisation_index


def told(e_mwh: float = 1.0, response_s: float = 0.8, p_mw: float = 0.5, **more: float) -> Registration:
    ratings = StorageRatings("x", p_mw, e_mwh, 0.1, 0.9, 0.5, 0.9, 0.9, p_mw)
    return Registration(ratings, more.get("soh", 1.0), response_s, more.get("reserve", 0.0), 0.0)


@pytest.mark.parametrize(
    ("registered", "e_mwh", "score"),
    [
        (told(), 0.5, 0.4 * 1.0 + 0.3 * 1.0 + 0.3 * 0.2),
        (told(response_s=0.1, soh=0.8), 0.5, 0.4 + 0.3 * 0.8 + 0.3 * 0.9),
        (told(response_s=5.0), 0.1, 0.3),
        (told(response_s=5.0), 0.7, 0.4 * 0.5 + 0.3),
        # With 0.2 MWh kept back the band is 0.3 to 0.9 MWh.
        (told(response_s=5.0, reserve=0.2), 0.6, 0.4 + 0.3),
        (told(response_s=5.0, reserve=0.2), 0.3, 0.3),
    ],
)
def test_scores_by_hand(registered: Registration, e_mwh: float, score: float) -> None:
    assert ClassRules().score(registered, e_mwh) == pytest.approx(score)


@pytest.mark.parametrize(
    ("registered", "unclassed", "expected"),
    [
        (told(0.1, 0.5), "none", "fast-response"),
        (told(5.0, 0.5), "none", "fast-response"),
        (told(0.25, 0.6), "none", "energy-reserve"),
        (told(0.24, 0.6), "none", "none"),
        (told(0.24, 0.6), "energy-reserve", "energy-reserve"),
        (told(0.24, 0.6), "fast-response", "fast-response"),
    ],
)
def test_classes(registered: Registration, unclassed: StorageClass, expected: str) -> None:
    rules = ClassRules(unclassed=unclassed)
    assert rules.class_of(registered) == expected
    assert rules.tasks_of(registered) == {
        "fast-response": ("energy", "voltage"), "energy-reserve": ("energy",), "none": (),
    }[expected]  # fmt: skip


def test_as_many_sub_pools_as_classes_are_the_classes_and_others_cut_between_the_likest() -> None:
    owners = {
        "slow": told(2.0), "slower": told(4.0), "quick": told(0.1, 0.1), "slowest": told(8.0),
    }  # fmt: skip
    rules = ClassRules()
    assert sub_pools(owners, rules, 2) == (("slow", "slower", "slowest"), ("quick",))
    assert sub_pools(owners, rules, 1) == (("slow", "slower", "slowest", "quick"),)
    assert sub_pools(owners, rules, 3) == (("slow", "slower"), ("slowest",), ("quick",))
    assert sub_pools(owners, rules, 9) == (("slow",), ("slower",), ("slowest",), ("quick",))


def test_utilisation_of_a_storage_that_turns_round_all_the_time_rests_or_never_turns() -> None:
    zero = np.zeros(4)
    full = np.array([2.0, 0.0, 2.0, 0.0])
    # Half of each index: always at full power, and turned by twice the rated power.
    assert utilisation_index(full, full[::-1], 2.0) == pytest.approx(0.5 + 0.5 * 2.0)
    assert utilisation_index(zero, zero, 2.0) == 0.0
    assert utilisation_index(zero + 2.0, zero, 2.0, (0.25, 0.75)) == pytest.approx(0.25)
