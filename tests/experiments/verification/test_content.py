"""What a run says of itself, altered in one place at a time: the check that falls names the place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from gridarium.experiments.results.result import Result
from gridarium.experiments.running.runner import run
from gridarium.experiments.scenario import load_scenario
from gridarium.experiments.verification.run_folder import verify_content

Change = Callable[[pd.DataFrame], pd.Series]


@pytest.fixture(scope="module")
def intact() -> Result:
    return run(load_scenario("adcef-small"), cases=["adcef"])


def fallen(result: Result) -> dict[str, str]:
    return {one.subject: one.said for one in verify_content(result) if not one.passed}


def test_a_run_passes(intact: Result) -> None:
    assert fallen(intact) == {}
    subjects = {one.subject for one in verify_content(intact)}
    assert subjects >= {
        "ledger", "energy balance", "power at buses", "AC power flow", "head voltage", "carbon flow",
        "carbon at heads", "meters of heads", "seam money", "both sides of payments", "payoffs",
        "retail bills", "fuel", "followers",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("table", "column", "kind", "factor", "subject", "said"),
    [
        ("buses", "vm_pu", None, 1.0 + 1e-6, "AC power flow", "branch"),
        ("branches", "q_to_mvar", None, 1.001, "AC power flow", "branch"),
        ("dispatch", "p_supply_mw", "renewable", 0.999, "power at buses", "period 13"),
        ("dispatch", "p_demand_mw", "consumer", 0.99, "energy balance", "period 13"),
        ("dispatch", "q_mvar", "consumer", 1.01, "AC power flow", "period 13"),
        ("buses", "carbon_intensity_tco2_per_mwh", None, 0.99, "carbon flow", "bus"),
        ("branches", "loading", None, 1.001, "AC power flow", "branch"),
        ("dispatch", "e_mwh", "storage", 1.001, "storages", "period 13"),
        ("heads", "price_per_mwh", "dso", 1.01, "meters of heads", "import"),
        ("days", "budget_excess_money", "dso", 1.01, "retail bills", "day 0"),
        ("heads", "carbon_t_per_h", "dso", 0.99, "carbon at heads", "period 20"),
        ("heads", "p_metered_mw", "dso", 0.99, "meters of heads", "period 20"),
        ("storages", "carbon_tco2", "storage", 0.99, "carbon flow", "bus"),
        ("signals", "price_below_per_mwh", "market", 1.01, "seam money", "period 20"),
        ("trades", "price_per_mwh", "dso", 1.01, "retail bills", "period 13"),
        ("loads", "p_metered_mw", "consumer", 0.99, "retail bills", "period 13"),
        ("units", "net_mw", "gas_turbine", 0.99, "fuel", "gas_turbine"),
        ("payoffs", "amount_money", "dso", 1.01, "payoffs", "dso"),
        ("loads", "p_plan_mw", "consumer", 0.999, "followers", "period 13"),
        ("ledger", "amount_money", None, 1.01, "ledger", "was altered"),
    ],
)  # fmt: skip
def test_what_is_altered_is_found(
    intact: Result, table: str, column: str, kind: str | None, factor: float, subject: str, said: str
) -> None:
    altered = intact.tables[table].copy()
    rows = np.ones(len(altered), dtype=bool) if kind is None else altered["kind"].to_numpy() == kind
    if "period" in said:
        rows &= altered["period"].to_numpy() == int(said.split()[1])
    moved = rows & (altered[column].abs() > 1e-3).to_numpy()
    assert moved.any()
    altered.loc[moved, column] *= factor
    found = fallen(replace(intact, tables={**intact.tables, table: altered}))
    assert said in found[subject]


def test_consumers_that_shift_a_hundredth_less_are_found(intact: Result) -> None:
    loads = intact.tables["loads"].copy()
    loads["p_plan_mw"] = loads["p_base_mw"] + 0.99 * (loads["p_plan_mw"] - loads["p_base_mw"])
    assert "followers" in fallen(replace(intact, tables={**intact.tables, "loads": loads}))


def test_tables_that_are_gone_are_not_taken_for_ones_in_order(intact: Result) -> None:
    for name in ("dispatch", "branches", "ledger"):
        left = {key: table for key, table in intact.tables.items() if key != name}
        assert fallen(replace(intact, tables=left))
