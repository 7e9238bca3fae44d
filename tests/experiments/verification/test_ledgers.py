"""A run folder's ledgers with every entry altered, removed, moved and inserted: found, and located."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

from gridarium.environment.ledger import Ledger
from gridarium.experiments import cli
from gridarium.experiments.results.folder import write_run
from gridarium.experiments.results.result import Result, read_run
from gridarium.experiments.results.table_files import parquet_bytes
from gridarium.experiments.scenario import load_scenario
from gridarium.experiments.verification.checks import Check
from gridarium.experiments.verification.ledgers import ledgers
from gridarium.experiments.verification.run_folder import verify

START = pd.Timestamp("2025-06-21", tz="Asia/Shanghai")
N = 9


def booked(left_out: int | None = None) -> Ledger:
    """Payments of two households to a company and back, with and without a period."""
    ledger = Ledger(START)
    for number in range(N):
        period = None if number % 4 == 3 else number // 2
        payer, amount = f"home {number % 2}", (-1.0) ** number * (0.1 + number // 3)
        if number != left_out:
            ledger.book(900.0 * number + 1e-7, payer, "company", amount, "energy", period)
    return ledger


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two cases."""
    ledgers = {"one": booked(), "other": booked(4)}
    tables = [ledger.table().assign(case=case) for case, ledger in ledgers.items()]
    path: Path = tmp_path_factory.mktemp("runs") / "run"
    write_run(
        path,
        scenario=load_scenario("adcef").resolved(),
        summary={case: {} for case in ledgers},
        certificates=[],
        claims=[],
        tables={"ledger": pd.concat(tables, ignore_index=True)},
        manifest={
            "seed": 1,
            "ledgers": {case: {"ledger": ledger.heads._asdict()} for case, ledger in ledgers.items()},
        },
    )
    return path


@pytest.fixture(scope="module")
def intact(folder: Path) -> Result:
    return read_run(folder)


@pytest.fixture
def found(intact: Result) -> Callable[[pd.DataFrame], list[Check]]:
    """Return a function that checks the run with another ledger in it."""
    return lambda ledger: list(ledgers(replace(intact, tables={"ledger": ledger})))


def rows(table: pd.DataFrame, order: list[int]) -> pd.DataFrame:
    """The entries of the first case in another order, and the other case as it was."""
    mine, rest = table[table["case"] == "one"], table[table["case"] != "one"]
    parts = [mine.iloc[2 * number : 2 * number + 2] for number in order]
    return pd.concat([*parts, rest], ignore_index=True)


def said_of(checks: list[Check]) -> str:
    """What is said of the first case; all else is as it was."""
    told = {check.case: check for check in checks}
    assert told["other"].passed and not told["one"].passed
    return told["one"].said


def test_an_intact_run_passes(intact: Result) -> None:
    checks = list(ledgers(intact))
    assert [(check.case, check.passed) for check in checks] == [("one", True), ("other", True)]
    assert checks[0].said == f"{N} entries, each as it was booked"


@pytest.mark.parametrize(
    ("column", "other"),
    [
        ("entry", 77), ("period", 5.0), ("time", START), ("account", "thief"), ("counterparty", "thief"),
        ("purpose", "gift"), ("amount_money", 1e-9), ("hash", "00" * 32), ("hash", "no hash"), ("hash", None),
    ],
)  # fmt: skip
def test_every_altered_entry_is_located(
    intact: Result, found: Callable[[pd.DataFrame], list[Check]], column: str, other: Any
) -> None:
    for number in range(N):
        for sides in ([0], [1], [0, 1]):
            table = intact.table("ledger").copy()
            table.loc[[2 * number + side for side in sides], column] = other
            assert said_of(found(table)) == f"entry {number} was altered"


def test_the_same_payment_with_both_sides_changed_is_located(
    intact: Result, found: Callable[[pd.DataFrame], list[Check]]
) -> None:
    for number in range(N):
        table = intact.table("ledger").copy()
        table.loc[[2 * number, 2 * number + 1], "amount_money"] *= 1.0 + 1e-15 if number else 2.0
        assert said_of(found(table)) == f"entry {number} was altered"


