"""Two small scenarios find what is stored; all others are compared by `golden.py`."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

TOLERANCES = {"adcef-small": 1e-4, "net-zero-short": 1e-2}
"""Of metrics: what other processors, releases of solvers and the tolerance of a negotiation leave open.

Where units are committed to a gap in the cost of the day, small parts of that cost may differ by much more.
"""
LEAST_SCALE = 1.0
"""In the unit of a metric: a rest of 1e-6 MWh or a residual of 0.01 CNY/MWh has no digits to compare."""


@pytest.fixture(scope="module")
def golden() -> ModuleType:
    spec = importlib.util.spec_from_file_location("golden", Path(__file__).with_name("golden.py"))
    module = importlib.util.module_from_spec(spec)
    sys.modules["golden"] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", TOLERANCES)
def test_small_scenarios_find_what_is_stored(golden: ModuleType, name: str) -> None:
    stored = golden.read(golden.FOLDER / f"{name}.json")
    found = golden.compared(
        stored, golden.measured(name), golden.read_renames(), TOLERANCES[name], LEAST_SCALE
    )
    assert found.faults == []


def test_everything_shipped_is_stored(golden: ModuleType) -> None:
    stored = {path.stem for path in golden.FOLDER.glob("*.json") if path != golden.RENAMED}
    assert stored == {*golden.shipped_scenarios(), *golden.SHORT} - golden.NOT_STORED
    assert golden.shipped_scenarios().keys() > golden.NOT_STORED


def _golden(summary: dict[str, float], verdict: str = "hard, passed", column: str = "a") -> dict:
    table = {"rows": 2, "hash": "x", "columns": {"p_mw": "same", "paid_cny": column}}
    case = {"summary": summary, "certificates": {"balance": verdict}, "tables": {"ledger": table}}
    return {"scenario": "made-up", "settings": [], "versions": {"numpy": "2"}, "cases": {"only": case}}


def test_comparison_tells_values_verdicts_and_names_apart(golden: ModuleType) -> None:
    old = _golden({"same": 1.0, "moved": 1.0, "lost": 2.0, "nothing": float("nan")})
    new = _golden({"same": 1.0 + 1e-12, "moved": 1.1, "nothing": float("nan")}, "hard, failed", "b")
    found = golden.compared(old, new)
    assert [fault.split(":")[1].strip() for fault in found.faults] == [
        "metric moved",
        "metric lost",
        "certificate balance",
    ]
    assert [remark for remark in found.remarks if "paid_cny" in remark and "p_mw" not in remark]


def test_a_known_rename_still_compares_the_values(golden: ModuleType) -> None:
    renames = {"metrics": {"*_cny": "*_money"}, "columns": {"ledger.paid_cny": "paid_money"}}
    new = _golden({"sales_money": 5.0})
    hashes = new["cases"]["only"]["tables"]["ledger"]["columns"]
    hashes["paid_money"] = hashes.pop("paid_cny")
    found = golden.compared(_golden({"sales_cny": 5.0}), new, renames)
    assert found.faults == [] and found.remarks == []
    assert list(found.renamed) == [
        ("metrics", "sales_cny", "sales_money"),
        ("columns", "paid_cny", "paid_money"),
    ]
    assert golden.compared(_golden({"sales_cny": 5.1}), new, renames).faults


def test_hashes_know_content_and_not_types(golden: ModuleType) -> None:
    pd = golden.pd
    whole, real = pd.Series([1, 0, 2]), pd.Series([1.0, -0.0, 2.0])
    assert golden.column_hash(whole) == golden.column_hash(real)
    assert golden.column_hash(pd.Series([1.0, None])) == golden.column_hash(
        pd.Series([1, None], dtype=object)
    )
    assert golden.column_hash(real) != golden.column_hash(pd.Series([1.0, 0.0, 2.0 + 1e-15]))
