"""Labels of a schedule: mass balance by every rule, and B11 against a linear system of its own."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gridarium.environment.arrays import Array
from gridarium.environment.attribute_tank import Rule
from gridarium.environment.errors import StorageError
from gridarium.environment.green_label import (
    GreenLabels,
    LabelledSchedule,
    label_imbalance_mwh,
    replay_label,
    replay_labels,
)
from gridarium.environment.storage import StorageRatings

LOSSLESS = StorageRatings("r1/storage", 1.0, 1.0, 0.0, 1.0, 0.2, 1.0, 1.0, 1.0)
LOSSY = dataclasses.replace(LOSSLESS, efficiency_charge=0.95, efficiency_discharge=0.9)
N = 12


def schedule_of(storage: StorageRatings, wishes: Array, share: Array, period_h: float) -> LabelledSchedule:
    """A schedule that empties and fills the storage where it is asked to: states of charge by `wishes`."""
    e_mwh = wishes * storage.e_max_mwh
    initial = storage.soc_initial * storage.e_max_mwh
    charge, discharge = storage.powers_mw(e_mwh, initial, period_h)
    return LabelledSchedule(charge, discharge, share, period_h)


def test_two_steps_of_b11_by_hand() -> None:
    schedule = LabelledSchedule(np.array([0.5, 0.0]), np.array([0.0, 0.35]), np.array([0.6, 0.1]), 1.0)
    labels = replay_label(LOSSLESS, schedule, 0.0)
    assert labels.in_mwh == pytest.approx([0.3, 0.0])
    assert labels.out_mwh == pytest.approx([0.0, 0.15])
    assert labels.share == pytest.approx([0.3 / 0.7, 0.3 / 0.7])
    # First in, first out: 0.2 MWh brown, then 0.15 of 0.6 green.
    assert replay_label(LOSSLESS, schedule, 0.0, "fifo").out_mwh == pytest.approx([0.0, 0.09])
    asked = schedule._replace(green_out_mwh=np.array([0.0, 0.3]))
    assert replay_label(LOSSLESS, asked, 0.0, "load-generator").stored_mwh == pytest.approx([0.3, 0.0])


def test_losses_are_taken_from_what_goes_in_and_from_what_comes_out() -> None:
    schedule = LabelledSchedule(np.array([0.4, 0.0]), np.array([0.0, 0.18]), np.array([1.0, 0.0]), 1.0)
    labels = replay_label(dataclasses.replace(LOSSY, soc_initial=0.0), schedule, 0.0)
    assert labels.in_mwh[0] == pytest.approx(0.4)
    assert labels.stored_mwh == pytest.approx([0.38, 0.18])
    assert labels.out_mwh[1] == pytest.approx(0.18)
    assert (labels.share == pytest.approx(1.0)) and labels.e_mwh == pytest.approx([0.38, 0.18])


def linear_mixing(storage: StorageRatings, schedule: LabelledSchedule, green_initial_mwh: float) -> Array:
    """Green energy inside by one linear system over the day: the energies are known beforehand."""
    (eta_c, eta_d), h = storage.efficiencies, schedule.period_h
    gained = eta_c * schedule.p_charge_mw * h - schedule.p_discharge_mw * h / eta_d
    e_mwh = storage.soc_initial * storage.e_max_mwh + np.cumsum(gained)
    before = np.concatenate([[storage.soc_initial * storage.e_max_mwh], e_mwh[:-1]])
    taken = schedule.p_discharge_mw * h / eta_d
    kept = 1.0 - np.divide(taken, before, out=np.zeros(N), where=before > 0.0)
    system = np.eye(N) - np.diag(kept[1:], -1)
    source = eta_c * schedule.green_share * schedule.p_charge_mw * h
    source[0] += kept[0] * green_initial_mwh
    return np.linalg.solve(system, source)


levels = st.one_of(st.sampled_from([0.0, 1.0]), st.floats(0.02, 1.0))
days = st.tuples(arrays(np.float64, N, elements=levels), arrays(np.float64, N, elements=st.floats(0, 1)))
FAST = dataclasses.replace(LOSSY, p_max_mw=8.0)


@settings(max_examples=60)
@given(day=days, green=st.floats(0, 1), period_h=st.sampled_from([0.25, 1.0]))
def test_proportional_labels_solve_the_equation(
    day: tuple[Array, Array], green: float, period_h: float
) -> None:
    schedule = schedule_of(FAST, *day, period_h)
    labels = replay_label(FAST, schedule, 0.2 * green)
    assert labels.stored_mwh == pytest.approx(linear_mixing(FAST, schedule, 0.2 * green), abs=1e-9)


@pytest.mark.parametrize("rule", ["proportional", "fifo", "load-generator", "managed"])
@settings(max_examples=60)
@given(day=days, green=st.floats(0, 1))
def test_green_mass_balances_by_every_rule(rule: Rule, day: tuple[Array, Array], green: float) -> None:
    """Empty storages, full turn-over and losses included."""
    units, first = (FAST, dataclasses.replace(FAST, soc_initial=0.0)), np.array([0.2 * green, 0.0])
    schedule = two_storages(units, day)
    if rule in ("load-generator", "managed"):
        # What mixing would give is a choice that both allow.
        mixed = replay_labels(units, schedule, first)
        schedule = schedule._replace(green_out_mwh=mixed.out_mwh)
    labels = replay_labels(units, schedule, first, rule)
    assert label_imbalance_mwh(units, labels, first) == pytest.approx(0.0, abs=1e-9)
    assert (labels.stored_mwh >= -1e-9).all() and (labels.stored_mwh <= labels.e_mwh + 1e-9).all()
    assert (labels.out_mwh >= -1e-9).all()
    assert (labels.out_mwh <= schedule.p_discharge_mw * schedule.period_h + 1e-9).all()
    if schedule.green_out_mwh is not None:
        assert labels.out_mwh == pytest.approx(schedule.green_out_mwh, abs=1e-9)


def two_storages(units: tuple[StorageRatings, ...], day: tuple[Array, Array]) -> LabelledSchedule:
    apart = [schedule_of(unit, *day, 1.0) for unit in units]
    return LabelledSchedule(
        np.stack([one.p_charge_mw for one in apart]),
        np.stack([one.p_discharge_mw for one in apart]),
        day[1],
        1.0,
    )


def test_many_storages_are_each_followed_alone() -> None:
    day = np.linspace(0.0, 1.0, N) % 0.7, np.linspace(0.3, 0.6, N)
    units, first = (FAST, dataclasses.replace(FAST, soc_initial=0.5)), np.array([0.1, 0.4])
    both = two_storages(units, day)
    labels = replay_labels(units, both, first, "fifo")
    own = both._replace(green_share=np.stack([day[1], day[1]]))
    for row, unit in enumerate(units):
        alone = replay_label(unit, schedule_of(unit, *day, 1.0), first[row], "fifo")
        for together, again, single in zip(
            labels, replay_labels(units, own, first, "fifo"), alone, strict=True
        ):
            np.testing.assert_array_equal(together[row], single)
            np.testing.assert_array_equal(again[row], single)


def test_an_imbalance_is_seen() -> None:
    labels = GreenLabels(*np.array([[[0.4, 0.0]], [[0.0, 0.2]], [[0.38, 0.2]], [[0.38, 0.2]]]))
    # 0.2 / 0.9 left the inside and 0.2 are there, of 0.38 that came: 0.0422 MWh too many.
    found = label_imbalance_mwh([LOSSY], labels, np.zeros(1))
    assert found == pytest.approx(0.2 / 0.9 + 0.2 - 0.38)


ONE = LabelledSchedule(np.array([0.5]), np.array([0.0]), np.array([0.6]), 1.0)


@pytest.mark.parametrize(
    ("changes", "rule", "message"),
    [
        ({"green_share": np.array([1.2])}, "fifo", r"r1/storage, period 0: green_share must be in \[0, 1\]"),
        ({"green_share": np.array([0.5, 0.5])}, "fifo", r"green_share must have shape \(1,\), got \(2,\)"),
        ({"p_charge_mw": np.array([0.9])}, "fifo", "storage r1/storage, period 0: e_mwh must be in"),
        ({}, "load-generator", "green_out_mwh is needed under the rule 'load-generator'"),
        ({"green_out_mwh": np.zeros(1)}, "proportional", "green_out_mwh must be left out"),
        ({"green_out_mwh": np.array([0.1])}, "load-generator", "label, period 0: attribute_out must be in"),
    ],
)
def test_what_cannot_be_is_named(changes: dict[str, Any], rule: Rule, message: str) -> None:
    with pytest.raises(StorageError, match=message):
        replay_label(LOSSLESS, ONE._replace(**changes), 0.0, rule)
    with pytest.raises(StorageError, match="p_charge_mw must have 2 rows, got 1"):
        replay_labels([LOSSLESS, LOSSY], LabelledSchedule(*(np.zeros((1, 1)),) * 3, 1.0), np.zeros(2))
