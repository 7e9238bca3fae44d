"""Certificates on record against tables, devices against ratings, trades against what was said."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace

import pandas as pd
import pytest

from gridarium.experiments.results.result import Result
from gridarium.experiments.verification.certificates import certificates
from gridarium.experiments.verification.checks import Check
from gridarium.experiments.verification.devices import devices
from gridarium.experiments.verification.money import money
from gridarium.experiments.verification.trades import trades
from gridarium.market.accounts import LINE_ENERGY

CASE = "shared-storage"


@pytest.fixture(scope="module")
def intact(run_short: Callable[..., Result]) -> Result:
    """Four hours of prosumers, a storage provider and units with capture."""
    return run_short(cases=(CASE,))


def fallen(checks: list[Check]) -> dict[str, str]:
    return {one.subject: one.said for one in checks if not one.passed}


def changed(run: Result, table: str, column: str, row: int, factor: float) -> Result:
    altered = run.tables[table].copy()
    place = altered.index[altered[column].abs() > 1e-3][row]
    altered.loc[place, column] *= factor
    return replace(run, tables={**run.tables, table: altered})


def test_all_is_in_order_and_says_what_is_not_recomputed(intact: Result) -> None:
    found = [*certificates(intact, CASE), *devices(intact, CASE), *trades(intact, CASE)]
    assert fallen(found) == {}
    told = [one.said for one in found if one.subject == "certificates not recomputed"]
    assert any("a problem of its own" in said and "perfect information" in said for said in told)
    names = {one.name for one in intact.certificates}
    listed = [name for said in told for name in said.partition(": ")[2].split(", ")]
    recomputed = next(one.said for one in found if one.subject == "certificates recomputed")
    assert len(listed) + int(recomputed.split()[0]) == len(names) == len({*listed, *names})


@pytest.mark.parametrize(
    "name", ["ramps", "unit limits", "solvent tank", "money balance", "storage cycle", "quarters counted"]
)
def test_another_value_than_that_of_the_tables_is_found(intact: Result, name: str) -> None:
    kept = [
        replace(one, value=one.value + 2.0 * one.tolerance + 1.0, passed=False) if one.name == name else one
        for one in intact.certificates
    ]
    assert f"certificate {name}" in fallen(list(certificates(replace(intact, certificates=kept), CASE)))


def test_a_verdict_that_is_not_that_of_its_value_is_found(intact: Result) -> None:
    kept = [replace(one, passed=not one.passed) for one in intact.certificates]
    told = fallen(list(certificates(replace(intact, certificates=kept), CASE)))
    assert "passed is not what value and tolerance say" in told["certificates judged"]


@pytest.mark.parametrize(
    ("table", "column", "subject"),
    [
        ("storages", "e_mwh", "storages"),
        ("units", "gross_mw", "thermal units"),
        ("units", "emission_gross_tco2_per_h", "thermal units"),
    ],
)
def test_devices_beyond_what_they_can_are_found(
    intact: Result, table: str, column: str, subject: str
) -> None:
    assert subject in fallen(list(devices(changed(intact, table, column, 3, 1.01), CASE)))


@pytest.mark.parametrize(
    ("table", "column", "subject"),
    [("trades", "fee_money", "line fees"), ("trades", "price_per_mwh", "prices agreed on")],
)
def test_trades_that_nobody_agreed_on_are_found(
    intact: Result, table: str, column: str, subject: str
) -> None:
    made = replace(intact, tables={**intact.tables, table: _delivered_first(intact.tables[table])})
    assert subject in fallen(list(trades(changed(made, table, column, 0, 1.01), CASE)))


def test_a_trade_that_was_paid_a_minute_late_is_found(intact: Result) -> None:
    ledger = intact.tables["ledger"].copy()
    late = ledger.index[ledger["purpose"] == LINE_ENERGY][:2]
    ledger.loc[late, "time"] += pd.Timedelta(minutes=1)
    run = replace(intact, tables={**intact.tables, "ledger": ledger})
    assert "line trades" not in fallen(list(money(intact, CASE)))
    assert "line trades" in fallen(list(money(run, CASE)))


def _delivered_first(table: pd.DataFrame) -> pd.DataFrame:
    return table.sort_values("delivered_mwh", kind="stable", na_position="last", ascending=False).reset_index(
        drop=True
    )


def test_no_agent_is_asked() -> None:
    code = (
        "import sys, gridarium.experiments.verification.run_folder, "
        "gridarium.experiments.verification.sweep_folder;"
        "sys.exit(any(name.startswith('gridarium.agents') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