def test_every_removed_entry_is_located(intact: Result, found: Callable[[pd.DataFrame], list[Check]]) -> None:
    table = intact.table("ledger")
    for number in range(N):
        order = [other for other in range(N) if other != number]
        assert said_of(found(rows(table, order))) == f"entry {number} was removed"
        half = table.drop(index=2 * number).reset_index(drop=True)
        assert said_of(found(half)) == f"entry {number} was altered"
    assert said_of(found(rows(table, []))) == "entry 0 was removed"


def test_every_moved_entry_is_located(intact: Result, found: Callable[[pd.DataFrame], list[Check]]) -> None:
    table = intact.table("ledger")
    for number in range(N):
        for place in set(range(N)) - {number}:
            order = [other for other in range(N) if other != number]
            order.insert(place, number)
            # Of two that have changed places it is as true that the later one came forward.
            moved = (number, place) if place != number + 1 else (place, number)
            said = f"entry {moved[0]} was moved, it stands in place {moved[1]}"
            assert said_of(found(rows(table, order))) == said


def test_every_inserted_entry_is_located(
    intact: Result, found: Callable[[pd.DataFrame], list[Check]]
) -> None:
    table = intact.table("ledger")
    for place in range(N + 1):
        for copied in range(N):
            order = [*range(place), copied, *range(place, N)]
            # A copy right behind its original is the one that is too many.
            at = place + 1 if copied == place else place
            said = f"entry {copied} was inserted, it stands in place {at}"
            assert said_of(found(rows(table, order))) == said
            forged = rows(table, order)
            forged.loc[[2 * place, 2 * place + 1], "purpose"] = "gift"
            forged.loc[[2 * place, 2 * place + 1], "entry"] = place
            said = f"entry {place} was inserted, it stands in place {place}"
            assert said_of(found(forged)) == said


def test_hashes_that_are_written_anew_do_not_end_in_the_head(
    intact: Result, found: Callable[[pd.DataFrame], list[Check]]
) -> None:
    other = intact.table("ledger").query("case == 'other'")
    anew = Ledger(START)
    for entry in booked().entries:
        amount = entry.amount + (entry.entry == 4)
        anew.book(entry.time_s, entry.payer, entry.payee, amount, "energy", entry.period)
    table = pd.concat([anew.table().assign(case="one"), other], ignore_index=True)
    assert "follow from each other, but not to the head" in said_of(found(table))


def test_a_case_that_is_new_or_lost_is_found(
    intact: Result, found: Callable[[pd.DataFrame], list[Check]]
) -> None:
    table = intact.table("ledger")
    with_another = pd.concat([table, table.query("case == 'one'").assign(case="third")])
    assert [check.case for check in found(with_another) if not check.passed] == ["third"]
    lost = [check for check in found(table.query("case == 'one'")) if not check.passed]
    assert [(check.case, check.said) for check in lost] == [("other", "entry 0 was removed")]
    assert all(not check.passed for check in found(table.drop(columns="hash")))


@pytest.mark.parametrize(("field", "other"), [("size", 3), ("newest", "00"), ("root", "00"), ("root", None)])
def test_a_manifest_with_another_head_is_found(intact: Result, field: str, other: object) -> None:
    heads = {case: {"ledger": dict(told["ledger"])} for case, told in intact.manifest["ledgers"].items()}
    heads["one"]["ledger"][field] = other
    altered = replace(intact, manifest={**intact.manifest, "ledgers": heads})
    assert [check.passed for check in ledgers(altered)] == [False, True]
    (lost,) = ledgers(replace(intact, manifest={}))
    assert not lost.passed and "must hold the heads of the ledgers" in lost.said


def test_the_command_says_what_is_broken(folder: Path, tmp_path: Path) -> None:
    def called(path: Path) -> Any:
        return CliRunner().invoke(cli.app, ["verify", str(path)])

    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    table = read_run(copy).table("ledger").copy()
    table.loc[table.index[-4:], "amount_money"] *= 2.0
    (copy / "tables" / "ledger.parquet").write_bytes(parquet_bytes(table))
    broken = called(copy)
    assert broken.exit_code == 1
    assert "BROKEN" in broken.output and f"entry {N - 3} was altered" in broken.output
    assert called(tmp_path / "nothing").exit_code == 2
    assert {one.subject for one in verify(copy) if not one.passed} >= {"tables/ledger.parquet", "ledger"}
