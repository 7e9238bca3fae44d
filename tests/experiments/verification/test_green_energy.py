"""A run folder's green labels and certificates: in order, and altered in each of their columns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from gridarium.experiments.results.result import Result
from gridarium.experiments.verification.checks import Check
from gridarium.experiments.verification.green_energy import green_energy
from tests.support.vpp_tables import OWNERS, evidence

SUBJECTS = ["green certificates", "green labels"]
Change = Callable[[pd.DataFrame], object]


@pytest.fixture(scope="module")
def left() -> Result:
    """What a run of two cases leaves, of which only the second has plants."""
    known = evidence(rules={"south": "fifo"})
    scenario: Any = known.scenario
    tables = {
        "storages": known.tables["storages"].assign(case="only", grid=""),
        "records": known.tables["records"].assign(case="only"),
    }
    with_plants = {
        "vpps": {name: one.model_dump() for name, one in scenario.vpps.items()},
        "storages": {name: one.model_dump() for name, one in scenario.storages.items()},
    }
    tree = {"period_h": 1.0, "cases": {"none": {}, "only": with_plants}}
    return Result({"none": {}, "only": {}}, [], [], tree, {}, tables)


def checked(left: Result, table: str, change: Change) -> list[Check]:
    copy = left.tables[table].reset_index(drop=True)
    change(copy)
    return list(green_energy(replace(left, tables={**left.tables, table: copy})))


def moved(column: str, off: float) -> Change:
    def change(table: pd.DataFrame) -> None:
        values = table[column].to_numpy(dtype=float, copy=True)
        values[20] += off
        table[column] = values

    return change


def said_twice(records: pd.DataFrame) -> None:
    records.loc[records["what"].str.endswith("cancelled"), "discharge_mwh"] *= 2.0


def test_what_is_in_order_passes_where_there_is_any(left: Result) -> None:
    checks = list(green_energy(left))
    assert [(one.case, one.subject, one.passed) for one in checks] == [
        ("only", subject, True) for subject in SUBJECTS
    ]
    assert checks[0].said.startswith("6 over ") and checks[1].said.startswith(f"{len(OWNERS)} storages")


@pytest.mark.parametrize("column", ["green_mwh", "green_in_mwh", "green_out_mwh"])
def test_altered_labels_are_located(left: Result, column: str) -> None:
    found = {one.subject: one for one in checked(left, "storages", moved(column, 0.01))}
    assert not found["green labels"].passed
    assert "storage h1, period 20" in found["green labels"].said


def test_labels_of_another_beginning_are_found(left: Result) -> None:
    plants = left.scenario["cases"]["only"]["vpps"]
    other = {name: {**one, "initial_green_share": 0.31} for name, one in plants.items()}
    cases = {"none": {}, "only": {**left.scenario["cases"]["only"], "vpps": other}}
    (_, labels) = green_energy(replace(left, scenario={**left.scenario, "cases": cases}))
    assert not labels.passed and "period 0" in labels.said


def test_certificates_beyond_what_left_or_used_twice_are_found(left: Result) -> None:
    def without_discharge(storages: pd.DataFrame) -> None:
        storages["green_out_mwh"] = 0.0

    for table, change, said in (
        ("storages", without_discharge, "0 MWh green have left"),
        ("records", said_twice, "cannot be cancelled"),
    ):
        certificates = checked(left, table, change)[0]
        assert not certificates.passed and said in certificates.said


def test_a_table_that_lost_a_column_is_not_taken_for_one_in_order(left: Result) -> None:
    lost = replace(left, tables={**left.tables, "storages": left.tables["storages"].drop(columns="e_mwh")})
    (_, labels) = green_energy(lost)
    assert not labels.passed and "cannot be read (KeyError" in labels.said
